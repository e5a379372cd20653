// What a client may ask for, to the last number: widths, durations, targets, what is protected; and what a detector's
// item says, or why it says nothing.
import { describe, expect, test } from "vitest";
import { type Cidr, cidrOf, overlaps } from "../../shared/address/index.ts";
import type { AlertMapping, ClientConfig, Config } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { type AlertEntry, readAlerts } from "../../shared/request/alert.ts";
import {
  absoluteWidthProblems,
  durationProblems,
  type Judge,
  judgeBlock,
  longestMs,
  selectTargets,
  widened,
  widthProblems,
} from "../../shared/request/judge.ts";

const hour = 3_600_000;

const client: ClientConfig = {
  keys: [],
  secrets: [],
  scopes: ["block"],
  from: null,
  longestMs: 4 * hour,
  widest: { ipv4: 24, ipv6: 48 },
  targets: null,
  live: 10,
  newPerMinute: 10,
  mode: "enforce",
};
const defaults: Config["defaults"] = { forMs: hour, shortestMs: 60_000, severity: "medium", exemptForMs: hour, widen: { ipv4: 30, ipv6: 64 } };
const guarded = cidrOf("198.51.100.0/24");

function judgeOf(changes: Partial<ClientConfig> = {}, own: Cidr | null = null): Judge {
  return {
    config: { defaults, targets: { web: {}, hub: {} } } as unknown as Config,
    clientName: "cli",
    client: { ...client, ...changes },
    protection: { find: (cidr) => (overlaps(guarded, cidr) ? { range: "198.51.100.0/24", source: "the operator" } : null) },
    own,
  };
}

describe("width", () => {
  test("widen: a longer prefix becomes the default block of its family, and the answer says so", () => {
    const { config } = judgeOf();
    expect(widened(cidrOf("203.0.113.7"), config)).toEqual({
      cidr: cidrOf("203.0.113.4/30"),
      adjustments: ["widened from 203.0.113.7 to 203.0.113.4/30: one ipv4 host can use all of it (defaults.widen)"],
    });
    expect(widened(cidrOf("2001:db8::1"), config).cidr).toEqual(cidrOf("2001:db8::/64"));
    for (const text of ["203.0.113.4/30", "203.0.113.0/24", "2001:db8::/64", "2001:db8::/48"]) {
      expect(widened(cidrOf(text), config)).toEqual({ cidr: cidrOf(text), adjustments: [] });
    }
  });

  test("bound: nobody goes wider than the absolute limit, a client no wider than its own; the first of them answers", () => {
    const judge = judgeOf();
    const any = judgeOf({ widest: { ipv4: 0, ipv6: 0 } });
    for (const text of ["203.0.113.0/24", "2001:db8::/48"]) expect(widthProblems(cidrOf(text), "ip", judge)).toEqual([]);
    for (const text of ["203.0.0.0/8", "2000::/19"]) expect(absoluteWidthProblems(cidrOf(text), "ip")).toEqual([]);
    for (const text of ["203.0.0.0/8", "2000::/19"]) expect(widthProblems(cidrOf(text), "ip", any)).toEqual([]);
    expect(widthProblems(cidrOf("203.0.112.0/23"), "ips[3]", judge)).toMatchObject([
      { code: "FORBIDDEN", field: "ips[3]", facts: { limit: "widest.ipv4", allowed: 24, asked: 23 } },
    ]);
    expect(widthProblems(cidrOf("2001:db8::/47"), "ip", judge)).toMatchObject([{ code: "FORBIDDEN", facts: { limit: "widest.ipv6", allowed: 48, asked: 47 } }]);
    expect(widthProblems(cidrOf("203.0.112.0/23"), "ip", judge)[0]?.reason).toContain("(clients.cli.widest.ipv4)");
    for (const judged of [judge, any]) {
      const [first, ...rest] = widthProblems(cidrOf("202.0.0.0/7"), "ip", judged);
      expect([first?.code, first?.facts, rest]).toEqual(["FORBIDDEN", { limit: "shortestPrefix.ipv4", allowed: limits.shortestPrefix.ipv4, asked: 7 }, []]);
    }
    expect(absoluteWidthProblems(cidrOf("2000::/18"), "ip")).toMatchObject([
      { code: "FORBIDDEN", field: "ip", facts: { limit: "shortestPrefix.ipv6", allowed: limits.shortestPrefix.ipv6, asked: 18 } },
    ]);
  });
});

describe("a block", () => {
  test("judge: the widened block is what is measured and held against the protect list and the caller's own address", () => {
    expect(judgeBlock(cidrOf("203.0.113.7"), "ip", judgeOf())).toMatchObject({ cidr: cidrOf("203.0.113.4/30"), problems: [] });
    const hit = judgeBlock(cidrOf("198.51.100.9"), "ip", judgeOf());
    expect(hit.problems).toMatchObject([{ code: "PROTECTED", field: "ip", facts: { range: "198.51.100.0/24", source: "the operator" } }]);
    // The neighbour's address is the caller's once it is widened.
    const own = judgeBlock(cidrOf("203.0.113.7"), "ip", judgeOf({}, cidrOf("203.0.113.5")));
    expect(own.problems).toMatchObject([{ code: "PROTECTED", facts: { range: "203.0.113.5", source: "the caller's own address" } }]);
    expect(judgeBlock(cidrOf("203.0.113.9"), "ip", judgeOf({}, cidrOf("203.0.113.5"))).problems).toEqual([]);
    const both = judgeBlock(cidrOf("198.51.0.0/16"), "ip", judgeOf({}, cidrOf("198.51.100.1")));
    expect(both.problems.map((problem) => problem.code)).toEqual(["FORBIDDEN", "PROTECTED"]);
  });

  test("last: between the shortest lease and the longest that the client, or anyone, may ask for", () => {
    const judge = judgeOf();
    for (const forMs of [60_000, 4 * hour]) expect(durationProblems(forMs, judge)).toEqual([]);
    expect(durationProblems(4 * hour + 1_000, judge)).toMatchObject([
      { code: "FORBIDDEN", field: "for", facts: { limit: "longest", allowed: "4h", asked: "14401s" } },
    ]);
    expect(durationProblems(59_000, judge)).toMatchObject([{ code: "INVALID_INPUT", field: "for", facts: { limit: "shortest", allowed: "1m", asked: "59s" } }]);
    expect([longestMs(client), longestMs({ ...client, longestMs: 99 * limits.leaseLongestMs })]).toEqual([4 * hour, limits.leaseLongestMs]);
  });

  test("targets: those of the client unless it names some, which must be its own and exist", () => {
    const select = (asked: readonly string[] | undefined, targets: readonly string[] | null) => selectTargets(asked, judgeOf({ targets }));
    expect(select(undefined, null)).toEqual({ targets: null, problems: [] });
    expect(select(undefined, ["hub"])).toEqual({ targets: ["hub"], problems: [] });
    expect(select(["web"], null)).toEqual({ targets: ["web"], problems: [] });
    expect(select(["web", "hub"], ["hub", "web"])).toEqual({ targets: ["web", "hub"], problems: [] });
    expect(select(["hub", "web"], ["hub"]).problems).toEqual([
      { code: "FORBIDDEN", field: "targets[1]", reason: "client cli may select hub only", facts: { limit: "targets", allowed: ["hub"] } },
    ]);
    expect(select(["edge"], ["hub", "web"]).problems).toMatchObject([{ reason: "client cli may select hub, web only" }]);
    expect(select(["web"], []).problems).toMatchObject([{ code: "FORBIDDEN", reason: "client cli may select no target only" }]);
    for (const name of ["edge", "constructor", "toString", "__proto__"]) {
      expect(select([name], null).problems).toMatchObject([
        { code: "INVALID_INPUT", field: "targets[0]", reason: "names no target of this deployment; there are web, hub" },
      ]);
    }
    expect(select(["gone"], ["gone"]).problems).toMatchObject([{ code: "INVALID_INPUT", reason: "names no target of this deployment; there are gone" }]);
    const empty = { ...judgeOf(), config: { defaults, targets: {} } as unknown as Config };
    expect(selectTargets(["web"], empty).problems).toMatchObject([{ reason: "names no target of this deployment; there are none" }]);
  });
});

describe("alerts", () => {
  const mapping: AlertMapping = { ip: ["source.ip", "ips"], at: ["@timestamp"], reason: ["rule", "name"], severity: ["level"], id: ["id", "_id"] };
  const rules = { mapping, severity: "low" } as const;
  const first = (body: unknown): AlertEntry | undefined => readAlerts(body, rules)[0];

  test("read: an address with what the item says about it", () => {
    const entry = first({
      source: { ip: "203.0.113.7" },
      "@timestamp": "2026-01-01T00:00:00",
      rule: " ssh\nbrute ",
      level: "HIGH",
      id: ["a", 7, "a", null],
      _id: "x",
      _index: "i",
    });
    const event = { at: Date.UTC(2026, 0, 1), reason: "ssh brute", severity: "high", ids: ["a", "7", "i/x"] };
    expect(entry).toEqual({ kind: "address", item: 0, asked: cidrOf("203.0.113.7"), event });
    expect(first({ ips: "203.0.113.0/24" })).toEqual({
      kind: "address",
      item: 0,
      asked: cidrOf("203.0.113.0/24"),
      event: { at: null, reason: "", severity: "low", ids: [] },
    });
  });

  test("read: what makes no sense about the event spoils nothing", () => {
    const eventOf = (more: Record<string, unknown>) => {
      const entry = first({ ips: "203.0.113.7", ...more });
      return entry?.kind === "address" ? entry.event : undefined;
    };
    expect(eventOf({ "@timestamp": "yesterday" })?.at).toBe("unreadable");
    expect(eventOf({ level: "worst" })?.severity).toBe("low");
    expect(eventOf({ level: { high: 1 } })?.severity).toBe("low");
    expect(eventOf({ rule: { a: 1 } })?.reason).toBe("");
    expect(eventOf({ rule: 404 })?.reason).toBe("404");
    expect(eventOf({ name: "second" })?.reason).toBe("second");
    expect(eventOf({ rule: `${"x".repeat(limits.reasonCharsMax - 1)} y` })?.reason).toBe("x".repeat(limits.reasonCharsMax - 1));
    expect(eventOf({ _id: "x" })?.ids).toEqual(["x"]);
    expect(eventOf({ _index: "i" })?.ids).toEqual([]);
    expect(eventOf({ id: ["\u0000", true, {}, "b"] })?.ids).toEqual(["b"]);
    expect(eventOf({ id: "y".repeat(500) })?.ids).toEqual(["y".repeat(limits.alertIdCharsMax)]);
    expect(eventOf({ id: Array.from({ length: 20 }, (_, at) => at), _id: "x" })?.ids).toEqual(Array.from({ length: limits.alertIdsMax }, (_, at) => `${at}`));
  });

  test("invalid: every item without an address says why, beside those that have one", () => {
    const entries = readAlerts([7, null, [], "x", {}, { ips: null }, { ips: [] }, { ips: ["203.0.113.7", 5, "nonsense"] }], rules);
    expect(entries.map((entry) => [entry.item, entry.kind === "invalid" ? entry.field : "-"])).toEqual([
      [0, ""],
      [1, ""],
      [2, ""],
      [3, ""],
      [4, "source.ip"],
      [5, "source.ip"],
      [6, "source.ip"],
      [7, "-"],
      [7, "ips"],
      [7, "ips"],
    ]);
    const why = (body: unknown) => {
      const entry = first(body);
      return entry?.kind === "invalid" ? entry.reason : "";
    };
    expect(why(7)).toBe("is 7; an alert is a JSON object");
    expect(why({})).toBe("no address: none of source.ip, ips is there and not null");
    expect(why({ ips: 5 })).toBe("is 5; an address is a text");
    expect(why({ ips: "203.0.113.7/24" })).toContain("host bits");
    expect(readAlerts({}, { ...rules, mapping: { ...mapping, ip: [] } })).toMatchObject([{ kind: "invalid", field: "ip" }]);
  });

  test("bound: as many addresses as one request may hold; the longest lists and the last items are named instead", () => {
    const max = limits.alertItemsMax;
    const hosts = (count: number) => Array.from({ length: count }, (_, at) => `198.51.${at >> 8}.${at & 255}`);
    expect(readAlerts({ ips: hosts(max) }, rules).filter((entry) => entry.kind === "address").length).toBe(max);
    expect(readAlerts({ ips: hosts(max + 1) }, rules)).toMatchObject([
      { kind: "invalid", item: 0, field: "", reason: expect.stringContaining(`more than ${max} beside the others`) as string },
    ]);
    const crowded = readAlerts([{ ips: hosts(2) }, { ips: hosts(max - 1) }, { ips: hosts(3) }], rules);
    expect(crowded.map((entry) => [entry.kind, entry.item])).toEqual([
      ["address", 0],
      ["address", 0],
      ["invalid", 1],
      ["address", 2],
      ["address", 2],
      ["address", 2],
    ]);
    expect(crowded[2]).toMatchObject({ reason: expect.stringContaining(`were taken, ${max - 1} beside the others`) as string });
    // As much as fits, and no less: two lists too long together, of which one is enough to leave out.
    const two = readAlerts([{ ips: hosts(600) }, { ips: hosts(601) }, { ips: hosts(399) }], rules);
    expect([two.length, two.filter((entry) => entry.kind === "invalid").map((entry) => entry.item)]).toEqual([1_000, [1]]);
    // Exactly as much as fits is not "more than" that, and what is left out still takes a line.
    const [whole] = readAlerts([{ ips: hosts(max) }, { ips: "203.0.113.7" }], rules);
    expect(whole).toMatchObject({ kind: "invalid", reason: expect.stringContaining(`taken, ${max} beside`) as string });
    const three = readAlerts([{ ips: hosts(501) }, { ips: hosts(500) }, { ips: hosts(500) }], rules);
    expect([three.length, three.filter((entry) => entry.kind === "invalid").map((entry) => entry.item)]).toEqual([502, [0, 1]]);
    const many = readAlerts(
      Array.from({ length: max + 5 }, () => ({ ips: "203.0.113.7" })),
      rules,
    );
    expect([many.length, many.at(-2)?.kind]).toEqual([max + 1, "address"]);
    expect(many.at(-1)).toMatchObject({
      kind: "invalid",
      item: max,
      field: "",
      reason: expect.stringContaining("this item and the 4 after it were not read") as string,
    });
    expect(
      readAlerts(
        Array.from({ length: max }, () => ({ ips: "203.0.113.7" })),
        rules,
      ).every((entry) => entry.kind === "address"),
    ).toBe(true);
  });
});
