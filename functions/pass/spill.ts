// What one target cannot hold stands in another: who must hold what for whom, and when the first may let it go, so that there is no moment
// in which it stands in neither. Reads what visits saw; writes nothing.
import { type Cidr, CidrIndex, cidrKey, contains } from "../../shared/address/index.ts";
import { spillTargets } from "../../shared/config.ts";
import { leasesOf, type TargetLeases } from "../../shared/lease/live.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { Need } from "../../shared/plan/need.ts";
import type { Entry } from "../../shared/provider.ts";
import type { Standing } from "../coordinator/memory.ts";
import { intentOf } from "./bars.ts";
import type { Visit } from "./visit.ts";
import { settleOf, type Target, type VisitRequest, type World } from "./world.ts";

/** Whether a target would hold what another spills into it: only one that is written to does. */
function isInForce(world: World, name: string, request: VisitRequest): boolean {
  const target = world.targets.find((candidate) => candidate.name === name);
  return target !== undefined && intentOf(target, request.records) === "enforce";
}

function wholeIndex(entries: readonly Entry[]): CidrIndex<Entry> {
  return new CidrIndex(
    entries.filter((entry) => entry.partial === null),
    (entry) => entry.cidr,
  );
}

/** Says of a lease whether the visited target denies it for as long as it wants to. */
function holderOf(world: World, visited: Visit): (lease: Lease) => boolean {
  const { plan, bar } = visited;
  const seen = plan === null ? (world.memory.standing.get(visited.target.name)?.entries ?? []) : visited.standing;
  const standing = wholeIndex(seen);
  const shed = new CidrIndex(plan?.shed ?? [], (need) => need.cidr);
  // A target that only watches holds nothing: what it would have room for is nobody else's business.
  if (bar?.state === "observed") return (lease) => shed.holding(lease.cidr).length === 0;
  return (lease) => standing.holding(lease.cidr).length > 0 && shed.holding(lease.cidr).length === 0;
}

/** The leases of one target: its own, and what those that spill into it do not hold. What they hold again is over here. */
export function leasesFor(world: World, target: Target, request: VisitRequest, upstream: readonly Visit[]): TargetLeases {
  const own = leasesOf(target.name, request.records, request.lifted, request.now, settleOf(world), spillTargets(world.config));
  if (upstream.length === 0) return own;
  const live = new Map(own.live.map((lease) => [lease.key, lease]));
  const ended = new Map(own.ended.map((lease) => [lease.key, lease]));
  for (const visited of upstream) {
    const holds = holderOf(world, visited);
    for (const lease of visited.leases.live) if (!holds(lease)) live.set(lease.key, lease);
    for (const lease of [...visited.leases.live, ...visited.leases.ended]) ended.set(lease.key, lease);
  }
  for (const key of live.keys()) ended.delete(key);
  return { live: [...live.values()], ended: [...ended.values()] };
}

function staysKnown(known: Standing | undefined, now: number): known is Standing {
  return known !== undefined && now - known.seenAt < 2 * limits.fullPassMs;
}

/**
 * Whether what found no room at `target` may lose the entry that holds it: once it stands where it spills to, or when that one has no room for it
 * either, or cannot be reached. Without a target to spill to, always.
 */
export function mayLeaveOf(world: World, target: Target, request: VisitRequest, leases: TargetLeases): (need: Need) => boolean {
  const name = target.config.spill;
  if (name === undefined || !isInForce(world, name, request)) return () => true;
  const known = world.memory.standing.get(name);
  if (!staysKnown(known, request.now)) return () => world.continuity === "none" || isLost(world, name, request.now);
  const standing = wholeIndex(known.entries);
  const blocks = new CidrIndex([...new Map(leases.live.map(({ cidr }) => [cidrKey(cidr), cidr])).values()], (cidr) => cidr);
  const isSafe = (cidr: Cidr) => standing.holding(cidr).length > 0 || known.without.has(cidrKey(cidr));
  return (need) =>
    blocks
      .overlapping(need.cidr)
      .filter((cidr) => contains(need.cidr, cidr))
      .every(isSafe);
}

/** Not seen for so long that nobody may wait for it. */
function isLost(world: World, name: string, now: number): boolean {
  const seenAt = Math.max(world.memory.core.since, world.memory.snapshot?.targets[name]?.observedAt ?? 0);
  return now - seenAt >= 2 * limits.fullPassMs;
}

/** Lease blocks that the visited target does not hold and will not: no room, or it cannot. Nobody asks where nothing spills to. */
export function withoutOf({ config }: World, { target, plan, leases }: Pick<Visit, "target" | "plan" | "leases">): ReadonlySet<string> {
  if (plan === null || !spillTargets(config).has(target.name)) return new Set();
  const shed = new CidrIndex(plan.shed, (need) => need.cidr);
  const keys = leases.live.map((lease) => ({ key: cidrKey(lease.cidr), cidr: lease.cidr }));
  return new Set(keys.flatMap(({ key, cidr }) => (plan.needs.refused.has(key) || shed.holding(cidr).length > 0 ? [key] : [])));
}

/** Whether it tells those that spill there anything new: what they shed may have been waiting to be seen here. */
export function isNews(world: World, target: Target, after: Standing): boolean {
  if (!spillTargets(world.config).has(target.name)) return false;
  const before = world.memory.standing.get(target.name);
  if (!staysKnown(before, after.seenAt)) return true;
  const whole = (standing: Standing) => standing.entries.filter((entry) => entry.partial === null).map((entry) => cidrKey(entry.cidr));
  const had = new Set([...whole(before), ...before.without]);
  return [...whole(after), ...after.without].some((key) => !had.has(key));
}

/** Who spills before whom it spills into; otherwise in the order of the configuration. The configuration has no circles. */
export function bySpill(targets: readonly Target[]): readonly Target[] {
  const depth = new Map<string, number>();
  const into = (name: string): number => {
    const known = depth.get(name);
    if (known !== undefined) return known;
    depth.set(name, 0);
    const least = targets.filter(({ config }) => config.spill === name).map((target) => into(target.name) + 1);
    depth.set(name, Math.max(0, ...least));
    return depth.get(name) ?? 0;
  };
  return [...targets].sort((a, b) => into(a.name) - into(b.name));
}

/** Whether something waits for a place that this pass let go, or for what it saw where that spills to: worth another pass at once. */
export function unblocked(world: World, visits: readonly Visit[]): boolean {
  const moved = new Set(visits.filter((visited) => visited.changed.length > 0).map((visited) => visited.target.name));
  // Who spills is visited first: what stands below may be seen, or be seen for the first time in this life, only after it was asked about.
  const news = new Set(visits.filter((visited) => visited.seen === "news").map((visited) => visited.target.name));
  return visits.some(({ target, plan }) => {
    const below = target.config.spill ?? "";
    if (!moved.has(target.name) && !moved.has(below) && !news.has(below)) return false;
    // What rests for an unknown outcome waits for the clock, not for room.
    const { frozen } = world.memory.target(target.name);
    return plan?.waiting.some(({ key }) => !Object.hasOwn(frozen, `block:${key}`)) === true;
  });
}
