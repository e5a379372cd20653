// Entra ID as far as client credentials go: applications with secrets or federated credentials, the token endpoint, the tokens it gave.
// Refuses what Entra refuses, by its codes (learn.microsoft.com, entra reference-error-codes, 2026-11-20).
import { createHmac, createPublicKey, createVerify, type JsonWebKey } from "node:crypto";
import { azureLimits } from "./limits.ts";
import { guidOf } from "./nsg.ts";
import { type Assignment, assign, readRole } from "./rbac.ts";
import { EntraRefusal } from "./refusal.ts";

export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  /** The issuer's public key; its discovery document is not simulated. */
  readonly key: JsonWebKey;
}

export interface ApplicationSeed {
  readonly name: string;
  readonly clientId: string;
  readonly secrets?: readonly { readonly value: string; readonly endsMs?: number }[];
  readonly federated?: readonly FederatedCredential[];
  /** Role definitions, such as `providers/azure-nsg/policy.json` with its placeholders filled in, and where they are assigned. */
  readonly roles: readonly { readonly definition: unknown; readonly scope: string }[];
}

export interface Application extends Omit<ApplicationSeed, "roles"> {
  readonly assignments: readonly Assignment[];
}

export interface IssuedToken {
  readonly text: string;
  readonly application: Application;
  readonly audience: string;
  readonly endsMs: number;
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export class Entra {
  readonly tenant: string;
  readonly tokens = new Map<string, IssuedToken>();
  readonly #applications = new Map<string, Application>();
  #issued = 0;

  constructor(tenant: string, applications: readonly ApplicationSeed[]) {
    this.tenant = tenant;
    for (const { roles, ...seed } of applications) {
      const assignments = roles.map(({ definition, scope }) => assign(readRole(definition), scope));
      this.#applications.set(seed.clientId, { ...seed, assignments });
    }
  }

  /** Answers a token request; throws EntraRefusal. */
  grant(tenant: string, form: URLSearchParams, nowMs: number): IssuedToken {
    if (tenant !== this.tenant) throw new EntraRefusal(400, "invalid_request", 90002, `Tenant '${tenant}' not found.`);
    for (const name of form.keys())
      if (form.getAll(name).length > 1) throw new EntraRefusal(400, "invalid_request", 9000411, `The parameter '${name}' is duplicated.`);
    if (form.get("grant_type") !== "client_credentials")
      throw new EntraRefusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
    const application = this.#applications.get(form.get("client_id") ?? "");
    if (application === undefined) throw new EntraRefusal(400, "unauthorized_client", 700016, "Application was not found in the directory.");
    this.#prove(application, form, nowMs);
    const scope = form.get("scope") ?? "";
    if (!/^https:\/\/[^ ]+\/\.default$/.test(scope))
      throw new EntraRefusal(400, "invalid_scope", 1002012, "The provided value for scope is not valid; it must end in /.default.");
    return this.#issue(application, scope.slice(0, -"/.default".length), nowMs);
  }

  #prove(application: Application, form: URLSearchParams, nowMs: number): void {
    const secret = form.get("client_secret");
    const assertion = form.get("client_assertion");
    if (secret !== null && assertion !== null) throw new EntraRefusal(400, "invalid_request", 90014, "Only one kind of client credential may be sent.");
    if (secret !== null) {
      const found = (application.secrets ?? []).find((one) => one.value === secret);
      if (found === undefined) throw new EntraRefusal(401, "invalid_client", 7000215, "Invalid client secret provided.");
      if (found.endsMs !== undefined && found.endsMs <= nowMs)
        throw new EntraRefusal(401, "invalid_client", 7000222, "The provided client secret keys are expired.");
      return;
    }
    if (assertion === null)
      throw new EntraRefusal(
        401,
        "invalid_client",
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
      );
    if (form.get("client_assertion_type") !== assertionType) throw new EntraRefusal(400, "invalid_request", 900144, "The client_assertion_type is wrong.");
    this.#proveAssertion(application, assertion, nowMs);
  }

  #proveAssertion(application: Application, assertion: string, nowMs: number): void {
    const refuse = (code: number, message: string) => new EntraRefusal(401, "invalid_client", code, message);
    const [head = "", body = "", signature = ""] = assertion.split(".");
    const [header, claims] = [jsonOf(head), jsonOf(body)];
    if (header?.alg !== "RS256" || claims === null) throw refuse(50027, "JWT token is invalid or malformed.");
    const byIssuer = (application.federated ?? []).filter((one) => one.issuer === claims.iss);
    if (byIssuer.length === 0) throw refuse(700211, "No matching federated identity record found for presented assertion issuer.");
    const bySubject = byIssuer.filter((one) => one.subject === claims.sub);
    if (bySubject.length === 0) throw refuse(700213, "No matching federated identity record found for presented assertion subject.");
    const credential = bySubject.find((one) => one.audience === claims.aud);
    if (credential === undefined) throw refuse(700212, "No matching federated identity record found for presented assertion audience.");
    const key = createPublicKey({ key: credential.key, format: "jwk" });
    if (!createVerify("RSA-SHA256").update(`${head}.${body}`).verify(key, Buffer.from(signature, "base64url")))
      throw refuse(700027, "The assertion's signature could not be verified.");
    const seconds = nowMs / 1_000;
    if (typeof claims.exp !== "number" || claims.exp <= seconds || (typeof claims.nbf === "number" && claims.nbf > seconds + 300))
      throw refuse(700024, "Client assertion is not within its valid time range.");
  }

  #issue(application: Application, audience: string, nowMs: number): IssuedToken {
    this.#issued += 1;
    const endsMs = nowMs + azureLimits.tokenSeconds * 1_000;
    const claims = { aud: audience, appid: application.clientId, tid: this.tenant, exp: Math.floor(endsMs / 1_000), uti: guidOf(`token ${this.#issued}`) };
    const unsigned = `${part({ typ: "JWT", alg: "HS256" })}.${part(claims)}`;
    const text = `${unsigned}.${createHmac("sha256", `simulated ${this.tenant}`).update(unsigned).digest("base64url")}`;
    const token = { text, application, audience, endsMs };
    this.tokens.set(text, token);
    return token;
  }
}
