// Names what a deployment was built from, so that memory which outlives it can tell that it has been replaced.

import type { Config } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import { presetsNamed } from "../../shared/protect/index.ts";
import type { EngineMaker, PlaybookEngine } from "../events/contract.ts";

/** Changes with the configuration and with the data of the presets it uses. */
export function deploymentOf(config: Config): string {
  return fingerprint([JSON.stringify(config), JSON.stringify(presetsNamed(config.protect.presets))]);
}

/** What runs the configuration's playbooks; null: it has none. */
export function engineOf({ playbooks = [] }: Pick<Config, "playbooks">, engineMaker: EngineMaker | null): PlaybookEngine | null {
  if (playbooks.length === 0) return null;
  if (engineMaker !== null) return engineMaker(playbooks);
  throw new PortcullisError("CONFIG_INVALID", "the configuration has playbooks, and what runs them was not built in; run `npm run gen` and deploy again");
}
