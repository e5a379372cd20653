// Runs in Deno, not under vitest: the laws of Deno KV's driver (`stores`), of the lock (`lock`), of every kind of firewall (`providers`) or of ways in (`senders`), a
// fresh database for each. Prints one line of JSON per law: {"name", "error"}, error null when it holds. `deno-process.ts` reads them.
import process from "node:process";
import { type DenoKv, denoApi } from "../../../functions/runtime/deno-api.ts";
import { denoKvStore } from "../../../functions/stores/deno-kv.ts";
import { senderLaws } from "../../conformance/sender-laws.ts";
import { storeLaws } from "../../conformance/store-laws.ts";
import { denoKvLaws } from "./deno-kv-laws.ts";
import { eventLaws } from "./event-laws.ts";
import { lockLaws } from "./lock-laws.ts";
import { providerRuns } from "./provider-runs.ts";

const nowMs = (): number => Date.now();

function described(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const why = thrown.stack ?? thrown.message;
  return thrown.cause === undefined ? why : `${why}\ncaused by ${described(thrown.cause)}`;
}

interface Runnable {
  readonly name: string;
  readonly run: (kv: DenoKv) => Promise<void>;
}

const stores = [...storeLaws, ...denoKvLaws].map(({ name, run }): Runnable => {
  return { name, run: (kv) => run({ kv, nowMs, store: denoKvStore({ kv, clock: { now: nowMs }, randomId: () => crypto.randomUUID() }) }) };
});
const lock = [...lockLaws, ...eventLaws].map(({ name, run }): Runnable => ({ name, run: (kv) => run({ kv }) }));

const providers = providerRuns.map(({ name, run }): Runnable => ({ name, run }));
const senders = senderLaws.map(({ name, run }): Runnable => ({ name, run: () => run(null) }));
const chosen = { stores, lock, providers, senders }[process.argv[2] ?? ""] ?? stores;

for (const { name, run } of chosen) {
  const kv = await denoApi().openKv(":memory:");
  try {
    await run(kv);
    console.log(JSON.stringify({ name, error: null }));
  } catch (thrown) {
    console.log(JSON.stringify({ name, error: described(thrown) }));
  }
}
// A life that was killed in a law never ends by itself.
process.exit(0);
