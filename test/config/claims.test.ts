// What the lock says of claims that moved, were renamed or given up, target by target; which targets spill into which; and what credentials look like.
// Whole files with a lock: `lock.test.ts`.

import { safeParse } from "valibot";
import { describe, expect, it } from "vitest";
import { type BuiltTarget, type Lock, type LockedTarget, lockDrained, lockText, nextLock } from "../../shared/config-file/lock.ts";
import { placeHolds, sharedName } from "../../shared/config-file/place.ts";
import { byPlace, type Finding, type Problem } from "../../shared/config-file/problem.ts";
import { spillFindings } from "../../shared/config-file/spill.ts";
import { durationSchema } from "../../shared/config-file/words.ts";
import { changed, digest, problemsOf } from "./support.ts";

const place = { name: "aws-nacl acl-1", span: [1, 9] as const };
const elsewhere = { name: "aws-nacl acl-2", span: [1, 9] as const };
const built = (changes: Partial<BuiltTarget> = {}): BuiltTarget => ({ kind: "aws-nacl", place, mode: "enforce", formerly: null, ...changes });
const locked = (changes: Partial<LockedTarget> = {}): LockedTarget => ({ kind: "aws-nacl", place, mode: "enforce", mayHold: true, ...changes });
const lockOf = (targets: Lock["targets"]): Lock => ({ version: 1, targets });
const said = (findings: readonly Finding[]) => findings.map(({ path, message }) => `${path.join(".")}: ${message}`);

function next(previous: Lock | null, targets: Readonly<Record<string, BuiltTarget>>, forget: readonly string[] = []) {
  const { lock, findings } = nextLock(previous, targets, forget);
  return { says: said(findings), targets: lock.targets };
}

const moved = "points to another place than in the last build (aws-nacl acl-1 rules 1-9), where entries of ours may stand";
const gone = (name: string) => `targets: the target ${name} of the last build is gone, and entries of ours may stand there`;

describe("nextLock", () => {
  it("nextLock: a first build claims what it has, and holds where it is written to", () => {
    expect(next(null, { a: built(), b: built({ mode: "observe" }), c: built({ mode: "drain" }) })).toEqual({
      says: [],
      targets: { a: locked(), b: locked({ mode: "observe", mayHold: false }), c: locked({ mode: "drain", mayHold: false }) },
    });
    expect(next(null, { a: built({ formerly: "x" }) }).says).toEqual([]);
  });

  it("nextLock: what once was written to may hold until it was seen empty", () => {
    expect(next(lockOf({ a: locked() }), { a: built({ mode: "observe" }) }).targets.a?.mayHold).toBe(true);
    expect(next(lockOf({ a: locked({ mayHold: false }) }), { a: built({ mode: "observe" }) }).targets.a?.mayHold).toBe(false);
    expect(next(lockOf({ a: locked({ mayHold: false }) }), { a: built() }).targets.a?.mayHold).toBe(true);
  });

  it("nextLock: a claim that moved, shrank or is of another kind is told, where entries may stand", () => {
    for (const changes of [{ place: elsewhere }, { place: { ...place, span: [2, 9] as const } }, { kind: "azure-nsg" }]) {
      expect(next(lockOf({ a: locked() }), { a: built(changes) }).says).toEqual([`targets.a: ${moved}`]);
      expect(next(lockOf({ a: locked({ mayHold: false }) }), { a: built(changes) }).says).toEqual([]);
    }
    expect(next(lockOf({ a: locked() }), { a: built({ place: { ...place, span: [1, 10] } }) }).says).toEqual([]);
    const whole = { name: "list", span: null };
    expect(next(lockOf({ a: locked({ place: whole }) }), { a: built() }).says).toEqual([
      "targets.a: points to another place than in the last build (list), where entries of ours may stand",
    ]);
  });

  it("nextLock: a target that is gone is told, unless it is renamed, given up, or holds nothing", () => {
    const before = lockOf({ a: locked(), b: locked({ mayHold: false }) });
    expect(next(before, {}).says).toEqual([gone("a")]);
    expect(next(before, {}, ["a"]).says).toEqual([]);
    expect(next(before, { c: built({ formerly: "a", mode: "observe" }) })).toEqual({ says: [], targets: { c: locked({ mode: "observe" }) } });
    expect(next(before, { c: built({ formerly: "b", mode: "observe" }) }).says).toEqual([gone("a")]);
  });

  it("nextLock: a new name takes over the old one's claim, at its place only", () => {
    expect(next(lockOf({ a: locked() }), { c: built({ formerly: "a", place: elsewhere }) }).says).toEqual([`targets.c: ${moved}`]);
  });

  it("nextLock: a name that stays is compared with itself, and what it was called before that is no longer asked", () => {
    const before = lockOf({ c: locked({ mayHold: false }) });
    expect(next(before, { c: built({ formerly: "a", mode: "observe" }) })).toEqual({ says: [], targets: { c: locked({ mode: "observe", mayHold: false }) } });
    expect(next(lockOf({ a: locked(), c: locked({ mayHold: false }) }), { c: built({ formerly: "a" }) }).says).toEqual([gone("a")]);
  });

  it("nextLock: what is given up under its own name begins anew", () => {
    expect(next(lockOf({ a: locked() }), { a: built({ place: elsewhere, mode: "observe" }) }, ["a"])).toEqual({
      says: [],
      targets: { a: locked({ place: elsewhere, mode: "observe", mayHold: false }) },
    });
  });

  it("nextLock: a former name that is still there, was never there, or is claimed twice", () => {
    const before = lockOf({ a: locked() });
    expect(next(before, { a: built(), c: built({ formerly: "a" }) }).says).toEqual(["targets.c.formerly: a is still a target"]);
    expect(next(before, { a: built(), c: built({ formerly: "x" }) }).says).toEqual(["targets.c.formerly: the last build had no target x"]);
    const twins = { d: built({ formerly: "a" }), c: built({ formerly: "a" }), e: built({ formerly: "x" }) };
    expect(next(lockOf({ a: locked(), x: locked() }), twins).says).toEqual(["targets.d.formerly: c was formerly a too"]);
  });

  it("lockDrained: only what was built to drain; nothing else changes", () => {
    const lock = lockOf({ a: locked({ mode: "drain" }), b: locked() });
    expect(lockDrained(lock, "a")).toEqual(lockOf({ a: locked({ mode: "drain", mayHold: false }), b: locked() }));
    expect([lockDrained(lock, "b"), lockDrained(lock, "c")]).toEqual([null, null]);
  });

  it("lockText: the same whatever the order of targets", () => {
    const [one, two] = [lockOf({ b: locked(), a: locked(), c: locked() }), lockOf({ c: locked(), a: locked(), b: locked() })];
    expect(lockText(one)).toBe(lockText(two));
    expect(Object.keys((JSON.parse(lockText(one)) as Lock).targets)).toEqual(["a", "b", "c"]);
  });
});

describe("places", () => {
  it("placeHolds: every name, and the whole span", () => {
    const spans = (now: readonly [number, number] | null, before: readonly [number, number] | null) =>
      placeHolds({ name: "a", span: now }, { name: "a", span: before });
    expect([spans([1, 9], [1, 9]), spans([0, 10], [1, 9]), spans([2, 9], [1, 9]), spans([1, 8], [1, 9])]).toEqual([true, true, false, false]);
    expect([spans(null, null), spans([1, 9], null), spans(null, [1, 9])]).toEqual([true, false, false]);
    expect(placeHolds({ name: "a", span: null, also: ["b"] }, { name: "b", span: null })).toBe(true);
    expect(placeHolds({ name: "a", span: null }, { name: "a", span: null, also: ["b"] })).toBe(false);
    expect([
      sharedName({ name: "a", span: null, also: ["b"] }, { name: "b", span: null }),
      sharedName({ name: "a", span: null }, { name: "b", span: null }),
    ]).toEqual(["b", null]);
  });
});

describe("spillFindings", () => {
  const into = (table: Readonly<Record<string, string | undefined>>) =>
    said(spillFindings(Object.fromEntries(Object.entries(table).map(([name, spill]) => [name, spill === undefined ? {} : { spill }])), Object.keys(table)));
  const told = (table: Parameters<typeof into>[0]) => into(table).map((line) => line.split(":")[0]);

  it("spillFindings: chains are taken, circles are told of those that are in one, and names must exist", () => {
    expect(told({ a: "b", b: "c", c: undefined, d: "c" })).toEqual([]);
    expect(told({ a: "a" })).toEqual(["targets.a.spill"]);
    expect(told({ a: "b", b: "a" })).toEqual(["targets.a.spill", "targets.b.spill"]);
    expect(told({ a: "b", b: "c", c: "a" })).toEqual(["targets.a.spill", "targets.b.spill", "targets.c.spill"]);
    expect(told({ lead: "a", a: "b", b: "a" })).toEqual(["targets.a.spill", "targets.b.spill"]);
    expect(told({ a: "x" })).toEqual(["targets.a.spill"]);
    expect(told({ a: "toString" })).toEqual(["targets.a.spill"]);
  });
});

describe("byPlace", () => {
  it("byPlace: by line, then by column, then by what is said", () => {
    const problem = (line: number, column: number, message: string) => ({ line, column, message }) as Problem;
    const sorted = [problem(1, 2, "b"), problem(1, 10, "a"), problem(2, 1, "a"), problem(10, 1, "a"), problem(10, 1, "b")];
    expect(sorted.toReversed().sort(byPlace)).toEqual(sorted);
    expect([...sorted].sort(byPlace)).toEqual(sorted);
  });
});

describe("credentials and durations, letter by letter", () => {
  const keyProblems = (key: string) => problemsOf(changed(digest("a"), key)).map(({ message }) => message);
  const hex = "a".repeat(64);

  it.each([
    [`sha256:${hex}`, []],
    [hex, ["64 hex digits without `sha256:`: a digest, or a key that must not be here"]],
    [hex.toUpperCase(), ["64 hex digits without `sha256:`: a digest, or a key that must not be here"]],
    [`${hex}a`, ["this looks like a key itself, not its digest"]],
    [`x${hex}`, ["this looks like a key itself, not its digest"]],
    [` sha256:${hex}`, ["this looks like a key itself, not its digest"]],
    ["a", ["this looks like a key itself, not its digest"]],
    [`sha256:${hex}a`, ["not sha256: and 64 lower-case hex digits"]],
    [`sha256:sha256:${hex}`, ["not sha256: and 64 lower-case hex digits"]],
    [`sha256:${hex.slice(1)}`, ["not sha256: and 64 lower-case hex digits"]],
    [`sha256:${hex.toUpperCase()}`, ["not sha256: and 64 lower-case hex digits"]],
    [`sha256:${"g".repeat(64)}`, ["not sha256: and 64 lower-case hex digits"]],
  ])("readConfigFile: the key %s", (key, says) => {
    const messages = keyProblems(key);
    for (const one of says) expect(messages).toContain(one);
    if (says.length === 0) expect(messages).toEqual([]);
    for (const message of messages) expect(message).not.toContain(key.trim().slice(0, 20).padEnd(20, "-"));
  });

  it.each(["1s", "90s", "15m", "4h", "7d", "999999999s"])("durationSchema: takes %s", (text) => {
    expect(safeParse(durationSchema({ leastMs: 1, mostMs: 1e15 }), text).success).toBe(true);
  });

  it.each(["x1s", "1sx", "01s", "0s", "1", "s", "1.5h", "-1s", "1 s", "1w", "1234567890s", ""])("durationSchema: refuses %j", (text) => {
    expect(safeParse(durationSchema({ leastMs: 1, mostMs: 1e15 }), text).success).toBe(false);
  });
});
