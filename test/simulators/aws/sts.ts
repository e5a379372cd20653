// The STS actions: AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity. Shapes and patterns: botocore sts/2011-06-15, 2026-08-07.
import { type Policy, readPolicy } from "./iam.ts";
import { awsLimits } from "./limits.ts";
import { invalid, type ParameterSpec, type Parameters, readInteger, requireText } from "./parameters.ts";
import { type Principal, type Principals, permitted, type Role } from "./principals.ts";
import { AwsRefusal, element } from "./refusal.ts";
import { readToken } from "./web-identity.ts";

export interface StsAction {
  readonly spec: ParameterSpec;
  readonly run: (parameters: Parameters, caller: Principal, principals: Principals, nowMs: number) => readonly string[];
}

/** An action that nobody signs: the token in its form is who asks. */
export interface UnsignedAction {
  readonly spec: ParameterSpec;
  readonly run: (parameters: Parameters, principals: Principals, nowMs: number) => readonly string[];
}

function matching(parameters: Parameters, name: string, pattern: RegExp): string | null {
  const value = parameters.get(name);
  if (value === undefined) return null;
  if (!pattern.test(value)) throw new AwsRefusal(400, "ValidationError", `Value '${value}' at '${name}' failed to satisfy constraint`);
  return value;
}

function readSessionPolicy(parameters: Parameters): Policy | null {
  const text = parameters.get("Policy");
  if (text === undefined) return null;
  if (text.length > awsLimits.sessionPolicyChars) throw new AwsRefusal(400, "PackedPolicyTooLarge", "The session policy is too large");
  try {
    return readPolicy(JSON.parse(text));
  } catch (error) {
    throw new AwsRefusal(400, "MalformedPolicyDocument", error instanceof Error ? error.message : "not a policy");
  }
}

interface Session {
  readonly name: string;
  readonly seconds: number;
  readonly policy: Policy | null;
}

function readSession(parameters: Parameters): Session {
  const name = matching(parameters, "RoleSessionName", /^[\w+=,.@-]{2,64}$/) ?? "";
  const { shortest, byDefault, longest } = awsLimits.sessionSeconds;
  const seconds = readInteger(parameters, "DurationSeconds") ?? byDefault;
  if (seconds < shortest || seconds > longest) throw invalid("DurationSeconds", String(seconds));
  return { name, seconds, policy: readSessionPolicy(parameters) };
}

function handOut(role: Role, { name, seconds, policy }: Session, principals: Principals, nowMs: number): readonly string[] {
  if (seconds > role.longestSessionSeconds) {
    throw new AwsRefusal(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  const session = principals.issue(role, name, policy, nowMs + seconds * 1_000);
  return [
    element("Credentials", [
      element("AccessKeyId", session.accessKeyId),
      element("SecretAccessKey", session.secretAccessKey),
      element("SessionToken", session.sessionToken),
      element("Expiration", new Date(session.expiresMs).toISOString().replace(/\.\d{3}/, "")),
    ]),
    element("AssumedRoleUser", [element("AssumedRoleId", `AROASIMULATED00000000:${name}`), element("Arn", session.arn)]),
    ...(policy === null ? [] : [element("PackedPolicySize", 1)]),
  ];
}

function assumeRoleWithWebIdentity(parameters: Parameters, principals: Principals, nowMs: number): readonly string[] {
  const session = readSession(parameters);
  const claims = readToken(requireText(parameters, "WebIdentityToken"), principals.identityProviders, nowMs);
  const role = principals.role(requireText(parameters, "RoleArn"));
  const trust = role?.trustsTokens ?? null;
  const isTrusted = trust !== null && trust.issuer === claims.iss && trust.audience === claims.aud && trust.subject === claims.sub;
  if (role === null || !isTrusted) throw new AwsRefusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
  return [
    ...handOut(role, session, principals, nowMs),
    element("SubjectFromWebIdentityToken", claims.sub),
    element("Audience", claims.aud),
    element("Provider", `arn:aws:iam::${principals.accountId}:oidc-provider/${new URL(claims.iss).host}`),
  ];
}

function assumeRole(parameters: Parameters, caller: Principal, principals: Principals, nowMs: number): readonly string[] {
  const arn = requireText(parameters, "RoleArn");
  const externalId = matching(parameters, "ExternalId", /^[\w+=,.@:/-]{2,1224}$/);
  const session = readSession(parameters);
  const role = principals.role(arn);
  const trusted =
    role !== null && caller.userName !== null && role.trusts.includes(caller.userName) && (role.externalId === null || role.externalId === externalId);
  if (role === null || !trusted || !permitted(caller, "sts:AssumeRole", arn)) {
    throw new AwsRefusal(403, "AccessDenied", `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`);
  }
  return handOut(role, session, principals, nowMs);
}

export const unsignedActions: ReadonlyMap<string, UnsignedAction> = new Map<string, UnsignedAction>([
  [
    "AssumeRoleWithWebIdentity",
    {
      spec: { required: ["RoleArn", "RoleSessionName", "WebIdentityToken"], optional: ["DurationSeconds", "Policy"], lists: [] },
      run: assumeRoleWithWebIdentity,
    },
  ],
]);

export const stsActions: ReadonlyMap<string, StsAction> = new Map<string, StsAction>([
  ["AssumeRole", { spec: { required: ["RoleArn", "RoleSessionName"], optional: ["ExternalId", "DurationSeconds", "Policy"], lists: [] }, run: assumeRole }],
  [
    "GetCallerIdentity",
    {
      spec: { required: [], optional: [], lists: [] },
      run: (_parameters, caller, principals) => [
        element("UserId", `AIDA${caller.arn.length}`),
        element("Account", principals.accountId),
        element("Arn", caller.arn),
      ],
    },
  ],
]);
