// The ways in that a sender of events has, played on loopback: a topic of SNS with a key and a certificate of its own, Firehose, falcosidekick.
// Each makes deliveries of one event, the same bytes every time. Refuses to know what becomes of them.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { newKey } from "../sandbox/stack.ts";
import { createPublisher, host, notification, sign, topicArn } from "../sns/publisher.ts";
import { linesFile } from "../source/samples.ts";

export const [stream, sidekick] = [newKey(), newKey()];

/** YAML of the clients, indented by two. */
export const senderClients = `  topic: { scopes: ["alert:falco"], longest: 7d, sns: { topics: ["${topicArn}"] } }
  stream: { keys: ["${stream.digest}"], scopes: ["alert:falco"], longest: 7d }
  sidekick: { keys: ["${sidekick.digest}"], scopes: ["alert:falco"], longest: 7d }
`;

/** Falco's own message about a connection to who controls it, of now, about another attacker each time. */
export function falcoEvent(ip: string): unknown {
  const found = linesFile("falco/written.jsonl").find((one) => (one as { rule: string }).rule === "Outbound Connection to C2 Servers");
  const text = JSON.stringify({ ...(found as object), time: new Date().toISOString().replace("Z", "000001Z") }).replaceAll("203.0.113.66", ip);
  return JSON.parse(text);
}

export interface SnsHost {
  readonly server: Server;
  /** As `played` of a stack takes it. */
  readonly played: Readonly<Record<string, string>>;
  readonly called: readonly string[];
}

/** SNS's host on loopback: its certificate and its confirmation, and an error for all else. */
export async function startSns(): Promise<SnsHost> {
  const publisher = createPublisher(Date.now());
  const server = createServer((request, response) => {
    publisher
      .askSns({ method: request.method === "GET" ? "GET" : "POST", url: `${host}${request.url}`, headers: {} })
      .then(({ status, body }) => response.writeHead(status).end(body))
      .catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, played: { [new URL(host).host]: url }, called: publisher.called };
}

export function post(url: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
}

export interface Way {
  readonly name: string;
  readonly client: string;
  /** One delivery of the event to a deployment, the same bytes every time. */
  readonly deliveryOf: (falco: unknown) => (base: string) => Promise<Response>;
}

function bySns(falco: unknown): (base: string) => Promise<Response> {
  const fields = sign(notification(falco, Date.now()));
  return (base) => post(`${base}/v1/sns`, { "content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification" }, fields);
}

function byFirehose(falco: unknown): (base: string) => Promise<Response> {
  const logEvents = [{ id: "1", timestamp: Date.now(), message: JSON.stringify(falco) }];
  const record = { messageType: "DATA_MESSAGE", owner: "123456789012", logGroup: "g", logStream: "s", subscriptionFilters: ["f"], logEvents };
  const requestId = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f";
  const body = { requestId, timestamp: Date.now(), records: [{ data: gzipSync(JSON.stringify(record)).toString("base64") }] };
  return (base) => post(`${base}/v1/firehose/falco`, { "x-amz-firehose-access-key": stream.key, "x-amz-firehose-request-id": requestId }, body);
}

export const ways: readonly Way[] = [
  { name: "SNS", client: "topic", deliveryOf: bySns },
  { name: "Firehose", client: "stream", deliveryOf: byFirehose },
  { name: "falcosidekick", client: "sidekick", deliveryOf: (falco) => (base) => post(`${base}/v1/alerts/falco`, { "x-api-key": sidekick.key }, falco) },
];
