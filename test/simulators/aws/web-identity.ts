// Tokens of identity providers, as STS reads them: compact JWTs, verified with the provider's published key. Owns both ends: what a
// test's issuer signs, and what the simulated STS refuses. Shapes: RFC 7519; error codes: botocore sts/2011-06-15, 2026-08-07.
import { createPublicKey, type JsonWebKey, type KeyObject, sign, verify } from "node:crypto";
import { AwsRefusal } from "./refusal.ts";

/** An IAM OIDC identity provider of the account. */
export interface IdentityProvider {
  readonly issuer: string;
  /** Client ids. */
  readonly audiences: readonly string[];
  /** By key id, as its JWKS document has them. */
  readonly keys: Readonly<Record<string, JsonWebKey>>;
}

export interface Claims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly exp: number;
  readonly nbf?: number;
}

/** Deno's documentation names both (deploy/reference/oidc, 2026). */
type Algorithm = "RS256" | "ES256";

const jose = { RS256: {}, ES256: { dsaEncoding: "ieee-p1363" } } as const;

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A token as an issuer would hand it out. */
export function issueToken(claims: Claims, signer: { readonly algorithm: Algorithm; readonly keyId: string; readonly key: KeyObject }): string {
  const content = `${encoded({ alg: signer.algorithm, typ: "JWT", kid: signer.keyId })}.${encoded(claims)}`;
  const signature = sign("sha256", Buffer.from(content), { key: signer.key, ...jose[signer.algorithm] });
  return `${content}.${signature.toString("base64url")}`;
}

function invalid(why: string): AwsRefusal {
  return new AwsRefusal(400, "InvalidIdentityToken", why);
}

function decoded(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  } catch {
    throw invalid("The ID Token provided is not a valid JWT.");
  }
}

/** The claims of a token that is genuine and in force; throws what STS would answer otherwise. */
export function readToken(token: string, providers: readonly IdentityProvider[], nowMs: number): Claims {
  const [head = "", body = "", signature = "", ...rest] = token.split(".");
  if (token.length < 4 || token.length > 20_000 || signature === "" || rest.length > 0) throw invalid("The ID Token provided is not a valid JWT.");
  const header = decoded(head);
  const claims = decoded(body) as unknown as Claims;
  const provider = providers.find(({ issuer }) => issuer === claims.iss);
  if (provider === undefined) throw invalid("No OpenIDConnect provider found in your account for the issuer of the token");
  const algorithm = header.alg;
  const jwk = provider.keys[String(header.kid)];
  if ((algorithm !== "RS256" && algorithm !== "ES256") || jwk === undefined) throw invalid("Couldn't retrieve verification key from your identity provider");
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), ...jose[algorithm] };
  if (!verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"))) throw invalid("The token's signature is not valid");
  if (claims.exp * 1_000 <= nowMs)
    throw new AwsRefusal(400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time");
  if (claims.nbf !== undefined && claims.nbf * 1_000 > nowMs) throw invalid("The token is not in force yet");
  if (!provider.audiences.includes(claims.aud)) throw invalid("Incorrect token audience");
  return claims;
}
