// Time for several instances at once: it moves only when nobody has anything left to do, straight to the next moment that somebody
// waits for. What is under way elsewhere (a database) is work too.
interface Waiting {
  readonly at: number;
  readonly wake: () => void;
}

const longestMs = 3_600_000;
const turnsMax = 100_000;

const turn = (): Promise<void> => new Promise((next) => setTimeout(next, 0));

export class VirtualTime {
  now: number;
  #waiting: Waiting[] = [];
  #underWay = 0;

  constructor(startMs: number) {
    this.now = startMs;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.at(this.now + Math.max(0, Math.round(ms)), wake));
  }

  at(moment: number, wake: () => void): void {
    this.#waiting.push({ at: moment, wake });
  }

  /** Time stands still until `work` has ended. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Signing is done elsewhere too: this runtime's asynchronous cryptography takes no time either. */
  holdCryptography(): void {
    for (const name of ["sign", "digest", "importKey"] as const) {
      const original = Reflect.get(SubtleCrypto.prototype, name) as (...args: unknown[]) => Promise<unknown>;
      const held = (...args: unknown[]): Promise<unknown> => this.hold(original.apply(crypto.subtle, args));
      Object.defineProperty(crypto.subtle, name, { value: held, configurable: true });
    }
  }

  async #idle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await turn();
      quiet = this.#underWay === 0 ? quiet + 1 : 0;
    }
  }

  /** To the next moment, but not beyond `last`; false: there is none. */
  async #step(last: number, isOver: () => boolean): Promise<boolean> {
    await this.#idle();
    if (isOver()) return false;
    const next = this.#waiting.reduce<Waiting | null>((first, one) => (first === null || one.at < first.at ? one : first), null);
    if (next === null || next.at > last) return false;
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.now = Math.max(this.now, next.at);
    next.wake();
    return true;
  }

  /** What `work` comes to; time passes meanwhile as it needs. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const ended = work.finally(() => {
      isOver = true;
    });
    ended.catch(() => undefined);
    const limit = this.now + longestMs;
    for (let turns = 0; !isOver; turns += 1) {
      if (turns > turnsMax) throw new Error("nobody waits for anything, and the work does not end");
      await this.#step(limit, () => isOver);
    }
    return ended;
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    while (await this.#step(end, () => false));
    this.now = end;
  }
}
