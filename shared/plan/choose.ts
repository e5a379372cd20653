// Who gets a rule when there is not room for all. While everything fits, each block stands as it was asked for; when it does not, `shared/fit/`
// spends the rules where they stop most, and every prefix that is not a block of its own is named. Pure.
import { type Cidr, CidrIndex, cidrKey, contains, isWholly } from "../address/index.ts";
import { type Collateral, fit as choosePrefixes, type FitRequest } from "../fit/index.ts";
import type { Entry, Granularity, Pool } from "../provider.ts";
import { coveredNeeds, join, type Need } from "./need.ts";
import { byClaim, placeNeeds, Room } from "./place.ts";

/** What the operator allows in exchange for more weight under the same rules. */
export interface Policy {
  readonly collateral: Collateral;
  /** Share of the best value that may be given up to keep what stands. */
  readonly lossMax: number;
  /** Prefix lengths that the target can hold. */
  readonly lengths: FitRequest["lengths"];
  /** Whether a prefix that nobody asked for may not stand: it is too wide, or touches what is protected or exempt. */
  readonly isOffLimits: (cidr: Cidr) => boolean;
  /** Whether somebody else's entry holds the only place of exactly this block; absent: of none. */
  readonly isTaken?: ((cidr: Cidr) => boolean) | undefined;
}

export interface ChooseRequest {
  /** In address order. */
  readonly needs: readonly Need[];
  readonly ours: readonly Entry[];
  readonly pools: readonly Pool[];
  readonly maxEntries: number | null;
  readonly granularity: Granularity;
  readonly canSwap: boolean;
  readonly mayRemove: boolean;
  readonly policy: Policy;
  /** Entries that none of these blocks wants and that may not go now: they still take room. */
  readonly stuck: (wanted: ReadonlySet<string>, candidates: readonly Need[]) => readonly Entry[];
}

/** A placed prefix that no lease asked for as it is. */
export interface Widened {
  readonly need: Need;
  /** Blocks that it holds whole. */
  readonly blocks: number;
  /** Bystanders in it: IPv4 addresses, IPv6 /64 networks. */
  readonly collateral: number;
}

export interface Choice {
  readonly needs: readonly Need[];
  /** Key of a need without an entry of its own to the placed need that holds it. */
  readonly covered: ReadonlyMap<string, Need>;
  readonly placed: readonly Need[];
  readonly shed: readonly Need[];
  readonly widened: readonly Widened[];
}

function mergedNeed(cidr: Cidr, parts: readonly Need[]): Need {
  const merged: Need = { key: cidrKey(cidr), cidr, until: 0, severity: 0, at: Number.POSITIVE_INFINITY, weight: 0 };
  for (const part of parts) join(merged, part);
  return merged;
}

/** Needs of this choice alone where they answer for others too; the rest, nearly all of tens of thousands, are nobody's to change and stay the same. */
function ownCovers(needs: readonly Need[]): Need[] {
  // In address order, what lies inside a block follows it.
  return needs.map((need, at) => {
    const next = needs[at + 1];
    return next !== undefined && contains(need.cidr, next.cidr) ? { ...need } : need;
  });
}

/** Entries that an earlier shortage merged and that still hold nothing but live blocks: they stay as they are. */
function standingMerges(ours: readonly Entry[], candidates: readonly Need[], policy: Policy): ReadonlyMap<string, { need: Need; parts: readonly Need[] }> {
  const merges = new Map<string, { need: Need; parts: readonly Need[] }>();
  const own = new Set(candidates.map((need) => need.key));
  const held = new Set<string>();
  const odd = ours.filter((entry) => entry.partial === null && !own.has(cidrKey(entry.cidr)));
  if (odd.length === 0) return merges;
  const index = new CidrIndex(candidates, (need) => need.cidr);
  // The widest first: what lies in a merge that stays is no merge of its own, or its blocks would count twice.
  for (const { cidr } of [...odd].sort((a, b) => a.cidr.length - b.cidr.length)) {
    const parts = index.inside(cidr);
    if (policy.isOffLimits(cidr) || parts.some((part) => held.has(part.key))) continue;
    if (
      isWholly(
        cidr,
        parts.map((part) => part.cidr),
      )
    ) {
      merges.set(cidrKey(cidr), { need: mergedNeed(cidr, parts), parts });
      for (const part of parts) held.add(part.key);
    }
  }
  return merges;
}

/** Each block by itself, or in the merge that stands. What has no room is shed, the lightest first; what stands counts twice. */
function unmerged(request: ChooseRequest): Choice {
  const roomless = new Set<string>();
  for (;;) {
    const choice = unmergedWithout(request, roomless);
    const covers = new Set([...choice.covered.values()].map((need) => need.key));
    const inVain = choice.shed.filter((need) => covers.has(need.key) && !roomless.has(need.key));
    // A range that finds no room covers nothing: what lies inside it claims a place for itself.
    if (inVain.length === 0) return choice;
    for (const need of inVain) roomless.add(need.key);
  }
}

function unmergedWithout(request: ChooseRequest, roomless: ReadonlySet<string>): Choice {
  const needs = ownCovers(request.needs);
  const direct = coveredNeeds(needs, roomless);
  const covered = new Map(direct);
  const single = needs.filter((need) => !covered.has(need.key));
  const merges = standingMerges(request.ours, single, request.policy);
  const inside = new Map([...merges.values()].flatMap(({ need, parts }) => parts.map((part) => [part.key, need] as const)));
  for (const [key, cover] of covered) covered.set(key, inside.get(cover.key) ?? cover);
  for (const [key, cover] of inside) covered.set(key, cover);
  const candidates = [...single.filter((need) => !inside.has(need.key)), ...[...merges.values()].map(({ need }) => need)];
  const stuck = request.stuck(new Set(candidates.map((need) => need.key)), candidates);
  const standing = new Set(request.ours.map((entry) => cidrKey(entry.cidr)));
  const { placed, shed } = placeNeeds(candidates, standing, new Room(request.pools, request.maxEntries, stuck));
  const placedKeys = new Set(placed.map((need) => need.key));
  const widened = [...merges.values()].flatMap(({ need, parts }) => (placedKeys.has(need.key) ? [{ need, blocks: parts.length, collateral: 0 }] : []));
  // Of a merge without room, each block is shed by its own name.
  const named = shed.flatMap((need) => merges.get(need.key)?.parts ?? [need]);
  for (const need of named) covered.delete(need.key);
  // What a merge without room held is covered by nobody, or by what holds it besides.
  for (const [key, cover] of direct) {
    const by = covered.get(key);
    if (by !== undefined && !placedKeys.has(by.key)) covered.set(key, cover);
  }
  return { needs, covered, placed, shed: named, widened };
}

type Reserve = Readonly<Record<4 | 6, number>>;

/** Rooms as the fit counts them: what is stuck, or has to stand beside its successors for a while, takes some. */
function roomsLeft(request: ChooseRequest, stuck: readonly Entry[], reserve: Reserve): { families: readonly (4 | 6)[]; limit: number }[] {
  const pools = [...request.pools, ...(request.maxEntries === null ? [] : [{ families: [4, 6] as const, limit: request.maxEntries }])];
  return pools.map(({ families, limit }) => {
    const taken = stuck.filter((entry) => families.includes(entry.cidr.family)).length + families.reduce((sum, family) => sum + reserve[family], 0);
    return { families, limit: Math.max(0, limit - taken) };
  });
}

/** The best that the rules can stop, and what it leaves out. */
function fitted(request: ChooseRequest, reserve: Reserve): Choice {
  const needs = ownCovers(request.needs);
  const byKey = new CidrIndex(needs, (need) => need.cidr);
  // What holds a need whole may be chosen again; only what holds none is stuck.
  const useful = request.ours.filter((entry) => byKey.inside(entry.cidr).length > 0).map((entry) => cidrKey(entry.cidr));
  const { policy } = request;
  const asked = new Set(needs.map((need) => need.key));
  const stuck = request.stuck(new Set([...asked, ...useful]), needs);
  const chosen = choosePrefixes({
    sources: needs.map(({ cidr, weight }) => ({ cidr, weight })),
    rooms: roomsLeft(request, stuck, reserve),
    isProtected: (cidr) => !asked.has(cidrKey(cidr)) && policy.isOffLimits(cidr),
    isTaken: policy.isTaken,
    lengths: policy.lengths,
    collateral: policy.collateral,
    standing: request.ours.map((entry) => entry.cidr),
    lossMax: policy.lossMax,
  });
  const covered = new Map<string, Need>();
  const widened: Widened[] = [];
  const placed = chosen.prefixes.map((prefix): Need => {
    const inside = byKey.inside(prefix.cidr);
    const own = byKey.exactly(prefix.cidr)[0];
    const need = own ?? mergedNeed(prefix.cidr, []);
    for (const part of inside) {
      join(need, part);
      covered.set(part.key, need);
    }
    if (own === undefined) widened.push({ need, blocks: inside.length, collateral: prefix.collateral });
    return need;
  });
  const standing = new Set(request.ours.map((entry) => cidrKey(entry.cidr)));
  const keys = new Set(placed.map((need) => need.key));
  const left = needs.filter((need) => !keys.has(need.key) && !covered.has(need.key));
  // The fit's prefixes lie apart from each other. A block around some of them has a place beside them where a rule is left.
  const { pools, maxEntries } = request;
  const room = new Room(pools, maxEntries, stuck);
  for (const { cidr } of placed) room.take(cidr.family);
  for (const family of [4, 6] as const) for (let count = reserve[family]; count > 0; count -= 1) room.take(family);
  const beside = placeNeeds(left, standing, room);
  return { needs, covered, placed: byClaim([...placed, ...beside.placed], standing), shed: beside.shed, widened };
}

/**
 * Entries that may go only when several narrower ones stand in their place: they take room until then. One successor alone can be
 * swapped in, and a group is written whole.
 */
function outgoing(request: ChooseRequest, choice: Choice): Reserve {
  const reserve = { 4: 0, 6: 0 };
  if (request.granularity === "group") return reserve;
  const keys = new Set(choice.placed.map((need) => need.key));
  const standing = new Set(request.ours.map((entry) => cidrKey(entry.cidr)));
  const index = new CidrIndex(choice.placed, (need) => need.cidr);
  for (const { cidr } of request.ours) {
    if (keys.has(cidrKey(cidr))) continue;
    const successors = index.inside(cidr).filter((need) => !standing.has(need.key));
    if (successors.length > (request.canSwap ? 1 : 0)) reserve[cidr.family] += 1;
  }
  return reserve;
}

/**
 * Entries that share a rule to come, where none can change places in one call: they stay until it stands, and it needs a place beside them.
 */
function incoming(request: ChooseRequest, choice: Choice): Reserve {
  const reserve = { 4: 0, 6: 0 };
  if (request.granularity === "group" || request.canSwap) return reserve;
  const keys = new Set(choice.placed.map((need) => need.key));
  const standing = new Set(request.ours.map((entry) => cidrKey(entry.cidr)));
  const coming = new CidrIndex(
    choice.placed.filter((need) => !standing.has(need.key)),
    (need) => need.cidr,
  );
  for (const { cidr } of request.ours) if (!keys.has(cidrKey(cidr)) && coming.holding(cidr).length > 0) reserve[cidr.family] += 1;
  return reserve;
}

function isTight(request: ChooseRequest, choice: Choice, reserve: Reserve): boolean {
  const room = new Room(request.pools, request.maxEntries, []);
  for (const need of choice.placed) room.take(need.cidr.family);
  for (const family of [4, 6] as const) {
    for (let left = reserve[family]; left > 0; left -= 1) {
      if (!room.has(family)) return true;
      room.take(family);
    }
  }
  return false;
}

export function choose(request: ChooseRequest): Choice {
  const asAsked = unmerged(request);
  const choice = asAsked.shed.length === 0 ? asAsked : fitted(request, { 4: 0, 6: 0 });
  if (!request.mayRemove) return choice;
  const reserve = outgoing(request, choice);
  if (isTight(request, choice, reserve)) return fitted(request, reserve);
  // To make place for a merge, a gate would have to open: it waits until a rule is free.
  return isTight(request, choice, incoming(request, choice)) ? asAsked : choice;
}
