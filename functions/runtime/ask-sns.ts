// The way to Amazon SNS, for certificates and confirmations: the hosts of the configured topics, exactly, and nothing of size.
// Refuses to exist where no topic is configured.
import type { Config } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { Transport } from "../../shared/ports.ts";
import { readTopic } from "../../shared/sns/topic.ts";
import { createTransport, type Fetch } from "./transport.ts";

export interface AskSnsParts {
  readonly config: Config;
  readonly fetch: Fetch;
  readonly allowedHosts: string | undefined;
}

export function askSnsOf({ config, fetch, allowedHosts }: AskSnsParts): Transport | undefined {
  const topics = Object.values(config.clients).flatMap(({ sns }) => sns?.topics ?? []);
  const hostSuffixes = [...new Set(topics.map((arn) => readTopic(arn)?.host ?? ""))];
  // SNS waits 15 seconds for our answer (SNS developer guide, sns-message-delivery-retries, 2026-11); ours must be over before.
  return topics.length === 0
    ? undefined
    : createTransport({ fetch, hostSuffixes, allowedHosts, timeoutMs: limits.snsCallTimeoutMs, bytesMax: limits.snsAnswerBytesMax });
}
