// Run by most-leases.test.ts in a process of its own, with no more heap than an isolate has: passes over as many leases as the store takes, and prints
// what it came to. The store makes its records when they are listed, and keeps none, as a store elsewhere does.
import { Ledger, leasesMax } from "../../functions/coordinator/ledger.ts";
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import { blockOf } from "../../shared/address/index.ts";
import { severities } from "../../shared/config.ts";
import { keyPrefixes, leaseKey, leaseMetadata } from "../../shared/keys.ts";
import type { Store, StoreKey } from "../../shared/ports.ts";
import { SpillWorld, startMs } from "./spill-world.ts";

const pageSize = 1_000;
const day = 86_400_000;
const minute = 60_000;

/** The lease of a number, as a listing names it. */
function listed(index: number): StoreKey {
  const cidr = blockOf(4, (0x2d000000 + index * 331).toString(16).padStart(8, "0"), 32);
  const [at, until, client] = [startMs - (index % 991), startMs + day + (index % 977), `detector-${index % 8}`];
  const severity = severities[index % severities.length] ?? "low";
  const metadata = leaseMetadata({ cidr, at, until, client, severity, targets: null, held: false });
  // As text and back: no string or object is shared with another record.
  return JSON.parse(JSON.stringify({ name: leaseKey(cidr, until, client), metadata })) as StoreKey;
}

async function list(cursor: string | null): ReturnType<Store["list"]> {
  const page = Number(cursor ?? 0);
  const count = Math.min(pageSize, leasesMax - page * pageSize);
  const keys = Array.from({ length: count }, (_, at) => listed(page * pageSize + at));
  if (page === 0) keys.push({ name: keyPrefixes.store, metadata: { id: "0123456789abcdef0123456789abcdef" } });
  return { keys, cursor: (page + 1) * pageSize < leasesMax ? String(page + 1) : null };
}

const rig = await SpillWorld.of({ hot: { rules: 18, changes: { spill: "large" } }, large: { rules: 200 }, edge: { rules: 500 } });
// Written, and not kept in the process, as a Durable Object's storage is.
const { load, delete: remove } = volatileStorage();
const storage = { load, delete: remove, put: async () => undefined };
const world = { ...rig.world, store: { ...rig.world.store, list }, memory: await Memory.open(storage, startMs - day) };
Object.assign(rig.world, world);
const ledger = new Ledger(world);
for (let pass = 0; pass < 3; pass += 1) {
  await rig.pass();
  ledger.refresh(rig.nowMs);
  // Late enough for a full pass.
  rig.nowMs += 6 * minute;
}
const { snapshot } = world.memory;
console.log(JSON.stringify({ blocks: snapshot?.blocks.length, complete: snapshot?.complete, hot: rig.standing("hot").length }));
