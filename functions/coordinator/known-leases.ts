// Live leases by block, as the last snapshot and what was accepted since know them. Rows of the snapshot are made into leases when they are
// looked at, and kept as such by nobody: tens of thousands of them would take as much memory again as the snapshot. Judges nothing.
import type { Lifted } from "../../shared/lease/live.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { type BlockRow, rowsOf, type Snapshot } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { leasesOfRow } from "../pass/records.ts";

export interface Known {
  readonly snapshot: Snapshot | null;
  /** What was accepted lately; it wins over what the snapshot says of the same record. */
  readonly recent: readonly Lease[];
  readonly lifted: Lifted;
  readonly now: EpochMs;
}

const nothing: Known = { snapshot: null, recent: [], lifted: () => false, now: 0 };

export class KnownLeases {
  readonly #known: Known;
  readonly #rows: ReadonlyMap<string, BlockRow>;
  /** By block and record key; with what was added since. */
  readonly #recent = new Map<string, Map<string, Lease>>();
  /** Blocks that each client holds at least one live lease of. */
  readonly #liveByClient = new Map<string, number>();
  #count = 0;

  constructor(known: Known = nothing) {
    this.#known = known;
    this.#rows = known.snapshot === null ? new Map() : rowsOf(known.snapshot);
    for (const lease of known.recent) if (this.#isLive(lease)) this.#keep(lease);
    for (const key of this.#rows.keys()) this.#countLeases(this.at(key));
    for (const key of this.#recent.keys()) if (!this.#rows.has(key)) this.#countLeases(this.at(key));
  }

  #isLive(lease: Lease): boolean {
    return lease.until > this.#known.now && !this.#known.lifted(lease);
  }

  #keep(lease: Lease): void {
    const block = this.#recent.get(lease.cidr.key);
    if (block === undefined) this.#recent.set(lease.cidr.key, new Map([[lease.key, lease]]));
    else block.set(lease.key, lease);
  }

  #countLeases(leases: readonly Lease[]): void {
    this.#count += leases.length;
    for (const client of new Set(leases.map((lease) => lease.client))) this.#liveByClient.set(client, this.live(client) + 1);
  }

  add(lease: Lease): void {
    const known = this.at(lease.cidr.key);
    const isRenewal = known.some((other) => other.client === lease.client);
    this.#keep(lease);
    if (!known.some((other) => other.key === lease.key)) this.#count += 1;
    if (!isRenewal) this.#liveByClient.set(lease.client, this.live(lease.client) + 1);
  }

  get count(): number {
    return this.#count;
  }

  live(client: string): number {
    return this.#liveByClient.get(client) ?? 0;
  }

  /** All that are not lifted and were not over when this was made. */
  at(key: string): readonly Lease[] {
    const row = this.#rows.get(key);
    const recent = this.#recent.get(key);
    const listed = row === undefined ? [] : leasesOfRow(row).filter((lease) => this.#isLive(lease));
    if (recent === undefined) return listed;
    return listed.length === 0 ? [...recent.values()] : [...new Map([...listed, ...recent.values()].map((lease) => [lease.key, lease])).values()];
  }

  /** Whether we accepted it ourselves, lately: then nobody else can know better. */
  isOwn(lease: Lease): boolean {
    return this.#recent.get(lease.cidr.key)?.has(lease.key) === true;
  }

  /** What was over when this was made, and not lifted. */
  over(): readonly Lease[] {
    const { recent, now, lifted } = this.#known;
    const isOver = (lease: Lease) => lease.until <= now && !lifted(lease);
    const own = new Map(recent.filter(isOver).map((lease) => [lease.key, lease]));
    // Whoever has no record that is over costs nothing here.
    const rows = [...this.#rows.values()].filter(({ records }) => records.some(({ until }) => until <= now));
    for (const lease of rows.flatMap(leasesOfRow)) if (isOver(lease) && !own.has(lease.key)) own.set(lease.key, lease);
    return [...own.values()];
  }
}
