// So much in so long: a window that moves. Refusing costs nothing.
export class Quota {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #taken: { readonly atMs: number; readonly count: number }[] = [];
  #sum = 0;

  constructor(limit: { readonly most: number; readonly windowMs: number }) {
    this.#most = limit.most;
    this.#windowMs = limit.windowMs;
  }

  /** Whether `count` more fit now; takes nothing. */
  fits(count: number, nowMs: number): boolean {
    for (let oldest = this.#taken[0]; oldest !== undefined && oldest.atMs + this.#windowMs <= nowMs; oldest = this.#taken[0]) {
      this.#sum -= oldest.count;
      this.#taken.shift();
    }
    return this.#sum + count <= this.#most;
  }

  take(count: number, nowMs: number): void {
    this.#sum += count;
    this.#taken.push({ atMs: nowMs, count });
  }
}
