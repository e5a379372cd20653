// The wire: one signed EC2 or STS Query call, its answer as data. Owns signing and reading.
// Refuses to retry, to poll, and to decide what an error means for a target (codes.ts and the kinds do).
import type { EpochMs, HttpRequest, HttpResponse, Signal } from "../../../shared/ports.ts";
import type { ProviderPorts } from "../../../shared/provider.ts";
import { retryAtOf, serverDateOf } from "../backoff.ts";
import { type AwsAccount, domainOf } from "./account.ts";
import type { AwsError, AwsFailed } from "./answer.ts";
import { meaningOf } from "./codes.ts";
import { type AwsKeys, signedRequest } from "./sign.ts";
import { childOf, decodeText, readXml, textOf, type XmlNode } from "./xml.ts";

export const services = {
  ec2: { version: "2016-11-15" },
  sts: { version: "2011-06-15" },
} as const satisfies Record<string, { readonly version: string }>;

export interface AwsCall {
  readonly service: keyof typeof services;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export type AwsAnswer = { readonly kind: "ok"; readonly root: XmlNode; readonly serverDate: EpochMs | null } | AwsFailed;

/** The endpoint of a service in the account's region, or the configured one. Regional STS: its tokens work everywhere. */
export function endpointOf(account: AwsAccount, service: AwsCall["service"]): string {
  const configured = service === "ec2" ? account.endpoint : account.stsEndpoint;
  return configured ?? `https://${service}.${account.region}.${domainOf(account.region)}/`;
}

const formHeaders = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" } as const;

/** `keys` null: for the one call that is made before there are any. */
async function requestOf(account: AwsAccount, keys: AwsKeys | null, call: AwsCall, nowMs: EpochMs): Promise<HttpRequest> {
  const body = new URLSearchParams({ Action: call.action, Version: services[call.service].version, ...call.parameters }).toString();
  const unsigned = { url: endpointOf(account, call.service), headers: formHeaders, body };
  if (keys === null) return { method: "POST", ...unsigned };
  return signedRequest(unsigned, keys, { service: call.service, region: account.region }, nowMs);
}

/** EC2: `Response/Errors/Error` and `RequestID`; STS: `ErrorResponse/Error` and `RequestId` (botocore parsers.py, 2026-08-07). */
function errorOf(response: HttpResponse, nowMs: EpochMs): AwsError {
  const root = readXml(response.body)?.root ?? null;
  const error = childOf(childOf(root, "Errors"), "Error") ?? childOf(root, "Error");
  const code = textOf(error, "Code") ?? "";
  return {
    kind: "error",
    meaning: meaningOf(response.status, code),
    status: response.status,
    code: code === "" ? `HTTP ${response.status}` : code.slice(0, 100),
    message: decodeText(textOf(error, "Message") ?? "").slice(0, 300),
    requestId: (textOf(root, "RequestID") ?? textOf(root, "RequestId") ?? "").slice(0, 100),
    retryAtMs: retryAtOf(response.headers["retry-after"], nowMs),
  };
}

function answerOf(call: AwsCall, response: HttpResponse, nowMs: EpochMs): AwsAnswer {
  if (response.status < 200 || response.status > 299) return errorOf(response, nowMs);
  const document = readXml(response.body);
  if (document?.name !== `${call.action}Response`) return { kind: "unreadable", status: response.status };
  return { kind: "ok", root: document.root, serverDate: serverDateOf(response.headers.date) };
}

/** Sends one call. Throws only what the transport throws. */
export async function sendCall(ports: ProviderPorts, account: AwsAccount, keys: AwsKeys | null, call: AwsCall, signal?: Signal): Promise<AwsAnswer> {
  const response = await ports.send({ ...(await requestOf(account, keys, call, ports.clock.now())), operation: call.action }, signal);
  const answer = answerOf(call, response, ports.clock.now());
  ports.log({
    level: "debug",
    event: "aws.call",
    action: call.action,
    status: response.status,
    ...(answer.kind === "error" ? { awsCode: answer.code, requestId: answer.requestId } : {}),
  });
  return answer;
}
