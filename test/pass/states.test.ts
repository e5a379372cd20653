// What is said of a block at a target after a visit: enforced only where a whole entry stands and the target enforces it;
// otherwise why not, in the order in which a person must mend it.
import { describe, expect, test } from "vitest";
import type { Bar } from "../../functions/pass/bars.ts";
import { States } from "../../functions/pass/states.ts";
import type { Visit } from "../../functions/pass/visit.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { decide } from "../../shared/plan/decide.ts";
import type { Entry, Observation } from "../../shared/provider.ts";
import { plainPolicy, weighing } from "../plan/scene.ts";
import { entryOf, observationOf, startMs, targetConfig, targetOf } from "./world.ts";

function leaseOf(text: string, changes: Partial<Lease> = {}): Lease {
  return { key: text, cidr: cidrOf(text), at: 0, until: startMs, client: "a", severity: "high", targets: null, held: false, ...changes };
}

interface Seen {
  readonly ours?: readonly Entry[];
  readonly leases?: readonly Lease[];
  readonly pools?: Observation["pools"];
  readonly enforcing?: Observation["enforcing"];
  readonly bar?: Bar;
  readonly error?: PortcullisError;
  readonly maxEntries?: number;
  readonly frozen?: readonly string[];
  readonly intent?: "drain";
  readonly plan?: null;
}

const pools: Observation["pools"] = [
  { name: "ipv4", families: [4], limit: 1 },
  { name: "ipv6", families: [6], limit: 0 },
];

function visitOf(seen: Seen): Visit {
  const observation = observationOf({ ours: seen.ours ?? [], pools: seen.pools ?? pools, enforcing: seen.enforcing ?? { yes: true } });
  const plan = decide({
    leases: { live: seen.leases ?? [], ended: [] },
    observation,
    admit: (cidr) => (cidr.family === 6 ? { kind: "unsupported", why: "IPv4 only" } : { cidr }),
    isProtected: () => false,
    granularity: "entry",
    canSwap: true,
    maxEntries: seen.maxEntries ?? null,
    intent: seen.intent ?? "enforce",
    mayRemove: true,
    orphanMayGo: () => false,
    leftovers: new Set(),
    frozenBlocks: new Set((seen.frozen ?? []).map((text) => cidrKey(cidrOf(text)))),
    weighing,
    policy: plainPolicy,
  });
  return {
    target: { ...targetOf("web"), config: { ...targetConfig, maxEntries: seen.maxEntries ?? null } },
    leases: { live: seen.leases ?? [], ended: [] },
    observation,
    plan: seen.plan === null ? null : plan,
    standing: seen.ours ?? [],
    bar: seen.bar ?? null,
    error: seen.error ?? null,
    orphans: null,
    drift: [],
    seen: "known",
    changed: [],
    pending: [],
    more: "done",
    callsMade: 0,
  };
}

function stateOf(text: string, seen: Seen, held: "held" | "live" = "live") {
  return new States(visitOf(seen)).of(cidrKey(cidrOf(text)), held);
}

const one = "203.0.113.1/32";
const other = "203.0.113.2/32";
const frozenBar: Bar = { state: "held", why: "frozen by an operator" };
const unavailable = new PortcullisError("PROVIDER_UNAVAILABLE", "no answer");
const refused = new PortcullisError("PROVIDER_AUTH", "refused");

describe("states", () => {
  test("enforced: where a whole entry of the block stands, and nothing else is said of it", () => {
    const seen = { ours: [entryOf("1", one)], leases: [leaseOf(one)] };
    expect(stateOf(one, seen)).toEqual({ state: "enforced" });
    expect(stateOf(one, { ...seen, bar: frozenBar, error: unavailable })).toEqual({ state: "enforced" });
    expect(stateOf(one, { ...seen, enforcing: { yes: false, why: "an allow comes before it" } })).toEqual({
      state: "failed",
      why: "the entry stands, but the target does not enforce it: an allow comes before it",
    });
  });

  test("covered: by a wider entry that stands whole, which is named; not by one that only should", () => {
    const leases = [leaseOf(one), leaseOf("203.0.113.0/28")];
    const range = entryOf("2", "203.0.113.0/28");
    expect(stateOf(one, { ours: [range], leases })).toEqual({ state: "covered", by: "203.0.113.0/28" });
    expect(stateOf(one, { ours: [range], leases, enforcing: { yes: false, why: "no subnet" } }).state).toBe("failed");
    expect(stateOf(one, { ours: [{ ...range, partial: "half" }], leases })).toEqual({ state: "pending", why: "half; passes complete it as soon as they can" });
    expect(stateOf(one, { leases })).toEqual({ state: "pending", why: "the next pass adds it" });
  });

  // A rule of an NSG cannot hold a range and an address inside it: "the next pass adds it" was said for as long as the range stood (found by the soak).
  test("pending: inside a range that ends sooner, which is named as what denies it meanwhile", () => {
    const leases = [leaseOf(one, { until: startMs + 60_000 }), leaseOf("203.0.113.0/28")];
    const range = entryOf("2", "203.0.113.0/28");
    expect(stateOf(one, { ours: [range], leases, pools: [{ name: "ipv4", families: [4], limit: 2 }] })).toEqual({
      state: "pending",
      by: "203.0.113.0/28",
      why: "203.0.113.0/28 stands around it and denies it meanwhile; it gets a place of its own before that one goes",
    });
    expect(stateOf(one, { ours: [{ ...range, partial: "half" }], leases, pools: [{ name: "ipv4", families: [4], limit: 2 }] }).by).toBeUndefined();
  });

  test("partial: an entry that is not whole enforces nothing yet", () => {
    const leases = [leaseOf(one)];
    expect(stateOf(one, { ours: [entryOf("1", one, "its egress half is missing")], leases })).toEqual({
      state: "pending",
      why: "its egress half is missing; passes complete it as soon as they can",
    });
    expect(stateOf(one, { ours: [entryOf("1", one, "half"), entryOf("2", one)], leases }).state).toBe("enforced");
  });

  test("held: by the brake, whatever stands; or because the target is being drained", () => {
    const seen = { ours: [entryOf("1", one)], leases: [leaseOf(one)] };
    expect(stateOf(one, seen, "held").state).toBe("held");
    expect(stateOf(one, { ...seen, intent: "drain" })).toEqual({ state: "held", why: "the target is being drained" });
    expect(stateOf(one, { ...seen, intent: "drain", bar: frozenBar })).toEqual(frozenBar);
    expect(stateOf(one, { ...seen, intent: "drain", bar: { state: "failed", why: "gone" } })).toEqual({ state: "held", why: "the target is being drained" });
  });

  test("refused: what the target cannot hold, with its reason", () => {
    expect(stateOf("2001:db8::/64", { leases: [leaseOf("2001:db8::/64")], error: unavailable })).toEqual({ state: "refused", why: "IPv4 only" });
  });

  test("barred: why nothing is written, and whether there would be room", () => {
    const leases = [leaseOf(one), leaseOf(other, { severity: "low" })];
    expect(stateOf(one, { leases, bar: frozenBar, error: unavailable })).toEqual(frozenBar);
    expect(stateOf(other, { leases, bar: frozenBar })).toEqual({ state: "held", why: "frozen by an operator; there would be no room" });
  });

  test("shed: with the numbers of its family, and of what the operator allows", () => {
    const seen = { ours: [entryOf("1", one)], leases: [leaseOf(one), leaseOf(other, { severity: "low" })] };
    const shed = stateOf(other, { ...seen, error: unavailable });
    expect(shed.state).toBe("shed");
    expect(shed.why).toBe("no room: 1 entries of ours stand, room for ipv4 1; the lightest that has a place is of severity high");
    const mixed = {
      leases: [leaseOf(one, { severity: "critical" }), leaseOf("192.0.2.1/32"), leaseOf(other, { severity: "low" })],
      pools: [{ name: "ipv4", families: [4] as const, limit: 2 }],
    };
    expect(stateOf(other, mixed).why).toMatch(/is of severity high$/);
    expect(stateOf(other, { ...seen, maxEntries: 1 }).why).toMatch(/room for ipv4 1, maxEntries 1/);
    const two: Observation["pools"] = [
      { name: "rules", families: [4, 6], limit: 1 },
      { name: "ipv4", families: [4], limit: 1 },
      { name: "ipv6", families: [6], limit: 7 },
    ];
    expect(stateOf(other, { ...seen, pools: two }).why).toMatch(/room for rules 1, ipv4 1(?:;|$)/);
    const inside = { leases: [leaseOf(one), leaseOf("203.0.113.0/28", { at: 9 })], pools: [{ name: "ipv4", families: [4] as const, limit: 0 }] };
    expect(stateOf("203.0.113.0/28", inside)).toEqual({ state: "shed", why: "no room: 0 entries of ours stand, room for ipv4 0" });
    expect(stateOf(one, inside).state).toBe("shed");
  });

  test("pending or failed: by whether trying again makes sense", () => {
    const leases = [leaseOf(one)];
    expect(stateOf(one, { leases, error: unavailable })).toEqual({ state: "pending", why: "no answer; the next tick tries again" });
    expect(stateOf(one, { leases, error: refused })).toEqual({ state: "failed", why: "refused" });
    expect(stateOf(one, { leases, error: refused, plan: null })).toEqual({ state: "failed", why: "refused" });
    expect(stateOf(one, { leases, plan: null })).toEqual({ state: "pending", why: "the target was not visited yet" });
  });

  test("waiting: for an unknown outcome or for its place, which the next tick looks at", () => {
    expect(stateOf(one, { leases: [leaseOf(one)], frozen: [one] }).why).toMatch(/^waits for its place/);
  });
});
