// A bearer token for Azure Resource Manager: client secret, or an assertion of another issuer (federated identity) in its place.
// The token lives in this object until five minutes before its end; it is never stored, logged or put into an error. Refuses to retry.
import * as v from "valibot";
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import { type EpochMs, type HttpResponse, Secret, type Signal } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import { backoffUntil, retryAtOf } from "../internal/backoff.ts";
import { transportError } from "../internal/transport-error.ts";
import { type AzureAccount, armOrigin, loginOrigin } from "./config.ts";

/** A token this close to its end is replaced. */
const renewBeforeMs = 5 * 60_000;

/** What Entra ID expects in the `aud` of a federated assertion (Entra documentation, workload-identity-federation, checked 2026-11-20). */
export const assertionAudience = "api://AzureADTokenExchange";
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const grantSchema = v.object({
  token_type: v.pipe(v.string(), v.regex(/^bearer$/i)),
  // Documented as a number; older endpoints send text.
  expires_in: v.pipe(v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number))]), v.minValue(1)),
  access_token: v.pipe(v.string(), v.minLength(1)),
});

const refusalSchema = v.object({ error: v.string(), error_codes: v.optional(v.array(v.number()), []) });

/** Entra's codes (reference-error-codes, checked 2026-11-20) to what a person should look at. */
const refusalHints: ReadonlyMap<number, string> = new Map([
  [7000215, "the client secret is wrong: use its value, not its id"],
  [7000222, "the client secret has expired: make a new one"],
  [7000216, "client secret or federated identity is needed"],
  [700016, "there is no such application in this tenant: check clientId and tenant"],
  [700021, "the federated credential's issuer, subject or audience does not match this deployment's"],
  [700211, "no federated credential names this issuer"],
  [700213, "no federated credential names this subject"],
  [700212, "no federated credential names this audience"],
  [700024, "the assertion is outside its time: check the clock"],
  [90002, "there is no such tenant"],
  [53003, "a conditional access policy forbids it"],
]);

interface Held {
  readonly token: Secret;
  readonly endsMs: EpochMs;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Passing trouble on Entra's side, which its documentation says to try again (AADSTS90033 and the OAuth code). */
function isPassing(status: number, error: string, codes: readonly number[]): boolean {
  return status >= 500 || error === "temporarily_unavailable" || codes.includes(90033);
}

export class EntraToken {
  readonly #account: AzureAccount;
  readonly #ports: ProviderPorts;
  #held: Held | null = null;
  #throttles = 0;

  constructor(account: AzureAccount, ports: ProviderPorts) {
    this.#account = account;
    this.#ports = ports;
  }

  /** At most one call to Entra. Errors: PROVIDER_AUTH, PROVIDER_THROTTLED, PROVIDER_UNAVAILABLE, PROVIDER_REJECTED. */
  async token(signal?: Signal): Promise<Result<Secret>> {
    if (this.#held !== null && this.#ports.clock.now() < this.#held.endsMs - renewBeforeMs) return ok(this.#held.token);
    this.#held = null;
    const proof = await this.#proof();
    if (!proof.ok) return proof;
    const form = { ...proof.value, scope: `${armOrigin}/.default`, grant_type: "client_credentials" };
    const request = {
      method: "POST",
      url: `${this.#account.loginEndpoint ?? loginOrigin}/${this.#account.tenant}/oauth2/v2.0/token`.replace(/([^:])\/\//, "$1/"),
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: new URLSearchParams(form).toString(),
    };
    try {
      return this.#read(await this.#ports.send(request, signal));
    } catch (thrown) {
      return { ok: false, error: transportError(this.#what(), thrown, "read") };
    }
  }

  /** Drops a token that Azure Resource Manager no longer takes. */
  forget(): void {
    this.#held = null;
  }

  #what(): string {
    return `the token for tenant ${this.#account.tenant}`;
  }

  async #proof(): Promise<Result<Readonly<Record<string, string>>>> {
    const { clientId, clientSecret, federatedToken } = this.#ports.secrets;
    if (clientId === undefined) return fail("PROVIDER_AUTH", "the credential clientId is not set; name it under the target's credentials");
    const client = { client_id: clientId.reveal() };
    if (clientSecret !== undefined) return ok({ ...client, client_secret: clientSecret.reveal() });
    const assertion = federatedToken === undefined ? await this.#askPlatform() : ok(federatedToken);
    return assertion.ok ? ok({ ...client, client_assertion_type: assertionType, client_assertion: assertion.value.reveal() }) : assertion;
  }

  async #askPlatform(): Promise<Result<Secret>> {
    const ask = this.#ports.identity;
    if (ask === undefined) {
      return fail(
        "PROVIDER_AUTH",
        "neither clientSecret nor federatedToken is set, and this platform gives no identity of its own; name one of the two under the target's credentials",
      );
    }
    try {
      return ok(await ask(assertionAudience));
    } catch (thrown) {
      if (thrown instanceof PortcullisError) return { ok: false, error: thrown };
      // What a platform says here may quote the token: it is not passed on.
      return fail("PROVIDER_UNAVAILABLE", `this platform did not give an identity token for ${assertionAudience}; the next pass asks again`);
    }
  }

  #read(response: HttpResponse): Result<Secret> {
    const body = jsonOf(response.body);
    const grant = response.status === 200 ? v.safeParse(grantSchema, body) : null;
    if (grant?.success !== true) return { ok: false, error: this.#refusal(response, body) };
    this.#throttles = 0;
    const { access_token, expires_in } = grant.output;
    this.#held = { token: new Secret(access_token), endsMs: this.#ports.clock.now() + expires_in * 1_000 };
    return ok(this.#held.token);
  }

  /** Entra's own description is left out: the codes say the same, and a description may quote what was sent. */
  #refusal(response: HttpResponse, body: unknown): PortcullisError {
    const now = this.#ports.clock.now();
    const { status } = response;
    if (status === 429) {
      this.#throttles += 1;
      const retryAtMs = retryAtOf(response.headers["retry-after"], now) ?? backoffUntil(this.#throttles, now, this.#ports.random);
      return new PortcullisError("PROVIDER_THROTTLED", `${this.#what()} was refused as too fast (429)`, {
        retryAfterSeconds: Math.max(1, Math.ceil((retryAtMs - now) / 1_000)),
      });
    }
    const refusal = v.safeParse(refusalSchema, body);
    const { error, error_codes } = refusal.success ? refusal.output : { error: "", error_codes: [] };
    if (error === "" || isPassing(status, error, error_codes))
      return new PortcullisError("PROVIDER_UNAVAILABLE", `${this.#what()} was not given: status ${status} ${error.slice(0, 60)}; the next pass asks again`);
    const codes = error_codes.map((code) => `AADSTS${code}`).join(", ");
    const hint = error_codes.map((code) => refusalHints.get(code)).find((text) => text !== undefined) ?? "check clientId, clientSecret and tenant";
    return new PortcullisError("PROVIDER_AUTH", `${this.#what()} was refused: ${error.slice(0, 60)} ${codes}; ${hint}`, { facts: { azureCode: codes } });
  }
}
