// Links that are a credential by themselves: each is signed (HMAC-SHA256) for one question about one event, with a key of its own that is derived from
// a secret of the platform. Refuses to know what a link does; a link that was tampered with is no link, whatever part of it.
import type { Approval } from "../../shared/event/approval.ts";

/** Shorter secrets could be guessed by whoever has one link. */
const secretCharsMin = 24;
const linkPattern = /^([0-9a-f]{32})\.([0-9]{1,3})\.([0-9]{1,15})\.([0-9a-f]{32})\.([0-9a-f]{64})$/;
const hmac = { name: "HMAC", hash: "SHA-256" } as const;

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

function signedText({ id, run, until, plan }: Approval): Uint8Array<ArrayBuffer> {
  return bytes(`portcullis approve 1\n${id}\n${run}\n${until}\n${plan}`);
}

/** The key of links. The secret's other uses and this one never sign the same bytes with the same key. Null for a secret that is too short. */
export async function linkKey(secret: string): Promise<CryptoKey | null> {
  if (secret.length < secretCharsMin) return null;
  const root = await crypto.subtle.importKey("raw", bytes(secret), hmac, false, ["sign"]);
  const derived = await crypto.subtle.sign("HMAC", root, bytes("portcullis key for links 1"));
  return crypto.subtle.importKey("raw", derived, hmac, false, ["sign", "verify"]);
}

/** The last part of the link's path. */
export async function signLink(key: CryptoKey, approval: Approval): Promise<string> {
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, signedText(approval)));
  const hex = [...mac].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${approval.id}.${approval.run}.${approval.until}.${approval.plan}.${hex}`;
}

/** What a link is for; null when it was not signed by us, whatever is wrong with it. Compared in constant time by the platform. */
export async function readLink(key: CryptoKey, text: string): Promise<Approval | null> {
  const [, id = "", run = "", until = "", plan = "", mac = ""] = linkPattern.exec(text) ?? [];
  const approval = { id, run: Number(run), until: Number(until), plan };
  const signature = Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(mac.slice(2 * at, 2 * at + 2) || "0", 16));
  const isOurs = await crypto.subtle.verify("HMAC", key, signature, signedText(approval));
  return isOurs && id !== "" && signature.length * 2 === mac.length ? approval : null;
}
