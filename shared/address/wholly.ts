// Whether blocks leave no gap in a wider one.
import { type Cidr, compareCidrs } from "./cidr.ts";

/** Whether every address of `whole` is in one of `parts`; parts may be nested, repeated, wider, or elsewhere. */
export function isWholly(whole: Cidr, parts: readonly Cidr[]): boolean {
  const end = BigInt(`0x${whole.last}`);
  let next = BigInt(`0x${whole.first}`);
  for (const part of [...parts].sort(compareCidrs)) {
    if (part.family !== whole.family) continue;
    if (BigInt(`0x${part.first}`) > next) break;
    const after = BigInt(`0x${part.last}`) + 1n;
    if (after > next) next = after;
    if (next > end) return true;
  }
  return false;
}
