// Names what a deployment was built from, so that memory which outlives it can tell that it has been replaced.
import type { Config } from "../../shared/config.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import { presetsNamed } from "../../shared/protect/index.ts";

/** Changes with the configuration and with the data of the presets it uses. */
export function deploymentOf(config: Config): string {
  return fingerprint([JSON.stringify(config), JSON.stringify(presetsNamed(config.protect.presets))]);
}
