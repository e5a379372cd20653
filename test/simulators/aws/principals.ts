// Who may sign: users with long-lived keys, roles, and the sessions that AssumeRole hands out. Every principal has a policy; without one it may do nothing.
import { createHash } from "node:crypto";
import { allows, type Policy, readPolicy } from "./iam.ts";
import type { KeyMaterial } from "./sigv4.ts";
import type { IdentityProvider } from "./web-identity.ts";

export interface UserSeed {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A policy document, such as `providers/aws-nacl/policy.json` with its placeholders filled in. */
  readonly policy: unknown;
}

export interface RoleSeed {
  readonly name: string;
  readonly policy: unknown;
  /** User names that its trust policy names. */
  readonly trusts: readonly string[];
  readonly externalId?: string;
  /** A trust policy for tokens of an identity provider of the account; both claims are pinned. */
  readonly trustsTokens?: { readonly issuer: string; readonly audience: string; readonly subject: string };
  readonly longestSessionSeconds?: number;
}

export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly policy: Policy;
  readonly trusts: readonly string[];
  readonly externalId: string | null;
  readonly trustsTokens: RoleSeed["trustsTokens"] | null;
  readonly longestSessionSeconds: number;
}

export interface Principal {
  readonly arn: string;
  readonly userName: string | null;
  readonly key: KeyMaterial;
  /** All of these must allow: a role's policy, and its session's. */
  readonly policies: readonly Policy[];
}

export interface IssuedSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresMs: number;
  readonly arn: string;
}

const digest = (text: string) => createHash("sha256").update(text).digest("base64");

export class Principals {
  readonly accountId: string;
  readonly identityProviders: readonly IdentityProvider[];
  readonly #byKeyId = new Map<string, Principal>();
  readonly #roles = new Map<string, Role>();
  #issued = 0;

  constructor(accountId: string, users: readonly UserSeed[], roles: readonly RoleSeed[], identityProviders: readonly IdentityProvider[] = []) {
    this.accountId = accountId;
    this.identityProviders = identityProviders;
    for (const user of users) this.addUser(user);
    for (const role of roles) this.addRole(role);
  }

  addUser(seed: UserSeed): void {
    const key = { secretAccessKey: seed.secretAccessKey, sessionToken: null, expiresMs: null };
    const arn = `arn:aws:iam::${this.accountId}:user/${seed.name}`;
    this.#byKeyId.set(seed.accessKeyId, { arn, userName: seed.name, key, policies: [readPolicy(seed.policy)] });
  }

  addRole(seed: RoleSeed): void {
    const arn = `arn:aws:iam::${this.accountId}:role/${seed.name}`;
    const { name, trusts, externalId = null, trustsTokens = null, longestSessionSeconds = 3_600 } = seed;
    this.#roles.set(arn, { arn, name, policy: readPolicy(seed.policy), trusts, externalId, trustsTokens, longestSessionSeconds });
  }

  find(accessKeyId: string): Principal | null {
    return this.#byKeyId.get(accessKeyId) ?? null;
  }

  role(arn: string): Role | null {
    return this.#roles.get(arn) ?? null;
  }

  /** Deterministic keys, so that a failing run can be read twice. */
  issue(role: Role, sessionName: string, sessionPolicy: Policy | null, expiresMs: number): IssuedSession {
    this.#issued += 1;
    const seed = `${role.arn}/${sessionName}/${this.#issued}`;
    const accessKeyId = `ASIA${this.#issued.toString(16).toUpperCase().padStart(16, "0")}`;
    const secretAccessKey = digest(`secret ${seed}`);
    const sessionToken = `IQoJ${digest(`token ${seed}`)}${digest(`more ${seed}`)}`;
    const arn = `arn:aws:sts::${this.accountId}:assumed-role/${role.name}/${sessionName}`;
    const policies = sessionPolicy === null ? [role.policy] : [role.policy, sessionPolicy];
    this.#byKeyId.set(accessKeyId, { arn, userName: null, key: { secretAccessKey, sessionToken, expiresMs }, policies });
    return { accessKeyId, secretAccessKey, sessionToken, expiresMs, arn };
  }

  /** Deletes a key, as a person does who found it leaked. */
  revoke(accessKeyId: string): void {
    this.#byKeyId.delete(accessKeyId);
  }
}

export function permitted(principal: Principal, action: string, resource: string): boolean {
  return principal.policies.every((policy) => allows(policy, action, resource));
}
