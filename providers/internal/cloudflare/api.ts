// The wire: one call of Cloudflare's REST API, its envelope as data. Owns the header with the token and what a status means.
// Refuses to retry and to decide what an error means for a target.
import * as v from "valibot";
import type { EpochMs, HttpResponse, Json, Signal } from "../../../shared/ports.ts";
import type { ProviderPorts } from "../../../shared/provider.ts";
import { retryAtOf, serverDateOf } from "../backoff.ts";

export interface CloudflareCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** After the base URL, with its query. */
  readonly path: string;
  readonly body?: Json;
}

/** `busy`: refused only while somebody's operation is under way. `missing`: what the path names does not exist. */
export type Meaning = "auth" | "throttle" | "busy" | "server" | "missing" | "rejected";

export type CloudflareAnswer =
  | {
      readonly kind: "ok";
      readonly result: unknown;
      readonly nextCursor: string | null;
      /** Of a listing by page numbers: how many there are in all, and how many a page holds; null where it does not say. */
      readonly totalCount: number | null;
      readonly perPage: number | null;
      readonly serverDate: EpochMs | null;
    }
  | {
      readonly kind: "error";
      readonly meaning: Meaning;
      readonly status: number;
      /** Cloudflare's own number; null when it gave none. */
      readonly code: number | null;
      readonly message: string;
      readonly retryAtMs: EpochMs | null;
    }
  /** A 2xx that is not an envelope: whether it took effect is not known. */
  | { readonly kind: "unreadable"; readonly status: number };

export type CloudflareOk = Extract<CloudflareAnswer, { readonly kind: "ok" }>;
export type CloudflareError = Extract<CloudflareAnswer, { readonly kind: "error" }>;

const publicEndpoint = "https://api.cloudflare.com/client/v4";

const envelopeSchema = v.looseObject({
  success: v.boolean(),
  errors: v.nullish(v.array(v.looseObject({ code: v.optional(v.number()), message: v.optional(v.string()) }))),
  result: v.optional(v.unknown()),
  result_info: v.nullish(
    v.looseObject({
      cursors: v.nullish(v.looseObject({ after: v.nullish(v.string()) })),
      total_count: v.nullish(v.number()),
      per_page: v.nullish(v.number()),
    }),
  ),
});

/** Codes that mean a refused token whatever the status (6003 and 6111 come with 400; cloudflare-docs, api/troubleshooting, 2026-11-20). */
const authCodes: ReadonlySet<number> = new Set([6003, 6111, 9109, 10000]);
const throttleCode = 971;
const throttleWords = /throttl|rate.?limit|request speed/i;

/** Whether these words of a 429, which do not speak of the call limit, say that an operation is in the way of this call. */
export type IsBusy = (call: CloudflareCall, message: string) => boolean;

/** For kinds whose calls never wait for an operation. */
export const nothingIsBusy: IsBusy = () => false;

/**
 * The 429 of the pending operation and that of the call limit differ in words and place only; the first has no documented code.
 * What is not clearly the first is taken as the second: that one only costs time.
 */
function tooMany(call: CloudflareCall, code: number | null, message: string, isBusy: IsBusy): Meaning {
  if (code === throttleCode || throttleWords.test(message)) return "throttle";
  return isBusy(call, message) ? "busy" : "throttle";
}

function meaningOf(call: CloudflareCall, status: number, code: number | null, message: string, isBusy: IsBusy): Meaning {
  if (status === 429) return tooMany(call, code, message, isBusy);
  if (status === 401 || status === 403 || (status === 400 && code !== null && authCodes.has(code))) return "auth";
  if (status >= 500) return "server";
  return status === 404 ? "missing" : "rejected";
}

function envelopeOf(body: string): v.InferOutput<typeof envelopeSchema> | null {
  try {
    const parsed = v.safeParse(envelopeSchema, JSON.parse(body));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

export function answerOf(call: CloudflareCall, response: HttpResponse, nowMs: EpochMs, isBusy: IsBusy = nothingIsBusy): CloudflareAnswer {
  const envelope = envelopeOf(response.body);
  const isOk = response.status >= 200 && response.status <= 299;
  if (isOk && envelope === null) return { kind: "unreadable", status: response.status };
  if (isOk && envelope?.success === true) {
    const { cursors, total_count: totalCount = null, per_page: perPage = null } = envelope.result_info ?? {};
    const nextCursor = cursors?.after === "" ? null : (cursors?.after ?? null);
    return { kind: "ok", result: envelope.result, nextCursor, totalCount, perPage, serverDate: serverDateOf(response.headers.date) };
  }
  const first = envelope?.errors?.[0];
  const code = first?.code ?? null;
  const message = (first?.message ?? "").slice(0, 300);
  const meaning = meaningOf(call, response.status, code, message, isBusy);
  return { kind: "error", meaning, status: response.status, code, message, retryAtMs: retryAtOf(response.headers["retry-after"], nowMs) };
}

export interface Sender {
  readonly ports: ProviderPorts;
  readonly endpoint: string | undefined;
  readonly isBusy: IsBusy;
}

/** Sends one call. Throws only what the transport throws. */
export async function sendCall({ ports, endpoint, isBusy }: Sender, call: CloudflareCall, signal?: Signal): Promise<CloudflareAnswer> {
  const base = (endpoint ?? publicEndpoint).replace(/\/$/, "");
  // No type without a body, as the vendor's own client: a JSON body that is empty is no JSON.
  const content = call.body === undefined ? null : { body: JSON.stringify(call.body), type: { "content-type": "application/json" } };
  const headers = { authorization: `Bearer ${ports.secrets.token?.reveal() ?? ""}`, ...content?.type };
  const body = content === null ? {} : { body: content.body };
  const response = await ports.send({ method: call.method, url: `${base}${call.path}`, headers, ...body }, signal);
  const answer = answerOf(call, response, ports.clock.now(), isBusy);
  const code = answer.kind === "error" ? { cloudflareCode: answer.code } : {};
  ports.log({ level: "debug", event: "cloudflare.call", method: call.method, path: call.path.replace(/\?.*/, ""), status: response.status, ...code });
  return answer;
}
