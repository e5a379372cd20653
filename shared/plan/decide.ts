// One target's plan as a value: what must stand, what is placed, shed or covered, what goes and why, in which order.
// Pure: the same inputs give the same plan, whatever their order. A plan can always be printed before it is run.
import { type Cidr, cidrKey } from "../address/index.ts";
import type { TargetLeases } from "../lease/live.ts";
import type { Weighing } from "../lease/weight.ts";
import { limits } from "../limits.ts";
import type { Change, Entry, Granularity, Observation } from "../provider.ts";
import { type Choice, choose, type Policy, type Widened } from "./choose.ts";
import { type Admit, type Need, type Needs, needsOf } from "./need.ts";
import { type Ordered, orderChanges } from "./order.ts";
import { Room } from "./place.ts";
import { Proofs, type Removal } from "./proof.ts";

export interface DecideRequest {
  readonly leases: TargetLeases;
  readonly observation: Observation;
  readonly admit: Admit;
  readonly isProtected: (cidr: Cidr) => boolean;
  readonly granularity: Granularity;
  readonly canSwap: boolean;
  readonly maxEntries: number | null;
  /** `drain` places nothing and lets everything of ours go. */
  readonly intent: "enforce" | "drain";
  /** Whether removals that rest on records may happen (complete, fresh, memory unbroken, clocks agree). */
  readonly mayRemove: boolean;
  readonly orphanMayGo: (entry: Entry) => boolean;
  readonly leftovers: ReadonlySet<string>;
  /** Blocks (`cidrKey`) whose last add has an unknown outcome: not tried again until observed. */
  readonly frozenBlocks: ReadonlySet<string>;
  /** Ids of entries that cannot go now, whatever is proved: their place rests, or the cloud refuses. They take room; none when left out. */
  readonly immovable?: ReadonlySet<string>;
  readonly weighing: Weighing;
  readonly policy: Policy;
  /** Whether what finds no room may lose the entry that holds it; always when left out. A target that spills lets it go only once it stands elsewhere. */
  readonly mayLeave?: (need: Need) => boolean;
}

export interface TargetPlan {
  readonly needs: Needs;
  /** Covered need's key to the need that covers it. */
  readonly covered: ReadonlyMap<string, Need>;
  readonly placed: readonly Need[];
  readonly shed: readonly Need[];
  /** Placed prefixes that no lease asked for as they are. */
  readonly widened: readonly Widened[];
  /** Placed needs whose add must wait for room or for an unknown outcome. */
  readonly waiting: readonly Need[];
  readonly removals: readonly Removal[];
  readonly keep: readonly Entry[];
  readonly orphans: readonly Entry[];
  readonly changes: readonly Change[];
}

const noNeeds: Needs = { needs: [], servedBy: new Map(), refused: new Map() };

function drainPlan(request: DecideRequest): TargetPlan {
  const removals: Removal[] = request.observation.ours.map((entry) => ({ entry, proof: "drained" }));
  const changes: Change[] = removals.map(({ entry }) => ({ verb: "remove", entry }));
  const nothing = { placed: [], shed: [], widened: [], waiting: [], keep: [], orphans: [], covered: new Map<string, Need>() };
  return { ...nothing, needs: noNeeds, removals, changes };
}

/** Entries that no candidate wants and that may not go now: they still take room. */
function stuckEntries(request: DecideRequest, candidates: ReadonlySet<string>, proofsOf: () => Proofs): Entry[] {
  const unwanted = request.observation.ours.filter((entry) => !candidates.has(cidrKey(entry.cidr)));
  // Usually there are none, and then no proof need be prepared.
  if (unwanted.length === 0) return unwanted;
  const proofs = proofsOf();
  return unwanted.filter((entry) => {
    if (proofs.proofFor(entry, request.mayRemove) !== null) return false;
    return !request.mayRemove || proofs.isOrphan(entry) || request.immovable?.has(entry.id) === true;
  });
}

/** What may go and why, and what has neither a placed need nor a proof. */
function removalsOf(request: DecideRequest, proofs: Proofs, placed: readonly Need[]): { removals: Removal[]; kept: Entry[] } {
  const standing = new Set(placed.map((need) => proofs.standing(need)));
  const removals: Removal[] = [];
  const kept: Entry[] = [];
  for (const entry of request.observation.ours) {
    if (standing.has(entry)) continue;
    const proof = proofs.proofFor(entry, request.mayRemove);
    if (proof === null) kept.push(entry);
    else removals.push({ entry, proof });
  }
  return { removals, kept };
}

function proofsFor(request: DecideRequest, needs: readonly Need[], placed: readonly Need[], shed: readonly Need[], landing: readonly Need[]): Proofs {
  return new Proofs({
    ours: request.observation.ours,
    needs,
    placed,
    shed,
    landing,
    ended: request.leases.ended,
    granularity: request.granularity,
    isProtected: (entry) => request.isProtected(entry.cidr),
    orphanMayGo: request.orphanMayGo,
    isImmovable: (entry) => request.immovable?.has(entry.id) === true,
    mayLeave: request.mayLeave ?? (() => true),
  });
}

/** Whether a placed need has no whole entry of its own yet. */
function lacksEntry(proofs: Proofs, need: Need): boolean {
  return proofs.standing(need)?.partial !== null;
}

/**
 * Proves removals and orders the changes. What cannot land now proves nothing: for group kinds, whose adds and removals
 * land together, the proofs are taken again without the adds that turned out to wait.
 */
function orderFor(request: DecideRequest, needs: readonly Need[], placed: readonly Need[], shed: readonly Need[]): { ordered: Ordered; proofs: Proofs } {
  const { leftovers, mayRemove, granularity, frozenBlocks } = request;
  const canSwap = request.canSwap && granularity === "entry";
  let landing = placed.filter((need) => !frozenBlocks.has(need.key));
  for (;;) {
    const proofs = proofsFor(request, needs, placed, shed, landing);
    const { removals, kept } = removalsOf(request, proofs, placed);
    const adds = placed.filter((need) => lacksEntry(proofs, need) && !frozenBlocks.has(need.key));
    const room = new Room(request.observation.pools, request.maxEntries, request.observation.ours);
    const displacedMax = Math.max(limits.displacedMax, Math.ceil(request.observation.ours.length * limits.displacedShareMax));
    const ordered = orderChanges({ adds, removals, kept, proofs, room, canSwap, granularity, leftovers, mayRemove, displacedMax });
    const waiting = new Set(ordered.waiting);
    const rest = landing.filter((need) => !waiting.has(need));
    if (granularity !== "group" || rest.length === landing.length) return { ordered, proofs };
    landing = rest;
  }
}

function chooseFor(request: DecideRequest, found: readonly Need[]): Choice {
  const { ours, pools } = request.observation;
  const { maxEntries, granularity, policy, mayRemove } = request;
  const canSwap = request.canSwap && granularity === "entry";
  const stuck = (wanted: ReadonlySet<string>, candidates: readonly Need[]) =>
    stuckEntries(request, wanted, () => proofsFor(request, candidates, candidates, [], candidates));
  return choose({ needs: found, ours, pools, maxEntries, granularity, canSwap, mayRemove, policy, stuck });
}

export function decide(request: DecideRequest): TargetPlan {
  if (request.intent === "drain") return drainPlan(request);
  const found = needsOf(request.leases.live, request.admit, request.weighing);
  const { needs, covered, placed, shed, widened } = chooseFor(request, found.needs);
  const ours = request.observation.ours;
  const { ordered, proofs } = orderFor(request, needs, placed, shed);
  const gone = new Set(ordered.removals.map((removal) => removal.entry));
  return {
    needs: { ...found, needs },
    covered,
    placed,
    shed,
    widened,
    waiting: [...ordered.waiting, ...placed.filter((need) => lacksEntry(proofs, need) && request.frozenBlocks.has(need.key))],
    removals: ordered.removals,
    keep: ours.filter((entry) => !gone.has(entry)),
    orphans: ours.filter((entry) => proofs.isOrphan(entry)),
    changes: ordered.changes,
  };
}
