// In which world a seed's history happens: which platform, which clouds, how narrow. Chosen by the seed, or named.
import { limits } from "../../shared/limits.ts";
import { storeId } from "../coordinator/world.ts";
import type { Spills } from "./chain.ts";
import { awsCloud, azureCloud, cloudflareCloud } from "./clouds/index.ts";
import type { CloudUnderTest } from "./contract.ts";
import { Dice } from "./dice.ts";
import { denoPlatform } from "./platform/deno.ts";
import { workersPlatform } from "./platform/workers.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Crowd } from "./script.ts";
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
  /** Where what finds no room stands: `chain`, at the next cloud; `fan-in`, all at the last one. The first is narrow then. Left out: nowhere. */
  readonly spill?: "chain" | "fan-in";
  /** How late, in milliseconds, what a life had sent may come in after its end. Left out: as fast as anything. Chosen by no seed. */
  readonly lateMs?: number;
  /** How long, in milliseconds, every cloud thinks before it takes up a call, at most. Left out: as quick as the way there. */
  readonly slowMs?: number;
}

/** Ten steps of a pass, one after the other, stay well below the time that the oracle gives one. */
const slowMsUsual = 2_500;

export function settingOf(seed: number): Setting {
  const dice = new Dice(seed);
  const platform = dice.pick<PlatformName>("platform", ["workers", "workers", "workers", "deno", "deno", "workers-tick-only"]);
  const clouds = dice.pick<readonly CloudName[]>("clouds", [["aws"], ["aws"], ["azure"], ["cloudflare"], ["aws", "cloudflare"], cloudNames]);
  const room = dice.pick<Setting["room"]>("room", ["narrow", "wide"]);
  const spill = clouds.length > 1 ? dice.pick("spill", [null, "chain", "chain", "fan-in"] as const) : null;
  const slow = dice.chance("slow clouds", 0.1) ? { slowMs: slowMsUsual } : {};
  return { platform, clouds, room, ...(spill === null ? {} : { spill }), ...slow };
}

export function crowdOf({ spill }: Setting): Crowd {
  return spill === undefined ? "few" : "many";
}

function spillsOf({ clouds, spill }: Setting): Spills {
  if (spill === undefined) return {};
  const names = clouds.map((cloud) => targetNames[cloud]);
  return Object.fromEntries(names.slice(0, -1).map((name, index) => [name, names[spill === "chain" ? index + 1 : names.length - 1] ?? ""]));
}

const addresses = ["198.18.7.0/24", "203.0.113.200/32", "192.0.2.0/24", "203.0.113.2/32", "2001:db8:99::/48", "2001:db8:77:1::/64"];

/** As an operator would call them. */
const targetNames = { aws: "web", azure: "hub", cloudflare: "edge" } as const satisfies Record<CloudName, string>;

/** Places for entries of ours; of an ACL, in each family. Where a narrow one spills, a few blocks already fill it and the next. */
function placesOf({ clouds, room, spill }: Setting, name: CloudName): number | null {
  if (spill === undefined) return room === "narrow" ? 6 : null;
  return name === clouds[0] || room === "narrow" ? 3 : null;
}

function cloudOf(name: CloudName, places: number | null, scheduler: Scheduler): CloudUnderTest {
  const { dice } = scheduler;
  const options = {
    name: targetNames[name],
    storeId,
    nowMs: () => scheduler.now,
    roll: (what: string) => dice.roll(`${name} ${what}`),
    at: (moment: number, what: string, work: () => void) => scheduler.at(moment, what, work),
    addresses,
  };
  if (name === "aws")
    return awsCloud({ ...options, foreign: places === null ? 4 : 20 - places, direction: dice.pick("direction", ["ingress", "ingress", "both"]) });
  const few = places === null ? {} : { room: places };
  return name === "azure" ? azureCloud({ ...options, ...few }) : cloudflareCloud({ ...options, ...few });
}

export function worldOf(setting: Setting, seed: number): World {
  const world = new World({
    seed,
    stalenessMs: setting.platform === "deno" ? 0 : limits.workersKvStalenessMs,
    makeClouds: (scheduler) => setting.clouds.map((name) => cloudOf(name, placesOf(setting, name), scheduler)),
    spills: spillsOf(setting),
    makePlatform: (parts) => (setting.platform === "deno" ? denoPlatform(parts) : workersPlatform(parts, setting.platform)),
  });
  world.scheduler.lateMs = setting.lateMs ?? 0;
  world.slowMs = setting.slowMs ?? 0;
  return world;
}
