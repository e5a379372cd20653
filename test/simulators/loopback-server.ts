// Puts a simulated cloud on loopback: reads a request whole, hands it over, and sends what comes back, after the simulator's latency.
// Knows no cloud; a simulator that answers null has its connection closed without an answer.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface WholeRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WholeReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Responder {
  readonly faults: { readonly latencyMs: number };
  respond(request: WholeRequest): WholeReply | null;
}

async function answer(simulator: Responder, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : (value ?? "")]));
  const reply = simulator.respond({ method: request.method ?? "", target: request.url ?? "", headers, body: Buffer.concat(chunks).toString() });
  if (simulator.faults.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, simulator.faults.latencyMs));
  if (reply === null) {
    request.socket.destroy();
    return;
  }
  response.sendDate = false;
  response.writeHead(reply.status, reply.headers).end(reply.body);
}

export class LoopbackServer {
  readonly #server: Server;

  constructor(name: string, simulator: Responder) {
    this.#server = createServer((request, response) => {
      answer(simulator, request, response).catch((error: unknown) => {
        // A bug of the simulator must not look like an answer of the cloud.
        response.destroy(error instanceof Error ? error : new Error(String(error)));
        console.error(`${name} simulator failed`, error);
      });
    });
  }

  /** On 0: any free port. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
  }

  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
