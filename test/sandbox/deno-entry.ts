// Runs in Deno: the pieces that functions/deno.ts puts together, and on a second loopback port what the platform does to them:
// POST /tick is one run of the cron job, GET /keys a look into the store. The product itself has no such door.
import generated from "#config" with { type: "json" };
import { engineMaker } from "#playbooks";
import { providers } from "#providers";
import { makeDeno } from "../../functions/runtime/deno.ts";
import { type DenoApi, type DenoServeOptions, denoApi } from "../../functions/runtime/deno-api.ts";
import { type Platform, platform } from "../../functions/runtime/platform.ts";
import { denoKvStore } from "../../functions/stores/deno-kv.ts";
import type { Config } from "../../shared/config.ts";
import type { StoreKey } from "../../shared/ports.ts";
import { patientKv } from "./patient-kv.ts";

const real = denoApi();
const { env, readTextFile, cron, serve, addSignalListener, exit } = real;
const openKv = async (path?: string) => patientKv(await real.openKv(path));
const deno: DenoApi = { env, readTextFile, openKv, cron, serve, addSignalListener, exit };
const kv = await deno.openKv(deno.env.get("PORTCULLIS_KV_PATH"));
const store = denoKvStore({ kv, clock: { now: () => Date.now() }, randomId: () => crypto.randomUUID() });
/** Hosts whose part somebody plays on loopback. */
const played = JSON.parse(deno.env.get("SANDBOX_PLAYED") ?? "{}") as Readonly<Record<string, string>>;
const fetchPlayed: Platform["fetch"] = (text, init) => {
  const url = new URL(text);
  const base = Object.hasOwn(played, url.host) ? played[url.host] : undefined;
  return platform.fetch(base === undefined ? text : `${base}${url.pathname}${url.search}`, init);
};
const portcullis = makeDeno({
  deno,
  platform: { ...platform, fetch: fetchPlayed },
  config: generated as unknown as Config,
  definitions: providers,
  engineMaker,
});

async function keys(): Promise<readonly StoreKey[]> {
  const found: StoreKey[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof store.list>> = await store.list(cursor);
    found.push(...page.keys);
    cursor = page.cursor;
  } while (cursor !== null);
  return found;
}

async function tick(): Promise<"ok" | "failed"> {
  try {
    await portcullis.tick();
    return "ok";
  } catch {
    return "failed";
  }
}

async function control(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/tick") return Response.json(await tick());
  return pathname === "/keys" ? Response.json(await keys()) : new Response(null, { status: 404 });
}

async function listen(port: number, handler: Parameters<typeof deno.serve>[1]): Promise<number> {
  return new Promise((resolve) => {
    const options: DenoServeOptions = { hostname: "127.0.0.1", port, onListen: (address) => resolve(address.port ?? 0) };
    deno.serve(options, handler);
  });
}

await portcullis.ready();
const door = await listen(Number(deno.env.get("SANDBOX_PORT") ?? "0"), (request, info) => portcullis.handle(request, info));
const side = await listen(0, control);
console.log(JSON.stringify({ door, side }));

deno.addSignalListener("SIGTERM", async () => {
  await portcullis.shutDown();
  deno.exit(0);
});
