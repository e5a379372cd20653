// What earlier bulk operations taught: a batch fails whole and does not say which item was at fault, so its items travel on in
// halves while all others travel as before, until the one at fault is alone and rests. Wiped memory merely starts over.
import type { EpochMs } from "../../shared/ports.ts";
import { ours } from "./limits.ts";

export type BatchVerb = "add" | "remove";

/** A bulk operation of ours that Cloudflare accepted. */
export interface Operation {
  readonly id: string;
  readonly verb: BatchVerb;
  readonly values: readonly string[];
  readonly sentAtMs: EpochMs;
}

/** "This list is at the maximum number of items" (Lists API schema, operation.error, 2026-11-20), and like words. */
const fullWords = /maximum|too many items|quota|limit/i;

export class Batches {
  readonly #itemsMax: number;
  /** Value to the largest batch it may be in. */
  readonly #sizes = new Map<string, number>();
  readonly #refused = new Map<string, { readonly untilMs: EpochMs; readonly why: string }>();
  /** How often a value failed by itself, one time after the other: a fault of the cloud's passes, and the value rests longer each time until it does. */
  readonly #failures = new Map<string, number>();
  /** What the account can hold, which it said by refusing more; null until that is counted. */
  #full: { readonly untilMs: EpochMs; readonly items: number | null } | null = null;
  #lastVerb: BatchVerb | null = null;
  /** Whether the last batch of a verb was one under suspicion; null: there was none. */
  readonly #lastSuspect: Record<BatchVerb, boolean | null> = { add: null, remove: null };

  constructor(itemsMax: number = ours.batchItems) {
    this.#itemsMax = itemsMax;
  }

  /** Forgets what has rested long enough. */
  refresh(nowMs: EpochMs): void {
    for (const [value, { untilMs }] of this.#refused) if (untilMs <= nowMs) this.#refused.delete(value);
    if (this.#full !== null && this.#full.untilMs <= nowMs) this.#full = null;
  }

  /**
   * How many items the account was found to hold at most; null: not known. `held` is what it holds now: the first look after a refusal
   * tells its quota, and what goes later makes room again.
   */
  quotaWhere(held: number): number | null {
    if (this.#full === null) return null;
    const items = this.#full.items ?? held;
    this.#full = { ...this.#full, items };
    return items;
  }

  /** Why a value is not sent again for now; null: it may be. */
  refusalOf(value: string): string | null {
    return this.#refused.get(value)?.why ?? null;
  }

  get lastVerb(): BatchVerb | null {
    return this.#lastVerb;
  }

  get itemsMax(): number {
    return this.#itemsMax;
  }

  sent(operation: Operation): void {
    this.#lastVerb = operation.verb;
    this.#lastSuspect[operation.verb] = operation.values.some((value) => this.#sizes.has(value));
  }

  completed(operation: Operation): void {
    for (const value of operation.values) {
      this.#sizes.delete(value);
      this.#failures.delete(value);
    }
  }

  #rest(value: string, why: string, nowMs: EpochMs): void {
    const failures = this.#failures.get(value) ?? 0;
    this.#failures.set(value, failures + 1);
    this.#refused.set(value, { untilMs: nowMs + Math.min(ours.refusedMs, ours.refusedShortestMs * 4 ** failures), why });
  }

  failed(operation: Operation, why: string, nowMs: EpochMs): void {
    const [only, ...others] = operation.values;
    if (only !== undefined && others.length === 0) {
      this.#sizes.delete(only);
      // A full account is not the item's fault: less room is reported, so that the core chooses who gets it.
      if (operation.verb === "add" && fullWords.test(why)) this.#full = { untilMs: nowMs + ours.refusedMs, items: null };
      else this.#rest(only, why, nowMs);
      return;
    }
    const half = Math.max(1, Math.floor(operation.values.length / 2));
    for (const value of operation.values) this.#sizes.set(value, half);
  }

  /**
   * Cuts values, in their order, into batches of at most `itemsMax`. Values under suspicion travel apart from the others and in turn
   * with them, so that neither waits for the other to come to an end.
   */
  cut<T>(verb: BatchVerb, items: readonly T[], nameOf: (item: T) => string): readonly (readonly T[])[] {
    const fresh = chunks(
      items.filter((item) => !this.#sizes.has(nameOf(item))),
      this.#itemsMax,
    );
    const suspects = items.filter((item) => this.#sizes.has(nameOf(item)));
    const sizes = [...new Set(suspects.map((item) => this.#sizeOf(nameOf(item))))].sort((a, b) => b - a);
    const apart = sizes.flatMap((size) =>
      chunks(
        suspects.filter((item) => this.#sizeOf(nameOf(item)) === size),
        size,
      ),
    );
    return this.#lastSuspect[verb] === false ? inTurn(apart, fresh) : inTurn(fresh, apart);
  }

  #sizeOf(value: string): number {
    return this.#sizes.get(value) ?? this.#itemsMax;
  }
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

/** One of each as long as both last. */
export function inTurn<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, at) => [...first.slice(at, at + 1), ...second.slice(at, at + 1)]).flat();
}
