// Serves the sandbox's page on loopback: four files, the state, and the state's changes as server-sent events. Answers GET
// only, to a Host that is this very address (a site elsewhere may not read it through a name of its own), and holds the
// read key of the Worker, which no answer contains.
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { WatchedFirewall } from "./console-view.ts";
import type { Journal } from "./journal.ts";
import { pageState, type StateSources } from "./state.ts";
import { type Reading, readWorker, type WorkerAccess } from "./worker-reader.ts";

export interface PageOptions {
  readonly firewalls: readonly WatchedFirewall[];
  readonly journal: Journal;
  readonly worker: WorkerAccess;
  /** 0 (the default): any free port. */
  readonly port?: number;
  /** What to write in a second shell before the lines that the page shows. */
  readonly environmentLine: string;
}

export interface Page {
  readonly url: string;
  close(): Promise<void>;
}

/** How often the Worker is read while somebody looks; a change at a firewall is shown at once all the same. */
const readEveryMs = 1_000;
const afterChangeMs = 60;
/** Proxies and browsers give up on a silent stream. */
const heartbeatEveryMs = 15_000;
const watchersMax = 20;

const policy = [
  "default-src 'none'",
  ...["script-src", "style-src", "connect-src", "img-src"].map((directive) => `${directive} 'self'`),
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const headers = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

const files = new Map([
  ["/", { name: "page.html", type: "text/html; charset=utf-8" }],
  ["/page.css", { name: "page.css", type: "text/css; charset=utf-8" }],
  ["/page.js", { name: "page.js", type: "text/javascript; charset=utf-8" }],
  ["/icon.svg", { name: "icon.svg", type: "image/svg+xml" }],
]);

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Reads the Worker, one reading at a time, and remembers the last one. */
function createReader(access: WorkerAccess): { refresh(): Promise<void>; readonly last: { reading: Reading | null; trouble: string | null; atMs: number } } {
  const last: { reading: Reading | null; trouble: string | null; atMs: number } = { reading: null, trouble: null, atMs: 0 };
  let running: Promise<void> | null = null;
  const read = async (): Promise<void> => {
    try {
      last.reading = await readWorker(access);
      last.trouble = null;
    } catch (thrown) {
      last.trouble = `Portcullis did not answer (${thrown instanceof Error ? thrown.message : "no reason given"}); what it leased is shown as last known.`;
    }
    last.atMs = Date.now();
    running = null;
  };
  return {
    last,
    refresh() {
      running ??= read();
      return running;
    },
  };
}

/** The watching browsers, and when they are told. */
function createBroadcast(options: PageOptions) {
  const reader = createReader(options.worker);
  const sources: StateSources = { firewalls: options.firewalls, journal: options.journal, memory: new Map() };
  const watchers = new Set<ServerResponse>();
  let soon: ReturnType<typeof setTimeout> | null = null;
  let sent = "";
  const state = () => pageState(sources, reader.last.reading, reader.last.trouble, Date.now());
  const push = (): void => {
    const current = state();
    const { nowMs: _now, ...rest } = current;
    const print = JSON.stringify(rest);
    if (print === sent) return;
    sent = print;
    for (const watcher of watchers) watcher.write(`data: ${JSON.stringify(current)}\n\n`);
  };
  const changed = (): void => {
    if (watchers.size === 0) return;
    soon ??= setTimeout(() => {
      soon = null;
      push();
    }, afterChangeMs);
  };
  const stops = [options.journal.onEntry(changed), ...options.firewalls.map((firewall) => firewall.onHappening(changed))];
  const reading = setInterval(() => {
    if (watchers.size > 0) reader.refresh().then(push);
  }, readEveryMs);
  const heartbeat = setInterval(() => {
    for (const watcher of watchers) watcher.write(": still here\n\n");
  }, heartbeatEveryMs);
  return {
    async current() {
      if (Date.now() - reader.last.atMs >= readEveryMs) await reader.refresh();
      return state();
    },
    /** False when there are too many already. */
    async add(response: ServerResponse): Promise<boolean> {
      if (watchers.size >= watchersMax) return false;
      watchers.add(response);
      response.once("close", () => watchers.delete(response));
      response.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8" });
      response.write(`retry: 1000\ndata: ${JSON.stringify(await this.current())}\n\n`);
      return true;
    },
    end() {
      for (const stop of stops) stop();
      clearInterval(reading);
      clearInterval(heartbeat);
      if (soon !== null) clearTimeout(soon);
      for (const watcher of watchers) watcher.end("event: over\ndata: {}\n\n");
    },
  };
}

type Broadcast = ReturnType<typeof createBroadcast>;

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { ...headers, "content-type": "text/plain; charset=utf-8", ...(status === 405 ? { allow: "GET" } : {}) }).end(`${why}\n`);
}

async function sendFile(response: ServerResponse, path: string, fills: Readonly<Record<string, string>>): Promise<void> {
  const file = files.get(path);
  if (file === undefined) return refuse(response, 404, "There is no such page here.");
  const text = await readFile(join(import.meta.dirname, file.name), "utf8");
  const filled = Object.entries(fills).reduce((result, [name, value]) => result.replaceAll(`{{${name}}}`, escaped(value)), text);
  response.writeHead(200, { ...headers, "content-type": file.type }).end(path === "/" ? filled : text);
}

async function answer(request: IncomingMessage, response: ServerResponse, broadcast: Broadcast, fills: Readonly<Record<string, string>>): Promise<void> {
  const port = request.socket.localPort;
  if (request.headers.host !== `127.0.0.1:${port}` && request.headers.host !== `localhost:${port}`) return refuse(response, 421, "This is not its address.");
  if (request.method !== "GET") return refuse(response, 405, "This page is only looked at.");
  const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
  if (pathname === "/events") {
    if (!(await broadcast.add(response))) refuse(response, 503, `More than ${watchersMax} are looking already.`);
  } else if (pathname === "/state") {
    response.writeHead(200, { ...headers, "content-type": "application/json" }).end(JSON.stringify(await broadcast.current()));
  } else await sendFile(response, pathname, fills);
}

export async function startPage(options: PageOptions): Promise<Page> {
  const broadcast = createBroadcast(options);
  const server = createServer((request, response) => {
    const fills = { url: options.worker.url(), environment: options.environmentLine };
    answer(request, response, broadcast, fills).catch((thrown: unknown) => {
      response.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
      console.error("the sandbox's page failed", thrown);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      broadcast.end();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 200).unref();
      await closed;
    },
  };
}
