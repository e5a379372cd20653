// What a plan changes, and in which order: every removal for its one reason and none forgotten, every add in its turn,
// nothing twice, nothing that the kind of target or an unknown outcome forbids.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockOf, cidrKey, contains, overlaps, sameCidr } from "../../shared/address/index.ts";
import { type DecideRequest, decide, type TargetPlan } from "../../shared/plan/decide.ts";
import type { Need } from "../../shared/plan/need.ts";
import type { Change, Entry } from "../../shared/provider.ts";
import { anyScene, carryOut, entriesOf, excess, isProtected, many, requestOf, roomsOf, type Scene, shedKeys } from "./scene.ts";

/** A scene, its plan, and what the plan's words mean in it. */
interface Planned {
  readonly found: Scene;
  readonly ours: readonly Entry[];
  readonly plan: TargetPlan;
  readonly shed: ReadonlySet<string>;
  readonly leftovers: ReadonlySet<string>;
}

const orphanMayGo = (entry: Entry): boolean => entry.id.length % 2 === 0;

const planned: fc.Arbitrary<Planned> = fc
  .record({ found: anyScene, leftover: fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 6 }) })
  .map(({ found, leftover }) => {
    const ours = entriesOf(found);
    const leftovers = new Set(leftover.map((index) => `e${index}`));
    const request: DecideRequest = requestOf(found, ours, { leftovers, orphanMayGo });
    const plan = decide(request);
    return { found, ours, plan, shed: shedKeys(plan), leftovers };
  });

/** The entry that stands for a placed need: the first whole one of its block, else the first. */
function standingOf({ ours }: Planned, need: Need): Entry | undefined {
  const same = ours.filter((entry) => sameCidr(entry.cidr, need.cidr));
  return same.find((entry) => entry.partial === null) ?? same[0];
}

function servedBy({ plan }: Planned, entry: Entry): readonly Need[] {
  return plan.needs.needs.filter((need) => overlaps(need.cidr, entry.cidr));
}

function isFrozen({ found }: Planned, need: Need): boolean {
  return found.frozen.some((block) => sameCidr(block, need.cidr));
}

/** Whether the need stands without this entry: in another whole one, or, for a group, in what is written with this plan. */
function standsElsewhere(world: Planned, need: Need, entry: Entry): boolean {
  const { found, plan } = world;
  return plan.placed.some((other) => {
    if (!contains(other.cidr, need.cidr)) return false;
    if (found.granularity === "group") return !isFrozen(world, other) && !plan.waiting.includes(other);
    const standing = standingOf(world, other);
    return standing !== undefined && standing.partial === null && standing !== entry;
  });
}

function isEnded({ found }: Planned, entry: Entry): boolean {
  return found.ended.some((one) => overlaps(one.cidr, entry.cidr));
}

/** What the shed needs weigh that the entry holds; -1: it holds none. */
function weightOf(world: Planned, entry: Entry): number {
  const held = servedBy(world, entry).filter((need) => world.shed.has(need.key) && contains(entry.cidr, need.cidr));
  return held.length === 0 ? -1 : held.reduce((sum, need) => sum + need.weight, 0);
}

/** Whether each host in the entry (IPv6: each /64) is under a live lease. */
function isWanted(world: Planned, { cidr }: Entry): boolean {
  const unit = cidr.family === 4 ? 32 : 64;
  const digits = unit / 4;
  const first = BigInt(`0x${cidr.first.slice(0, digits)}`);
  const hosts = Array.from({ length: 2 ** Math.max(0, unit - cidr.length) }, (_, at) =>
    blockOf(cidr.family, (first + BigInt(at)).toString(16).padStart(digits, "0").padEnd(cidr.first.length, "0"), Math.max(unit, cidr.length)),
  );
  return hosts.every((host) => world.plan.needs.needs.some((need) => contains(need.cidr, host)));
}

/** Why the entry may go, exchanges apart; null: it may not. */
function reasonOf(world: Planned, entry: Entry): string | null {
  const { found, plan, shed } = world;
  if (plan.placed.some((need) => standingOf(world, need) === entry)) return null;
  if (isProtected(found, entry.cidr)) return "protected";
  if (!found.mayRemove) return null;
  const served = servedBy(world, entry);
  if (!served.every((need) => shed.has(need.key) || standsElsewhere(world, need, entry))) return null;
  // What still stands for a live lease that was shed goes in exchange only.
  if (isEnded(world, entry) && (weightOf(world, entry) < 0 || !isWanted(world, entry))) return "ended";
  if (served.length === 0) return orphanMayGo(entry) ? "orphan" : null;
  const counted = served.filter((need) => !shed.has(need.key) || contains(entry.cidr, need.cidr));
  return counted.length > 0 && counted.every((need) => standsElsewhere(world, need, entry)) ? "superseded" : "shed";
}

function cidrsOf(changes: readonly Change[]): string[] {
  return changes.flatMap((change) => (change.verb === "remove" ? [] : [cidrKey(change.cidr)]));
}

describe("changes", () => {
  test("reasons: what may go by itself goes, all of it, for that reason; the rest only in exchange or beyond the room", () => {
    fc.assert(
      fc.property(planned, (world) => {
        const proofs = new Map(world.plan.removals.map(({ entry, proof }) => [entry, proof]));
        const swapped = new Map(world.plan.changes.flatMap((change) => (change.verb === "swap" ? [[change.entry, change.cidr] as const] : [])));
        for (const entry of world.ours) {
          const reason = reasonOf(world, entry);
          const proof = proofs.get(entry);
          if (reason === "shed") expect([undefined, "displaced", "over-limit"]).toContain(proof);
          else if (reason !== null || !swapped.has(entry)) expect(proof).toBe(reason ?? undefined);
          else expect(proof).toBe(isEnded(world, entry) ? "ended" : "superseded");
        }
      }),
      many,
    );
  });

  test("exchange: what makes way for a block that takes its place leaves every gate closed that is not shed", () => {
    fc.assert(
      fc.property(planned, (world) => {
        for (const change of world.plan.changes) {
          if (change.verb !== "swap") continue;
          expect([world.found.canSwap, world.found.granularity, world.found.mayRemove || isProtected(world.found, change.entry.cidr)]).toEqual([
            true,
            "entry",
            true,
          ]);
          expect(change.entry.cidr.family).toBe(change.cidr.family);
          if (isProtected(world.found, change.entry.cidr)) continue;
          for (const need of servedBy(world, change.entry)) {
            const isHeld = contains(change.cidr, need.cidr) || standsElsewhere(world, need, change.entry);
            const isGivenUp = world.shed.has(need.key) && contains(change.entry.cidr, need.cidr);
            expect(isHeld || world.shed.has(need.key)).toBe(true);
            if (isGivenUp && !isHeld && isWanted(world, change.entry)) {
              const newcomer = world.plan.placed.find((other) => sameCidr(other.cidr, change.cidr));
              expect(newcomer?.weight).toBeGreaterThan(need.weight);
            }
          }
        }
      }),
      many,
    );
  });

  test("displaced: goes for something strictly heavier, the lightest first; beyond the room it goes only while there is too much", () => {
    fc.assert(
      fc.property(planned, (world) => {
        const { found, ours, plan } = world;
        const proofs = new Map(plan.removals.map(({ entry, proof }) => [entry, proof]));
        let standing = ours;
        let lightest = -1;
        carryOut(ours, plan.changes, (after, change) => {
          if (change.verb !== "add") {
            const proof = proofs.get(change.entry);
            if (proof === "over-limit") {
              const rooms = roomsOf(found).filter((room) => room.families.includes(change.entry.cidr.family));
              expect(rooms.some((room) => standing.filter((entry) => room.families.includes(entry.cidr.family)).length > room.limit)).toBe(true);
            }
            if (proof === "displaced") {
              const next = plan.changes[plan.changes.indexOf(change) + (change.verb === "swap" ? 0 : 1)];
              const newcomer = plan.placed.find((need) => next !== undefined && next.verb !== "remove" && sameCidr(need.cidr, next.cidr));
              expect(newcomer?.weight).toBeGreaterThan(weightOf(world, change.entry));
              // Nothing gives its place while something that goes anyway would have made room.
              const later = plan.changes.slice(plan.changes.indexOf(change) + 1);
              for (const other of later) {
                if (other.verb !== "remove" || other.entry.cidr.family !== change.entry.cidr.family) continue;
                expect(["displaced", "over-limit"]).toContain(proofs.get(other.entry));
              }
            }
          }
          standing = after;
        });
        for (const family of [4, 6] as const) {
          const loose = ours.filter((entry) => entry.cidr.family === family && reasonOf(world, entry) === "shed");
          const left = loose.filter((entry) => !proofs.has(entry)).map((entry) => weightOf(world, entry));
          const gone = loose.filter((entry) => proofs.has(entry)).map((entry) => weightOf(world, entry));
          lightest = Math.min(Number.POSITIVE_INFINITY, ...left);
          if (!found.isShared && found.maxEntries === null) for (const weight of gone) expect(weight).toBeLessThanOrEqual(lightest);
        }
      }),
      many,
    );
  });

  test("limit: when more stands than there is room for, what was shed goes until it fits", () => {
    fc.assert(
      fc.property(planned, (world) => {
        const { found, ours, plan } = world;
        const final = carryOut(ours, plan.changes, () => undefined);
        const over = excess(found, final);
        for (const [index, room] of roomsOf(found).entries()) {
          if ((over[index] ?? 0) === 0) continue;
          const kept = final.filter((entry) => room.families.includes(entry.cidr.family));
          for (const entry of kept) expect(reasonOf(world, entry)).not.toBe("shed");
        }
      }),
      many,
    );
  });

  test("bookkeeping: removals, what is kept, what waits and what changes tell one story, and nothing is in it twice", () => {
    fc.assert(
      fc.property(planned, (world) => {
        const { ours, plan } = world;
        const gone = plan.changes.flatMap((change) => (change.verb === "add" ? [] : [change.entry.id]));
        expect(new Set(gone).size).toBe(gone.length);
        expect([...gone].sort()).toEqual(plan.removals.map((removal) => removal.entry.id).sort());
        expect(plan.keep).toEqual(ours.filter((entry) => !gone.includes(entry.id)));
        const lacking = plan.placed.filter((need) => standingOf(world, need)?.partial !== null);
        const added = cidrsOf(plan.changes);
        expect([...added, ...plan.waiting.map((need) => need.key)].sort()).toEqual(lacking.map((need) => need.key).sort());
        for (const need of lacking) if (isFrozen(world, need)) expect(plan.waiting).toContain(need);
        expect(plan.orphans).toEqual(ours.filter((entry) => servedBy(world, entry).length === 0 && !isEnded(world, entry)));
      }),
      many,
    );
  });

  test("order: what is protected goes first, then what an earlier pass left over, then adds by their claim, then the rest", () => {
    fc.assert(
      fc.property(planned, (world) => {
        const { found, ours, plan, leftovers } = world;
        const proofs = new Map(plan.removals.map(({ entry, proof }) => [entry, proof]));
        const rankOf = (change: Change): number => {
          if (change.verb !== "remove") return 2;
          if (proofs.get(change.entry) === "protected") return 0;
          return leftovers.has(change.entry.id) || found.granularity === "group" ? 1 : 3;
        };
        expect(cidrsOf(plan.changes)).toEqual(plan.placed.map((need) => need.key).filter((key) => cidrsOf(plan.changes).includes(key)));
        let standing = ours;
        let rank = 0;
        carryOut(ours, plan.changes, (after, change) => {
          const next = plan.changes[plan.changes.indexOf(change) + 1];
          const isFree = (family: 4 | 6) =>
            roomsOf(found).every(
              (room) => !room.families.includes(family) || standing.filter((entry) => room.families.includes(entry.cidr.family)).length < room.limit,
            );
          // Where there is no room, what goes anyway, or is displaced, makes it just before the add that needs it.
          const makesRoom = change.verb === "remove" && next !== undefined && next.verb === "add" && rankOf(change) !== 0 && !isFree(next.cidr.family);
          if (change.verb === "swap") expect(isFree(change.cidr.family)).toBe(false);
          if (!makesRoom && proofs.get(change.verb === "add" ? (ours[0] ?? ({} as Entry)) : change.entry) !== "over-limit") {
            expect(rankOf(change)).toBeGreaterThanOrEqual(rank);
            rank = rankOf(change);
          }
          standing = after;
        });
      }),
      many,
    );
  });

  test("waiting: an add waits for an unknown outcome, or because there is no room and nothing that goes would make it", () => {
    fc.assert(
      fc.property(planned, (world) => {
        const { found, ours, plan } = world;
        const isEarly = (entry: Entry) => isProtected(found, entry.cidr) || (world.leftovers.has(entry.id) && reasonOf(world, entry) !== "shed");
        const last = plan.changes.findLastIndex((change) => change.verb !== "remove");
        const adds = plan.changes.filter((change, index) => index <= last || (change.verb === "remove" && isEarly(change.entry)));
        const standing = carryOut(ours, adds, () => undefined);
        for (const need of plan.waiting) {
          // Where more stands than fits, that goes first; the add comes with the next pass.
          const isShrinking = Math.max(...excess(found, ours)) > 0;
          if (isFrozen(world, need) || isShrinking) continue;
          const full = roomsOf(found)
            .filter((room) => room.families.includes(need.cidr.family))
            .filter((room) => standing.filter((entry) => room.families.includes(entry.cidr.family)).length >= room.limit);
          expect(full.length).toBeGreaterThan(0);
          if (found.granularity === "set" || (found.granularity === "entry" && !found.canSwap)) continue;
          for (const entry of standing.filter((one) => one.cidr.family === need.cidr.family && ours.includes(one))) {
            const reason = reasonOf(world, entry);
            expect(reason === null || (reason === "shed" && weightOf(world, entry) >= need.severity)).toBe(true);
          }
        }
      }),
      many,
    );
  });
});
