// Turns a message that Amazon SNS signed into the client whose topic it came from, or into nothing. The topic is the identity: each is
// of one client, and only those of the configuration exist. Refuses to say why, to anyone but the operator's log; and to ask SNS for
// anything before the message names one of our topics and SNS's own host.
// No id is kept: the lease counts from the signed time, as with signed messages, so a second delivery says the same thing again. One that
// comes more than `limits.lateEventMs` after its time counts from its receipt, as every late event does, until `limits.snsAgeMs`.
import type { Config } from "../../shared/config.ts";
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs, Log, Transport } from "../../shared/ports.ts";
import { pemBase64, readCertificate } from "../../shared/sns/certificate.ts";
import { readSnsMessage, type SnsMessage } from "../../shared/sns/message.ts";
import { isCertificateUrl } from "../../shared/sns/topic.ts";
import type { Caller } from "./authenticate.ts";
import { PerMinute } from "./per-minute.ts";
import { bytesOf } from "./signature.ts";

export interface SnsCaller {
  readonly caller: Caller;
  readonly message: SnsMessage;
}

export interface SnsParts {
  readonly config: Config;
  readonly log: Log;
  /** To the hosts of the configured topics and no others; absent: no message can be verified. */
  readonly askSns?: Transport | undefined;
}

export interface SnsDoor {
  /** Throws PROVIDER_UNAVAILABLE when SNS's certificate cannot be had just now: the sender should try again. */
  authenticate(parsed: unknown, now: EpochMs): Promise<SnsCaller | null>;
  /** Calls a URL that `confirmationUrl` made. */
  confirm(url: string, now: EpochMs): Promise<void>;
}

type Hash = "SHA-1" | "SHA-256";

interface Certificate {
  readonly keys: Readonly<Record<Hash, CryptoKey>>;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
}

interface Kept {
  readonly certificate: Certificate | null;
  readonly until: EpochMs;
}

const hashes = { 1: "SHA-1", 2: "SHA-256" } as const satisfies Record<SnsMessage["version"], Hash>;

async function importKey(spki: Uint8Array<ArrayBuffer>, hash: Hash): Promise<CryptoKey> {
  return crypto.subtle.importKey("spki", spki, { name: "RSASSA-PKCS1-v1_5", hash }, false, ["verify"]);
}

/** What a PEM text certifies; null for what is no certificate of an RSA key that is long enough. */
async function certificateOf(pem: string): Promise<Certificate | null> {
  const bytes = bytesOf(pemBase64(pem) ?? "");
  const parts = bytes === null ? null : readCertificate(bytes);
  if (parts === null) return null;
  try {
    const keys = { "SHA-1": await importKey(parts.key, "SHA-1"), "SHA-256": await importKey(parts.key, "SHA-256") };
    const { algorithm } = keys["SHA-256"];
    const bits = "modulusLength" in algorithm ? Number(algorithm.modulusLength) : 0;
    return bits < limits.snsKeyBitsMin || bits > limits.snsKeyBitsMax ? null : { keys, notBefore: parts.notBefore, notAfter: parts.notAfter };
  } catch {
    return null;
  }
}

function unavailable(why: string, cause?: unknown): PortcullisError {
  return new PortcullisError("PROVIDER_UNAVAILABLE", `Amazon SNS could not be asked: ${why}. Nothing was done; send the message again.`, {}, cause);
}

/** Calls to SNS, of which strangers who know a topic's ARN can cause some: never more than so many a minute and instance. */
function boundedCalls(askSns: Transport | undefined): (url: string, now: EpochMs) => Promise<{ readonly status: number; readonly body: string }> {
  const calls = new PerMinute(limits.snsCallsPerMinute);
  return async (url, now) => {
    if (askSns === undefined) throw unavailable("this deployment has no way to it");
    if (!calls.take(now)) throw unavailable("too many calls within a minute");
    try {
      return await askSns({ method: "GET", url, headers: {} });
    } catch (thrown) {
      throw unavailable(asPortcullisError(thrown, "PROVIDER_UNAVAILABLE", "the call failed").message, thrown);
    }
  };
}

/** Certificates by URL, the last few. What was none is remembered for a minute. Finished ones only: on Workers no request may await another's promise. */
function certificates(get: ReturnType<typeof boundedCalls>): (url: string, now: EpochMs) => Promise<Certificate | null> {
  const kept = new Map<string, Kept>();
  return async (url, now) => {
    const known = kept.get(url);
    if (known !== undefined && now < known.until) return known.certificate;
    const { status, body } = await get(url, now);
    if (status >= 500 || status === 429) throw unavailable(`it answered ${status}`);
    const certificate = status === 200 ? await certificateOf(body) : null;
    kept.delete(url);
    kept.set(url, { certificate, until: now + (certificate === null ? limits.snsNoCertificateKeepMs : limits.snsCertificateKeepMs) });
    for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - limits.snsCertificatesMax))) kept.delete(oldest);
    return certificate;
  };
}

/** Topic to client name. The build lets no two clients share one. */
function indexTopics(config: Config): ReadonlyMap<string, string> {
  return new Map(Object.entries(config.clients).flatMap(([name, { sns }]) => (sns?.topics ?? []).map((topic): [string, string] => [topic, name])));
}

export function createSnsDoor({ config, log, askSns }: SnsParts): SnsDoor {
  const topics = indexTopics(config);
  const get = boundedCalls(askSns);
  const certificateAt = certificates(get);
  const lines = new PerMinute(limits.snsRefusalsPerMinute);

  async function refusalOf(message: SnsMessage, name: string, now: EpochMs): Promise<string | null> {
    if (message.version === 1 && config.clients[name]?.sns?.sha1 !== true)
      return `signature version 1 (SHA-1); set the topic's attribute SignatureVersion to 2, or clients.${name}.sns.sha1 to true`;
    if (now - message.at > limits.snsAgeMs || message.at - now > limits.signatureToleranceMs) return "its time is too far from ours";
    if (!isCertificateUrl(message.certificateUrl, message.topic)) return "its certificate is not at the host of SNS in the topic's region";
    const certificate = await certificateAt(message.certificateUrl, now);
    if (certificate === null) return "what SNS gave for its certificate is none";
    if (now < certificate.notBefore || now > certificate.notAfter) return "its certificate is not valid now";
    const signature = bytesOf(message.signature);
    const data = new TextEncoder().encode(message.signedText);
    const key = certificate.keys[hashes[message.version]];
    const good = signature !== null && (await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, signature, data));
    return good ? null : "its signature is not that of the certificate";
  }

  return {
    async authenticate(parsed, now) {
      const message = readSnsMessage(parsed);
      const name = message === null ? undefined : topics.get(message.topic.arn);
      const client = name === undefined || !Object.hasOwn(config.clients, name) ? undefined : config.clients[name];
      if (message === null || name === undefined || client === undefined) return null;
      const why = await refusalOf(message, name, now);
      if (why === null) return { message, caller: { name, client, signed: { id: message.id, at: message.at } } };
      if (lines.take(now)) log({ level: "warn", event: "sns.refused", code: "UNAUTHENTICATED", client: name, why });
      return null;
    },

    async confirm(url, now) {
      const { status } = await get(url, now);
      if (status !== 200) throw unavailable(`it answered ${status} to the confirmation`);
    },
  };
}
