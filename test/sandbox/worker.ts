// Runs the built Worker in workerd on loopback: real HTTP, real KV and Durable Object of the local runtime, ticks on demand.
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fetch as callOut, convertV4MiniflareOptions, Log, LogLevel, Miniflare, type Request } from "miniflare";

export interface WorkerOptions {
  /** Built by `buildWorker`. */
  readonly script: string;
  /** Secrets and PORTCULLIS_ALLOWED_HOSTS. */
  readonly bindings: Readonly<Record<string, string>>;
  /** `none`: the Durable Object binding is left out. */
  readonly coordinator?: "durable-object" | "none";
  /** `events`: a queue that brings word of new events is bound; none unless said so. */
  readonly queue?: "events";
  /** Keeps KV and the object's storage across restarts; absent: in memory. */
  readonly persistTo?: string;
  readonly port?: number;
  /** Hosts whose part somebody plays on loopback, each by the URL that answers in its place: for those that have no endpoint to configure. */
  readonly played?: Readonly<Record<string, string>>;
  /** Receives what the Worker logs. */
  readonly onLog?: (line: string) => void;
}

/** The running product, in whichever runtime. */
export interface RunningWorker {
  readonly url: string;
  /** One cron tick; `failed` when the handler threw, as the cron history would show. */
  tick(): Promise<"ok" | "failed">;
  /** Names and metadata of all keys in KV. */
  keys(): Promise<{ name: string; metadata: unknown }[]>;
  close(): Promise<void>;
}

class QuietLog extends Log {
  readonly #onLog: (line: string) => void;
  constructor(onLog: (line: string) => void) {
    super(LogLevel.WARN);
    this.#onLog = onLog;
  }
  override log(message: string): void {
    this.#onLog(message);
  }
}

/** The network as the Worker sees it, with some hosts played by others. */
function network(played: Readonly<Record<string, string>>) {
  return async (request: Request) => {
    const url = new URL(request.url);
    const base = Object.hasOwn(played, url.host) ? played[url.host] : undefined;
    return base === undefined ? callOut(request) : callOut(`${base}${url.pathname}${url.search}`, { method: request.method, redirect: "manual" });
  };
}

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { script, bindings, coordinator = "durable-object", persistTo, port = 0, played, queue, onLog = () => undefined } = options;
  const queues = { queueProducers: { PORTCULLIS_QUEUE: "events" }, queueConsumers: { events: { maxBatchTimeout: 0 } } };
  const objects = { PORTCULLIS_COORDINATOR: { className: "CoordinatorObject", useSQLite: true } };
  const options4 = convertV4MiniflareOptions({
    name: "portcullis",
    modules: [{ type: "ESModule", path: script, contents: await readFile(script, "utf8") }],
    modulesRoot: dirname(script),
    compatibilityDate: "2026-10-01",
    host: "127.0.0.1",
    port,
    cf: false,
    bindings: { ...bindings },
    kvNamespaces: ["PORTCULLIS_KV"],
    ...(played === undefined ? {} : { outboundService: network(played) }),
    ...(queue === undefined ? {} : queues),
    ...(coordinator === "none" ? {} : { durableObjects: objects }),
    ...(persistTo === undefined ? {} : { resourcePersistencePath: persistTo }),
    log: new QuietLog(onLog),
    // Without it miniflare prints what the Worker logs on our standard output (miniflare 5.20261023.2-beta, read 2026-11).
    handleStructuredLogs: ({ message }) => onLog(message),
  });
  const miniflare = new Miniflare(options4);
  const url = (await miniflare.ready).href.replace(/\/$/, "");
  return {
    url,
    async tick() {
      const worker = await miniflare.getWorker();
      const { outcome } = await worker.scheduled({ cron: "* * * * *" });
      return outcome === "ok" ? "ok" : "failed";
    },
    async keys() {
      const namespace = await miniflare.getKVNamespace("PORTCULLIS_KV");
      const found: { name: string; metadata: unknown }[] = [];
      let cursor: string | undefined;
      do {
        const page = await namespace.list(cursor === undefined ? {} : { cursor });
        found.push(...page.keys.map(({ name, metadata }) => ({ name, metadata: metadata ?? null })));
        cursor = page.list_complete ? undefined : page.cursor;
      } while (cursor !== undefined);
      return found;
    },
    close: () => miniflare.dispose(),
  };
}
