// A function on loopback that answers what a test says, and remembers what it was asked.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FakeFunction {
  readonly url: string;
  readonly asked: readonly Asked[];
}

async function askedOf(request: IncomingMessage): Promise<Asked> {
  const body = await text(request);
  return { method: request.method ?? "", path: request.url ?? "", authorization: request.headers.authorization, body: body === "" ? null : JSON.parse(body) };
}

/** `replies` by `METHOD /path`; anything else is a 404 as the real function gives it. */
export async function startFakeFunction(replies: Readonly<Record<string, Reply>>): Promise<FakeFunction> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    askedOf(request).then((one) => {
      asked.push(one);
      const missing: Reply = { status: 404, body: problem("NOT_FOUND", 404, "There is no such route.") };
      const reply = replies[`${one.method} ${one.path}`] ?? missing;
      response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
      response.end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body));
    }, response.destroy.bind(response));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

export function problem(code: string, status: number, detail: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { type: `urn:portcullis:problem:${code}`, title: code, status, code, detail, ...more };
}
