// What the Deno KV driver promises beyond the laws of every store: long texts whole or not at all, expiry by the value,
// writes bound to a fence. And how Deno's fetch fails. Data, run in Deno by `laws.ts`.
import { type AddressInfo, createServer } from "node:net";
import type { DenoKv } from "../../../functions/runtime/deno-api.ts";
import { createTransport } from "../../../functions/runtime/transport.ts";
import { denoKvStore } from "../../../functions/stores/deno-kv.ts";
import { DenoKvValues } from "../../../functions/stores/deno-kv-values.ts";
import { PortcullisError } from "../../../shared/errors.ts";
import { type Law, mustThrow } from "../../conformance/law.ts";
import { must, mustEqual } from "../../conformance/must.ts";
import type { StoreHarness } from "../../conformance/store-laws.ts";

export interface DenoKvHarness extends StoreHarness {
  readonly kv: DenoKv;
}

const put = { metadata: { at: 1 }, expiresAtMs: null };

/** A text that is recognised as whole: its letter, many times, with what takes more than a byte in between. */
function textOf(letter: string, chars: number): string {
  return `${letter}ü\u{1f512}`.repeat(Math.ceil(chars / 4));
}

function isWhole(text: string): boolean {
  const letter = text[0] ?? "";
  return text === textOf(letter, text.length);
}

async function piecesOf(kv: DenoKv): Promise<number> {
  let count = 0;
  for await (const { key } of kv.list({ prefix: ["portcullis"] }, {})) if (key[2] === "piece") count += 1;
  return count;
}

/** A KV that does something of its own before a commit. */
function meddled(kv: DenoKv, meddle: () => Promise<void>): DenoKv {
  const atomic: DenoKv["atomic"] = () => {
    const operation = kv.atomic();
    const commit = operation.commit.bind(operation);
    operation.commit = async () => {
      await meddle();
      return commit();
    };
    return operation;
  };
  return { get: (key) => kv.get(key), getMany: (keys) => kv.getMany(keys), list: (range, options) => kv.list(range, options), atomic, close: () => kv.close() };
}

/** The transport is everyone's; how Deno says that nothing was sent is its own. */
const transportLaw: Law<DenoKvHarness> = {
  name: "a call that met no server was not sent, and one that was cut off may have taken effect",
  run: async () => {
    const codeOf = async (host: string): Promise<string> => {
      const send = createTransport({ fetch: (url, init) => fetch(url, init), hostSuffixes: [], allowedHosts: host });
      const lost = await send({ method: "POST", url: `http://${host}/`, headers: {}, body: "x" }).catch((thrown: unknown) => thrown);
      return lost instanceof PortcullisError ? lost.code : "answered";
    };
    const server = createServer((socket) => socket.once("data", () => socket.destroy()));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cut = await codeOf(host);
    await new Promise((closed) => server.close(closed));
    mustEqual([cut, await codeOf(host)], ["OUTCOME_UNKNOWN", "PROVIDER_UNAVAILABLE"], "codes");
  },
};

export const denoKvLaws: readonly Law<DenoKvHarness>[] = [
  transportLaw,
  {
    name: "a text far beyond what one value holds is got back whole, and replaced by a longer and a shorter one",
    run: async ({ store, kv }) => {
      for (const chars of [3_000_000, 6_000_000, 30_000, 10]) {
        const text = textOf("a", chars);
        await store.put("snapshot", text, put);
        must((await store.get("snapshot"))?.value === text, `${chars} characters come back as they were`);
      }
      mustEqual([await piecesOf(kv), (await store.list(null)).keys], [0, [{ name: "snapshot", metadata: { at: 1 } }]], "what is left");
    },
  },
  {
    name: "a reader among writers of long texts finds one of them whole, never a mixture",
    run: async ({ store, kv }) => {
      await store.put("snapshot", textOf("z", 100_000), put);
      const writers = ["a", "b", "c"].map((letter) => store.put("snapshot", textOf(letter, 400_000), put).catch(() => undefined));
      const reading = (async () => {
        for (let reads = 0; reads < 30; reads += 1) must(isWhole((await store.get("snapshot"))?.value ?? "?"), "every read is whole");
      })();
      await Promise.all([...writers, reading]);
      const last = (await store.get("snapshot"))?.value ?? "";
      must(isWhole(last), "the last is whole");
      await store.put("snapshot", textOf("d", 100_000), put);
      mustEqual(await piecesOf(kv), Math.ceil(new TextEncoder().encode(textOf("d", 100_000)).length / 60_000), "pieces of one version only");
    },
  },
  {
    name: "a writer that dies before the record is set leaves the old text, and its pieces go with the next write",
    run: async ({ store, kv, nowMs }) => {
      await store.put("snapshot", textOf("a", 200_000), put);
      let commits = 0;
      const dying = meddled(kv, async () => {
        commits += 1;
        if (commits > 1) throw new Error("the writer died");
      });
      const other = denoKvStore({ kv: dying, clock: { now: nowMs }, randomId: () => "dying" });
      await mustThrow(() => other.put("snapshot", textOf("b", 200_000), put), "a writer that dies");
      must((await store.get("snapshot"))?.value === textOf("a", 200_000), "the old text stands");
      await store.put("snapshot", "short", put);
      mustEqual([(await store.get("snapshot"))?.value, await piecesOf(kv)], ["short", 0], "what is left");
    },
  },
  {
    name: "what has expired is gone from answers though the database still has it",
    run: async ({ kv, nowMs }) => {
      let now = nowMs();
      const store = denoKvStore({ kv, clock: { now: () => now }, randomId: () => "id" });
      await store.put("lease:a", "x", { metadata: {}, expiresAtMs: now + 3_600_000 });
      await store.put("snapshot", textOf("a", 100_000), { metadata: {}, expiresAtMs: now + 3_600_000 });
      now += 3_600_001;
      mustEqual([await store.get("lease:a"), await store.get("snapshot"), await store.list(null)], [null, null, { keys: [], cursor: null }], "what is left");
    },
  },
  {
    name: "a write whose fence does not hold changes nothing and says so, a long one too",
    run: async ({ kv, nowMs }) => {
      await kv.atomic().set(["lock"], 1).commit();
      const held = { key: ["lock"], versionstamp: (await kv.get(["lock"])).versionstamp };
      const values = new DenoKvValues({ kv, room: "store", now: nowMs, randomId: () => "id", fence: { checks: () => [held], broken: () => undefined } });
      await values.put("stop", "first", {}, null);
      await kv.atomic().set(["lock"], 2).commit();
      for (const text of ["second", textOf("b", 100_000)]) await mustThrow(() => values.put("stop", text, {}, null), "a write without the lock");
      await mustThrow(() => values.delete("stop"), "a removal without the lock");
      mustEqual((await values.get("stop"))?.text, "first", "the record");
    },
  },
];
