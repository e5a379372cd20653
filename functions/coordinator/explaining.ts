// Why an address is blocked, and why it is not: gathered from the snapshot, from what was accepted since, and from what was last seen at
// the targets. Lists nothing; reads from the store the reasons of at most ten leases.
import { type Cidr, CidrIndex, cidrFromKey, cidrKey, contains, overlaps } from "../../shared/address/index.ts";
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { leaseKey, liftKey } from "../../shared/keys.ts";
import { cancels, type Lifted, liftedBy } from "../../shared/lease/live.ts";
import type { Lease, Lift } from "../../shared/lease/record.ts";
import type { BlockRow, EndedRecord, Snapshot } from "../../shared/lease/snapshot.ts";
import { weighingAt, weightOf } from "../../shared/lease/weight.ts";
import type { EpochMs, Store } from "../../shared/ports.ts";
import { overAt } from "../pass/ended.ts";
import type { World } from "../pass/world.ts";
import type { Explanation, LeaseView, SettledItem } from "./contract.ts";
import { type Circumstances, evidenceOf } from "./evidence.ts";
import type { KnownStates } from "./known.ts";

const shownMax = { leases: 10, narrower: 100, ended: 10, refusals: 5 } as const;

function offenceOfRecord({ offence }: Lease): Pick<Lease, "offence"> {
  return offence === undefined ? {} : { offence };
}

async function leaseView(store: Store, record: Lease): Promise<LeaseView> {
  const found = await store.get(record.key);
  const detail = found === null ? {} : (JSON.parse(found.value) as { reason?: string; alerts?: string[]; asked?: string });
  const { client, at, until, severity } = record;
  return { client, at, until, severity, reason: detail.reason ?? "", alerts: detail.alerts ?? [], asked: detail.asked ?? "", ...offenceOfRecord(record) };
}

interface BlockAt {
  readonly cidr: Cidr;
  readonly row: BlockRow;
}

/** Made once per snapshot: many ask between two passes, and the coordinator has other things to do. */
const indexes = new WeakMap<Snapshot, CidrIndex<BlockAt>>();

function indexOf(snapshot: Snapshot): CidrIndex<BlockAt> {
  const known = indexes.get(snapshot);
  if (known !== undefined) return known;
  const blocks = snapshot.blocks.flatMap((row): BlockAt[] => {
    const cidr = cidrFromKey(row.key);
    return cidr === null ? [] : [{ cidr, row }];
  });
  const index = new CidrIndex(blocks, ({ cidr }) => cidr);
  indexes.set(snapshot, index);
  return index;
}

/** Every lift that is remembered, the newest too. */
function knownLifts({ memory }: World): readonly Lift[] {
  const before = (memory.snapshot?.lifts ?? []).flatMap(({ key, ...lift }): Lift[] => {
    const cidr = cidrFromKey(key);
    return cidr === null ? [] : [{ key: liftKey(cidr, lift.at, lift.client), cidr, ...lift }];
  });
  return [...before, ...memory.recentLifts()];
}

/** Every lease that touches the address, as the last pass knew it or accepted since. */
function touchingLeases({ memory }: World, asked: Cidr): readonly Lease[] {
  const before = memory.snapshot === null ? [] : indexOf(memory.snapshot).overlapping(asked);
  const leases = before.flatMap(({ cidr, row }) => row.records.map((record): Lease => ({ ...record, cidr, key: leaseKey(cidr, record.until, record.client) })));
  const since = memory.recentLeases().filter((lease) => overlaps(lease.cidr, asked));
  return [...new Map([...leases, ...since].map((lease) => [lease.key, lease])).values()];
}

interface LiveRow {
  readonly cidr: Cidr;
  readonly records: readonly Lease[];
}

function liveRows(leases: readonly Lease[], lifted: Lifted, now: EpochMs): readonly LiveRow[] {
  const rows = new Map<string, Lease[]>();
  for (const lease of leases) {
    if (lease.until <= now || lifted(lease)) continue;
    const key = cidrKey(lease.cidr);
    rows.set(key, [...(rows.get(key) ?? []), lease]);
  }
  return [...rows.values()].flatMap((records) => (records[0] === undefined ? [] : [{ cidr: records[0].cidr, records }]));
}

/** Leases over the whole address that are over: as the last pass knew, and what has ended or was lifted since. */
function endedOver({ memory }: World, leases: readonly Lease[], lifts: readonly Lift[], asked: Cidr, now: EpochMs): readonly EndedRecord[] {
  const since = leases.flatMap((lease): EndedRecord[] => {
    if (!contains(lease.cidr, asked)) return [];
    const [first] = lifts.filter((lift) => overlaps(lift.cidr, lease.cidr) && cancels(lift, lease)).sort((a, b) => a.at - b.at);
    if (lease.until > now && first === undefined) return [];
    const { client, at, until } = lease;
    const by = first?.by === undefined ? {} : { liftedBy: first.by };
    return [{ key: cidrKey(lease.cidr), client, at, until, liftedAt: first?.at ?? null, ...by, ...offenceOfRecord(lease) }];
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
    return [{ key: cidrKey(lift.cidr), until: lift.exemptUntil, at: lift.at, ...(lift.by === undefined ? {} : { by: lift.by }) }];
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
  const leases = touchingLeases(world, asked);
  const rows = liveRows(leases, liftedBy(lifts), now);
  const settled = (row: LiveRow): SettledItem => ({
    key: cidrKey(row.cidr),
    until: Math.max(...row.records.map(({ until }) => until)),
    weight: weightOf(row.records, weighingAt(now, config)),
    states: states.ofBlock(
      cidrKey(row.cidr),
      row.records.map(({ targets }) => targets),
    ),
  });
  const exact = rows.find((row) => cidrKey(row.cidr) === key);
  const around = rows.filter((row) => row !== exact && contains(row.cidr, asked));
  const inside = rows.filter((row) => row !== exact && !contains(row.cidr, asked));
  const told = [...(exact === undefined ? [] : [exact]), ...around].flatMap((row) => row.records);
  const exemptions = exemptionsOver(lifts, asked, now);
  const ended = endedOver(world, leases, lifts, asked, now);
  const endedWhole = snapshot?.endedWhole ?? false;
  const live = [...(exact === undefined ? [] : [exact]), ...around].map(settled);
  const about: Circumstances = { cidr: asked, now, live, ended, endedWhole, exemptUntil: exemptions[0]?.until ?? null, snapshot };
  try {
    return {
      exact: exact === undefined ? null : settled(exact),
      leases: await Promise.all(told.slice(0, shownMax.leases).map((record) => leaseView(world.store, record))),
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
