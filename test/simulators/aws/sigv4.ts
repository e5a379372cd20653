// Verifies AWS Signature Version 4 as the cloud does, written from the specification (IAM user guide, "Signature Version 4 signing
// process", 2023) and not from any signing library, so that it judges ours and the vendor's alike.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { awsLimits } from "./limits.ts";
import { AwsRefusal, type AwsService } from "./refusal.ts";

export interface SignedRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Scope {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** The secret behind an access key, and the session token that must come with it (null: must not). */
export interface KeyMaterial {
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  readonly expiresMs: number | null;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** Reads the Authorization header; null when there is none of this scheme. */
export function scopeOf(headers: Readonly<Record<string, string>>): Scope | null {
  const match = /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? "");
  const [accessKeyId, date, region, service, terminator, ...rest] = (match?.[1] ?? "").split("/");
  if (match === null || terminator !== "aws4_request" || rest.length > 0) return null;
  return {
    accessKeyId: accessKeyId ?? "",
    date: date ?? "",
    region: region ?? "",
    service: service ?? "",
    signedHeaders: (match[2] ?? "").split(";"),
    signature: match[3] ?? "",
  };
}

const encode = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const url = new URL(request.target, "http://simulator.invalid");
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const path = url.pathname
    .split("/")
    .map((part) => encode(part))
    .join("/");
  const lines = signedHeaders.map((name) => `${name}:${(request.headers[name] ?? "").trim().replace(/ +/g, " ")}\n`);
  return [request.method, path, query.join("&"), lines.join(""), signedHeaders.join(";"), sha256(request.body)].join("\n");
}

/** The services whose signatures are judged; WAF speaks JSON and refuses by the codes of that protocol. */
export type SignedService = AwsService | "wafv2";

/** Codes differ by service: EC2 answers AuthFailure for everything about keys, STS is specific (U, common use; S, botocore for the expired token). */
const refusals = {
  ec2: {
    key: () => new AwsRefusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
    signature: () => new AwsRefusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
    token: () => new AwsRefusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
    skew: () => new AwsRefusal(400, "RequestExpired", "Request has expired."),
    ended: () => new AwsRefusal(400, "RequestExpired", "Request has expired."),
    scope: () => new AwsRefusal(401, "AuthFailure", "Credential should be scoped to a valid region and service."),
    missing: () => new AwsRefusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
  },
  sts: {
    key: () => new AwsRefusal(403, "InvalidClientTokenId", "The security token included in the request is invalid."),
    signature: () => new AwsRefusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."),
    token: () => new AwsRefusal(403, "InvalidClientTokenId", "The security token included in the request is invalid"),
    skew: () => new AwsRefusal(403, "SignatureDoesNotMatch", "Signature expired: the date of the request is too far from the current time."),
    ended: () => new AwsRefusal(403, "ExpiredToken", "The security token included in the request is expired"),
    scope: () => new AwsRefusal(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region and service."),
    missing: () => new AwsRefusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
  },
  // U: common use of JSON services.
  wafv2: {
    key: () => new AwsRefusal(400, "UnrecognizedClientException", "The security token included in the request is invalid."),
    signature: () => new AwsRefusal(400, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."),
    token: () => new AwsRefusal(400, "UnrecognizedClientException", "The security token included in the request is invalid."),
    skew: () => new AwsRefusal(400, "InvalidSignatureException", "Signature expired: the date of the request is too far from the current time."),
    ended: () => new AwsRefusal(400, "ExpiredTokenException", "The security token included in the request is expired"),
    scope: () => new AwsRefusal(400, "InvalidSignatureException", "Credential should be scoped to a valid region and service."),
    missing: () => new AwsRefusal(400, "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
  },
} as const satisfies Record<SignedService, unknown>;

function dateOf(stamp: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(stamp);
  return match === null ? Number.NaN : Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`);
}

export interface VerifyOptions {
  readonly service: SignedService;
  readonly regions: readonly string[];
  readonly nowMs: number;
  readonly keyOf: (accessKeyId: string) => KeyMaterial | null;
}

/** Throws the refusal the cloud would give; returns the scope of a request it would take. */
export function verifySignature(request: SignedRequest, options: VerifyOptions): Scope {
  const refuse = refusals[options.service];
  const scope = scopeOf(request.headers);
  if (scope === null) throw refuse.missing();
  const stamp = request.headers["x-amz-date"] ?? "";
  const at = dateOf(stamp);
  if (Number.isNaN(at) || !stamp.startsWith(scope.date)) throw refuse.signature();
  if (scope.service !== options.service || !options.regions.includes(scope.region)) throw refuse.scope();
  const mustBeSigned = ["host", ...Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"))];
  const sorted = [...scope.signedHeaders].sort();
  if (mustBeSigned.some((name) => !scope.signedHeaders.includes(name)) || sorted.join() !== scope.signedHeaders.join()) throw refuse.signature();
  const declared = request.headers["x-amz-content-sha256"];
  if (declared !== undefined && declared !== sha256(request.body)) throw refuse.signature();
  const key = options.keyOf(scope.accessKeyId);
  if (key === null) throw refuse.key();
  const expected = signatureOf(request, scope, stamp, key.secretAccessKey);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(scope.signature))) throw refuse.signature();
  if (Math.abs(options.nowMs - at) > awsLimits.skewMs) throw refuse.skew();
  if ((request.headers["x-amz-security-token"] ?? null) !== key.sessionToken) throw refuse.token();
  if (key.expiresMs !== null && options.nowMs >= key.expiresMs) throw refuse.ended();
  return scope;
}

function signatureOf(request: SignedRequest, scope: Scope, stamp: string, secret: string): string {
  const credentialScope = `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", stamp, credentialScope, sha256(canonicalRequest(request, scope.signedHeaders))].join("\n");
  const signing = [scope.region, scope.service, "aws4_request"].reduce((key, part) => hmac(key, part), hmac(`AWS4${secret}`, scope.date));
  return hmac(signing, toSign).toString("hex");
}
