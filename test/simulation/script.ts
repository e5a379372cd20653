// What happens in one simulated history, as data: a list of actions, each after a pause. Made from a seed; a failing one can be cut
// shorter and kept. Everything an action chooses stands in it, so that leaving out one changes no other.
import type { Severity } from "../../shared/config.ts";
import type { CloudTrouble, HumanDeed, PlatformDeed } from "./contract.ts";
import { Dice } from "./dice.ts";

export const callers = ["detector", "sensor", "script"] as const;
export type Caller = (typeof callers)[number];

export type Action = { readonly afterMs: number } & (
  | {
      readonly do: "block";
      readonly by: Caller;
      readonly ips: readonly string[];
      readonly forMs: number;
      readonly severity: Severity;
      readonly at: number | null;
      readonly wait: number;
    }
  | { readonly do: "alerts"; readonly by: Caller; readonly ips: readonly string[]; readonly severity: Severity }
  | { readonly do: "repeat" }
  | { readonly do: "feed" }
  | { readonly do: "lift"; readonly ip: string; readonly exemptMs: number | null }
  | { readonly do: "read"; readonly ip: string }
  | { readonly do: "hostile"; readonly how: "no-key" | "wrong-key" | "replayed" | "wrong-scope" | "tampered"; readonly ip: string }
  | { readonly do: "platform"; readonly deed: PlatformDeed }
  | { readonly do: "skip-ticks"; readonly ms: number }
  | { readonly do: "double-tick" }
  | { readonly do: "break-store"; readonly ms: number }
  /** A record that cannot be read, records that are lost, a store without its id. */
  | { readonly do: "spoil-record"; readonly ms: number }
  | { readonly do: "lose-records"; readonly most: number }
  | { readonly do: "unname-store"; readonly ms: number }
  /** Clocks of what starts from now on are off; undone after a while. */
  | { readonly do: "skew"; readonly offsetMs: number; readonly ms: number }
  | { readonly do: "spoil"; readonly cloud: number; readonly call: number | null; readonly trouble: CloudTrouble }
  | { readonly do: "storm"; readonly cloud: number; readonly calls: number }
  | { readonly do: "lag"; readonly cloud: number; readonly share: number }
  | { readonly do: "operation"; readonly cloud: number; readonly ms: number }
  | { readonly do: "revoke"; readonly cloud: number; readonly ms: number }
  | { readonly do: "quota"; readonly cloud: number; readonly entries: number }
  | { readonly do: "human"; readonly cloud: number; readonly deed: HumanDeed }
  | { readonly do: "foreign-store"; readonly cloud: number; readonly ms: number }
  | { readonly do: "deploy"; readonly change: Deployment }
  | { readonly do: "stop"; readonly action: "freeze" | "drain"; readonly cloud: number | null; readonly ms: number }
);

/** What a redeployment changes. */
export type Deployment =
  | { readonly kind: "protect"; readonly range: string; readonly ms: number }
  | { readonly kind: "max-entries"; readonly cloud: number; readonly entries: number | null }
  | { readonly kind: "observe"; readonly cloud: number; readonly ms: number }
  | { readonly kind: "same" };

export interface Script {
  readonly seed: number;
  readonly actions: readonly Action[];
}

const minute = 60_000;
const severities: readonly Severity[] = ["low", "medium", "medium", "medium", "high", "critical"];
/** Few addresses, so that detectors meet; prefixes that hold them, and their own neighbours. */
const hosts = [
  "203.0.113.1",
  "203.0.113.2",
  "203.0.113.3",
  "203.0.113.5",
  "203.0.113.9",
  "192.0.2.77",
  "2001:db8:1::1",
  "2001:db8:1:0:5::9",
  "2001:db8:2::7",
] as const;
const prefixes = ["203.0.113.0/30", "203.0.113.0/29", "203.0.113.8/31", "2001:db8::/47"] as const;
const deeds: readonly PlatformDeed[] = ["kill", "kill", "kill", "evict", "duplicate", "wipe", "unreachable"];
const humanDeeds: readonly HumanDeed[] = [
  "add-foreign",
  "edit-foreign",
  "remove-foreign",
  "add-in-our-place",
  "edit-ours",
  "remove-ours",
  "disarm",
  "rearm",
  "rearm",
];

type Maker = (dice: Dice, crowd: Crowd) => DistributiveOmit<Action, "afterMs">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function troubleOf(dice: Dice): CloudTrouble {
  const kind = dice.pick("trouble", ["throttle", "error", "drop", "garbage", "hang", "busy", "failing", "poison"] as const);
  if (kind === "throttle") return { kind, retryAfterSeconds: dice.pick("retry after", [null, 1, 20, 90]) };
  if (kind === "busy") return { kind, ms: dice.between("busy", 1_000, 90_000) };
  if (kind === "failing") return { kind };
  if (kind === "poison") return { kind, cidr: dice.pick("poison", [null, "203.0.113.3/32"]) };
  return { kind, committed: dice.chance("committed", 0.5) };
}

function deploymentOf(dice: Dice): Deployment {
  const kind = dice.pick("deployment", ["protect", "protect", "max-entries", "observe", "same"] as const);
  const cloud = dice.between("cloud", 0, 2);
  if (kind === "protect")
    return { kind, range: dice.pick("range", ["203.0.113.2/32", "203.0.113.8/29", "2001:db8:1::/48"]), ms: dice.between("for", 1, 30) * minute };
  if (kind === "max-entries") return { kind, cloud, entries: dice.pick("entries", [null, 1, 3]) };
  return kind === "observe" ? { kind, cloud, ms: dice.between("for", 1, 15) * minute } : { kind };
}

/** How often throwaway addresses fill what room there is: where targets spill, that is what it is about. */
const throwawayShare = { few: 0.08, many: 0.3 } as const;
export type Crowd = keyof typeof throwawayShare;

function addresses(dice: Dice, crowd: Crowd): readonly string[] {
  const count = dice.pick("how many", [1, 1, 1, 2, 4]);
  const one = () => (dice.chance("a prefix", 0.2) ? dice.pick("prefix", prefixes) : dice.pick("host", hosts));
  const many = dice.chance("throwaway", throwawayShare[crowd]);
  return many ? Array.from({ length: 12 }, () => `192.0.2.${dice.between("throwaway", 100, 200)}`) : [...new Set(Array.from({ length: count }, one))];
}

const cloudOf = (dice: Dice) => dice.between("cloud", 0, 2);
const minutesOf = (dice: Dice, most: number) => dice.between("minutes", 1, most) * minute;

/** Kinds of actions with their weights. */
const makers: readonly (readonly [number, Maker])[] = [
  [
    22,
    (dice, crowd) => ({
      do: "block",
      by: dice.pick("caller", callers),
      ips: addresses(dice, crowd),
      forMs: minutesOf(dice, 20),
      severity: dice.pick("severity", severities),
      at: dice.chance("some targets", 0.15) ? cloudOf(dice) : null,
      wait: dice.pick("wait", [0, 0, 5, 10]),
    }),
  ],
  [
    8,
    (dice, crowd) => ({
      do: "alerts",
      by: dice.pick("caller", ["detector", "sensor"]),
      ips: addresses(dice, crowd),
      severity: dice.pick("severity", severities),
    }),
  ],
  [5, () => ({ do: "repeat" })],
  [
    5,
    (dice) => ({
      do: "lift",
      ip: dice.chance("a prefix", 0.3) ? dice.pick("prefix", prefixes) : dice.pick("host", hosts),
      exemptMs: dice.pick("exempt", [null, null, minute, 10 * minute]),
    }),
  ],
  [8, (dice) => ({ do: "read", ip: dice.pick("host", hosts) })],
  [1, () => ({ do: "feed" })],
  [3, (dice) => ({ do: "hostile", how: dice.pick("how", ["no-key", "wrong-key", "replayed", "wrong-scope", "tampered"]), ip: dice.pick("host", hosts) })],
  [12, (dice) => ({ do: "platform", deed: dice.pick("deed", deeds) })],
  [2, (dice) => ({ do: "skip-ticks", ms: dice.pick("length", [2, 10, 60, 180]) * minute })],
  [3, () => ({ do: "double-tick" })],
  [2, (dice) => ({ do: "break-store", ms: dice.pick("length", [2_000, 30_000, 4 * minute]) })],
  [2, (dice) => ({ do: "skew", offsetMs: dice.pick("offset", [-600_000, -50_000, -4_000, 4_000, 50_000, 600_000]), ms: minutesOf(dice, 8) })],
  [12, (dice) => ({ do: "spoil", cloud: cloudOf(dice), call: dice.chance("any call", 0.5) ? null : dice.between("call", 0, 11), trouble: troubleOf(dice) })],
  [2, (dice) => ({ do: "storm", cloud: cloudOf(dice), calls: dice.between("calls", 3, 12) })],
  [2, (dice) => ({ do: "lag", cloud: cloudOf(dice), share: dice.roll("share") })],
  [2, (dice) => ({ do: "operation", cloud: cloudOf(dice), ms: dice.pick("length", [0, 2_000, 12_000, 40_000]) })],
  [2, (dice) => ({ do: "revoke", cloud: cloudOf(dice), ms: minutesOf(dice, 12) })],
  [2, (dice) => ({ do: "quota", cloud: cloudOf(dice), entries: dice.pick("entries", [8, 12, 16, 18]) })],
  [9, (dice) => ({ do: "human", cloud: cloudOf(dice), deed: dice.pick("human", humanDeeds) })],
  [1, (dice) => ({ do: "foreign-store", cloud: cloudOf(dice), ms: minutesOf(dice, 10) })],
  [4, (dice) => ({ do: "deploy", change: deploymentOf(dice) })],
  [
    2,
    (dice) => ({ do: "stop", action: dice.pick("stop", ["freeze", "drain"]), cloud: dice.chance("all", 0.4) ? null : cloudOf(dice), ms: minutesOf(dice, 6) }),
  ],
];

/** What hardly ever happens, in place of something usual. */
const rareShare = 0.006;
const rareMakers: readonly Maker[] = [
  (dice) => ({ do: "spoil-record", ms: minutesOf(dice, 20) }),
  (dice) => ({ do: "lose-records", most: dice.pick("most", [1, 2, 8]) }),
  (dice) => ({ do: "unname-store", ms: minutesOf(dice, 20) }),
];

const weightOfAll = makers.reduce((sum, [weight]) => sum + weight, 0);

function pauseMs(dice: Dice): number {
  const kind = dice.roll("kind of pause");
  if (kind < 0.45) return dice.between("pause", 0, 300);
  if (kind < 0.75) return dice.between("pause", 300, 15_000);
  return kind < 0.97 ? dice.between("pause", 15_000, 3 * minute) : dice.between("pause", 3 * minute, 12 * minute);
}

function actionAt(seed: number, index: number, crowd: Crowd): Action {
  const dice = new Dice(seed * 1_009 + index);
  if (dice.chance("rare", rareShare)) return { afterMs: pauseMs(dice), ...dice.pick("rare action", rareMakers)(dice, crowd) } as Action;
  let left = dice.roll("action") * weightOfAll;
  for (const [weight, make] of makers) {
    left -= weight;
    if (left < 0) return { afterMs: pauseMs(dice), ...make(dice, crowd) } as Action;
  }
  throw new Error("weights add up");
}

export function scriptOf(seed: number, steps: number, crowd: Crowd): Script {
  return { seed, actions: Array.from({ length: steps }, (_, index) => actionAt(seed, index, crowd)) };
}

/** One line per action, for people. */
export function told(action: Action): string {
  const { afterMs, do: what, ...rest } = action;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return `+${afterMs} ms  ${what} ${details.join(" ")}`.trimEnd();
}
