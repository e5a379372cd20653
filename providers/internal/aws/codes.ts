// What an error code that any AWS service may give means to us. One table, so that no caller compares code strings;
// what a kind's own objects may answer is in that kind's codes.ts.
// Codes: AWS SDK for C++ error tables, botocore parsers.py and retries/standard.py (2026-08-07), moto ec2/exceptions.py; checked 2026-11-20.

export type Meaning = "auth" | "throttle" | "server" | "rejected";

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["AuthFailure", "auth"],
  ["UnauthorizedOperation", "auth"],
  ["InvalidClientTokenId", "auth"],
  ["SignatureDoesNotMatch", "auth"],
  ["RequestExpired", "auth"],
  ["ExpiredToken", "auth"],
  ["ExpiredTokenException", "auth"],
  ["OptInRequired", "auth"],
  ["AccessDenied", "auth"],
  ["AccessDeniedException", "auth"],
  ["MissingAuthenticationToken", "auth"],
  ["IncompleteSignature", "auth"],
  // The same, as services of the JSON protocol call them.
  ["UnrecognizedClientException", "auth"],
  ["InvalidSignatureException", "auth"],
  ["MissingAuthenticationTokenException", "auth"],
  ["IncompleteSignatureException", "auth"],
  ["Blocked", "auth"],
  ["RegionDisabledException", "auth"],
  ["InvalidIdentityToken", "auth"],
  ["IDPRejectedClaim", "auth"],
  // 400, and worth another try all the same (STS API reference, AssumeRoleWithWebIdentity).
  ["IDPCommunicationError", "server"],
  ["RequestLimitExceeded", "throttle"],
  ["Throttling", "throttle"],
  ["ThrottlingException", "throttle"],
  ["ThrottledException", "throttle"],
  ["RequestThrottled", "throttle"],
  ["RequestThrottledException", "throttle"],
  ["TooManyRequestsException", "throttle"],
  ["EC2ThrottledException", "throttle"],
  ["SlowDown", "throttle"],
  ["PriorRequestNotComplete", "throttle"],
  ["BandwidthLimitExceeded", "throttle"],
  ["InternalError", "server"],
  ["WAFInternalErrorException", "server"],
  ["WAFUnavailableEntityException", "server"],
  ["InternalFailure", "server"],
  ["ServerInternal", "server"],
  ["ServiceUnavailable", "server"],
  ["Unavailable", "server"],
  ["RequestTimeout", "server"],
]);

/** The code decides; a status alone decides only where no known code came with it. */
export function meaningOf(status: number, code: string): Meaning {
  const known = meanings.get(code);
  if (known !== undefined) return known;
  if (status === 429 || code.startsWith("Throttl") || code.startsWith("RequestThrottled")) return "throttle";
  if (status >= 500) return "server";
  return status === 401 || status === 403 ? "auth" : "rejected";
}

/** What the operator should look at for a refused credential. */
export function authHint(code: string, kind: string): string {
  if (code === "RequestExpired" || code === "SignatureDoesNotMatch" || code === "InvalidSignatureException")
    return "check the clock of this machine and the secret access key";
  if (code === "ExpiredToken" || code === "ExpiredTokenException") return "the session has ended; renew the session token, or use assumeRole";
  if (code === "UnauthorizedOperation" || code === "AccessDenied" || code === "AccessDeniedException")
    return `attach providers/${kind}/policy.json to this principal (and trust it in the role's trust policy)`;
  if (code === "InvalidIdentityToken" || code === "IDPRejectedClaim")
    return "compare issuer, aud and sub of the platform's tokens with the identity provider and the role's trust policy";
  if (code === "OptInRequired" || code === "RegionDisabledException") return "enable the service or region for this account";
  return "check the access key id and secret that the target's credentials name";
}
