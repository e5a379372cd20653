// In which world a seed's history happens: which platform, which clouds, how narrow. Chosen by the seed, or named.
import { limits } from "../../shared/limits.ts";
import { storeId } from "../coordinator/world.ts";
import { awsCloud, azureCloud, cloudflareCloud } from "./clouds/index.ts";
import type { CloudUnderTest } from "./contract.ts";
import { Dice } from "./dice.ts";
import { denoPlatform } from "./platform/deno.ts";
import { workersPlatform } from "./platform/workers.ts";
import type { Scheduler } from "./scheduler.ts";
import { World } from "./world.ts";

export const platforms = ["workers", "workers-tick-only", "deno"] as const;
export type PlatformName = (typeof platforms)[number];
export const cloudNames = ["aws", "azure", "cloudflare"] as const;
export type CloudName = (typeof cloudNames)[number];

export interface Setting {
  readonly platform: PlatformName;
  readonly clouds: readonly CloudName[];
  /** Places for entries of ours, where the cloud lets one choose. */
  readonly room: "narrow" | "wide";
}

export function settingOf(seed: number): Setting {
  const dice = new Dice(seed);
  const platform = dice.pick<PlatformName>("platform", ["workers", "workers", "workers", "deno", "deno", "workers-tick-only"]);
  const clouds = dice.pick<readonly CloudName[]>("clouds", [["aws"], ["aws"], ["azure"], ["cloudflare"], ["aws", "cloudflare"], cloudNames]);
  return { platform, clouds, room: dice.pick("room", ["narrow", "wide"]) };
}

const addresses = ["198.18.7.0/24", "203.0.113.200/32", "192.0.2.0/24", "203.0.113.2/32", "2001:db8:99::/48", "2001:db8:77:1::/64"];

/** As an operator would call them. */
const targetNames = { aws: "web", azure: "hub", cloudflare: "edge" } as const satisfies Record<CloudName, string>;

function cloudOf(name: CloudName, room: Setting["room"], scheduler: Scheduler): CloudUnderTest {
  const { dice } = scheduler;
  const options = {
    name: targetNames[name],
    storeId,
    nowMs: () => scheduler.now,
    roll: (what: string) => dice.roll(`${name} ${what}`),
    at: (moment: number, what: string, work: () => void) => scheduler.at(moment, what, work),
    addresses,
  };
  const narrow = room === "narrow";
  if (name === "aws") return awsCloud({ ...options, foreign: narrow ? 14 : 4, direction: dice.pick("direction", ["ingress", "ingress", "both"]) });
  const few = narrow ? { room: 6 } : {};
  return name === "azure" ? azureCloud({ ...options, ...few }) : cloudflareCloud({ ...options, ...few });
}

export function worldOf(setting: Setting, seed: number): World {
  return new World({
    seed,
    stalenessMs: setting.platform === "deno" ? 0 : limits.workersKvStalenessMs,
    makeClouds: (scheduler) => setting.clouds.map((name) => cloudOf(name, setting.room, scheduler)),
    makePlatform: (parts) => (setting.platform === "deno" ? denoPlatform(parts) : workersPlatform(parts, setting.platform)),
  });
}
