// Blocks of one family as 32-bit words in address order, so that hundreds of thousands can be sorted and compared in milliseconds.
import type { Cidr, Family } from "../address/index.ts";

export interface Sorted {
  readonly family: Family;
  /** Places in the input, in the order of `compareCidrs`; equal blocks stay in the order of the input. */
  readonly order: Int32Array;
  /** First addresses by place in the input, `width` words each. */
  readonly words: Uint32Array;
  readonly width: number;
}

const digit = 256;

/** A stable sort of places by one key each, both moved together so that memory is read in order; 8 bits a round, least first. */
class KeySort {
  places: Int32Array;
  #keys: Uint32Array;
  #spareKeys: Uint32Array;
  #sparePlaces: Int32Array;

  constructor(places: Int32Array) {
    this.places = places;
    this.#keys = new Uint32Array(places.length);
    this.#spareKeys = new Uint32Array(places.length);
    this.#sparePlaces = new Int32Array(places.length);
  }

  sortBy(keyOf: Uint32Array | Uint8Array, stride: number, offset: number, bits: 8 | 32): void {
    const { places } = this;
    for (let at = 0; at < places.length; at += 1) this.#keys[at] = keyOf[(places[at] ?? 0) * stride + offset] ?? 0;
    for (let shift = 0; shift < bits; shift += 8) this.#round(shift);
  }

  #round(shift: number): void {
    const [keys, places, toKeys, toPlaces] = [this.#keys, this.places, this.#spareKeys, this.#sparePlaces];
    const starts = new Int32Array(digit + 1);
    for (const key of keys) {
      const at = ((key >>> shift) & 0xff) + 1;
      starts[at] = (starts[at] ?? 0) + 1;
    }
    // All alike: nothing moves.
    if (starts.includes(keys.length)) return;
    for (let at = 1; at <= digit; at += 1) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
    for (let from = 0; from < keys.length; from += 1) {
      const key = keys[from] ?? 0;
      const at = (key >>> shift) & 0xff;
      const to = starts[at] ?? 0;
      toKeys[to] = key;
      toPlaces[to] = places[from] ?? 0;
      starts[at] = to + 1;
    }
    [this.#keys, this.places, this.#spareKeys, this.#sparePlaces] = [toKeys, toPlaces, keys, places];
  }
}

function readWords(items: readonly { readonly cidr: Cidr }[], family: Family, width: number): Uint32Array {
  const words = new Uint32Array(items.length * width);
  items.forEach(({ cidr }, place) => {
    if (cidr.family !== family) return;
    for (let word = 0; word < width; word += 1) words[place * width + word] = Number.parseInt(cidr.first.slice(word * 8, word * 8 + 8), 16);
  });
  return words;
}

/** The items of one family in address order, a wider block before what is inside it. */
export function sortBlocks(items: readonly { readonly cidr: Cidr }[], family: Family): Sorted {
  const width = family === 4 ? 1 : 4;
  const lengths = new Uint8Array(items.length);
  const own: number[] = [];
  items.forEach(({ cidr }, place) => {
    lengths[place] = cidr.length;
    if (cidr.family === family) own.push(place);
  });
  const words = readWords(items, family, own.length === 0 ? 0 : width);
  const sort = new KeySort(Int32Array.from(own));
  sort.sortBy(lengths, 1, 0, 8);
  for (let word = width - 1; word >= 0; word -= 1) sort.sortBy(words, width, word, 32);
  return { family, order: sort.places, words, width };
}

/** How many leading bits two places have in common. */
export function commonBits({ words, width }: Sorted, a: number, b: number): number {
  for (let word = 0; word < width; word += 1) {
    const different = (words[a * width + word] ?? 0) ^ (words[b * width + word] ?? 0);
    if (different !== 0) return word * 32 + Math.clz32(different);
  }
  return width * 32;
}
