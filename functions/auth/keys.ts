// Finds the client that a presented key belongs to. Only digests are known here: the config holds SHA-256 of each key.
// Refuses to compare keys themselves, so there is nothing whose comparison could take more or less time.
import type { Config } from "../../shared/config.ts";

/** What the headers present: nothing, one key, or something that is not a key or contradicts itself. */
export type PresentedKey = { readonly kind: "none" } | { readonly kind: "key"; readonly key: string } | { readonly kind: "malformed" };

const malformed: PresentedKey = { kind: "malformed" };
const bearer = /^Bearer +([!-~]+)$/i;
const basic = /^Basic +([A-Za-z0-9+/]+={0,2})$/i;
const plain = /^[!-~]+$/;

/** Digest to client name. Keys of the query-token client are left out: they end up in logs, so they open one route only. */
export function indexKeys(config: Config): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const [name, client] of Object.entries(config.clients)) {
    if (name === config.blacklistip?.client) continue;
    for (const digest of client.keys) index.set(digest, name);
  }
  return index;
}

/** Digest to client name, of the secrets that stand in a path. They open that one route, and no key opens it. */
export function indexPathKeys(config: Config): ReadonlyMap<string, string> {
  return new Map(Object.entries(config.clients).flatMap(([name, { pathKeys = [] }]) => pathKeys.map((digest): [string, string] => [digest, name])));
}

function basicPassword(encoded: string): string | null {
  try {
    const decoded = atob(encoded);
    const colon = decoded.indexOf(":");
    return colon === -1 ? null : decoded.slice(colon + 1);
  } catch {
    return null;
  }
}

function fromAuthorization(header: string): string | null {
  const token = bearer.exec(header)?.[1];
  if (token !== undefined) return token;
  const encoded = basic.exec(header)?.[1];
  return encoded === undefined ? null : basicPassword(encoded);
}

/** Reads `Authorization: Bearer`, the password of `Authorization: Basic`, and `X-API-Key`. Two that differ are malformed. */
export function presentedKey(headers: Headers): PresentedKey {
  const authorization = headers.get("authorization");
  const apiKey = headers.get("x-api-key");
  if (authorization === null && apiKey === null) return { kind: "none" };
  const first = authorization === null ? null : fromAuthorization(authorization);
  if (authorization !== null && (first === null || !plain.test(first))) return malformed;
  if (apiKey !== null && !plain.test(apiKey)) return malformed;
  if (first !== null && apiKey !== null && first !== apiKey) return malformed;
  return { kind: "key", key: first ?? apiKey ?? "" };
}

/** SHA-256 as lower-case hex. */
export async function sha256Hex(text: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
