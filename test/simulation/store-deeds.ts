// What happens to the store's records that no request asked for: one cannot be read for a while, some are lost, the store's own id is gone
// for a while. Tells the ledger what may no longer be expected; refuses to touch what is not a record of ours.
import { cidrText } from "../../shared/address/index.ts";
import { readRecord } from "../../shared/keys.ts";
import { limits, settleMs } from "../../shared/limits.ts";
import { storeId } from "../coordinator/world.ts";
import { recoveryMs, type World } from "./world.ts";

const storeKey = "meta:store";

interface Found {
  readonly key: string;
  readonly value: string;
  readonly metadata: unknown;
}

export class StoreDeeds {
  readonly #world: World;
  #isUnnamed = false;
  readonly #spoiled = new Map<string, Found>();

  constructor(world: World) {
    this.#world = world;
    world.onCalm.push(() => {
      for (const key of [...this.#spoiled.keys()]) this.#restore(key);
      this.#name();
    });
  }

  /** Lease records, in the store's order. */
  #leases(): readonly Found[] {
    const records = [...this.#world.platform.records()].map(([key, record]) => ({ key, ...record }));
    return records.filter(({ key, metadata }) => readRecord({ name: key, metadata }).kind === "lease");
  }

  #pick(most: number): readonly Found[] {
    const left = [...this.#leases()];
    const { dice } = this.#world.scheduler;
    const picked: Found[] = [];
    while (left.length > 0 && picked.length < most) picked.push(...left.splice(dice.between("which record", 0, left.length - 1), 1));
    return picked;
  }

  /** One lease record cannot be read until then: its metadata is gone. */
  spoil(ms: number): void {
    const { scheduler, platform, oracle } = this.#world;
    const [record] = this.#pick(1);
    if (record === undefined || this.#spoiled.has(record.key)) return;
    platform.seed(record.key, record.value, {});
    this.#spoiled.set(record.key, record);
    scheduler.note("store: a record cannot be read");
    scheduler.tell(`store: ${record.key} cannot be read`);
    oracle.disturbAll(ms + recoveryMs + limits.fullPassMs, "record");
    scheduler.after(ms, "the record can be read again", () => this.#restore(record.key));
  }

  #restore(key: string): void {
    const record = this.#spoiled.get(key);
    if (record === undefined) return;
    this.#spoiled.delete(key);
    this.#world.platform.seed(key, record.value, record.metadata);
  }

  /** Lease records are lost, while what they asked for may stand. */
  lose(most: number): void {
    const { scheduler, platform, ledger, watches, oracle } = this.#world;
    const lost = this.#pick(most);
    if (lost.length === 0) return;
    const blocks = lost.flatMap(({ key, metadata }) => {
      const record = readRecord({ name: key, metadata });
      return record.kind === "lease" ? [record.lease.cidr] : [];
    });
    for (const { key } of lost) platform.unseed(key);
    ledger.loseRecords(blocks, scheduler.now);
    // Nothing explains what stands for them, and nobody has to take it away soon.
    for (const watch of watches) for (const block of blocks) watch.strange.set(cidrText(block), scheduler.now);
    scheduler.note(lost.length > limits.orphansMax ? "store: many records lost" : "store: records lost");
    scheduler.tell(`store: lost ${lost.map(({ key }) => key).join(" ")}`);
    oracle.disturbAll(recoveryMs + limits.fullPassMs);
  }

  /** The store has no id until then: it is nobody's, and nothing is written for it. */
  unname(ms: number): void {
    const { scheduler, platform, watches, oracle } = this.#world;
    // Once at a time: the first to put it back would be too early for the other.
    if (this.#isUnnamed) return;
    this.#isUnnamed = true;
    const apart = watches.filter((watch) => watch.estrangedSince === null);
    platform.unseed(storeKey);
    scheduler.note("store: without its id");
    // A pass that lists nothing goes by the id that the last full one saw.
    for (const watch of apart) watch.estrangedSince = scheduler.now + limits.fullPassMs;
    oracle.disturbAll(ms + recoveryMs + limits.fullPassMs + settleMs(platform.stalenessMs));
    scheduler.after(ms, "the store has its id again", () => {
      this.#name();
      this.#isUnnamed = false;
      for (const watch of apart) watch.estrangedSince = null;
    });
  }

  #name(): void {
    this.#world.platform.seed(storeKey, storeId, { id: storeId });
  }
}
