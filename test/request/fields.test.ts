// Strict reading: what each route's body may hold, field by field, and that every problem is named where it is.
import { describe, expect, test } from "vitest";
import { cidrOf } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import { readBlockRequest } from "../../shared/request/block.ts";
import { Fields } from "../../shared/request/fields.ts";
import { readExemption, readLift, readReconcile, readReplay, readStop, readStore } from "../../shared/request/operations.ts";
import { type Problem, refusalOf } from "../../shared/request/problem.ts";

const day = 86_400_000;

/** Fields with problems, in order. */
function wrong(read: { readonly problems: readonly Problem[] }): string[] {
  for (const problem of read.problems) expect(problem.code).toBe("INVALID_INPUT");
  return read.problems.map((problem) => problem.field);
}

describe("a block's body", () => {
  test("read: everything that may be said, and what is not said is null", () => {
    const full = readBlockRequest({
      ips: ["203.0.113.7", "198.51.100.0/24"],
      for: "4h",
      reason: " brute\nforce ",
      severity: "high",
      targets: ["web", "hub", "web"],
      dryRun: true,
      type: "block",
    });
    expect(full.problems).toEqual([]);
    expect(full.request).toEqual({
      addresses: [
        { field: "ips[0]", asked: cidrOf("203.0.113.7") },
        { field: "ips[1]", asked: cidrOf("198.51.100.0/24") },
      ],
      forMs: 14_400_000,
      reason: "brute force",
      severity: "high",
      targets: ["web", "hub"],
      dryRun: true,
    });
    const least = readBlockRequest({ ip: "203.0.113.7" });
    expect(least).toEqual({
      request: { addresses: [{ field: "ip", asked: cidrOf("203.0.113.7") }], forMs: null, reason: "", severity: null, targets: undefined, dryRun: false },
      problems: [],
    });
    expect(readBlockRequest({ ip: "203.0.113.7", targets: "web", dryRun: "true" }).request).toMatchObject({ targets: ["web"], dryRun: true });
    expect(readBlockRequest({ ip: "203.0.113.7", dryRun: "false" })).toMatchObject({ request: { dryRun: false }, problems: [] });
  });

  test.each([null, 7, "text", [], [{}], undefined])("refuse: %j is no body", (raw) => {
    const read = readBlockRequest(raw);
    expect(wrong(read)).toEqual(["body"]);
    expect(read.request).toEqual({ addresses: [], forMs: null, reason: "", severity: null, targets: undefined, dryRun: false });
  });

  test("say: what a body is, and what it is instead", () => {
    expect(readBlockRequest(7).problems[0]?.reason).toBe("must be one JSON object with fields such as ip, ips, for; it is 7");
  });

  const ok = { ip: "203.0.113.7" };
  test.each<[string, Record<string, unknown>, string[]]>([
    ["no address", {}, ["ip"]],
    ["both", { ...ok, ips: ["203.0.113.8"] }, ["ips"]],
    ["a list as ip", { ip: ["203.0.113.7"] }, ["ip"]],
    ["an unreadable address", { ip: "203.0.113.7/24" }, ["ip"]],
    ["a text as ips", { ips: "203.0.113.7" }, ["ips"]],
    ["no ips", { ips: [] }, ["ips"]],
    ["too many ips", { ips: Array.from({ length: limits.ipsPerRequestMax + 1 }, () => "203.0.113.7") }, ["ips"]],
    ["bad ones among good", { ips: ["203.0.113.7", 7, "x", "203.0.113.8"] }, ["ips[1]", "ips[2]"]],
    ["a number as duration", { ...ok, for: 4 }, ["for"]],
    ["no duration", { ...ok, for: "4" }, ["for"]],
    ["an unknown severity", { ...ok, severity: "High" }, ["severity"]],
    ["a list as severity", { ...ok, severity: ["high"] }, ["severity"]],
    ["a number as reason", { ...ok, reason: 7 }, ["reason"]],
    ["too long a reason", { ...ok, reason: "x".repeat(limits.reasonCharsMax + 1) }, ["reason"]],
    ["no targets", { ...ok, targets: [] }, ["targets"]],
    ["too many targets", { ...ok, targets: Array.from({ length: limits.targetsMax + 1 }, (_, at) => `t${at}`) }, ["targets"]],
    ["a number among targets", { ...ok, targets: ["web", 7] }, ["targets[1]"]],
    ["a number as flag", { ...ok, dryRun: 1 }, ["dryRun"]],
    ["an odd flag", { ...ok, dryRun: "yes" }, ["dryRun"]],
    ["another operation", { ...ok, type: "lift" }, ["type"]],
    ["unknown fields", { ...ok, fro: "4h", "a\nb": 1, "": 2 }, ["fro", "a b", "?"]],
    ["a long unknown name", { ...ok, ["n".repeat(100)]: 1 }, ["n".repeat(64)]],
    ["several at once", { for: "x", severity: "y" }, ["ip", "for", "severity"]],
  ])("refuse: %s", (_, raw, fields) => {
    const read = readBlockRequest(raw);
    expect(wrong(read)).toEqual(fields);
    for (const address of read.request.addresses) expect(address.asked.family).toBe(4);
    expect(read.request.dryRun).toBe(false);
  });

  test("bound: the most that is allowed is allowed, and unknown fields are named up to a number", () => {
    const ips = Array.from({ length: limits.ipsPerRequestMax }, (_, at) => `203.0.113.${at}`);
    const most = readBlockRequest({ ips, reason: "👍".repeat(limits.reasonCharsMax), targets: Array.from({ length: limits.targetsMax }, (_, at) => `t${at}`) });
    expect(most.problems).toEqual([]);
    expect(most.request.addresses.length).toBe(limits.ipsPerRequestMax);
    const odd = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`odd${at}`, at]));
    expect(readBlockRequest({ ip: "203.0.113.7", ...odd }).problems.length).toBe(limits.ipsPerRequestMax);
  });

  test("own fields only: what an object inherits is not said", () => {
    const fields = new Fields({ a: "x" }, ["a", "toString"]);
    expect([fields.has("a"), fields.has("toString"), fields.raw("a"), fields.text("toString"), fields.readable]).toEqual([true, false, "x", undefined, true]);
    expect(new Fields(null, ["a"]).readable).toBe(false);
  });
});

describe("other bodies", () => {
  const ip = "203.0.113.7";
  const addresses = [{ field: "ip", asked: cidrOf(ip) }];

  test("lift: whose leases, and for how long nobody may block again", () => {
    expect(readLift({ ip, type: "lift" })).toEqual({ request: { addresses, client: "*", exemptMs: undefined }, problems: [] });
    for (const none of [0, "0", "none"]) expect(readLift({ ip, exempt: none })).toEqual({ request: { addresses, client: "*", exemptMs: null }, problems: [] });
    expect(readLift({ ip, client: "Elast.a_1-", exempt: "30d" })).toMatchObject({ request: { client: "Elast.a_1-", exemptMs: 30 * day }, problems: [] });
    expect(readLift({ ips: [ip] }).problems).toEqual([]);
    expect(readLift({ ip, client: "c".repeat(limits.nameCharsMax) }).problems).toEqual([]);
    expect(readLift([])).toMatchObject({ request: { addresses: [], client: "*", exemptMs: null }, problems: [{ field: "body" }] });
    expect(wrong(readLift({ ip, exempt: "31d" }))).toEqual(["exempt"]);
    for (const exempt of [null, 5, "5", [], ["1h"], "1 h"]) expect(wrong(readLift({ ip, exempt }))).toEqual(["exempt"]);
    for (const client of ["", "a b", "a*", "ä", "c".repeat(limits.nameCharsMax + 1), 7]) expect(wrong(readLift({ ip, client }))).toEqual(["client"]);
    expect(wrong(readLift({ type: "block", for: "1h" }))).toEqual(["for", "type", "ip"]);
  });

  test("exemption: its addresses and how long", () => {
    expect(readExemption({ ip, type: "exempt", for: "30d" })).toEqual({ request: { addresses, forMs: 30 * day }, problems: [] });
    expect(readExemption({ ips: [ip] }).problems).toEqual([]);
    expect(readExemption({ ip }).request).toEqual({ addresses, forMs: null });
    expect(readExemption("x")).toMatchObject({ request: { addresses: [], forMs: null }, problems: [{ field: "body" }] });
    expect(wrong(readExemption({ ip, for: "31d" }))).toEqual(["for"]);
    expect(wrong(readExemption({ ip, for: "x", type: "lift", reason: "" }))).toEqual(["reason", "type", "for"]);
  });

  test("reconcile: what a person confirms, whole or not at all", () => {
    expect(readReconcile({})).toEqual({ request: { confirm: null }, problems: [] });
    expect(readReconcile({ type: "reconcile", confirm: { target: "web", digest: "0123456789abcdef" } })).toEqual({
      request: { confirm: { target: "web", digest: "0123456789abcdef" } },
      problems: [],
    });
    expect(wrong(readReconcile(null))).toEqual(["body"]);
    expect(wrong(readReconcile({ confirm: "web" }))).toEqual(["confirm"]);
    expect(wrong(readReconcile({ confirm: { target: "web" } }))).toEqual(["confirm.digest"]);
    expect(wrong(readReconcile({ confirm: { digest: "a" } }))).toEqual(["confirm.digest"]);
    expect(wrong(readReconcile({ confirm: { target: "web", digest: "a", more: 1 }, type: "stop", odd: 1 }))).toEqual(["odd", "type", "confirm.more"]);
    for (const digest of ["", "a b", "a\n", "\na", "ä", "a".repeat(129)])
      expect(wrong(readReconcile({ confirm: { target: "web", digest } }))).toEqual(["confirm.digest"]);
    for (const digest of ["a", "A:9_-", "a".repeat(128)]) expect(readReconcile({ confirm: { target: "web", digest } }).problems).toEqual([]);
    expect(readReconcile({ confirm: { digest: "a" } }).request.confirm).toBeNull();
    expect(readReconcile({ confirm: { target: "web" } }).request.confirm).toBeNull();
  });

  test("stop: one of its actions, for some targets or all", () => {
    for (const action of ["freeze", "drain", "resume", "release"])
      expect(readStop({ action, type: "stop" })).toEqual({ request: { action, targets: undefined }, problems: [] });
    expect(readStop({ action: "drain", targets: ["web"] }).request).toEqual({ action: "drain", targets: ["web"] });
    expect(readStop(7)).toMatchObject({ request: { action: "freeze", targets: undefined }, problems: [{ field: "body" }] });
    expect(wrong(readStop({}))).toEqual(["action"]);
    expect(wrong(readStop({ action: "halt", targets: [], type: "store", odd: 1 }))).toEqual(["odd", "type", "action", "targets"]);
    expect(readStop({ action: "halt" }).request.action).toBe("freeze");
    expect(wrong(readStop({ action: "drain", targets: Array.from({ length: limits.targetsMax + 1 }, (_, at) => `t${at}`) }))).toEqual(["targets"]);
  });

  test("replay: the event it is meant for, if it says so", () => {
    expect(readReplay({ type: "replay", event: "5a" })).toEqual({ request: { event: "5a" }, problems: [] });
    expect(readReplay({})).toEqual({ request: { event: undefined }, problems: [] });
    expect(wrong(readReplay([]))).toEqual(["body"]);
    expect(readReplay([]).request).toEqual({ event: undefined });
    expect(wrong(readReplay({ type: "stop", event: 5, odd: 1 }))).toEqual(["odd", "type", "event"]);
  });

  test("store: nothing but its type", () => {
    expect(readStore({ type: "store" })).toEqual({ request: null, problems: [] });
    expect(wrong(readStore({ type: "stop", id: "x" }))).toEqual(["id", "type"]);
  });
});

describe("refusals", () => {
  const of = (code: Problem["code"], field: string, more: Partial<Problem> = {}): Problem => ({ code, field, reason: "is odd", ...more });

  test("one error: the problem that must be mended first, how many more there are, and the longest wait", () => {
    expect(refusalOf([], "Nothing was recorded.")).toBeNull();
    const order: readonly Problem["code"][] = [
      "INVALID_INPUT",
      "FORBIDDEN",
      "PROTECTED",
      "UNSUPPORTED",
      "EXEMPT",
      "CAPACITY_EXCEEDED",
      "RATE_LIMITED",
      "NOT_READY",
    ];
    for (const [at, code] of order.entries()) {
      const rest = order.slice(at).map((later) => of(later, later));
      expect(refusalOf(rest.toReversed(), "")?.error.code).toBe(code);
    }
    const one = refusalOf([of("PROTECTED", "ip", { facts: { range: "r" } })], "Nothing was recorded.");
    expect([one?.error.message, one?.error.context]).toEqual(["ip: is odd. Nothing was recorded.", { field: "ip", facts: { range: "r" } }]);
    const two = refusalOf([of("RATE_LIMITED", "a", { retryAfterSeconds: 9 }), of("EXEMPT", "b", { retryAfterSeconds: 70 })], "No.");
    expect(two?.error.message).toBe("b: is odd. No. 1 more problem is listed under errors.");
    expect(two?.error.context).toStrictEqual({ field: "b", retryAfterSeconds: 70 });
    expect(two?.problems.map((problem) => problem.field)).toEqual(["a", "b"]);
    expect(refusalOf([of("EXEMPT", "a"), of("EXEMPT", "b"), of("EXEMPT", "c")], "No.")?.error.message).toContain("a: is odd. No. 2 more problems are listed");
  });
});
