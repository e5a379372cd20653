// Tells the operator's dead man's switch that a clean tick happened. Its host must be on the platform's allow-list;
// the URL is a secret and is never printed.
import type { Config } from "../../shared/config.ts";
import { asPortcullisError } from "../../shared/errors.ts";
import type { Log } from "../../shared/ports.ts";
import { createTransport, type Fetch } from "./transport.ts";

export interface HeartbeatParts {
  readonly config: Config;
  readonly secrets: (name: string) => Promise<string | undefined>;
  readonly fetch: Fetch;
  readonly allowedHosts: string | undefined;
  readonly log: Log;
}

/** Never throws: a missed heartbeat is what the switch is there to notice. */
export async function sendHeartbeat(parts: HeartbeatParts): Promise<"sent" | "failed" | undefined> {
  const name = parts.config.heartbeat?.urlSecret;
  if (name === undefined) return undefined;
  const url = await parts.secrets(name);
  if (url === undefined) {
    parts.log({ level: "warn", event: "heartbeat.unset", message: `secret ${name} is not set` });
    return "failed";
  }
  try {
    const response = await createTransport({ fetch: parts.fetch, hostSuffixes: [], allowedHosts: parts.allowedHosts })({ method: "GET", url, headers: {} });
    if (response.status < 400) return "sent";
    parts.log({ level: "warn", event: "heartbeat.refused", status: response.status });
  } catch (thrown) {
    const error = asPortcullisError(thrown, "PROVIDER_UNAVAILABLE", "the heartbeat could not be sent");
    parts.log({ level: "warn", event: "heartbeat.failed", code: error.code, message: error.message });
  }
  return "failed";
}
