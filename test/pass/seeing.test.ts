// What a pass believes of what it sees: acknowledged steps over stale reads, removals that are only accepted, places that
// rest, changes that were not ours, and orphans, which go only after they were watched for long enough.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TargetMemory } from "../../functions/coordinator/memory.ts";
import { acknowledge, driftOf, freezeInFlight, markLeaving, noteLeaving, overlay, refreshMemory } from "../../functions/pass/observe.ts";
import { assessOrphans, noteConfirmed, orphanRule, sightOrphans } from "../../functions/pass/orphans.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import type { Entry } from "../../shared/provider.ts";
import { entryOf, lagMs, observationOf, startMs, stepOf, worldOf } from "./world.ts";

async function memoryOf(changes: Partial<TargetMemory> = {}): Promise<TargetMemory> {
  return Object.assign((await worldOf()).memory.target("web"), changes);
}

const a = entryOf("1", "203.0.113.1/32");
const b = entryOf("2", "203.0.113.2/32");
const c = entryOf("3", "2001:db8::/64", "its egress half is missing");

describe("overlay", () => {
  test("acknowledged: what was removed is gone, what was added stands as it was acknowledged, the last word wins", async () => {
    const memory = await memoryOf();
    acknowledge(memory, stepOf([a, c], ["2", "9"]), startMs);
    expect(overlay([b], memory.acknowledged)).toEqual([a, c]);
    acknowledge(memory, stepOf([b], ["1"]), startMs + 1);
    expect(overlay([b, entryOf("3", "203.0.113.9/32")], memory.acknowledged)).toEqual([b, c].sort((x, y) => y.id.localeCompare(x.id)));
    expect(memory.lastWriteAt).toBe(startMs + 1);
    expect(overlay([a], [])).toEqual([a]);
    expect(overlay([a], [{ at: 0, adds: [{ id: "5", key: "nonsense", partial: null }], removes: [] }])).toEqual([a]);
  });

  test("swap: an entry that takes the place of another in one step stands, whatever the order within it", async () => {
    const memory = await memoryOf();
    acknowledge(memory, stepOf([entryOf("1", "203.0.113.9/32")], ["1"]), startMs);
    expect(overlay([a], memory.acknowledged)).toEqual([entryOf("1", "203.0.113.9/32")]);
  });

  test("age: after the cloud's lag, and not before, an acknowledged step, a removal under way and a frozen place are forgotten", async () => {
    const memory = await memoryOf();
    acknowledge(memory, stepOf([a], []), startMs);
    memory.leaving = { "2": startMs + lagMs };
    memory.frozen = { "rule 3": startMs + lagMs };
    refreshMemory(memory, startMs + lagMs - 1, lagMs);
    expect([memory.acknowledged.length, memory.leaving, memory.frozen]).toEqual([1, { "2": startMs + lagMs }, { "rule 3": startMs + lagMs }]);
    refreshMemory(memory, startMs + lagMs, lagMs);
    expect([memory.acknowledged, memory.leaving, memory.frozen]).toEqual([[], {}, {}]);
  });
});

describe("on its way out", () => {
  test("leaving: an entry whose removal was only accepted serves nobody until it is gone, or comes back by our own hand", async () => {
    const memory = await memoryOf();
    noteLeaving(memory, stepOf([], ["1", "2", "7"]), startMs + 9);
    const marked = markLeaving(memory, [a, b, c]);
    expect(marked.map((entry) => entry.partial !== null)).toEqual([true, true, true]);
    expect(marked[0]).toMatchObject({ id: "1", cidr: a.cidr });
    expect(marked[2]).toBe(c);
    expect(memory.leaving).toEqual({ "1": startMs + 9, "2": startMs + 9 });
    acknowledge(memory, stepOf([a], []), startMs);
    expect(markLeaving(memory, [a, b])[0]).toBe(a);
    markLeaving(memory, [a]);
    expect(memory.leaving).toEqual({});
    expect(markLeaving(memory, [entryOf("constructor", "203.0.113.5/32")])[0]?.partial).toBeNull();
  });

  test("freeze: what was under way when a life ended rests, places and blocks, until it can be seen", async () => {
    const memory = await memoryOf({ frozen: { "rule 9": 5 }, inFlight: { slots: ["rule 1"], blocks: [cidrKey(a.cidr)] } });
    freezeInFlight(memory, 77);
    expect([memory.frozen, memory.inFlight]).toEqual([{ "rule 9": 5, "rule 1": 77, [`block:${cidrKey(a.cidr)}`]: 77 }, null]);
    freezeInFlight(memory, 99);
    expect(memory.frozen["rule 1"]).toBe(77);
  });
});

describe("drift", () => {
  test("name: what is gone, changed or new, and nothing where nothing is known or all is as it was left", () => {
    const left = { "1": cidrKey(a.cidr), "2": cidrKey(b.cidr) };
    const seen = (ours: readonly Entry[]) => observationOf({ ours });
    expect(driftOf(null, seen([a]))).toEqual([]);
    expect(driftOf(left, seen([a, b]))).toEqual([]);
    expect(driftOf(left, seen([a]))).toEqual(["203.0.113.2/32 (2) is gone, and we did not remove it"]);
    expect(driftOf(left, seen([a, entryOf("2", "203.0.113.9/32")]))).toEqual(["2 holds 203.0.113.9/32, where we left 203.0.113.2/32"]);
    expect(driftOf(left, seen([a, b, c]))).toEqual(["2001:db8::/64 (3) appeared, and we did not add it"]);
    expect(driftOf({}, seen([entryOf("constructor", "203.0.113.5/32")]))).toEqual(["203.0.113.5/32 (constructor) appeared, and we did not add it"]);
    expect(driftOf({ "1": "nonsense" }, seen([]))).toEqual(["nonsense (1) is gone, and we did not remove it"]);
  });
});

describe("orphans", () => {
  const hosts = Array.from({ length: 30 }, (_, at) => entryOf(`${at}`, `203.0.113.${at}/32`));

  test("watch: one goes after three full passes in a row over fifteen minutes, and starts anew when it was none in between", async () => {
    const memory = await memoryOf();
    const mayGo = (now: number) => orphanRule(memory, assessOrphans(memory, [a], 1), now)(a);
    const last = startMs + limits.orphanMs;
    sightOrphans(memory, [a], startMs);
    expect(mayGo(last)).toBe(false);
    sightOrphans(memory, [a], startMs + 1);
    expect(mayGo(last)).toBe(false);
    sightOrphans(memory, [a], startMs + 2);
    expect([mayGo(last - 1), mayGo(last)]).toEqual([false, true]);
    expect(orphanRule(memory, assessOrphans(memory, [a], 1), last)(entryOf("1", "203.0.113.9/32"))).toBe(false);
    expect(orphanRule(memory, null, last)(a)).toBe(false);
    sightOrphans(memory, [], last);
    sightOrphans(memory, [a], last);
    expect(mayGo(last + limits.orphanMs)).toBe(false);
    expect(memory.sightings).toEqual({ [`1|${cidrKey(a.cidr)}`]: { first: last, passes: 1 } });
  });

  test("many: more than a few, or than a fifth of ours, need a person's word", async () => {
    const memory = await memoryOf();
    expect(assessOrphans(memory, [], 9)).toBeNull();
    for (const [count, ours, unsafe] of [
      [3, 3, false],
      [4, 4, true],
      [4, 19, true],
      [4, 20, false],
      [5, 24, true],
      [5, 25, false],
      [6, 30, false],
      [7, 30, true],
    ] as const) {
      expect([count, ours, assessOrphans(memory, hosts.slice(0, count), ours)?.unsafe]).toEqual([count, ours, unsafe]);
    }
    const assessed = assessOrphans(memory, [a, c], 2);
    expect(assessed?.cidrs).toEqual(["203.0.113.1/32", "2001:db8::/64"]);
    expect(assessed?.digest).not.toBe(assessOrphans(memory, [b, c], 2)?.digest);
    for (let pass = 0; pass < 9; pass += 1) sightOrphans(memory, hosts, startMs);
    const later = startMs + limits.orphanMs;
    const unsafe = assessOrphans(memory, hosts, 30);
    expect(hosts.filter(orphanRule(memory, unsafe, later))).toEqual([]);
  });

  test("word: lets go exactly what was shown, at once, until the last of it is gone; then it is used up", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 30 }), async (shown, gone) => {
        const memory = await memoryOf();
        const orphans = hosts.slice(0, shown);
        const digest = assessOrphans(memory, orphans, shown)?.digest ?? "";
        memory.confirmedOrphans = digest;
        expect(assessOrphans(memory, orphans, shown)?.unsafe).toBe(false);
        noteConfirmed(memory, orphans);
        expect(memory.confirmedOrphans).toBeNull();
        const left = orphans.slice(Math.min(gone, shown));
        noteConfirmed(memory, left);
        if (left.length === 0) {
          expect(memory.confirmedKeys).toEqual([]);
          return;
        }
        const assessed = assessOrphans(memory, left, shown);
        expect(assessed?.unsafe).toBe(false);
        expect(left.filter(orphanRule(memory, assessed, startMs))).toEqual(left);
        // One more that nobody was shown: too many again, unless they are few; and it never rides along.
        const other = entryOf("x", "198.51.100.1/32");
        const joined = [...left, other];
        noteConfirmed(memory, joined);
        const next = assessOrphans(memory, joined, joined.length);
        expect(next?.unsafe).toBe(joined.length > 3);
        expect(orphanRule(memory, next, startMs)(other)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test("word: for other orphans than these is no word, and is forgotten", async () => {
    const memory = await memoryOf({ confirmedOrphans: assessOrphans(await memoryOf(), [b], 1)?.digest ?? "" });
    noteConfirmed(memory, hosts.slice(0, 9));
    expect([memory.confirmedOrphans, memory.confirmedKeys]).toEqual([null, []]);
    expect(assessOrphans(memory, hosts.slice(0, 9), 9)?.unsafe).toBe(true);
    expect(cidrOf("203.0.113.1/32")).toEqual(a.cidr);
  });
});
