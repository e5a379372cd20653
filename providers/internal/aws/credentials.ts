// Which keys sign a call: the configured ones, or a role's, assumed by those or by the platform's identity, with a session policy
// that names what the target is and no more.
// A role's keys live in this object until five minutes before they end; they are never stored, logged or put into an error.
import { fail, ok, type Result } from "../../../shared/errors.ts";
import type { EpochMs, Signal } from "../../../shared/ports.ts";
import type { ProviderPorts } from "../../../shared/provider.ts";
import { backoffUntil } from "../backoff.ts";
import { transportError } from "../transport-error.ts";
import type { AssumeRole, AwsAccount } from "./account.ts";
import { readError } from "./failures.ts";
import { sendCall } from "./query.ts";
import type { AwsKeys } from "./sign.ts";
import { childOf, textOf, type XmlNode } from "./xml.ts";

/** Keys this close to their end are replaced. */
const renewBeforeMs = 5 * 60_000;

/** `run` keeps to what the function needs; `setup` may also claim. */
export type Purpose = "run" | "setup";

interface Session {
  readonly keys: AwsKeys;
  readonly endsMs: EpochMs;
}

/** What STS takes as audience of a token unless the identity provider says otherwise (Deno docs, deploy/reference/cloud_connections, 2026). */
const audience = "sts.amazonaws.com";

function readSession(root: XmlNode, action: string): Session | null {
  const node = childOf(childOf(root, `${action}Result`), "Credentials");
  const accessKeyId = textOf(node, "AccessKeyId");
  const secretAccessKey = textOf(node, "SecretAccessKey");
  const sessionToken = textOf(node, "SessionToken");
  const endsMs = Date.parse(textOf(node, "Expiration") ?? "");
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(endsMs)) return null;
  return { keys: { accessKeyId, secretAccessKey, sessionToken }, endsMs };
}

function noIdentity(): Result<AwsKeys> {
  const remedy = "on a laptop, name accessKeyId and secretAccessKey under the target's credentials and set them in your environment";
  return fail("PROVIDER_AUTH", `assumeRole.webIdentity needs a platform that issues identity tokens, such as Deno Deploy, and this is none; ${remedy}`);
}

/** Which kind asks, and how it narrows whatever the role may do (STS: the session has the intersection). */
export interface Asker {
  readonly kind: string;
  readonly sessionPolicy: (role: AssumeRole, purpose: Purpose) => string;
}

export class Credentials {
  readonly #account: AwsAccount;
  readonly #asker: Asker;
  readonly #ports: ProviderPorts;
  readonly #sessions = new Map<Purpose, Session>();
  #failures = 0;

  constructor(account: AwsAccount, asker: Asker, ports: ProviderPorts) {
    this.#account = account;
    this.#asker = asker;
    this.#ports = ports;
  }

  /** Keys for one call; makes at most one STS call. Errors: PROVIDER_AUTH, PROVIDER_THROTTLED, PROVIDER_UNAVAILABLE, PROVIDER_REJECTED. */
  async keysFor(purpose: Purpose, signal?: Signal): Promise<Result<AwsKeys>> {
    const own = this.#configured();
    const role = this.#account.assumeRole;
    const byIdentity = role?.webIdentity === true;
    if (byIdentity && this.#ports.identity === undefined) return own.ok ? own : noIdentity();
    if (role === undefined || (!own.ok && !byIdentity)) return own;
    const session = this.#sessions.get(purpose);
    if (session !== undefined && this.#ports.clock.now() < session.endsMs - renewBeforeMs) return ok(session.keys);
    return this.#assume(role, byIdentity || !own.ok ? null : own.value, purpose, signal);
  }

  /** Forgets a role's keys after the cloud refused them, so that the next call asks for new ones. */
  forget(): void {
    this.#sessions.clear();
  }

  #configured(): Result<AwsKeys> {
    const { accessKeyId, secretAccessKey, sessionToken } = this.#ports.secrets;
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      return fail("PROVIDER_AUTH", "accessKeyId and secretAccessKey are not set; name both under the target's credentials and set the platform's secrets");
    }
    return ok({ accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal(), sessionToken: sessionToken?.reveal() ?? null });
  }

  /** `own` null: by the platform's identity. */
  async #assume(role: AssumeRole, own: AwsKeys | null, purpose: Purpose, signal?: Signal): Promise<Result<AwsKeys>> {
    const action = own === null ? "AssumeRoleWithWebIdentity" : "AssumeRole";
    const what = `${action} of ${role.roleArn}`;
    const common = {
      RoleArn: role.roleArn,
      RoleSessionName: role.sessionName,
      DurationSeconds: String(role.durationSeconds),
      Policy: this.#asker.sessionPolicy(role, purpose),
    };
    try {
      const parameters = { ...common, ...(await this.#proofOf(role, own)) };
      const answer = await sendCall(this.#ports, this.#account, own, { service: "sts", action, parameters }, signal);
      const now = this.#ports.clock.now();
      if (answer.kind === "ok") return this.#remember(what, purpose, readSession(answer.root, action));
      this.#failures += 1;
      const retryAtMs = (answer.kind === "error" ? answer.retryAtMs : null) ?? backoffUntil(this.#failures, now, this.#ports.random);
      return { ok: false, error: readError(what, answer, { kind: this.#asker.kind, retryAtMs, nowMs: now }) };
    } catch (thrown) {
      return { ok: false, error: transportError(what, thrown, "read") };
    }
  }

  /** What STS wants to see besides a signature, or in its place. Throws when the platform gives no token. */
  async #proofOf(role: AssumeRole, own: AwsKeys | null): Promise<Readonly<Record<string, string>>> {
    if (own !== null) return role.externalId === undefined ? {} : { ExternalId: role.externalId };
    const token = await this.#ports.identity?.(audience);
    return { WebIdentityToken: token?.reveal() ?? "" };
  }

  #remember(what: string, purpose: Purpose, session: Session | null): Result<AwsKeys> {
    if (session === null) return fail("PROVIDER_UNAVAILABLE", `${what} answered without usable credentials; check the stsEndpoint and any proxy on the way`);
    this.#failures = 0;
    this.#sessions.set(purpose, session);
    return ok(session.keys);
  }
}
