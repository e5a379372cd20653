// Keeps entries from being forgotten in a cloud: what the last build had as targets, written beside the configuration
// as `portcullis.lock.json` and committed with it. A target that may still hold entries cannot be dropped, renamed or moved.
// Refuses hidden state: this file is all there is, a person can read it, and every change to it is in the history.
import * as v from "valibot";
import type { TargetMode } from "../config.ts";
import type { Place } from "../provider.ts";
import { namesOf, placeHolds } from "./place.ts";
import { type Finding, finding, suggestion } from "./problem.ts";

export interface LockedTarget {
  readonly kind: string;
  readonly place: Place;
  readonly mode: TargetMode;
  /**
   * It was built with `mode: enforce`, so entries of ours may stand there. Only `drain TARGET --done`, which looked and
   * found none, clears it: that a build said `drain` does not mean that it was ever deployed.
   */
  readonly mayHold: boolean;
}

export interface Lock {
  readonly version: 1;
  readonly targets: Readonly<Record<string, LockedTarget>>;
}

export interface BuiltTarget {
  readonly kind: string;
  readonly place: Place;
  readonly mode: TargetMode;
  readonly formerly: string | null;
}

const lockSchema = v.strictObject({
  version: v.literal(1),
  targets: v.record(
    v.string(),
    v.strictObject({
      kind: v.string(),
      place: v.strictObject({
        name: v.string(),
        span: v.nullable(v.tuple([v.number(), v.number()])),
        also: v.exactOptional(v.array(v.string())),
      }),
      mode: v.picklist(["observe", "enforce", "drain"]),
      mayHold: v.boolean(),
    }),
  ),
});

/** Reads the lock file's text; null when it is not one. */
export function readLock(text: string): Lock | null {
  try {
    const parsed = v.safeParse(lockSchema, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

export function lockText(lock: Lock): string {
  const targets = Object.fromEntries(Object.entries(lock.targets).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ version: lock.version, targets }, null, 2)}\n`;
}

const emptyIt = (name: string) =>
  `set \`mode: drain\` on ${name}, deploy, then run \`npm run portcullis -- drain ${name} --done\`; when nothing is left to drain because the firewall itself is gone, \`npm run gen -- --forget ${name}\``;

function own<T>(table: Readonly<Record<string, T>>, name: string | null): T | undefined {
  return name !== null && Object.hasOwn(table, name) ? table[name] : undefined;
}

function movedFindings(name: string, target: BuiltTarget, before: LockedTarget): Finding[] {
  if (!before.mayHold || (target.kind === before.kind && placeHolds(target.place, before.place))) return [];
  const span = before.place.span === null ? "" : ` rules ${before.place.span.join("-")}`;
  return [
    finding(
      ["targets", name],
      `points to another place than in the last build (${namesOf(before.place).join(" and ")}${span}), where entries of ours may stand`,
      `give the new place a new name and keep this one until it is drained; ${emptyIt(name)}`,
      "key",
    ),
  ];
}

function formerlyFindings(name: string, target: BuiltTarget, previous: Lock, targets: Readonly<Record<string, BuiltTarget>>): Finding[] {
  const { formerly } = target;
  if (formerly === null) return [];
  const path = ["targets", name, "formerly"];
  if (Object.hasOwn(targets, formerly)) return [finding(path, `${formerly} is still a target`, "remove the old one, or `formerly`")];
  const twin = Object.keys(targets).find((other) => other < name && own(targets, other)?.formerly === formerly);
  if (twin !== undefined) return [finding(path, `${twin} was formerly ${formerly} too`, "only one target can take the old one's place")];
  if (own(previous.targets, name) !== undefined || own(previous.targets, formerly) !== undefined) return [];
  return [finding(path, `the last build had no target ${formerly}`, suggestion(formerly, Object.keys(previous.targets)))];
}

/** What the next lock is, and what the change from the previous one would leave behind. `forget` names targets a person gave up. */
export function nextLock(
  previous: Lock | null,
  targets: Readonly<Record<string, BuiltTarget>>,
  forget: readonly string[],
): { readonly lock: Lock; readonly findings: readonly Finding[] } {
  const before: Lock = previous ?? { version: 1, targets: {} };
  const findings: Finding[] = [];
  const next: Record<string, LockedTarget> = {};
  const renamed = new Set<string>();
  for (const [name, target] of Object.entries(targets)) {
    if (previous !== null) findings.push(...formerlyFindings(name, target, before, targets));
    const same = forget.includes(name) ? undefined : own(before.targets, name);
    const former = target.formerly === null || Object.hasOwn(targets, target.formerly) ? null : target.formerly;
    const old = same ?? own(before.targets, former);
    if (same === undefined && old !== undefined && former !== null) renamed.add(former);
    if (old !== undefined) findings.push(...movedFindings(name, target, old));
    const { kind, place, mode } = target;
    next[name] = { kind, place, mode, mayHold: mode === "enforce" || (old?.mayHold ?? false) };
  }
  for (const [name, old] of Object.entries(before.targets)) {
    if (Object.hasOwn(targets, name) || renamed.has(name) || forget.includes(name) || !old.mayHold) continue;
    const renaming = `for a new name of the same place write \`formerly: ${name}\` on it`;
    findings.push(
      finding(
        ["targets"],
        `the target ${name} of the last build is gone, and entries of ours may stand there`,
        `put it back and ${emptyIt(name)}; ${renaming}`,
        "key",
      ),
    );
  }
  return { lock: { version: 1, targets: next }, findings };
}

/** The lock after `name` was seen empty; null when the last build did not have it in drain mode. */
export function lockDrained(lock: Lock, name: string): Lock | null {
  const target = own(lock.targets, name);
  if (target === undefined || target.mode !== "drain") return null;
  return { version: 1, targets: { ...lock.targets, [name]: { ...target, mayHold: false } } };
}
