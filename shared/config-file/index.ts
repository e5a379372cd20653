// Turns the text of `portcullis.yaml` into the configuration the product runs on, or into every problem at once.
// Pure: the text, the kinds, the presets and the last build come as arguments. Refuses to guess: what is not understood is a problem.
import { type Config, eventSources } from "../config.ts";
import type { Playbook } from "../playbook/playbook.ts";
import { blacklistipFindings, escalation, readClients } from "./clients.ts";
import { placed, readYaml } from "./document.ts";
import { type Lock, nextLock } from "./lock.ts";
import { type PlaybookText, readPlaybooks } from "./playbooks.ts";
import { byPlace, type Finding, finding, type Problem, unknownKey } from "./problem.ts";
import { type Floors, productionFloors, type Sections, sectionSchemas } from "./schema.ts";
import { type Definitions, readTargets } from "./targets.ts";
import { validate } from "./validate.ts";

export { type Lock, lockDrained, lockText, readLock } from "./lock.ts";
export { type PlaybookText, starterPrefix } from "./playbooks.ts";
export { type Problem, problemText } from "./problem.ts";
export { type Floors, productionFloors } from "./schema.ts";
export type { Definitions } from "./targets.ts";

export interface ConfigInput {
  readonly text: string;
  /** Name to show in problems. */
  readonly file: string;
  readonly definitions: Definitions;
  readonly presetNames: readonly string[];
  /** What the last build had; null: there was none. */
  readonly lock: Lock | null;
  /** Targets that a person gave up although they may hold entries. */
  readonly forget?: readonly string[];
  readonly floors?: Floors;
  /** Reads the playbooks that it names; absent: none can be read. */
  readonly playbookText?: PlaybookText;
}

export type ReadConfig = { readonly ok: true; readonly config: Config; readonly lock: Lock } | { readonly ok: false; readonly problems: readonly Problem[] };

const tables = ["clients", "targets"] as const;

type ReadSections = { [K in keyof Sections]: Sections[K] | null };

function readSections(input: Readonly<Record<string, unknown>>, schemas: ReturnType<typeof sectionSchemas>): { sections: ReadSections; findings: Finding[] } {
  const known = [...Object.keys(schemas), ...tables];
  const findings: Finding[] = [];
  for (const key of Object.keys(input)) {
    if (!known.includes(key)) findings.push(unknownKey([key], known));
  }
  for (const key of ["owner", ...tables]) {
    if (!Object.hasOwn(input, key)) findings.push(finding([key], `${JSON.stringify(key)} is missing`, `add \`${key}: …\``, "key"));
  }
  const sections: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(schemas)) {
    if (key === "owner" && !Object.hasOwn(input, key)) continue;
    const checked = validate<unknown>(schema, input[key], [key]);
    findings.push(...checked.findings);
    sections[key] = checked.value;
  }
  return { sections: sections as ReadSections, findings };
}

function defaultsFindings(defaults: Sections["defaults"] | null): Finding[] {
  if (defaults === null || defaults.for >= defaults.shortest) return [];
  return [finding(["defaults", "for"], "shorter than `defaults.shortest`", "make it at least as long")];
}

function longestFindings(clients: Config["clients"], defaults: Sections["defaults"] | null): Finding[] {
  if (defaults === null) return [];
  return Object.entries(clients).flatMap(([name, client]) =>
    client.longestMs >= defaults.shortest
      ? []
      : [finding(["clients", name, "longest"], "shorter than `defaults.shortest`", "make it longer, or `shortest` shorter")],
  );
}

function alertsOf(alerts: Sections["alerts"], severity: Sections["defaults"]["severity"]): Config["alerts"] {
  const one = (source: Sections["alerts"]["generic"]) => ({ mapping: source.mapping, forMs: source.for ?? null, severity: source.severity ?? severity });
  const events = eventSources.flatMap((source) => {
    const found = alerts[source];
    return found === undefined ? [] : [[source, { forMs: found.for ?? null, severity: found.severity ?? severity, samples: found.samples }] as const];
  });
  return { elastalert: one(alerts.elastalert), generic: one(alerts.generic), ...Object.fromEntries(events) };
}

function sorted<T>(table: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Tables {
  readonly clients: Config["clients"];
  readonly targets: Config["targets"];
  readonly playbooks: readonly Playbook[];
}

function emit(sections: Sections, { clients, targets, playbooks }: Tables, presetNames: readonly string[]): Config {
  const { owner, store, defaults, protect, weight, brake, alerts, approvals, blacklistip, heartbeat } = sections;
  return {
    version: 1,
    owner,
    store: { stalenessMs: store.staleness },
    defaults: {
      forMs: defaults.for,
      shortestMs: defaults.shortest,
      severity: defaults.severity,
      exemptForMs: defaults.exemptFor,
      widen: defaults.widen,
      ...escalation(defaults.escalate),
    },
    protect: { ranges: [...new Set(protect.ranges)], presets: protect.presets === "all" ? presetNames : [...new Set(protect.presets)] },
    weight: { halfLifeMs: weight.halfLife },
    brake: { new: brake.new, perMs: brake.per },
    clients: sorted(clients),
    targets: sorted(targets),
    alerts: alertsOf(alerts, defaults.severity),
    blacklistip: blacklistip ?? null,
    heartbeat: heartbeat ?? null,
    ...(playbooks.length === 0 ? {} : { playbooks }),
    ...(approvals === undefined ? {} : { approvals: { secret: approvals.secret, url: approvals.url ?? null } }),
  };
}

function isWhole(sections: ReadSections): sections is Sections {
  return Object.values(sections).every((section) => section !== null);
}

/** Reads, checks and emits. Problems come in the order of the file. */
export function readConfigFile(input: ConfigInput): ReadConfig {
  const { definitions, presetNames, floors = productionFloors } = input;
  const yaml = readYaml(input.text, input.file);
  if (yaml.file === null) return { ok: false, problems: yaml.problems };
  const value = yaml.file.value as Readonly<Record<string, unknown>>;
  const { sections, findings } = readSections(value, sectionSchemas(floors, presetNames));
  const has = (key: string) => Object.hasOwn(value, key);
  const targetsRead = has("targets") ? readTargets(value.targets, definitions) : { targets: {}, built: {}, findings: [] };
  const namesOf = (table: unknown) => (table !== null && typeof table === "object" ? Object.keys(table) : []);
  const clientsRead = has("clients") ? readClients(value.clients, floors, namesOf(value.targets), sections.defaults?.escalate) : { clients: {}, findings: [] };
  findings.push(...targetsRead.findings, ...clientsRead.findings, ...defaultsFindings(sections.defaults));
  findings.push(...longestFindings(clientsRead.clients, sections.defaults));
  findings.push(...blacklistipFindings(sections.blacklistip ?? undefined, clientsRead.clients, namesOf(value.clients)));
  // A target that could not be read is still there: only a file whose targets are all understood is compared with the last build.
  const locked = nextLock(input.lock, targetsRead.built, input.forget ?? []);
  if (targetsRead.findings.length === 0 && has("targets")) findings.push(...locked.findings);
  const books = readPlaybooks(
    sections.playbooks ?? [],
    input.playbookText ?? (() => null),
    { targets: targetsRead.targets, asks: has("approvals") },
    yaml.file,
  );
  // The configuration's own come first; then each playbook's, file by file.
  const own = books.problems.filter(({ file }) => file === input.file);
  const problems = [...[...yaml.problems, ...placed(findings, yaml.file), ...own].sort(byPlace), ...books.problems.filter(({ file }) => file !== input.file)];
  if (problems.length > 0 || !isWhole(sections)) return { ok: false, problems };
  return {
    ok: true,
    config: emit(sections, { clients: clientsRead.clients, targets: targetsRead.targets, playbooks: books.playbooks }, presetNames),
    lock: locked.lock,
  };
}
