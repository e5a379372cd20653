// Whether two prefixes meet, by the simulators' own arithmetic: the judge of what stands must not share the product's address algebra.
import { readPrefix } from "../../simulators/azure/prefixes.ts";

export function meet(a: string, b: string): boolean {
  const [one, other] = [readPrefix(a), readPrefix(b)];
  if (one === null || other === null) throw new Error(`${a} or ${b} is no canonical prefix`);
  if (one.family !== other.family) return false;
  const shift = BigInt((one.family === 4 ? 32 : 128) - Math.min(one.length, other.length));
  return one.value >> shift === other.value >> shift;
}
