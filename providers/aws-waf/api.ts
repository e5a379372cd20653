// The wire: one signed call of WAFv2's JSON protocol, its answer as data. Owns the target header and what an error looks like.
// Refuses to retry, and to decide what an error means for a target.
import * as v from "valibot";
import type { EpochMs, HttpResponse, Json, Signal } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import { type AwsAccount, domainOf } from "../internal/aws/account.ts";
import type { AwsError, AwsFailed } from "../internal/aws/answer.ts";
import { meaningOf } from "../internal/aws/codes.ts";
import { type AwsKeys, signedRequest } from "../internal/aws/sign.ts";
import { retryAtOf, serverDateOf } from "../internal/backoff.ts";

export interface WafCall {
  readonly action: "GetIPSet" | "UpdateIPSet" | "GetWebACL" | "ListWebACLs";
  readonly body: { readonly [name: string]: Json };
}

export type WafAnswer = { readonly kind: "ok"; readonly content: unknown; readonly serverDate: EpochMs | null } | AwsFailed;

/** JSON 1.1 with a prefixed target (botocore wafv2/2019-07-29 metadata, checked 2026-11-25). */
const targetPrefix = "AWSWAF_20190729";

const errorSchema = v.looseObject({ __type: v.optional(v.string()), message: v.optional(v.string()), Message: v.optional(v.string()) });

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** `com.amazonaws.wafv2#Name` in the body, `Name:http://…` in the header: the name alone (botocore parsers.py, checked 2026-11-25). */
function nameOf(type: string): string {
  return (type.split("#").at(-1) ?? "").split(":", 1).join();
}

function errorOf(response: HttpResponse, nowMs: EpochMs): AwsError {
  const read = v.safeParse(errorSchema, parsed(response.body));
  const body = read.success ? read.output : {};
  const code = nameOf(response.headers["x-amzn-errortype"] ?? body.__type ?? "");
  return {
    kind: "error",
    meaning: meaningOf(response.status, code),
    status: response.status,
    code: code === "" ? `HTTP ${response.status}` : code.slice(0, 100),
    message: (body.message ?? body.Message ?? "").slice(0, 300),
    requestId: (response.headers["x-amzn-requestid"] ?? "").slice(0, 100),
    retryAtMs: retryAtOf(response.headers["retry-after"], nowMs),
  };
}

function answerOf(response: HttpResponse, nowMs: EpochMs): WafAnswer {
  if (response.status < 200 || response.status > 299) return errorOf(response, nowMs);
  const content = parsed(response.body);
  if (typeof content !== "object" || content === null) return { kind: "unreadable", status: response.status };
  return { kind: "ok", content, serverDate: serverDateOf(response.headers.date) };
}

/** Sends one call. Throws only what the transport throws. */
export async function sendCall(ports: ProviderPorts, account: AwsAccount, keys: AwsKeys, call: WafCall, signal?: Signal): Promise<WafAnswer> {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `${targetPrefix}.${call.action}` };
  const url = account.endpoint ?? `https://wafv2.${account.region}.${domainOf(account.region)}/`;
  const unsigned = { url, headers, body: JSON.stringify(call.body) };
  const request = await signedRequest(unsigned, keys, { service: "wafv2", region: account.region }, ports.clock.now());
  const response = await ports.send({ ...request, operation: call.action }, signal);
  const answer = answerOf(response, ports.clock.now());
  const failed = answer.kind === "error" ? { awsCode: answer.code, requestId: answer.requestId } : {};
  ports.log({ level: "debug", event: "aws.call", action: call.action, status: response.status, ...failed });
  return answer;
}
