// The token buckets of Azure Resource Manager, per subscription, principal and kind of operation.
import { azureLimits } from "./limits.ts";

export type BucketName = keyof typeof azureLimits.buckets;

export class ArmBuckets {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  /** Takes one token: how many whole ones are left, or how many seconds to wait when there was none. */
  take(key: string, name: BucketName, nowMs: number): { readonly left: number } | { readonly waitSeconds: number } {
    const { size, perSecond } = azureLimits.buckets[name];
    const bucket = this.#buckets.get(`${key} ${name}`) ?? { tokens: size, atMs: nowMs };
    bucket.tokens = Math.min(size, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1_000) * perSecond);
    bucket.atMs = Math.max(bucket.atMs, nowMs);
    this.#buckets.set(`${key} ${name}`, bucket);
    if (bucket.tokens < 1) return { waitSeconds: Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond)) };
    bucket.tokens -= 1;
    return { left: Math.floor(bucket.tokens) };
  }
}
