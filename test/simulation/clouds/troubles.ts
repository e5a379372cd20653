// The queue of troubles of one cloud: which meets the next call, and whether that call is left hanging. Knows no cloud's mishaps.
import type { CloudTrouble } from "../contract.ts";

/** Troubles that meet one call. */
export type CallTrouble = Extract<CloudTrouble, { readonly kind: "throttle" | "error" | "drop" | "garbage" | "hang" }>;

export class Troubles {
  #queue: { readonly call: string | null; readonly trouble: CallTrouble }[] = [];
  #isHanging = false;

  add(call: string | null, trouble: CallTrouble): void {
    this.#queue.push({ call, trouble });
  }

  /** What meets a call of that name; null: nothing does. */
  take(call: string): CallTrouble | null {
    const at = this.#queue.findIndex((one) => one.call === null || one.call === call);
    const found = at === -1 ? null : (this.#queue.splice(at, 1)[0]?.trouble ?? null);
    this.#isHanging = found?.kind === "hang";
    return found;
  }

  /** Answers a request; `hang` in place of the closed connection when that was its trouble. */
  around<T>(respond: () => T | null): T | null | "hang" {
    this.#isHanging = false;
    const reply = respond();
    return reply === null && this.#isHanging ? "hang" : reply;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  clear(): void {
    this.#queue = [];
  }
}
