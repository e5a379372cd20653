// Which leases an event that its source takes back may end: those that name no other alert. Two alerts of one client may hold one address, and the
// end of one must not open the gate for the other, which still fires. A lease's record names the alerts that it was made for; an alert that came
// later and asked for no longer lease is on no record (P7: a repeat writes nothing), so of those nobody knows here.
// Refuses to end what it cannot tell the alerts of: the gate then stays shut until the lease ends, never the reverse.
import { cidrKey, parseCidr } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { widened } from "../../shared/request/judge.ts";
import { quoted } from "../../shared/request/text.ts";
import type { Explanation, LeaseView } from "../coordinator/contract.ts";
import type { Call } from "./call.ts";

/** As many leases as an explanation shows (functions/coordinator/explaining.ts); where there may be more, not all are known. */
const leasesShown = 10;
/** Questions to the coordinator at once. */
const askedAtOnce = 10;

export interface Ending {
  /** End this client's leases that began up to then: all of them are the event's own, and whatever is leased meanwhile is not; null: end none. */
  readonly upTo: EpochMs | null;
  /** What stands all the same, and why; null: nothing of this client's. */
  readonly stands: string | null;
}

export interface Asked {
  readonly key: string;
  /** Of the events that are taken back. */
  readonly ids: ReadonlySet<string>;
}

function isExact({ asked }: LeaseView, key: string, call: Call): boolean {
  const read = parseCidr(asked);
  return read.ok && cidrKey(widened(read.value, call.deps.config).cidr) === key;
}

/** A lease of the event's own: every alert that it names is taken back, and it has room for more names, so it names all. */
function isOwn({ alerts }: LeaseView, ids: ReadonlySet<string>): boolean {
  return alerts.length > 0 && alerts.length < limits.alertIdsMax && alerts.every((id) => ids.has(id));
}

function standing(lease: LeaseView, ids: ReadonlySet<string>): string {
  const other = lease.alerts.find((id) => !ids.has(id));
  return other === undefined ? "a lease stands whose alerts cannot be told" : `the alert ${quoted(other, limits.alertIdCharsMax)} holds it too`;
}

function endingOf({ key, ids }: Asked, known: Explanation, call: Call): Ending {
  const { name } = call.caller;
  if (known.leases.length >= leasesShown) return { upTo: null, stands: "more leases stand on it than can be told apart" };
  const leases = known.leases.filter((lease) => lease.client === name && isExact(lease, key, call));
  const own = leases.filter((lease) => isOwn(lease, ids));
  const others = leases.filter((lease) => !isOwn(lease, ids));
  const [other] = others;
  const stands = other === undefined ? null : standing(other, ids);
  if (own.length === 0) return { upTo: null, stands };
  // A lift ends what lies inside the block as well, and of those leases the alerts are not known.
  if (known.narrower.length > 0) return { upTo: null, stands: stands ?? "leases stand on parts of it" };
  const upTo = Math.max(...own.map(({ at }) => at));
  return { upTo: others.every(({ at }) => at > upTo) ? upTo : null, stands };
}

/** For each block, in order. Throws STORE_UNAVAILABLE. */
export async function endingsOf(asked: readonly Asked[], call: Call): Promise<readonly Ending[]> {
  const endings: Ending[] = [];
  for (let from = 0; from < asked.length; from += askedAtOnce) {
    const some = asked.slice(from, from + askedAtOnce);
    endings.push(...(await Promise.all(some.map(async (one) => endingOf(one, await call.coordinator.explain(one.key), call)))));
  }
  return endings;
}
