// Whether an address is stopped at one target, and the true cause of the answer: from the entry that was seen there, what the last pass
// said of the live leases, and what is known of those that are over. Pure; claims nothing that none of these shows (promise P9).
import { type Cidr, cidrFromKey, cidrText, contains } from "../../shared/address/index.ts";
import type { EndedRecord, Snapshot, TargetState } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry } from "../../shared/provider.ts";
import { isoTime } from "../../shared/time.ts";
import { overAt } from "../pass/ended.ts";
import type { Cause, TargetEvidence } from "./contract.ts";
import type { Standing, TargetMemory } from "./memory.ts";

/** A live block over the address: what each target that its leases select says of it. */
export interface LiveBlock {
  readonly key: string;
  readonly until: EpochMs;
  readonly states: Readonly<Record<string, TargetState>>;
}

export interface Circumstances {
  readonly cidr: Cidr;
  readonly now: EpochMs;
  /** The exact block and wider ones. */
  readonly live: readonly LiveBlock[];
  readonly ended: readonly EndedRecord[];
  readonly endedWhole: boolean;
  readonly exemptUntil: EpochMs | null;
  readonly snapshot: Snapshot | null;
}

/** The best that can be said comes first. */
const ranks: readonly Cause[] = ["enforced", "covered", "pending", "observed", "held", "shed", "failed", "refused"];

/** What is known to stand: seen in this life, or what memory expects; null when neither is known. */
function standingAt(seen: Standing | undefined, memory: TargetMemory, observedAt: EpochMs | null): Standing | null {
  if (seen !== undefined) return seen;
  if (memory.expected === null || observedAt === null) return null;
  const entries = Object.entries(memory.expected).flatMap(([id, key]): Entry[] => {
    const cidr = cidrFromKey(key);
    return cidr === null ? [] : [{ id, cidr, partial: null }];
  });
  return { seenAt: observedAt, entries, without: new Set() };
}

function coveringEntry(standing: Standing | null, memory: TargetMemory, cidr: Cidr): TargetEvidence["entry"] {
  const covering = standing?.entries.filter((entry) => entry.partial === null && contains(entry.cidr, cidr)) ?? [];
  const [entry] = covering.sort((a, b) => b.cidr.length - a.cidr.length);
  if (entry === undefined || standing === null) return null;
  const isUnseen = memory.acknowledged.some((step) => step.adds.some((add) => add.id === entry.id));
  return { id: entry.id, cidr: cidrText(entry.cidr), seenAt: isUnseen ? null : standing.seenAt };
}

interface Said {
  readonly cause: Cause;
  readonly why: string;
}

function ofLive(target: string, { live }: Circumstances): Said | null {
  const states = live.flatMap((block) => {
    const state = Object.hasOwn(block.states, target) ? block.states[target] : undefined;
    return state === undefined ? [] : [{ state, until: block.until }];
  });
  const [best] = states.sort((a, b) => ranks.indexOf(a.state.state) - ranks.indexOf(b.state.state) || b.until - a.until);
  if (best === undefined) return live.length === 0 ? null : { cause: "unselected", why: "its leases select other targets" };
  const { state, why, by } = best.state;
  const until = `leased until ${isoTime(best.until)}`;
  return { cause: state, why: [by === undefined ? undefined : `by the wider entry ${by}`, why, until].filter((part) => part !== undefined).join("; ") };
}

function ofEnded({ ended, endedWhole, exemptUntil }: Circumstances): Said {
  const [last] = ended;
  if (exemptUntil !== null) return { cause: "exempt", why: `new blocks are refused until ${isoTime(exemptUntil)}` };
  if (last === undefined) {
    return { cause: "never", why: endedWhole ? "no lease on it is on record" : "no lease on it is among those remembered; older ones are not kept at hand" };
  }
  if (last.liftedAt === null || last.liftedAt > last.until) return { cause: "ended", why: `the lease of ${last.client} ended at ${isoTime(last.until)}` };
  const who = last.liftedBy === undefined ? "" : ` by ${last.liftedBy}`;
  return { cause: "lifted", why: `the lease of ${last.client} was lifted at ${isoTime(overAt(last))}${who}` };
}

export function evidenceOf(target: string, memory: TargetMemory, seen: Standing | undefined, about: Circumstances): TargetEvidence {
  const known = about.snapshot !== null && Object.hasOwn(about.snapshot.targets, target) ? about.snapshot.targets[target] : undefined;
  const observedAt = known?.observedAt ?? null;
  const standing = standingAt(seen, memory, observedAt);
  const entry = coveringEntry(standing, memory, about.cidr);
  const said = ofLive(target, about);
  const isEnforcing = known?.enforcing.yes === true;
  const isStanding = said?.cause === "enforced" || said?.cause === "covered";
  const blocked = standing === null ? (isStanding ? "yes" : "unknown") : entry !== null && isEnforcing ? "yes" : "no";
  if (said !== null) return { target, blocked, entry, observedAt, ...said };
  const over = ofEnded(about);
  if (entry === null) return { target, blocked, entry, observedAt, ...over };
  if (over.cause === "never") return { target, blocked, entry, observedAt, cause: "orphan", why: `an entry of ours stands and ${over.why}` };
  return { target, blocked, entry, observedAt, cause: over.cause, why: `${over.why}; its entry goes as soon as the store is sure to show no renewal` };
}
