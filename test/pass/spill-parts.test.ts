// Who must hold what for whom, one question at a time; whole worlds that spill: `spill.test.ts`.
import { describe, expect, test } from "vitest";
import type { Standing } from "../../functions/coordinator/memory.ts";
import { bySpill, isNews, leasesFor, mayLeaveOf, unblocked, withoutOf } from "../../functions/pass/spill.ts";
import type { Visit } from "../../functions/pass/visit.ts";
import type { Target, World } from "../../functions/pass/world.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { Need } from "../../shared/plan/need.ts";
import type { Entry } from "../../shared/provider.ts";
import { leaseOf } from "./rig.ts";
import { requestOf, startMs, targetOf, type WorldParts, whole, worldOf } from "./world.ts";

const [a, b, c] = ["203.0.113.1", "203.0.113.2", "203.0.113.3"] as const;
const key = (text: string) => cidrKey(cidrOf(text));
const twoPasses = 2 * limits.fullPassMs;

function targetInto(name: string, spill?: string, mode: "enforce" | "observe" = "enforce"): Target {
  const target = targetOf(name, mode);
  return spill === undefined ? target : { ...target, config: { ...target.config, spill } };
}

const hot = targetInto("hot", "large");
const large = targetInto("large");
const worldHere = (parts: WorldParts = {}): Promise<World> => worldOf({ targets: [hot, large], ...parts });

const entry = (text: string, partial: Entry["partial"] = null): Entry => ({ id: text, cidr: cidrOf(text), partial });
const half: Entry["partial"] = "half" as unknown as Entry["partial"];
const need = (text: string): Need => ({ key: key(text), cidr: cidrOf(text) }) as unknown as Need;

function standingOf(seenAt: number, entries: readonly Entry[], without: readonly string[] = []): Standing {
  return { seenAt, entries, without: new Set(without.map(key)) };
}

interface Seen {
  readonly live?: readonly string[];
  readonly ended?: readonly string[];
  readonly standing?: readonly Entry[];
  readonly shed?: readonly string[];
  readonly refused?: readonly string[];
  readonly waiting?: readonly string[];
  readonly plan?: "none";
  readonly bar?: Visit["bar"];
  readonly changed?: readonly string[];
  readonly seen?: Visit["seen"];
}

function visited(target: Target, { live = [], ended = [], standing = [], shed = [], refused = [], waiting = [], ...rest }: Seen = {}): Visit {
  const plan = { shed: shed.map(need), waiting: waiting.map(need), needs: { refused: new Map(refused.map((text) => [key(text), "why"])) } };
  return {
    target,
    leases: { live: live.map((text) => leaseOf(text)), ended: ended.map((text) => leaseOf(text)) },
    standing,
    plan: rest.plan === "none" ? null : plan,
    bar: rest.bar ?? null,
    changed: rest.changed ?? [],
    seen: rest.seen ?? "known",
  } as unknown as Visit;
}

describe("leasesFor", () => {
  const texts = (leases: readonly Lease[]) => leases.map((lease) => lease.key).sort();
  async function below(visit: Visit, leases: readonly Lease[] = []): Promise<{ live: readonly string[]; ended: readonly string[] }> {
    const { live, ended } = leasesFor(await worldHere(), large, requestOf({ records: { ...whole, leases } }), [visit]);
    return { live: texts(live), ended: texts(ended) };
  }

  test("below: what does not stand above, or was given up there, is live here; what stands above is over here", async () => {
    expect(await below(visited(hot, { live: [a, b, c], standing: [entry(a), entry(c)], shed: [c] }))).toEqual({ live: [b, c], ended: [a] });
  });

  test("below: half an entry above holds nothing", async () => {
    expect(await below(visited(hot, { live: [a], standing: [entry(a, half)] }))).toEqual({ live: [a], ended: [] });
  });

  test("below: a wider entry above holds what lies in it, and a wider one that is given up holds nothing", async () => {
    expect(await below(visited(hot, { live: [a], standing: [entry("203.0.113.0/24")] }))).toEqual({ live: [], ended: [a] });
    expect(await below(visited(hot, { live: [a], standing: [entry(a)], shed: ["203.0.113.0/24"] }))).toEqual({ live: [a], ended: [] });
  });

  test("below: what is over above is over here, unless it is live here on its own", async () => {
    expect(await below(visited(hot, { ended: [a] }))).toEqual({ live: [], ended: [a] });
    expect(await below(visited(hot, { ended: [a] }), [leaseOf(a, { targets: ["large"] })])).toEqual({ live: [a], ended: [] });
    expect(await below(visited(hot, { live: [a], standing: [entry(a)] }), [leaseOf(a, { targets: ["large"] })])).toEqual({ live: [a], ended: [] });
  });

  test("below: a target that only watches keeps what it would have room for, and spills the rest", async () => {
    const bar = { state: "observed" } as Visit["bar"];
    expect(await below(visited(hot, { live: [a, b], shed: [b], bar }))).toEqual({ live: [b], ended: [a] });
    expect(await below(visited(hot, { live: [a, b], shed: [b], bar: { state: "refused" } as unknown as Visit["bar"] }))).toEqual({ live: [a, b], ended: [] });
  });

  test("below: where nothing could be planned, what was seen last counts, not what this visit saw", async () => {
    const world = await worldHere();
    world.memory.standing.set("hot", standingOf(startMs, [entry(a)]));
    const { live } = leasesFor(world, large, requestOf(), [visited(hot, { live: [a, b], standing: [entry(b)], plan: "none" })]);
    expect(texts(live)).toEqual([b]);
    expect(await below(visited(hot, { live: [a], standing: [entry(a)], plan: "none" }))).toEqual({ live: [a], ended: [] });
  });

  test("below: what two spill into it, each for itself", async () => {
    const other = targetInto("other", "large");
    const world = await worldOf({ targets: [hot, other, large] });
    const visits = [visited(hot, { live: [a], standing: [entry(a)] }), visited(other, { live: [a, b], standing: [entry(b)] })];
    const { live, ended } = leasesFor(world, large, requestOf(), visits);
    expect([texts(live), texts(ended)]).toEqual([[a], [b]]);
  });
});

describe("mayLeaveOf", () => {
  async function mayLeave(
    known: Standing | null,
    world: Partial<World> = {},
    target = hot,
    live: readonly string[] = [a, b],
  ): Promise<(text: string) => boolean> {
    const here = { ...(await worldHere()), ...world };
    if (known !== null) here.memory.standing.set("large", known);
    const may = mayLeaveOf(here, target, requestOf({ now: startMs }), { live: live.map((text) => leaseOf(text)), ended: [] });
    return (text) => may(need(text));
  }

  test("leave: once it stands below, or there is no room below either", async () => {
    const may = await mayLeave(standingOf(startMs, [entry(a)], [b]));
    expect([may(a), may(b), may("203.0.113.0/30")]).toEqual([true, true, true]);
    const notYet = await mayLeave(standingOf(startMs, [entry(a)]));
    expect([notYet(a), notYet(b), notYet("203.0.113.0/30")]).toEqual([true, false, false]);
    expect((await mayLeave(standingOf(startMs, [entry(a, half)])))(a)).toBe(false);
  });

  test("leave: a part of a wider lease asks only for the leases that lie in it", async () => {
    const may = await mayLeave(standingOf(startMs, []), {}, hot, ["203.0.113.0/24"]);
    expect([may(a), may("203.0.113.0/24")]).toEqual([true, false]);
  });

  test("leave: always where nothing is below, or what is below is not written to", async () => {
    expect((await mayLeave(standingOf(startMs, []), {}, targetInto("hot")))(a)).toBe(true);
    expect((await mayLeave(standingOf(startMs, []), { targets: [hot, targetInto("large", undefined, "observe")] }))(a)).toBe(true);
    expect((await mayLeave(standingOf(startMs, []), { targets: [hot] }))(a)).toBe(true);
  });

  test("leave: what was seen below counts until two full intervals have passed", async () => {
    expect((await mayLeave(standingOf(startMs - twoPasses + 1, [entry(a)])))(a)).toBe(true);
    expect((await mayLeave(standingOf(startMs - twoPasses, [entry(a)])))(a)).toBe(false);
  });

  test("leave: nobody waits for what nobody has seen for two full intervals of this life, nor without a coordinator", async () => {
    const fresh = await worldHere();
    fresh.memory.core.since = startMs - twoPasses + 1;
    const of = (world: World) => mayLeaveOf(world, hot, requestOf({ now: startMs }), { live: [leaseOf(a)], ended: [] })(need(a));
    expect(of(fresh)).toBe(false);
    fresh.memory.core.since = startMs - twoPasses;
    expect(of(fresh)).toBe(true);
    fresh.memory.snapshot = { targets: { large: { observedAt: startMs - twoPasses + 1 } } } as unknown as World["memory"]["snapshot"];
    expect(of(fresh)).toBe(false);
    fresh.memory.snapshot = { targets: {} } as unknown as World["memory"]["snapshot"];
    expect(of(fresh)).toBe(true);
    expect(of({ ...(await worldHere({ continuity: "none" })) })).toBe(true);
  });
});

describe("withoutOf", () => {
  test("without: what is refused or given up, where something spills into it; else nobody asks", async () => {
    const world = await worldHere();
    const visit = visited(large, { live: [a, b, c], refused: [a], shed: ["203.0.113.2/31"] });
    expect([...withoutOf(world, visit)].sort()).toEqual([a, b, c].map(key).sort());
    expect([...withoutOf(world, visited(large, { live: [a, b], shed: [b] }))]).toEqual([key(b)]);
    expect([...withoutOf(world, visited(large, { live: [a, b] }))]).toEqual([]);
    expect([...withoutOf(world, visited(hot, { live: [a], shed: [a] }))]).toEqual([]);
    expect([...withoutOf(world, visited(large, { live: [a], plan: "none" }))]).toEqual([]);
  });
});

describe("isNews", () => {
  async function news(before: Standing | null, after: Standing, target = large): Promise<boolean> {
    const world = await worldHere();
    if (before !== null) world.memory.standing.set(target.name, before);
    return isNews(world, target, after);
  }

  test("news: what stands now, or finds no room now, and was not known to", async () => {
    const before = standingOf(startMs, [entry(a)], [b]);
    expect(await news(before, standingOf(startMs, [entry(a)], [b]))).toBe(false);
    expect(await news(before, standingOf(startMs, [], []))).toBe(false);
    expect(await news(before, standingOf(startMs, [entry(a), entry(c)], [b]))).toBe(true);
    expect(await news(before, standingOf(startMs, [entry(a)], [b, c]))).toBe(true);
    expect(await news(before, standingOf(startMs, [entry(b)], [a]))).toBe(false);
  });

  test("news: half an entry is none; a half that is whole now is", async () => {
    expect(await news(standingOf(startMs, []), standingOf(startMs, [entry(a, half)]))).toBe(false);
    expect(await news(standingOf(startMs, [entry(a, half)]), standingOf(startMs, [entry(a)]))).toBe(true);
  });

  test("news: all of it, when it was not seen for two full intervals, or never", async () => {
    expect(await news(null, standingOf(startMs, []))).toBe(true);
    expect(await news(standingOf(startMs - twoPasses, []), standingOf(startMs, []))).toBe(true);
    expect(await news(standingOf(startMs - twoPasses + 1, []), standingOf(startMs, []))).toBe(false);
  });

  test("news: nothing, where nothing spills into it", async () => {
    expect(await news(null, standingOf(startMs, [entry(a)]), hot)).toBe(false);
  });
});

describe("unblocked", () => {
  const waits = { waiting: [a] } as const;

  test("again: when something waits and a place was let go here or below, or something new was seen below", async () => {
    const world = await worldHere();
    expect(unblocked(world, [visited(hot, { ...waits, changed: ["-"] }), visited(large)])).toBe(true);
    expect(unblocked(world, [visited(hot, waits), visited(large, { changed: ["-"] })])).toBe(true);
    expect(unblocked(world, [visited(hot, waits), visited(large, { seen: "news" })])).toBe(true);
    expect(unblocked(world, [visited(hot, waits), visited(large)])).toBe(false);
    expect(unblocked(world, [visited(hot, { ...waits, seen: "news" }), visited(large)])).toBe(false);
    expect(unblocked(world, [visited(hot, { changed: ["-"] }), visited(large, { changed: ["-"], seen: "news" })])).toBe(false);
  });

  test("again: not for what rests until its outcome is known; for another beside it, yes", async () => {
    const world = await worldHere();
    world.memory.target("hot").frozen = { [`block:${key(a)}`]: startMs } as unknown as ReturnType<World["memory"]["target"]>["frozen"];
    expect(unblocked(world, [visited(hot, { ...waits, changed: ["-"] })])).toBe(false);
    expect(unblocked(world, [visited(hot, { waiting: [a, b], changed: ["-"] })])).toBe(true);
  });

  test("again: not where nothing was planned, nor for a name that nobody has", async () => {
    const world = await worldHere();
    expect(unblocked(world, [visited(hot, { ...waits, plan: "none", changed: ["-"] })])).toBe(false);
    expect(unblocked(world, [visited(large, waits), visited(targetInto("other"), { changed: ["-"] })])).toBe(false);
  });
});

describe("bySpill", () => {
  const names = (...targets: readonly Target[]) => bySpill(targets).map(({ name }) => name);

  test("order: a chain from its start, however it is listed, the rest as they are listed", () => {
    const [one, two, three] = [targetInto("one", "two"), targetInto("two", "three"), targetInto("three")];
    for (const listed of [
      [one, two, three],
      [three, two, one],
      [two, three, one],
    ])
      expect(names(...listed)).toEqual(["one", "two", "three"]);
    expect(names(targetInto("z"), targetInto("y"), targetInto("x"))).toEqual(["z", "y", "x"]);
    expect(names(three, targetInto("free"), targetInto("also", "three"), two, one)).toEqual(["free", "also", "one", "two", "three"]);
  });
});
