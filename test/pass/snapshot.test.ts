// What a pass writes down for all reads: each target as it was seen, each block with its records and what is true of it, and whether that is all.
import { describe, expect, test } from "vitest";
import { pass } from "../../functions/reconcile.ts";
import { cidrOf } from "../../shared/address/index.ts";
import { fail, ok } from "../../shared/errors.ts";
import { liftKey, liftMetadata, stopMetadata } from "../../shared/keys.ts";
import { type Lease, type Lift, noStop, type StopState } from "../../shared/lease/record.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import type { Observation } from "../../shared/provider.ts";
import { isoTime } from "../../shared/time.ts";
import { leaseOf, setUp, stored, type Told, taken, toldOf } from "./by-hand.ts";
import { key, pools } from "./rig.ts";
import { entryOf, observationOf, settle, startMs, storeId } from "./world.ts";

const [first, second, third] = ["203.0.113.7", "203.0.113.9", "198.51.100.4"] as const;
/** When the first pass of these worlds runs: as soon as memory is old enough to believe a listing. */
const passAt = startMs + settle;
const seen = (changes: Partial<Observation>) => ok(observationOf({ pools, serverDate: passAt, ...changes }));

async function snapshotOf(told: Told): Promise<Snapshot> {
  await pass(told.world, "asked");
  const { snapshot } = told.world.memory;
  if (snapshot === null) throw new Error("no snapshot");
  return snapshot;
}

function liftOf(text: string, { at = startMs + 1_000, client = "*", ...rest }: Partial<Pick<Lift, "at" | "client" | "by" | "exemptUntil">> = {}) {
  return { name: liftKey(cidrOf(text), at, client), metadata: liftMetadata({ exemptUntil: null, ...rest }) };
}

const stopOf = (targets: StopState["targets"], releasedAt = noStop.releasedAt) => ({
  name: "stop",
  metadata: stopMetadata({ ...noStop, at: startMs, targets, releasedAt }),
});

/** What is said of one block, by target. */
function said({ blocks, states }: Snapshot, text: string): Readonly<Record<string, unknown>> {
  const row = blocks.find((one) => one.key === key(text));
  return Object.fromEntries(Object.entries(row?.states ?? {}).map(([name, index]) => [name, states[index]?.state ?? "nothing"]));
}

describe("a target in a snapshot", () => {
  test("seen: everything that was seen and done there", async () => {
    const foreign = [{ ...entryOf("f", "192.0.2.1"), summary: "somebody else's" }];
    const ours = [entryOf("r", second)];
    const told = await toldOf({ web: { observe: () => seen({ ours, foreign }) } }, [leaseOf(first), leaseOf(second)]);
    const { targets, storeId: store, stop, version, at } = await snapshotOf(told);
    expect({ store, stop, version, at }).toEqual({ store: storeId, stop: noStop, version: 1, at: passAt });
    expect(targets).toEqual({
      web: {
        kind: "aws-nacl",
        mode: "enforce",
        stopped: null,
        error: null,
        callsMade: 2,
        observedAt: passAt,
        enforcing: { yes: true },
        pools: [{ name: "rules", limit: 9, used: 2 }],
        ours: 2,
        foreign: 1,
        shed: [],
        room: expect.objectContaining({ used: 2, foreign: 1, free: 7, warning: null }) as unknown,
        pending: 0,
        orphans: null,
        drift: [],
        changed: [`add ${key(first)}`],
        overdueSince: null,
      },
    });
  });

  test("seen: each pool counts what is of its families", async () => {
    const ours = [entryOf("a", first), entryOf("b", second), entryOf("c", "2001:db8::1")];
    const three: Observation["pools"] = [
      { name: "four", families: [4], limit: 5 },
      { name: "six", families: [6], limit: 6 },
      { name: "both", families: [4, 6], limit: 7 },
    ];
    const told = await toldOf({ web: { observe: () => seen({ ours, pools: three }) } }, [leaseOf(first), leaseOf(second), leaseOf("2001:db8::1")]);
    const { targets } = await snapshotOf(told);
    expect(targets.web?.pools).toEqual([
      { name: "four", limit: 5, used: 2 },
      { name: "six", limit: 6, used: 1 },
      { name: "both", limit: 7, used: 3 },
    ]);
  });

  test("seen: what has no room, by name, and what waits, steps and places alike", async () => {
    const one: Observation["pools"] = [{ name: "rules", families: [4], limit: 1 }];
    const told = await toldOf({ web: { observe: () => seen({ pools: one }) } }, [leaseOf(first, { severity: "critical" }), leaseOf(second)]);
    expect((await snapshotOf(told)).targets.web).toMatchObject({ shed: [`${second}/32`], pending: 0, room: { warning: "1 blocks found no room" } });
    const waiting = await toldOf({ web: { answer: taken } }, [leaseOf(first)]);
    expect((await snapshotOf(waiting)).targets.web).toMatchObject({ pending: 1, changed: [], ours: 0 });
  });

  test("seen: what waits for a place that rests counts as much as what the cloud did not take", async () => {
    const told = await toldOf({ web: { answer: taken } }, [leaseOf(first), leaseOf(second)]);
    told.world.memory.target("web").frozen[`block:${key(second)}`] = passAt + settle;
    expect((await snapshotOf(told)).targets.web).toMatchObject({ pending: 2, changed: [] });
  });

  test("seen: a target is nearly full from where its configuration says", async () => {
    const leases = Array.from({ length: 5 }, (_, at) => leaseOf(`203.0.113.${2 * at + 1}`));
    for (const [config, warning] of [
      [{}, null],
      [{ warnAt: 0.5 }, "nearly full: rules 5 of 9"],
      [{ maxEntries: 5 }, "nearly full: maxEntries 5 of 5"],
    ] as const) {
      const told = await toldOf({ web: { config } }, leases);
      expect([config, (await snapshotOf(told)).targets.web?.room?.warning]).toEqual([config, warning]);
    }
  });

  test("not seen: what was last known stays, with the error of now and the time of then", async () => {
    let isDown = true;
    const told = await toldOf({ web: { observe: () => (isDown ? fail("PROVIDER_UNAVAILABLE", "no answer") : seen({ ours: [entryOf("r", first)] })) } }, [
      leaseOf(first),
    ]);
    const error = { code: "PROVIDER_UNAVAILABLE", message: "no answer" };
    const unseen = { enforcing: { yes: false, why: "it was never observed" }, pools: [], ours: 0, foreign: 0, shed: [], orphans: null };
    const always = { kind: "aws-nacl", mode: "enforce", stopped: null, callsMade: 1, pending: 0, drift: [], changed: [] };
    expect((await snapshotOf(told)).targets.web).toEqual({ ...always, ...unseen, error, observedAt: null });
    isDown = false;
    const known = (await snapshotOf(told)).targets.web;
    expect(known).toMatchObject({ error: null, ours: 1 });
    isDown = true;
    told.now += 5_000;
    expect((await snapshotOf(told)).targets.web).toEqual({ ...known, ...always, error });
  });

  test("error: what a person must mend is one, though the visit went well; what a person chose is none", async () => {
    const other = "fedcba9876543210";
    const many = Array.from({ length: 9 }, (_, at) => entryOf(`r${at}`, `203.0.113.${at * 2}`));
    const told = await toldOf({
      foreign: { observe: () => seen({ storeId: other }) },
      unclaimed: { observe: () => seen({ storeId: null }) },
      orphaned: { observe: () => seen({ ours: many }) },
      watched: { config: { mode: "observe" } },
    });
    const { targets } = await snapshotOf(told);
    expect(targets.foreign?.error).toEqual({ code: "OWNERSHIP_CONFLICT", message: expect.stringContaining(`belongs to store ${other}`) });
    expect(targets.unclaimed?.error).toEqual({ code: "OWNERSHIP_CONFLICT", message: expect.stringContaining("never claimed") });
    const { orphans, error } = targets.orphaned ?? {};
    expect(orphans).toMatchObject({ unsafe: true, digest: expect.stringMatching(/./) });
    expect(error).toEqual({ code: "PLAN_UNSAFE", message: expect.stringMatching(/^9 entries of ours have no record/) });
    expect(error?.message).toContain(orphans?.digest ?? "no digest");
    expect(targets.watched).toMatchObject({ error: null, mode: "observe" });
  });

  test("error: a few entries without a record are none, and are named", async () => {
    const told = await toldOf({ web: { observe: () => seen({ ours: [entryOf("r", first)] }) } });
    expect((await snapshotOf(told)).targets.web).toMatchObject({ error: null, orphans: { cidrs: [`${first}/32`], unsafe: false } });
  });

  test.each<[StopState["targets"], object]>([
    [{}, { web: null, api: null }],
    [{ web: "freeze" }, { web: "freeze", api: null }],
    [{ "*": "freeze" }, { web: "freeze", api: "freeze" }],
    [
      { "*": "freeze", web: "drain" },
      { web: "drain", api: "freeze" },
    ],
  ])("stopped: %j", async (targets, expected) => {
    const told = await toldOf({ web: {}, api: {} }, [leaseOf(first)]);
    told.keys = [...told.keys, stopOf(targets)];
    const snapshot = await snapshotOf(told);
    expect(Object.fromEntries(Object.entries(snapshot.targets).map(([name, { stopped }]) => [name, stopped]))).toEqual(expected);
    expect(snapshot.stop.targets).toEqual(targets);
  });

  test("stopped: a target named like what every object has is stopped by nobody", async () => {
    const told = await toldOf({ constructor: {} });
    expect((await snapshotOf(told)).targets.constructor).toMatchObject({ stopped: null });
  });
});

describe("a block in a snapshot", () => {
  const records = (...leases: readonly Lease[]) => leases.map(({ key: _key, cidr: _cidr, ...record }) => record);

  test("rows: one for a block, with the records of all clients, from the first to the last, by the severest", async () => {
    const mild = leaseOf(first, { client: "a", severity: "low", at: startMs - 5, until: startMs + 9 * settle });
    const grave = leaseOf(first, { client: "b", severity: "critical", at: startMs - 9, until: startMs + 4 * settle });
    const middle = leaseOf(first, { client: "c", severity: "high", at: startMs - 1, until: startMs + 12 * settle });
    const { blocks, states } = await snapshotOf(await toldOf({ web: {} }, [mild, grave, middle, leaseOf(second)]));
    expect(blocks).toHaveLength(2);
    const row = blocks.find((one) => one.key === key(first));
    expect(row).toMatchObject({ at: startMs - 9, until: startMs + 12 * settle, severity: "critical" });
    expect(row?.records.map(({ client }) => client).sort()).toEqual(["a", "b", "c"]);
    expect(row?.records).toEqual(expect.arrayContaining(records(mild, grave, middle)));
    expect(blocks.find((one) => one.key === key(second))?.severity).toBe("high");
    // The same word is written once, however many blocks it is said of.
    expect(states).toEqual([{ state: "enforced" }]);
  });

  test("rows: what has ended, and what was lifted, is no block any more", async () => {
    const leases = [leaseOf(first, { until: passAt }), leaseOf(second), leaseOf(third, { until: passAt + 1 })];
    const told = await toldOf({ web: {} }, leases);
    told.keys = [...told.keys, liftOf(second)];
    const { blocks, ended } = await snapshotOf(told);
    expect(blocks.map((row) => row.key)).toEqual([key(third)]);
    expect(ended?.map((record) => record.key).sort()).toEqual([key(first), key(second)].sort());
  });

  test("states: of each target that the block is meant for, and of no other", async () => {
    const leases = [leaseOf(first, { targets: ["web"] }), leaseOf(second, { targets: ["web", "api"] }), leaseOf(third)];
    const snapshot = await snapshotOf(await toldOf({ web: {}, api: { observe: () => fail("PROVIDER_UNAVAILABLE", "no answer") } }, leases));
    expect([said(snapshot, first), said(snapshot, second), said(snapshot, third)]).toEqual([
      { web: "enforced" },
      { web: "enforced", api: "pending" },
      { web: "enforced", api: "pending" },
    ]);
  });

  test("states: what differs in a word is another state", async () => {
    const one: Observation["pools"] = [{ name: "rules", families: [4], limit: 2 }];
    const wide = leaseOf("203.0.113.0/24", { severity: "critical", until: startMs + 90 * settle });
    const { states } = await snapshotOf(
      await toldOf({ web: { observe: () => seen({ pools: one, ours: [entryOf("w", "203.0.113.0/24")] }) } }, [
        wide,
        leaseOf(first, { until: startMs + 9 * settle }),
        leaseOf(second, { until: startMs + 9 * settle }),
        leaseOf(third, { until: startMs + 9 * settle }),
        leaseOf("192.0.2.1", { severity: "low" }),
      ]),
    );
    expect(states.map(({ state, by }) => [state, by])).toEqual(
      expect.arrayContaining([
        ["enforced", undefined],
        ["covered", "203.0.113.0/24"],
      ]),
    );
    const texts = states.map((state) => JSON.stringify(state));
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("states: two reasons are two words", async () => {
    const none: Observation["pools"] = [
      { name: "four", families: [4], limit: 0 },
      { name: "six", families: [6], limit: 0 },
    ];
    const { states } = await snapshotOf(await toldOf({ web: { observe: () => seen({ pools: none }) } }, [leaseOf(first), leaseOf("2001:db8::1")]));
    expect(states.map(({ state, why }) => [state, /room for (\w+)/.exec(why ?? "")?.[1]])).toEqual([
      ["shed", "four"],
      ["shed", "six"],
    ]);
  });

  test("states: two covers are two words", async () => {
    const wides = ["203.0.113.0/24", "198.51.100.0/24"].map((text) => leaseOf(text, { until: startMs + 90 * settle }));
    const ours = [entryOf("a", "203.0.113.0/24"), entryOf("b", "198.51.100.0/24")];
    const { blocks, states } = await snapshotOf(await toldOf({ web: { observe: () => seen({ ours }) } }, [...wides, leaseOf(first), leaseOf(third)]));
    const byOf = (text: string) => states[blocks.find((row) => row.key === key(text))?.states.web ?? -1]?.by;
    expect([byOf(first), byOf(third)]).toEqual(["203.0.113.0/24", "198.51.100.0/24"]);
  });

  test("states: what spills is said of at both targets, and of those it does not spill from at one", async () => {
    const none: Observation["pools"] = [{ name: "rules", families: [4], limit: 0 }];
    const hands = { above: { config: { spill: "below" }, observe: () => seen({ pools: none }) }, below: {} };
    const snapshot = await snapshotOf(await toldOf(hands, [leaseOf(first, { targets: ["above"] }), leaseOf(second, { targets: ["below"] })]));
    expect([said(snapshot, first), said(snapshot, second)]).toEqual([{ above: "shed", below: "enforced" }, { below: "enforced" }]);
    // A lease for all targets is not for one that only takes what others spill.
    const all = await snapshotOf(await toldOf({ ...hands, above: { config: { spill: "below" } } }, [leaseOf(third)]));
    expect(said(all, third)).toEqual({ above: "enforced" });
  });

  test("held: a block waits for the brake only where all its leases there do", async () => {
    const held = leaseOf(first, { held: true });
    const leases = [
      held,
      leaseOf(second, { held: true }),
      leaseOf(second, { client: "b" }),
      leaseOf(third, { held: true, targets: ["web"] }),
      leaseOf(third, { client: "b", targets: ["api"] }),
    ];
    const told = await toldOf({ web: {}, api: {} }, leases);
    const snapshot = await snapshotOf(told);
    expect(snapshot.held).toBe(1);
    const [heldAt, enforcedAt] = [first, second].map((text) => snapshot.blocks.find((row) => row.key === key(text))?.states.web ?? -1);
    expect(snapshot.states[heldAt ?? -1]).toEqual({ state: "held", why: expect.stringMatching(/^the brake was on/) });
    expect(snapshot.states[enforcedAt ?? -1]).toEqual({ state: "enforced" });
    expect([said(snapshot, first), said(snapshot, second), said(snapshot, third)]).toEqual([
      { web: "held", api: "held" },
      { web: "enforced", api: "enforced" },
      { web: "held", api: "enforced" },
    ]);
    told.keys = [...told.keys, stopOf({}, startMs + 1)];
    const released = await snapshotOf(told);
    expect([released.held, said(released, first)]).toEqual([0, { web: "enforced", api: "enforced" }]);
  });
});

describe("what else a snapshot says", () => {
  test("lifts: those that matter, with whom and by whom, and as exemptions while they last", async () => {
    const told = await toldOf({ web: {} });
    const exemptUntil = passAt + 1;
    told.keys = [
      setUp,
      liftOf(first, { exemptUntil, by: "person" }),
      liftOf(second, { client: "a" }),
      liftOf(third, { exemptUntil: passAt, at: startMs + 2_000 }),
    ];
    const { lifts, exemptions } = await snapshotOf(told);
    const byKey = new Map(lifts.map((lift) => [lift.key, lift]));
    expect(byKey.get(key(first))).toEqual({ key: key(first), at: startMs + 1_000, client: "*", exemptUntil, by: "person" });
    expect(byKey.get(key(second))).toStrictEqual({ key: key(second), at: startMs + 1_000, client: "a", exemptUntil: null });
    expect(exemptions).toEqual([{ key: key(first), at: startMs + 1_000, until: exemptUntil }]);
  });

  test("complete: with old memory and a whole listing; with new memory not until the store must show all", async () => {
    const told = await toldOf({ web: {} }, [leaseOf(first)]);
    const whole = { complete: true, incompleteWhy: null };
    const staleness = told.world.config.store.stalenessMs;
    const why = `memory is new, and the store may lack the latest blocks until ${isoTime(startMs + staleness)}`;
    told.now = startMs + staleness - 1;
    expect(await snapshotOf(told)).toMatchObject({ complete: false, incompleteWhy: why });
    told.now = startMs + staleness;
    expect(await snapshotOf(told)).toMatchObject(whole);
    const alone = await toldOf({ web: {} }, [leaseOf(first)], { continuity: "none" });
    alone.now = startMs;
    expect(await snapshotOf(alone)).toMatchObject(whole);
  });

  test("complete: a listing that is not whole says why, in words of its own", async () => {
    const told = await toldOf({ web: {} }, [leaseOf(first)]);
    told.keys = told.keys.slice(1);
    told.now = startMs;
    expect(await snapshotOf(told)).toMatchObject({ complete: false, incompleteWhy: expect.stringMatching(/^the store has no id/) });
  });

  test("complete: a pass that listed nothing says what the one before it said, or what it knows", async () => {
    const told = await toldOf({ web: {} }, [leaseOf(first)]);
    const { memory } = told.world;
    const completeness = () => [memory.snapshot?.complete, memory.snapshot?.incompleteWhy];
    const broken = { ...told.world, store: { ...told.world.store, list: () => Promise.reject(new Error("gone")) } };
    await pass(broken, "asked");
    expect(completeness()).toEqual([false, "the store could not be listed"]);
    await pass(told.world, "asked");
    expect(completeness()).toEqual([true, null]);
    await pass(told.world, "accepted");
    expect(completeness()).toEqual([true, null]);
    // What is missing from a listing that failed was in the one before.
    await pass(broken, "asked");
    expect(completeness()).toEqual([true, null]);
    told.keys = [stored(leaseOf(first))];
    await pass(told.world, "asked");
    await pass(told.world, "accepted");
    expect(completeness()).toEqual([false, expect.stringMatching(/^the store has no id/)]);
  });
});
