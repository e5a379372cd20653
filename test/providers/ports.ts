// Ports for provider tests: a clock that is moved by hand, repeatable randomness, a log that is kept, and a small transport over fetch.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import type { LogRecord, Secret, Transport } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";

export interface TestPorts extends ProviderPorts {
  readonly logs: LogRecord[];
  readonly advance: (ms: number) => void;
}

/** Errors before a byte was sent; anything else may have taken effect. */
const unsent: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND"]);

function codeOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : null;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

export const fetchTransport: Transport = async (request, signal) => {
  if (signal?.aborted) throw new PortcullisError("PROVIDER_UNAVAILABLE", "the call was aborted before it was sent");
  try {
    const init = {
      method: request.method,
      headers: { ...request.headers },
      redirect: "error",
      ...(request.body === undefined ? {} : { body: request.body }),
    } as const;
    const response = await fetch(request.url, init);
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  } catch (thrown) {
    throw asPortcullisError(thrown, unsent.has(codeOf(thrown)) ? "PROVIDER_UNAVAILABLE" : "OUTCOME_UNKNOWN", "the connection ended without an answer");
  }
};

export function testPorts(secrets: Readonly<Record<string, Secret>>, send: Transport = fetchTransport): TestPorts {
  let nowMs = Date.UTC(2026, 10, 20, 12, 0, 0);
  const logs: LogRecord[] = [];
  return {
    send,
    secrets,
    logs,
    clock: { now: () => nowMs },
    random: { bytes: (count) => new Uint8Array(count).fill(127) },
    log: (record) => logs.push(record),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
