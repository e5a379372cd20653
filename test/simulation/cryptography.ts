// WebCrypto works in threads of its own, whose order nobody can repeat. In the simulation the same functions answer at once,
// from Node's own cryptography; laid over the global for as long as a simulation runs in this process.
import { createHash, createHmac } from "node:crypto";

const hashes: Readonly<Record<string, string>> = { "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };

type Algorithm = string | { readonly name: string; readonly hash?: string | { readonly name: string } };

/** Stands for a CryptoKey of ours; nobody looks inside. */
interface HeldKey {
  readonly secret: Buffer;
  readonly hash: string;
}

function nameOf(algorithm: Algorithm | undefined): string {
  return typeof algorithm === "string" ? algorithm : (algorithm?.name ?? "");
}

function hashNamed(algorithm: Algorithm | undefined): string {
  const hash = hashes[nameOf(algorithm).toUpperCase()];
  if (hash === undefined) throw new Error(`the simulation has no ${nameOf(algorithm)}`);
  return hash;
}

function bytesOf(data: BufferSource): Buffer {
  return data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** A copy that owns its memory, as WebCrypto gives it. */
function owned(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}

const instant = {
  digest: async (algorithm: Algorithm, data: BufferSource) => owned(createHash(hashNamed(algorithm)).update(bytesOf(data)).digest()),
  importKey: async (format: string, secret: BufferSource, algorithm: Algorithm): Promise<HeldKey> => {
    if (format !== "raw" || nameOf(algorithm) !== "HMAC" || typeof algorithm === "string") throw new Error("the simulation has raw HMAC keys only");
    return { secret: bytesOf(secret), hash: hashNamed(algorithm.hash) };
  },
  sign: async (_algorithm: Algorithm, key: HeldKey, data: BufferSource) => owned(createHmac(key.hash, key.secret).update(bytesOf(data)).digest()),
} as const;

/** Lays it over the global; call the result to take it off again. */
export function holdCryptography(): () => void {
  for (const [name, value] of Object.entries(instant)) Object.defineProperty(crypto.subtle, name, { value, configurable: true });
  return () => {
    for (const name of Object.keys(instant)) Reflect.deleteProperty(crypto.subtle, name);
  };
}
