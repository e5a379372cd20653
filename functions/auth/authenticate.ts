// Turns a request into the client that sent it, or into nothing. Every failure is the same nothing: the caller of this
// module answers all of them with the same bytes. Refuses to say why, to anyone but the operator's log.
import type { ClientConfig, Config } from "../../shared/config.ts";
import type { EpochMs, Log } from "../../shared/ports.ts";
import { indexKeys, indexPathKeys, presentedKey, sha256Hex } from "./keys.ts";
import { importSecret, isSigned, type SigningKey, verifyMessage } from "./signature.ts";

export type SecretLookup = (name: string) => Promise<string | undefined>;

export interface Caller {
  readonly name: string;
  readonly client: ClientConfig;
  /** The signed message's id and time; null when a key was used. */
  readonly signed: { readonly id: string; readonly at: EpochMs } | null;
}

export interface Attempt {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly now: EpochMs;
  /** What a signed body's `type` must say; null where signatures are never accepted. */
  readonly operation: string | null;
}

export interface Authenticator {
  authenticate(attempt: Attempt): Promise<Caller | null>;
  /** The query token of the 2017 API, for its one client only. */
  authenticateToken(token: string, headers: Headers): Promise<Caller | null>;
  /** The access key of a Firehose stream: a client's key in Firehose's own header, on its own route. */
  authenticateFirehose(headers: Headers): Promise<Caller | null>;
  /** The secret in the path of a URL, which is none of the keys that headers carry. */
  authenticatePath(secret: string, headers: Headers): Promise<Caller | null>;
}

interface AuthenticatorParts {
  readonly config: Config;
  readonly secrets: SecretLookup;
  readonly log: Log;
}

/** The body's own `type`, read without trusting anything else in it. */
function bodyType(body: Uint8Array): string | null {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
    const type = Object.entries(parsed).find(([name]) => name === "type")?.[1];
    return typeof type === "string" ? type : null;
  } catch {
    return null;
  }
}

/** Imports each client's signing secrets when they are first needed; a value that changed is imported anew. */
function createKeyring({ config, secrets, log }: AuthenticatorParts): () => Promise<readonly SigningKey[]> {
  // Only finished keys are kept: on Workers a promise of one request must not be awaited by another.
  const imported = new Map<string, { readonly secret: string; readonly key: CryptoKey | null }>();
  return async () => {
    const keys: SigningKey[] = [];
    for (const [client, { secrets: names }] of Object.entries(config.clients)) {
      for (const name of names) {
        const secret = await secrets(name);
        if (secret === undefined) {
          log({ level: "error", event: "auth.secret_missing", code: "CONFIG_INVALID", client, secret: name });
          continue;
        }
        let entry = imported.get(name);
        if (entry?.secret !== secret) {
          entry = { secret, key: await importSecret(secret) };
          imported.set(name, entry);
          if (entry.key === null) log({ level: "error", event: "auth.secret_unusable", code: "CONFIG_INVALID", client, secret: name });
        }
        if (entry.key !== null) keys.push({ client, key: entry.key });
      }
    }
    return keys;
  };
}

export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { config } = parts;
  const byDigest = indexKeys(config);
  const byPathDigest = indexPathKeys(config);
  const isAlone = (headers: Headers) => presentedKey(headers).kind === "none" && !isSigned(headers);
  const keyring = createKeyring(parts);
  const callerNamed = (name: string | undefined, signed: Caller["signed"]): Caller | null => {
    if (name === undefined || !Object.hasOwn(config.clients, name)) return null;
    const client = config.clients[name];
    return client === undefined ? null : { name, client, signed };
  };

  async function bySignature(attempt: Attempt): Promise<Caller | null> {
    const verified = await verifyMessage({ ...attempt, keys: await keyring() });
    const type = bodyType(attempt.body);
    const bound = attempt.operation !== null && type === attempt.operation;
    return verified !== null && bound ? callerNamed(verified.client, { id: verified.id, at: verified.at }) : null;
  }

  return {
    async authenticate(attempt) {
      const presented = presentedKey(attempt.headers);
      if (isSigned(attempt.headers)) {
        const caller = await bySignature(attempt);
        return presented.kind === "none" ? caller : null;
      }
      const digest = await sha256Hex(presented.kind === "key" ? presented.key : "");
      const name = byDigest.get(digest);
      return presented.kind === "key" ? callerNamed(name, null) : null;
    },

    async authenticateToken(token, headers) {
      const digest = await sha256Hex(token);
      const name = config.blacklistip?.client;
      const caller = callerNamed(name, null);
      return caller?.client.keys.includes(digest) === true && isAlone(headers) ? caller : null;
    },

    async authenticateFirehose(headers) {
      const name = byDigest.get(await sha256Hex(headers.get("x-amz-firehose-access-key") ?? ""));
      return headers.has("x-amz-firehose-access-key") && isAlone(headers) ? callerNamed(name, null) : null;
    },

    async authenticatePath(secret, headers) {
      const name = byPathDigest.get(await sha256Hex(secret));
      return isAlone(headers) ? callerNamed(name, null) : null;
    },
  };
}
