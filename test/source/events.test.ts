// What each source's messages come to, as a table that can be read: the whole event, and what the starter set of playbooks plans for it.
// `expected/<source>.txt` has one row for each item of each sample; a difference is read line by line before it is kept
// (`npx vitest run -u --project node test/source/events.test.ts` writes the tables anew).
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findPlaybooks } from "../../functions/cli/playbook-files.ts";
import { alertSources, eventSources } from "../../shared/config.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { compilePlaybook, type Decision, decide, noHistory, type PlannedAction } from "../../shared/playbook/decide.ts";
import { readPlaybook } from "../../shared/playbook/read.ts";
import { durationText } from "../../shared/request/duration.ts";
import { adapters, type SourceEntry } from "../../shared/source/index.ts";
import { dataRoot, samples, withSamples } from "./samples.ts";

/** None of the starter set lifts, so one that does stands beside them. */
const lifting = `name: taken-back
title: What a source takes back is lifted
mode: enforce
on: { source: [alertmanager, cloudflare], status: resolved }
do:
  - lift: {}
`;

function playbooks() {
  const starter = findPlaybooks(undefined);
  const read = readPlaybook(lifting, "taken-back.yaml");
  if (starter.problems.length > 0 || !read.ok) throw new Error("a playbook cannot be read");
  return [...starter.playbooks.map(({ compiled }) => compiled), compilePlaybook(read.playbook)];
}

const all = playbooks();

function actionText(action: PlannedAction): string {
  const left = action.left.map((why) => `; left alone: ${why}`).join("");
  if (action.action === "log") return `log “${action.message}”`;
  const whom = action.nothing === null ? action.addresses.join(" ") : `nobody, ${action.nothing}`;
  if (action.action === "lift") return `lift ${whom}${left}`;
  const { forMs, severity, targets } = action;
  return `block ${whom} for ${forMs === null ? "the default" : durationText(forMs)}, ${severity}, at ${targets?.join(" ") ?? "every target"}${left}`;
}

function planText({ playbook, stages }: Decision): string {
  return `${playbook}: ${stages.map((stage) => stage.map(actionText).join(" + ")).join(", then ")}`;
}

const pairs = (values: Readonly<Record<string, unknown>>) => Object.entries(values).map(([name, value]) => `${name}=${String(value)}`);

/** Every member of an event, so that a new one is missed here. */
function eventLines(event: DetectionEvent): readonly string[] {
  const { id, source, type, category, title, severity, at, status, sample, direction, actor, victim, resources, forMs, evidence, ...unknown } = event;
  expect(unknown).toEqual({});
  const { addresses, ...who } = actor;
  const plan = decide(event, all, noHistory)
    .filter(({ matches }) => matches)
    .map(planText);
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ["id", [id]],
    ["what", [[source, type, category, severity, status, direction ?? "no direction", ...(sample ? ["sample"] : [])].join(" | ")]],
    ["title", [title]],
    ["when", [at === null ? "not said" : new Date(at).toISOString()]],
    ["by", [[addresses.join(" ") || "nobody", ...pairs(who)].join(" | ")]],
    ["at", victim.addresses],
    ["of", resources.map(({ kind, id: name, ...where }) => [`${kind} ${name}`, ...pairs(where)].join(" "))],
    ["for", forMs === null ? [] : [durationText(forMs)]],
    ["facts", pairs(evidence)],
    ["plan", plan.length === 0 ? ["nothing"] : plan],
  ];
  return lines.flatMap(([name, values]) => (values.length === 0 ? [] : [`  ${name.padEnd(6)}${values.join(name === "plan" ? `\n${" ".repeat(8)}` : ", ")}`]));
}

function rowOf(entry: SourceEntry): readonly string[] {
  if (entry.kind === "event") return eventLines(entry.event);
  return [entry.kind === "ignored" ? `  ignored, ${entry.because}: ${entry.reason}` : `  invalid, ${entry.field || "item"}: ${entry.reason}`];
}

function tableOf(source: (typeof alertSources)[number]): string {
  const own = samples.filter((sample) => sample.source === source);
  return own
    .flatMap(({ name, payload }) => adapters[source].read(payload, withSamples).flatMap((entry) => [`${name}, item ${entry.item}`, ...rowOf(entry), ""]))
    .join("\n");
}

describe.each(alertSources)("%s", (source) => {
  test("read: the whole event of every sample, and what the starter set plans for it", async () => {
    await expect(tableOf(source)).toMatchFileSnapshot(`expected/${source}.txt`);
  });
});

describe("the tables", () => {
  const table = (source: string) => readFileSync(new URL(`expected/${source}.txt`, import.meta.url), "utf8");

  test.each(alertSources)("hold: %s has a row for each of its samples, and at least one event", (source) => {
    const text = table(source);
    const own = samples.filter((sample) => sample.source === source);
    expect(own.map(({ name }) => name).filter((name) => !text.includes(`${name}, item 0\n`))).toEqual([]);
    expect(text).toMatch(/^ {2}what {2}/m);
  });

  test("hold: every file of samples is read, and every source that has a folder is one", () => {
    const folders = readdirSync(dataRoot, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "sns");
    expect(folders.map(({ name }) => name).sort()).toEqual([...alertSources].sort());
    for (const { name: source } of folders) {
      const files = readdirSync(new URL(`${source}/`, dataRoot)).filter((name) => name !== "README.md");
      const readme = readFileSync(new URL(`${source}/README.md`, dataRoot), "utf8");
      for (const file of files) {
        const name = file.replace(/\.jsonl?$/, "");
        const isRead = samples.some((sample) => sample.source === source && (sample.name === name || sample.name.startsWith(`${name} `)));
        const hasOrigin = readme.includes(file) || /pascal-|written-/.test(file);
        expect([source, file, isRead, hasOrigin]).toEqual([source, file, true, true]);
      }
    }
  });

  test("hold: every playbook of the starter set is planned for some real or documented message, and so is a lift", () => {
    const text = alertSources.map(table).join("\n");
    const planned = (name: string) => new RegExp(`^ {2}(?:plan {2}| {6})${name}: `, "m").test(text);
    expect(all.map(({ playbook }) => playbook.name).filter((name) => !planned(name))).toEqual([]);
    expect(text).toMatch(/taken-back: lift [0-9]/);
  });

  test("hold: from every source that can name an attacker some message is blocked by the starter set", () => {
    // One accuses nobody; one says in no way of ours what happened; two tell of one request at a time, of no severity but the configuration's.
    const silent = ["macie", "cloudevents", "aws-waf-logs", "cloudflare"];
    const blocking = eventSources.filter((source) => /(?:: |then )block [0-9a-f]+[.:]/.test(table(source)));
    expect([...blocking, ...silent].sort()).toEqual([...eventSources].sort());
  });
});
