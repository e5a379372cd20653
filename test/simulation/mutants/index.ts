// All mutants, in the order of what they come from.
import type { Mutant } from "./mutant.ts";
import { peersMutants } from "./peers.ts";

export const mutants: readonly Mutant[] = [...peersMutants];
