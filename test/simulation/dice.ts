// Chance that can be repeated. Every draw belongs to a label, and the nth draw of a label is the same whatever other labels draw:
// so a history stays what it was when a part of it is left out, and a failing one can be made shorter.

/** 32 bits that look random (the finaliser of MurmurHash3). */
function mixed(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hashOf(text: string, seed: number): number {
  let hash = mixed(seed ^ 0x9e3779b9);
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

export class Dice {
  readonly #seed: number;
  readonly #draws = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** From 0 up to 1. */
  roll(label: string): number {
    const draw = (this.#draws.get(label) ?? 0) + 1;
    this.#draws.set(label, draw);
    return mixed(hashOf(label, this.#seed) ^ Math.imul(draw, 0x27d4eb2f)) / 2 ** 32;
  }

  chance(label: string, probability: number): boolean {
    return this.roll(label) < probability;
  }

  /** A whole number, both ends included. */
  between(label: string, min: number, max: number): number {
    return min + Math.floor(this.roll(label) * (max - min + 1));
  }

  pick<T>(label: string, options: readonly T[]): T {
    const chosen = options[Math.floor(this.roll(label) * options.length)];
    if (chosen === undefined) throw new Error(`nothing to choose from for ${label}`);
    return chosen;
  }

  bytes(label: string, count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.between(label, 0, 255));
  }
}
