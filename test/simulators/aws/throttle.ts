// The token buckets of EC2 request throttling, per region and action (one account per simulator).
import { awsLimits } from "./limits.ts";

export type BucketName = keyof typeof awsLimits.buckets;

export class TokenBuckets {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  /** Takes one token; false when the bucket is empty. */
  take(key: string, name: BucketName, nowMs: number): boolean {
    const { size, perSecond } = awsLimits.buckets[name];
    const bucket = this.#buckets.get(key) ?? { tokens: size, atMs: nowMs };
    bucket.tokens = Math.min(size, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1_000) * perSecond);
    bucket.atMs = Math.max(bucket.atMs, nowMs);
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
