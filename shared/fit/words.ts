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

/** One round of a stable counting sort; a round in which all digits are equal changes nothing and is left out. */
function sortRound(from: Int32Array, to: Int32Array, digitOf: (place: number) => number): boolean {
  const starts = new Int32Array(digit + 1);
  for (const place of from) {
    const at = digitOf(place) + 1;
    starts[at] = (starts[at] ?? 0) + 1;
  }
  if (starts.includes(from.length)) return false;
  for (let at = 1; at <= digit; at += 1) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
  for (const place of from) {
    const at = digitOf(place);
    const slot = starts[at] ?? 0;
    to[slot] = place;
    starts[at] = slot + 1;
  }
  return true;
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
  let from = Int32Array.from(own);
  let to = new Int32Array(own.length);
  const round = (digitOf: (place: number) => number): void => {
    if (sortRound(from, to, digitOf)) [from, to] = [to, from];
  };
  round((place) => lengths[place] ?? 0);
  for (let word = width - 1; word >= 0; word -= 1) {
    for (const shift of [0, 8, 16, 24]) round((place) => ((words[place * width + word] ?? 0) >>> shift) & 0xff);
  }
  return { family, order: from, words, width };
}

/** How many leading bits two places have in common. */
export function commonBits({ words, width }: Sorted, a: number, b: number): number {
  for (let word = 0; word < width; word += 1) {
    const different = (words[a * width + word] ?? 0) ^ (words[b * width + word] ?? 0);
    if (different !== 0) return word * 32 + Math.clz32(different);
  }
  return width * 32;
}
