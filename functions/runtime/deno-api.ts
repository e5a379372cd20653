// What we use of Deno, as structural types: the product compiles without Deno's own, and `deno check functions/deno.ts`
// holds the real `Deno` to them. Types only, and the one place where the global is looked for.

export type DenoKvKey = readonly (string | number)[];

export interface DenoKvEntry {
  /** Parts may be of more kinds than ours are. */
  readonly key: readonly unknown[];
  readonly value: unknown;
  /** Null: there is no such key. */
  readonly versionstamp: string | null;
}

export interface DenoKvCheck {
  readonly key: DenoKvKey;
  readonly versionstamp: string | null;
}

export interface DenoKvListed extends AsyncIterableIterator<DenoKvEntry> {
  readonly cursor: string;
}

export interface DenoAtomic {
  check(...checks: DenoKvCheck[]): DenoAtomic;
  set(key: DenoKvKey, value: unknown, options?: { expireIn?: number }): DenoAtomic;
  delete(key: DenoKvKey): DenoAtomic;
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

export interface DenoKv {
  get(key: DenoKvKey): Promise<DenoKvEntry>;
  getMany(keys: readonly DenoKvKey[]): Promise<readonly DenoKvEntry[]>;
  list(selector: { prefix: DenoKvKey } | { start: DenoKvKey; end: DenoKvKey }, options: { limit?: number; batchSize?: number; cursor?: string }): DenoKvListed;
  atomic(): DenoAtomic;
  close(): void;
}

export interface DenoServer {
  readonly addr: { readonly transport: string; readonly hostname?: string; readonly port?: number };
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
}

export interface DenoServeInfo {
  readonly remoteAddr: { readonly transport: string; readonly hostname?: string };
}

export interface DenoServeOptions {
  port?: number;
  hostname?: string;
  onListen?: (address: { readonly port?: number }) => void;
}

export interface DenoApi {
  readonly env: { get(name: string): string | undefined };
  readTextFile(path: string): Promise<string>;
  openKv(path?: string): Promise<DenoKv>;
  cron(name: string, schedule: string, handler: () => Promise<void>): Promise<void>;
  serve(options: DenoServeOptions, handler: (request: Request, info: DenoServeInfo) => Response | Promise<Response>): DenoServer;
  addSignalListener(signal: "SIGINT" | "SIGTERM", handler: () => void): void;
  exit(code?: number): never;
}

/** The runtime that runs us. Throws anywhere but in Deno with KV and cron. */
export function denoApi(): DenoApi {
  // An assignment, no assertion: under `deno check` this is where the real API must fit.
  const host: { readonly Deno?: DenoApi; readonly Date: unknown } = globalThis;
  if (host.Deno === undefined) throw new Error("this is not Deno; functions/worker.ts is the entry for Cloudflare Workers");
  if (typeof host.Deno.openKv !== "function" || typeof host.Deno.cron !== "function") {
    throw new Error("this Deno has no KV or no cron: run it with --unstable-kv --unstable-cron, or from the folder of deno.json");
  }
  return host.Deno;
}
