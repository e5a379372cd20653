// An issuer of identity tokens for tests, as Deno Deploy is one: its keys are made here and known to nobody else.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Claims, type IdentityProvider, issueToken } from "./aws.ts";

export const issuer = "https://oidc.issuer.test";
export const subject = "deployment:acme/portcullis/production";
export const audience = "sts.amazonaws.com";

const pairs = { RS256: generateKeyPairSync("rsa", { modulusLength: 2_048 }), ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }) } as const;

export const identityProvider: IdentityProvider = {
  issuer,
  audiences: [audience],
  keys: { RS256: pairs.RS256.publicKey.export({ format: "jwk" }), ES256: pairs.ES256.publicKey.export({ format: "jwk" }) },
};

/** As Deno Deploy's: five minutes, in force a minute before (Deno docs, deploy/reference/oidc, 2026). */
export function tokenAt(
  nowMs: number,
  changes: Partial<Claims> = {},
  algorithm: keyof typeof pairs = "ES256",
  key: KeyObject = pairs[algorithm].privateKey,
): string {
  const at = Math.floor(nowMs / 1_000);
  const claims = { iss: issuer, aud: audience, sub: subject, nbf: at - 60, exp: at + 300, ...changes };
  return issueToken(claims, { algorithm, keyId: algorithm, key });
}

/** Somebody else's key. */
export function foreignKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}
