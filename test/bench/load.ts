// A small load generator over plain keep-alive connections. Bounded in number; refuses to hide an answer that is not 2xx.
import { createHmac, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

export interface Prepared {
  /** The whole request as it goes over the wire. */
  readonly bytes: Buffer;
  readonly label: string;
}

export interface LoadResult {
  readonly seconds: number;
  readonly perSecond: number;
  /** Labels of the requests that were answered with 2xx. */
  readonly accepted: readonly string[];
  /** Status to how many; everything but 2xx. */
  readonly refused: Readonly<Record<string, number>>;
  /** Share of one core that this process used meanwhile: near 1, the generator was the limit. */
  readonly generatorCpu: number;
}

/** A Standard Webhooks secret as a client holds it. */
export function newSigningSecret(): string {
  return `whsec_${randomBytes(24).toString("base64")}`;
}

function rawRequest(url: string, headers: Readonly<Record<string, string>>, body: string): Buffer {
  const { host, pathname } = new URL(url);
  const lines = Object.entries({ host, "content-type": "application/json", "content-length": String(Buffer.byteLength(body)), ...headers });
  return Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
}

/** A signed `POST /v1/blocks` of one address, made before the clock starts. */
export function signedBlock(base: string, secret: string, address: string): Prepared {
  const id = `msg_${randomBytes(12).toString("hex")}`;
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const body = JSON.stringify({ type: "block", ip: address, for: "4h", reason: "bench" });
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  return { bytes: rawRequest(`${base}/v1/blocks`, headers, body), label: address };
}

/** The same body without a signature, for the baseline. */
export function plainBlock(base: string, address: string, path = "/"): Prepared {
  return { bytes: rawRequest(`${base}${path}`, {}, JSON.stringify({ type: "block", ip: address, for: "4h", reason: "bench" })), label: address };
}

/** How long the first answer in `text` is, in bytes; null while it is not whole. */
function answerLength(text: string): number | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = text.slice(0, end).toLowerCase();
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length) ? end + 4 + Number(length) : null;
  if (!/\r\ntransfer-encoding: chunked/.test(head)) throw new Error(`an answer without a length: ${head}`);
  const last = text.indexOf("0\r\n\r\n", end + 4);
  return last < 0 ? null : last + 5;
}

/** Sends on one connection, one after the other, until `next` has no more. */
function drive(port: number, next: () => Prepared | undefined, answered: (request: Prepared, status: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let current: Prepared | undefined;
    let text = "";
    const send = () => {
      current = next();
      if (current === undefined) socket.end();
      else socket.write(current.bytes);
    };
    socket.setTimeout(30_000, () => socket.destroy(new Error("no answer within 30 s")));
    socket.once("connect", send);
    socket.once("error", reject);
    socket.once("close", () => (current === undefined ? resolve() : reject(new Error("the connection was closed before the answer"))));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const length = answerLength(text);
      if (length === null || current === undefined) return;
      answered(current, Number(text.slice(9, 12)));
      text = text.slice(length);
      send();
    });
  });
}

/** Sends every request once, over so many connections, as fast as answers come. */
export async function sendAll(base: string, requests: readonly Prepared[], connections = 20): Promise<LoadResult> {
  const port = Number(new URL(base).port);
  const accepted: string[] = [];
  const refused: Record<string, number> = {};
  let sent = 0;
  const next = () => requests[sent++];
  const answered = (request: Prepared, status: number) => {
    if (status >= 200 && status < 300) accepted.push(request.label);
    else refused[status] = (refused[status] ?? 0) + 1;
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: Math.min(connections, requests.length) }, () => drive(port, next, answered)));
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, perSecond: requests.length / seconds, accepted, refused, generatorCpu: (user + system) / 1e6 / seconds };
}
