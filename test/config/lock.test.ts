// What the last build had must not be forgotten in a cloud.
import { describe, expect, it } from "vitest";
import { type Lock, lockDrained, lockText, readLock } from "../../shared/config-file/index.ts";
import { changed, problemsOf, read, validText } from "./support.ts";

function lockOf(text: string, lock: Lock | null = null): Lock {
  const result = read(text, { lock });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.lock;
}

const enforcing = changed("mode: observe", "mode: enforce");
const draining = changed("mode: observe", "mode: drain");
const renamed = (formerly: string, text: string = enforcing): string => changed("  aws-web:\n", `  aws-hub:\n    formerly: ${formerly}\n`, text);
const without = validText.slice(0, validText.indexOf("targets:")).concat("targets: {}\n");

describe("a target that may hold entries", () => {
  const lock = lockOf(enforcing);

  it("nextLock: refuses to drop it, and says how to", () => {
    const [problem, ...rest] = problemsOf(without, { lock });
    expect(rest).toEqual([]);
    expect(problem).toMatchObject({ path: "targets", line: 13 });
    expect(problem?.message).toContain("aws-web");
    expect(problem?.remedy).toMatch(/mode: drain.*drain aws-web --done.*--forget aws-web.*formerly: aws-web/);
  });

  it("nextLock: refuses to drop it after any number of builds in observe or drain mode that nobody looked at", () => {
    const later = [draining, validText, draining].reduce<Lock>((previous, text) => lockOf(text, previous), lock);
    expect(later.targets["aws-web"]).toMatchObject({ mode: "drain", mayHold: true });
    expect(problemsOf(without, { lock: later })).toHaveLength(1);
  });

  it("lockDrained: lets it go once it was seen empty in drain mode, and only then", () => {
    expect(lockDrained(lock, "aws-web")).toBeNull();
    expect(lockDrained(lock, "toString")).toBeNull();
    const drained = lockDrained(lockOf(draining, lock), "aws-web");
    expect(problemsOf(without, { lock: drained })).toEqual([]);
    expect(lockOf(without, drained).targets).toEqual({});
    expect(lockOf(draining, drained).targets["aws-web"]?.mayHold).toBe(false);
    expect(lockOf(enforcing, drained).targets["aws-web"]?.mayHold).toBe(true);
  });

  it("nextLock: lets a person give it up by name", () => {
    expect(problemsOf(without, { lock, forget: ["aws-web"] })).toEqual([]);
    expect(problemsOf(without, { lock, forget: ["aws-wbe"] })).toHaveLength(1);
  });

  it("nextLock: refuses a rename without `formerly`, accepts one with it", () => {
    expect(problemsOf(changed("  aws-web:", "  aws-hub:", enforcing), { lock })).toHaveLength(1);
    expect(problemsOf(renamed("aws-web"), { lock })).toEqual([]);
    const after = lockOf(renamed("aws-web"), lock);
    expect(Object.keys(after.targets)).toEqual(["aws-hub"]);
    expect(after.targets["aws-hub"]?.mayHold).toBe(true);
    expect(problemsOf(renamed("aws-web"), { lock: after })).toEqual([]);
  });

  it("nextLock: keeps in mind what a renamed target may hold, whatever its new mode", () => {
    const after = lockOf(renamed("aws-web", validText), lock);
    expect(after.targets["aws-hub"]).toMatchObject({ mode: "observe", mayHold: true });
  });

  it("nextLock: refuses a `formerly` that names nothing, or a target that is still there", () => {
    expect(problemsOf(renamed("aws-wb"), { lock }).map(({ path, remedy }) => [path, remedy])).toContainEqual([
      "targets.aws-hub.formerly",
      'did you mean "aws-web"?',
    ]);
    const both = `${enforcing}  other:\n    formerly: aws-web\n    kind: aws-nacl\n    region: eu-west-1\n    acl: acl-0123456789abcdef1\n    rules: { first: 1, last: 2 }\n    credentials: { accessKeyId: A_B, secretAccessKey: C_D }\n`;
    expect(problemsOf(both, { lock }).map(({ path }) => path)).toEqual(["targets.other.formerly"]);
  });

  it.each([
    ["another ACL", "acl-0123456789abcdef0", "acl-0123456789abcdef1"],
    ["another region", "eu-west-1", "eu-west-2"],
    ["a range that leaves numbers out", "first: 1,", "first: 2,"],
    ["a range that leaves the last out", "last: 40", "last: 39"],
  ])("nextLock: refuses to move it to %s", (_title, from, to) => {
    const problems = problemsOf(changed(from, to, enforcing), { lock });
    expect(problems.map(({ path }) => path)).toEqual(["targets.aws-web"]);
    expect(problems[0]?.remedy).toMatch(/new name.*drain aws-web --done/);
    expect(problemsOf(changed(from, to, renamed("aws-web")), { lock }).map(({ path }) => path)).toEqual(["targets.aws-hub"]);
  });

  it("nextLock: lets its range grow", () => {
    expect(problemsOf(changed("last: 40", "last: 60", enforcing), { lock })).toEqual([]);
  });

  it("nextLock: says nothing while targets cannot be read, so that one typo is one problem", () => {
    expect(problemsOf(changed("region: eu-west-1", "region: Ireland", enforcing), { lock }).map(({ path }) => path)).toEqual(["targets.aws-web.region"]);
  });
});

describe("a target that never enforced", () => {
  const lock = lockOf(validText);

  it("nextLock: may go, move and be renamed at once", () => {
    expect(problemsOf(without, { lock })).toEqual([]);
    expect(problemsOf(changed("eu-west-1", "eu-west-2"), { lock })).toEqual([]);
    expect(problemsOf(changed("  aws-web:", "  aws-hub:"), { lock })).toEqual([]);
  });
});

describe("the lock file", () => {
  const lockedTarget = () => {
    const target = lockOf(enforcing).targets["aws-web"];
    if (target === undefined) throw new Error("no target");
    return target;
  };

  it("readLock: reads what lockText wrote, and nothing else", () => {
    const lock = lockOf(enforcing);
    expect(readLock(lockText(lock))).toEqual(lock);
    for (const text of ["", "{}", "[]", "{", '{"version":2,"targets":{}}', '{"version":1,"targets":{"a":{}}}', lockText(lock).replace("enforce", "x")]) {
      expect(readLock(text)).toBeNull();
    }
  });

  it.each(["observe", "enforce", "drain"])("readLock: a target in the mode %s, whatever else it says", (mode) => {
    const target = lockedTarget();
    const place = { ...target.place, span: null, also: ["eu-west-1/acl-1"] };
    const lock = { version: 1, targets: { a: { ...target, mode, mayHold: false, place } } } as Lock;
    expect(readLock(lockText(lock))).toEqual(lock);
  });

  it("lockText: does not depend on the order of the targets", () => {
    const one = lockedTarget();
    expect(lockText({ version: 1, targets: { b: one, a: one } })).toBe(lockText({ version: 1, targets: { a: one, b: one } }));
  });
});
