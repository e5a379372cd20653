// Why an address is blocked, and why it is not: gathered from the snapshot, from what was accepted since, and from what was last seen at
// the targets. Lists nothing; reads from the store the reasons of at most ten leases.
import { type Cidr, cidrFromKey, cidrKey, contains, overlaps } from "../../shared/address/index.ts";
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { leaseKey } from "../../shared/keys.ts";
import { cancels } from "../../shared/lease/live.ts";
import type { Lift } from "../../shared/lease/record.ts";
import type { EndedRecord } from "../../shared/lease/snapshot.ts";
import type { EpochMs, Store } from "../../shared/ports.ts";
import { overAt } from "../pass/ended.ts";
import { recordsOfSnapshot } from "../pass/records.ts";
import type { World } from "../pass/world.ts";
import type { Explanation, LeaseView, SettledItem } from "./contract.ts";
import { type Circumstances, evidenceOf } from "./evidence.ts";
import type { KnownStates } from "./known.ts";
import { type LiveBlock, type LiveRecord, liveRecords } from "./lifting.ts";

const shownMax = { leases: 10, narrower: 100, ended: 10, refusals: 5 } as const;

async function leaseView(store: Store, { cidr }: LiveBlock, record: LiveRecord): Promise<LeaseView> {
  const found = await store.get(leaseKey(cidr, record.until, record.client));
  const detail = found === null ? {} : (JSON.parse(found.value) as { reason?: string; alerts?: string[]; asked?: string });
  const { client, at, until, severity } = record;
  return { client, at, until, severity, reason: detail.reason ?? "", alerts: detail.alerts ?? [], asked: detail.asked ?? "" };
}

/** Every lift that is remembered, the newest too. */
function knownLifts({ memory }: World): readonly Lift[] {
  return [...(memory.snapshot === null ? [] : recordsOfSnapshot(memory.snapshot).lifts), ...memory.recentLifts()];
}

/** Leases over the whole address that are over: as the last pass knew, and what has ended or was lifted since. */
function endedOver(world: World, asked: Cidr, lifts: readonly Lift[], now: EpochMs): readonly EndedRecord[] {
  const { memory } = world;
  const leases = [...(memory.snapshot === null ? [] : recordsOfSnapshot(memory.snapshot).leases), ...memory.recentLeases()];
  const since = leases.flatMap((lease): EndedRecord[] => {
    if (!contains(lease.cidr, asked)) return [];
    const [first] = lifts.filter((lift) => overlaps(lift.cidr, lease.cidr) && cancels(lift, lease)).sort((a, b) => a.at - b.at);
    if (lease.until > now && first === undefined) return [];
    const { client, at, until } = lease;
    const key = lease.key.slice("lease:".length).split(":").slice(0, 2).join(":");
    return [{ key, client, at, until, liftedAt: first?.at ?? null, ...(first?.by === undefined ? {} : { liftedBy: first.by }) }];
  });
  const before = (memory.snapshot?.ended ?? []).filter(({ key }) => {
    const cidr = cidrFromKey(key);
    return cidr !== null && contains(cidr, asked);
  });
  const unique = new Map([...before, ...since].map((record) => [`${record.key} ${record.client} ${record.until}`, record]));
  return [...unique.values()].sort((a, b) => overAt(b) - overAt(a)).slice(0, shownMax.ended);
}

function exemptionsOver(lifts: readonly Lift[], asked: Cidr, now: EpochMs): Explanation["exemptions"] {
  const found = lifts.flatMap((lift) => {
    if (lift.exemptUntil === null || lift.exemptUntil <= now || !overlaps(lift.cidr, asked)) return [];
    const key = lift.key.slice("lift:".length).split(":").slice(0, 2).join(":");
    return [{ key, until: lift.exemptUntil, at: lift.at, ...(lift.by === undefined ? {} : { by: lift.by }) }];
  });
  return [...new Map(found.map((exemption) => [`${exemption.key} ${exemption.at}`, exemption])).values()].sort((a, b) => b.until - a.until);
}

/** Throws STORE_UNAVAILABLE. */
export async function explain(world: World, states: KnownStates, key: string): Promise<Explanation> {
  const { memory, clock, config } = world;
  const { snapshot } = memory;
  const asked = cidrFromKey(key);
  if (asked === null) throw new PortcullisError("INVARIANT", `${key} is not a block`);
  const now = clock.now();
  const lifts = knownLifts(world);
  const rows = liveRecords(memory, now)
    .overlapping(asked)
    .filter((row) => row.records.length > 0);
  const settled = (row: LiveBlock): SettledItem => ({
    key: cidrKey(row.cidr),
    until: Math.max(...row.records.map(({ until }) => until)),
    states: states.ofBlock(
      cidrKey(row.cidr),
      row.records.map(({ targets }) => targets),
    ),
  });
  const exact = rows.find((row) => cidrKey(row.cidr) === key);
  const around = rows.filter((row) => row !== exact && contains(row.cidr, asked));
  const inside = rows.filter((row) => row !== exact && !contains(row.cidr, asked));
  const told = [...(exact === undefined ? [] : [exact]), ...around].flatMap((row) => row.records.map((record) => ({ row, record })));
  const exemptions = exemptionsOver(lifts, asked, now);
  const ended = endedOver(world, asked, lifts, now);
  const endedWhole = snapshot?.endedWhole ?? false;
  const live = [...(exact === undefined ? [] : [exact]), ...around].map(settled);
  const about: Circumstances = { cidr: asked, now, live, ended, endedWhole, exemptUntil: exemptions[0]?.until ?? null, snapshot };
  try {
    return {
      exact: exact === undefined ? null : settled(exact),
      leases: await Promise.all(told.slice(0, shownMax.leases).map(({ row, record }) => leaseView(world.store, row, record))),
      wider: around.map(settled),
      narrower: inside.slice(0, shownMax.narrower).map(settled),
      exemptions,
      ended,
      endedWhole,
      refusals: memory.refusals.filter((refusal) => refusal.key === key).slice(-shownMax.refusals),
      targets: Object.keys(config.targets).map((name) => evidenceOf(name, memory.target(name), memory.standing.get(name), about)),
      asOf: snapshot?.at ?? 0,
    };
  } catch (thrown) {
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", "the reasons could not be read from the store");
  }
}
