// The application with one client per way in for senders that cannot sign our way, and what each of those sends.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { ClientConfig, Config } from "../../shared/config.ts";
import { baseConfig, createWorld, detectorAddress, hourMs, nowMs, send, type World } from "../api/world.ts";
import { createPublisher, type Fields, type Publisher, sign, topicArn } from "../sns/publisher.ts";

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Nothing here opens anything real. */
export const pathSecret = "portcullis_canary-path-secret-31b7";
export const streamKey = "portcullis_canary-stream-key-9d02";
export const requestId = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f";
export const oldTopicArn = topicArn.replace("guardduty", "old-topic");

export const detector: ClientConfig = {
  keys: [],
  secrets: [],
  scopes: ["alert:generic"],
  from: null,
  longestMs: hourMs,
  widest: { ipv4: 32, ipv6: 64 },
  targets: null,
  live: 1_000,
  newPerMinute: 100,
  mode: "enforce",
};

export const senderClients: Readonly<Record<string, ClientConfig>> = {
  guardduty: { ...detector, sns: { topics: [topicArn], sha1: false } },
  old: { ...detector, sns: { topics: [oldTopicArn], sha1: true } },
  stream: { ...detector, keys: [sha256(streamKey)] },
  falco: { ...detector, from: [`${detectorAddress}/32`], pathKeys: [sha256(pathSecret)] },
};

export interface SenderWorld extends World {
  readonly publisher: Publisher;
}

export function senderWorld(clients: Readonly<Record<string, ClientConfig>> = senderClients): SenderWorld {
  const publisher = createPublisher(nowMs);
  const config: Config = { ...baseConfig, clients: { ...baseConfig.clients, ...clients } };
  return Object.assign(createWorld(config, { askSns: publisher.askSns }), { publisher });
}

type Sent = Pick<World, "app">;

export function postSns(world: Sent, fields: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const type = typeof fields === "object" && fields !== null && "Type" in fields ? (String(fields.Type).split("\n")[0] ?? "") : "";
  return post(world, "/v1/sns", { "content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": type, ...headers }, JSON.stringify(fields));
}

export const signedSns = (world: Sent, fields: Fields): Promise<Response> => postSns(world, sign(fields));

export function post(world: Sent, path: string, headers: Record<string, string>, body: BodyInit): Promise<Response> {
  return send(world as World, path, { method: "POST", headers, body });
}

export const streamHeaders = { "x-amz-firehose-access-key": streamKey, "x-amz-firehose-request-id": requestId, "content-type": "application/json" };

/** As CloudWatch Logs puts it into a stream: gzip of one JSON text (user guide, SubscriptionFilters, 2026-11-26). */
export function logsRecord(messages: readonly unknown[], type = "DATA_MESSAGE"): Buffer {
  const logEvents = messages.map((message, index) => ({
    id: String(index),
    timestamp: nowMs,
    message: typeof message === "string" ? message : JSON.stringify(message),
  }));
  return gzipSync(JSON.stringify({ messageType: type, owner: "123456789012", logGroup: "g", logStream: "s", subscriptionFilters: ["f"], logEvents }));
}

export const delivery = (records: readonly Uint8Array[]): string =>
  JSON.stringify({ requestId, timestamp: nowMs, records: records.map((data) => ({ data: Buffer.from(data).toString("base64") })) });

export function postStream(world: Sent, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return post(world, "/v1/firehose/generic", { ...streamHeaders, ...headers }, body);
}
