// Which leases have ended, by block and client, for clients whose leases grow: so that a return is known as one when the store has long let
// go of the record. Disposable: what is lost is learnt again from the ended records that the store keeps for 48 hours.
// Owns its layout in the coordinator's storage: a fixed number of rooms, so that opening it reads few values. Decides nothing.
import { type Cidr, cidrFromKey, cidrKey, isHost, overlaps } from "../../shared/address/index.ts";
import type { Config, Escalation } from "../../shared/config.ts";
import { joinedPast, type PastLease } from "../../shared/lease/escalate.ts";
import { cancels, isHeld, type Lifted, type Records } from "../../shared/lease/live.ts";
import type { Lift } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs, Json } from "../../shared/ports.ts";
import type { MemoryStorage } from "./memory.ts";

interface Remembered extends PastLease {
  readonly cidr: Cidr;
  readonly client: string;
}

export const offencesPrefix = "offences:";
const roomsCount = 32;
const perRoomMax = Math.floor(limits.offencesMax / roomsCount);

/** Which room a block belongs to: FNV-1a over its key, because the addresses of one attack lie side by side. */
function roomOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193) >>> 0;
  return hash % roomsCount;
}

/** One as it is stored: block, client, beginning, end, number. Null for what nobody can read: it is forgotten. */
function readRow(row: unknown): Remembered | null {
  if (!Array.isArray(row)) return null;
  const [key, client, at, until, offence] = row as readonly unknown[];
  const cidr = typeof key === "string" ? cidrFromKey(key) : null;
  if (cidr === null || typeof client !== "string" || !Number.isSafeInteger(at) || !Number.isSafeInteger(until)) return null;
  const isCounted = typeof offence === "number" && Number.isSafeInteger(offence) && offence > 0;
  return { cidr, client, at: at as EpochMs, until: until as EpochMs, ...(isCounted ? { offence: Math.min(offence, limits.offenceMax) } : {}) };
}

function rulesOf(config: Config): ReadonlyMap<string, Escalation> {
  return new Map(Object.entries(config.clients).flatMap(([name, { escalate }]) => (escalate === undefined ? [] : [[name, escalate] as const])));
}

export class Offences {
  readonly #storage: Pick<MemoryStorage, "put" | "delete">;
  readonly #rooms = Array.from({ length: roomsCount }, () => new Map<string, Remembered>());
  readonly #changed = new Set<number>();

  constructor(storage: Pick<MemoryStorage, "put" | "delete">) {
    this.#storage = storage;
  }

  /** One room as it was stored. */
  restore(stored: Json): void {
    if (!Array.isArray(stored)) return;
    for (const row of stored) {
      const read = readRow(row);
      if (read !== null) this.#room(cidrKey(read.cidr)).set(`${cidrKey(read.cidr)} ${read.client}`, read);
    }
  }

  #room(key: string): Map<string, Remembered> {
    return this.#rooms[roomOf(key)] ?? new Map();
  }

  of(client: string, key: string): PastLease | undefined {
    return this.#room(key).get(`${key} ${client}`);
  }

  get size(): number {
    return this.#rooms.reduce((sum, room) => sum + room.size, 0);
  }

  /** Takes in what has ended, and lets go of what its client's rule forgets. The brake's holds that nobody released are no offences. */
  learn(records: Pick<Records, "leases" | "stop">, lifted: Lifted, config: Config, now: EpochMs): void {
    const rules = rulesOf(config);
    for (const lease of rules.size === 0 ? [] : records.leases) {
      const rule = rules.get(lease.client);
      if (rule === undefined || lease.until > now || now - lease.until > rule.memoryMs) continue;
      const key = cidrKey(lease.cidr);
      const known = this.#room(key).get(`${key} ${lease.client}`);
      const isKnown = known !== undefined && known.until >= lease.until && (known.offence ?? 0) >= (lease.offence ?? 0);
      if (isKnown || isHeld(lease, records.stop) || lifted(lease)) continue;
      const joined = known === undefined ? lease : joinedPast(known, lease, rule.memoryMs);
      const offence = joined.offence === undefined ? {} : { offence: joined.offence };
      this.#room(key).set(`${key} ${lease.client}`, { cidr: lease.cidr, client: lease.client, at: joined.at, until: joined.until, ...offence });
      this.#changed.add(roomOf(key));
    }
    this.#keep(({ client, until }) => now - until <= (rules.get(client)?.memoryMs ?? -1));
  }

  /** Whoever lifts says that it was wrong, or forgives: nothing of it counts. */
  clear(lift: Lift): void {
    // Inside a single address there is nothing but itself.
    const only = isHost(lift.cidr) ? roomOf(cidrKey(lift.cidr)) : undefined;
    this.#keep((past) => !(overlaps(lift.cidr, past.cidr) && cancels(lift, past)), only);
  }

  #keep(stays: (past: Remembered) => boolean, only?: number): void {
    for (const [index, room] of this.#rooms.entries()) {
      if (only !== undefined && only !== index) continue;
      for (const [name, past] of room) {
        if (stays(past)) continue;
        room.delete(name);
        this.#changed.add(index);
      }
    }
  }

  /** Writes the rooms that have changed, one value each; a room that is too full forgets what ended first. */
  async save(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const index of changed) {
      const room = this.#rooms[index] ?? new Map<string, Remembered>();
      const oldest = room.size <= perRoomMax ? [] : [...room].sort(([, a], [, b]) => a.until - b.until).slice(0, room.size - perRoomMax);
      for (const [name] of oldest) room.delete(name);
      const rows = [...room.values()].map(({ cidr, client, at, until, offence }): Json => [cidrKey(cidr), client, at, until, offence ?? 0]);
      await (rows.length === 0 ? this.#storage.delete([`${offencesPrefix}${index}`]) : this.#storage.put(`${offencesPrefix}${index}`, rows));
    }
  }
}
