// What is true of each block at each target after a visit (promise P9). Never "blocked" for what was not.
import { type Cidr, CidrIndex, cidrFromKey, cidrText } from "../../shared/address/index.ts";
import { severities } from "../../shared/config.ts";
import { errorTraits } from "../../shared/errors.ts";
import type { TargetState } from "../../shared/lease/snapshot.ts";
import type { Need, Refusal } from "../../shared/plan/need.ts";
import type { Entry } from "../../shared/provider.ts";
import type { Visit } from "./visit.ts";

const enforced: TargetState = { state: "enforced" };

/** A wider entry that ends first is replaced before it goes. */
function coveredBy(cover: Need, need: Need): TargetState {
  const by = cidrText(cover.cidr);
  if (cover.until >= need.until) return { state: "covered", by };
  return { state: "covered", by, why: "it ends later than that one, and then claims a place for itself" };
}

function failureOf(visited: Visit): TargetState | null {
  const error = visited.error;
  if (error === null) return null;
  const later = errorTraits[error.code].retry !== "no";
  return { state: later ? "pending" : "failed", why: later ? `${error.message}; the next tick tries again` : error.message };
}

/** Answers for one target; made once per visit, asked once per block. */
export class States {
  readonly #visit: Visit;
  readonly #needs: ReadonlyMap<string, Need>;
  readonly #standing: CidrIndex<Entry>;
  readonly #shed: ReadonlySet<string>;
  readonly #waiting: ReadonlySet<string>;
  /** Why a block of the family finds no room: the same for all of them. */
  readonly #noRoom = new Map<4 | 6, string>();

  constructor(visited: Visit) {
    this.#visit = visited;
    const plan = visited.plan;
    this.#needs = new Map((plan?.needs.needs ?? []).map((need) => [need.key, need]));
    this.#standing = new CidrIndex(visited.standing, (entry) => entry.cidr);
    this.#shed = new Set((plan?.shed ?? []).map((need) => need.key));
    this.#waiting = new Set((plan?.waiting ?? []).map((need) => need.key));
  }

  /** `key` is the lease's block; `held`: all its leases here wait for the brake to be released. */
  of(key: string, held: "held" | "live"): TargetState {
    const { plan, bar } = this.#visit;
    if (held === "held") return { state: "held", why: "the brake was on when it came in; release it with POST /v1/stop" };
    if (plan === null) return failureOf(this.#visit) ?? { state: "pending", why: "the target was not visited yet" };
    const refused = plan.needs.refused.get(key);
    if (refused !== undefined) return this.#refused(key, refused);
    const need = this.#needs.get(plan.needs.servedBy.get(key) ?? key);
    if (need === undefined) return bar?.state === "held" ? bar : { state: "held", why: "the target is being drained" };
    return this.#ofNeed(need);
  }

  /** What has no place of its own, since that is somebody else's, may lie in a wider entry of ours all the same. */
  #refused(key: string, { kind, why }: Refusal): TargetState {
    const cidr = kind === "taken" ? cidrFromKey(key) : null;
    const around = cidr === null ? undefined : this.#standing.holding(cidr).find((entry) => entry.partial === null);
    return around === undefined ? { state: "refused", why } : this.#ifEnforcing({ state: "covered", by: cidrText(around.cidr), why });
  }

  #ofNeed(need: Need): TargetState {
    const { bar, plan } = this.#visit;
    const own = this.#whole(need.cidr);
    if (own !== null) return this.#ifEnforcing(enforced);
    const cover = plan?.covered.get(need.key);
    if (cover !== undefined && this.#whole(cover.cidr) !== null) return this.#ifEnforcing(coveredBy(cover, need));
    const shed = this.#shed.has((cover ?? need).key);
    if (bar !== null) return { ...bar, why: shed ? `${bar.why}; there would be no room` : bar.why };
    if (shed) return { state: "shed", why: this.#roomText(need.cidr.family) };
    return failureOf(this.#visit) ?? this.#pending(cover ?? need);
  }

  #whole(cidr: Cidr): Entry | null {
    return this.#standing.exactly(cidr).find((entry) => entry.partial === null) ?? null;
  }

  #ifEnforcing(state: TargetState): TargetState {
    const enforcing = this.#visit.observation?.enforcing;
    if (enforcing === undefined || enforcing.yes) return state;
    return { state: "failed", why: `the entry stands, but the target does not enforce it: ${enforcing.why}` };
  }

  #pending(need: Need): TargetState {
    const partial = this.#standing.exactly(need.cidr)[0]?.partial;
    if (partial !== undefined && partial !== null) return { state: "pending", why: `${partial}; passes complete it as soon as they can` };
    // Some kinds cannot hold a range and an address inside it: then this lasts for as long as the range.
    const around = this.#standing.holding(need.cidr).find((entry) => entry.partial === null);
    if (around !== undefined) {
      const by = cidrText(around.cidr);
      return this.#ifEnforcing({
        state: "pending",
        by,
        why: `${by} stands around it and denies it meanwhile; it gets a place of its own before that one goes`,
      });
    }
    const isWaiting = this.#waiting.has(need.key);
    const why = isWaiting ? "waits for its place to be free or for an unknown outcome to be observed; the next tick tries again" : "the next pass adds it";
    return { state: "pending", why };
  }

  #roomText(family: 4 | 6): string {
    const known = this.#noRoom.get(family);
    if (known !== undefined) return known;
    const { observation, target, plan, standing } = this.#visit;
    const pools = (observation?.pools ?? []).filter((pool) => pool.families.includes(family));
    const numbers = pools.map((pool) => `${pool.name} ${pool.limit}`).join(", ");
    const { maxEntries: most, spill } = target.config;
    const placed = (plan?.placed ?? []).filter((need) => need.cidr.family === family);
    const least = severities[Math.min(severities.length, ...[...new Set(placed.map((need) => need.severity))])];
    // No weight: it lessens with time, and what is said here is stored.
    const who = least === undefined ? "" : `; the lightest that has a place is of severity ${least}`;
    const where = spill === undefined ? "" : `; what finds no room here goes to ${spill}`;
    const text = `no room: ${standing.length} entries of ours stand, room for ${numbers}${most === null ? "" : `, maxEntries ${most}`}${who}${where}`;
    this.#noRoom.set(family, text);
    return text;
  }
}
