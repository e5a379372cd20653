// All mutants, in the order of what they come from.
import { applyingMutants } from "./applying.ts";
import { cloudsMutants } from "./clouds.ts";
import type { Mutant } from "./mutant.ts";
import { peersMutants } from "./peers.ts";
import { placingMutants } from "./placing.ts";
import { platformMutants } from "./platform.ts";
import { recordsMutants } from "./records.ts";
import { sayingMutants } from "./saying.ts";
import { spillingMutants } from "./spilling.ts";
import { stoppingMutants } from "./stopping.ts";

export const mutants: readonly Mutant[] = [
  ...peersMutants,
  ...recordsMutants,
  ...placingMutants,
  ...spillingMutants,
  ...applyingMutants,
  ...stoppingMutants,
  ...platformMutants,
  ...cloudsMutants,
  ...sayingMutants,
];
