// Watches the coordinator's lock from outside, in what is written to Deno KV: whose it is, until when, how it changed hands. Counts only.
import type { EpochMs } from "../../../shared/ports.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Commit, Mutation } from "./deno-kv.ts";
import type { PlatformLife } from "./parts.ts";

function isLock(mutation: { readonly key: readonly unknown[] }, name: string): boolean {
  return mutation.key[1] === "lock" && mutation.key[2] === name;
}

function lockUntilIn(mutation: Mutation): EpochMs {
  const value = mutation.kind === "set" ? mutation.value : null;
  return (value as { readonly lockUntil: EpochMs } | null)?.lockUntil ?? 0;
}

export class LockWatch {
  readonly #scheduler: Scheduler;
  /** Whoever took it last, and until when it holds by his word; 0: given back. */
  #holder: PlatformLife | null = null;
  #lockUntil: EpochMs = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  isHeldBy(life: PlatformLife): boolean {
    return this.#holder === life && this.#lockUntil !== 0;
  }

  get holder(): PlatformLife | null {
    return this.#lockUntil === 0 || this.#holder?.isDead === true ? null : this.#holder;
  }

  readonly committed = ({ by, mutations, failed }: Commit): void => {
    if (failed.some((check) => isLock(check, "term"))) this.#noteRefused(mutations);
    if (failed.length > 0 || by === null) return;
    const taken = mutations.some((mutation) => isLock(mutation, "term"));
    if (taken) this.#noteTaken(by);
    const until = mutations.find((mutation) => isLock(mutation, "until"));
    if (until !== undefined) this.#lockUntil = lockUntilIn(until);
    if (mutations.some((mutation) => mutation.kind === "set" && isLock(mutation, "added"))) this.#scheduler.note("accepted beside the lock");
  };

  #noteRefused(mutations: readonly Mutation[]): void {
    const isAttempt = mutations.some((mutation) => isLock(mutation, "term"));
    this.#scheduler.note(isAttempt ? "lock: two took it at once" : "lock: a write of one that had lost it was refused");
  }

  #noteTaken(by: PlatformLife): void {
    const before = this.#holder;
    if (before !== null && before !== by) {
      const wasGivenBack = this.#lockUntil === 0;
      this.#scheduler.note(wasGivenBack ? "lock changed hands" : before.isDead ? "lock taken over from the dead" : "lock taken over from one that lives");
    }
    this.#holder = by;
  }
}
