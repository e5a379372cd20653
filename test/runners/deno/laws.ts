// Runs in Deno, not under vitest: every store law on Deno KV, a fresh database each. Prints one line of JSON per law:
// {"name", "error"}, error null when it holds. `stores.test.ts` reads them.
import { denoApi } from "../../../functions/runtime/deno-api.ts";
import { denoKvStore } from "../../../functions/stores/deno-kv.ts";
import { storeLaws } from "../../conformance/store-laws.ts";
import { denoKvLaws } from "./deno-kv-laws.ts";

const nowMs = (): number => Date.now();
const randomId = (): string => crypto.randomUUID();

for (const law of [...storeLaws, ...denoKvLaws]) {
  const kv = await denoApi().openKv(":memory:");
  try {
    await law.run({ kv, nowMs, store: denoKvStore({ kv, clock: { now: nowMs }, randomId }) });
    console.log(JSON.stringify({ name: law.name, error: null }));
  } catch (thrown) {
    console.log(JSON.stringify({ name: law.name, error: String(thrown) }));
  } finally {
    kv.close();
  }
}
