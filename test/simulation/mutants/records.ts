// Rules of design 3 on records and on what store and firewall know of each other, each taken away once.
import type { Action } from "../script.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;

/** Just after a full pass, whoever takes a block in dies of it, now and then between the record and the pass for it; the next full pass is minutes away. */
const killedAsItAccepts: readonly Action[] = Array.from({ length: 10 }, (_, round): Action[] => [
  { afterMs: round === 0 ? 5_000 : 6 * minute - 1_000, do: "platform", deed: "kill" },
  { afterMs: 1_000, do: "block", by: "detector", ips: [`203.0.113.${1 + round}`], forMs: 90 * minute, severity: "medium", at: null, wait: 0 },
]).flat();

export const recordsMutants: readonly Mutant[] = [
  {
    name: "repeat-is-written",
    from: "design 3: a repeat writes nothing",
    edits: [{ file: "functions/coordinator/ledger.ts", find: 'this.#repeats !== "written" && standing > now &&', replace: "standing < 0 &&" }],
    expect: ["P7"],
    hunt: {
      setting: { platform: "workers" },
      script: [{ afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.1"], forMs: 120 * minute, severity: "medium", at: null, wait: 0 }],
    },
  },
  {
    name: "renewal-for-a-moment",
    from: "design 3: a renewal is written only if it gains at least a tenth of what was asked",
    edits: [{ file: "functions/coordinator/ledger.ts", find: "asked * limits.renewalGainMin", replace: "asked * 0" }],
    expect: ["P7"],
    hunt: { only: ["block", "repeat"], steps: 12, setting: { platform: "workers" } },
  },
  {
    name: "recent-not-united",
    from: "design 4 step 2: the listing ∪ what was accepted lately",
    edits: [{ file: "functions/pass/records.ts", find: "leases: memory.recentLeases(), lifts:", replace: "leases: [], lifts:" }],
    expect: ["P1", "P3", "P9"],
    hunt: { setting: { platform: "workers" }, only: ["block", "alerts", "lift", "repeat"], steps: 20 },
  },
  {
    name: "recent-forgotten-at-once",
    from: "design 4: recent holds for 2 × SETTLE",
    edits: [
      {
        file: "functions/coordinator/coordinator.ts",
        find: "Math.max(2 * settleOf(this.#world), config.brake.perMs)",
        replace: "Math.min(config.brake.perMs, 1_000)",
      },
    ],
    expect: ["P1", "P3", "P9"],
    hunt: { setting: { platform: "workers" }, only: ["block", "alerts", "lift", "repeat"], steps: 20 },
  },
  {
    name: "memory-trusted-at-once",
    from: "design 4 step 3: nothing is removed until memory is unbroken for SETTLE",
    edits: [
      {
        file: "functions/pass/bars.ts",
        find: 'return world.continuity === "none" || now - world.memory.core.since >= settleOf(world);',
        replace: "return now >= world.memory.core.since;",
      },
    ],
    expect: ["P3"],
    hunt: {
      setting: { platform: "workers" },
      script: [1, 2, 3, 5].flatMap((host) => [
        { afterMs: 4 * minute, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 10_000, do: "lift", ip: `203.0.113.${host}`, exemptMs: null },
        { afterMs: 6_000, do: "block", by: "sensor", ips: [`203.0.113.${host}`], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 8_000, do: "platform", deed: "wipe" },
      ]),
    },
  },
  {
    name: "lift-cut-off-is-forgotten",
    from: "P3 and P9: no answer leans on a lease that a lift may have ended whose life died between the store and memory",
    edits: [
      {
        file: "functions/coordinator/ledger.ts",
        find: "const begun = liftedBy(this.#memory.begunLifts());",
        replace: "const begun = liftedBy(this.#memory.begunLifts().slice(0, 0));",
      },
      { file: "functions/coordinator/coordinator.ts", find: "if (await redoLifts(this.#world)) this.#ledger.invalidate();", replace: "" },
      { file: "functions/coordinator/coordinator.ts", find: "import { recordLifts, redoLifts } from", replace: "import { recordLifts } from" },
    ],
    expect: ["P3", "P1"],
    hunt: {
      setting: { platform: "workers", clouds: ["aws"], room: "wide" },
      script: [1, 2, 3, 5, 9].flatMap((host): Action[] => [
        { afterMs: 1_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "platform", deed: "kill" },
        { afterMs: 1_000, do: "lift", ip: `203.0.113.${host}`, exemptMs: null },
        { afterMs: 130_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 30 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "read", ip: `203.0.113.${host}` },
      ]),
    },
  },
  {
    name: "no-settle-after-the-end",
    from: "design 4 step 4: a lease stays live for SETTLE after its end, so that no stale listing hides a renewal",
    edits: [{ file: "shared/lease/live.ts", find: "if (lease.until + settleMs <= now || lifted(lease))", replace: "if (lease.until <= now || lifted(lease))" }],
    expect: ["P3"],
    hunt: {
      setting: { platform: "workers-tick-only", clouds: ["aws"], room: "wide" },
      // Renewed just before its end, and a tick later the store may not show it yet.
      script: [1, 2, 3, 5, 9].flatMap((host): Action[] => [
        { afterMs: 55_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 10 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 10 * minute - 10_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 10 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 75_000, do: "read", ip: `203.0.113.${host}` },
      ]),
    },
  },
  {
    name: "incomplete-listing-proves",
    from: "design 3 and 4 step 2: complete := all pages read, every key parsed, store id present",
    edits: [{ file: "functions/pass/bars.ts", find: "|| !request.records.complete) return false;", replace: ") return false;" }],
    expect: ["P3"],
    hunt: {
      setting: { platform: "workers" },
      // One of two records of a block ends; that or the other cannot be read then.
      script: [1, 2, 3].flatMap((host): Action[] => [
        { afterMs: 1_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 6 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 2_000, do: "block", by: "sensor", ips: [`203.0.113.${host}`], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 5 * minute, do: "spoil-record", ms: 12 * minute },
        { afterMs: 14 * minute, do: "read", ip: `203.0.113.${host}` },
      ]),
    },
  },
  {
    name: "known-records-prove",
    from: "design 4 step 2: a pass woken only by new leases may not remove",
    edits: [
      {
        file: "functions/pass/bars.ts",
        find: 'if (request.fresh !== "fresh" || !request.records.complete) return false;',
        replace: "if (request.records.storeId === null) return false;",
      },
    ],
    expect: ["P3"],
    hunt: { setting: { platform: "workers" } },
    equivalent: "what a snapshot knows holds no ended lease, so it proves no end; what stands elsewhere stands in the observation, which is always fresh",
  },
  {
    name: "clocks-need-not-agree",
    from: "design 4 step 3: |obs.date − now| < 60 s",
    edits: [
      {
        file: "functions/pass/bars.ts",
        find: "return clocksAgree && isWatched(",
        replace: "return (clocksAgree || observation.serverDate !== null) && isWatched(",
      },
    ],
    expect: ["P3"],
    hunt: { only: ["block", "skew", "platform"] },
  },
  {
    name: "any-store-may-write",
    from: "design 3: ids that differ: no writes at all",
    edits: [
      {
        file: "functions/pass/bars.ts",
        find: "if (observation.storeId !== records.storeId) {",
        replace: 'if (observation.storeId === "" && records.storeId === "") {',
      },
    ],
    expect: ["P5"],
    hunt: { only: ["block", "foreign-store", "lift", "alerts"] },
  },
  {
    name: "store-without-an-id-writes",
    from: "design 3: KV without an id: add nothing, remove nothing, say so",
    edits: [
      { file: "functions/pass/bars.ts", find: "if (records.storeId === null) return", replace: 'if (records.storeId === "") return' },
      {
        file: "functions/pass/bars.ts",
        find: "if (observation.storeId !== records.storeId) {",
        replace: "if (records.storeId !== null && observation.storeId !== records.storeId) {",
      },
      { file: "functions/pass/records.ts", find: "if (sorted.storeId === null) return", replace: 'if (sorted.storeId === "") return' },
    ],
    expect: ["P5", "P3"],
    hunt: {
      setting: { platform: "workers" },
      script: [
        { afterMs: 1_000, do: "unname-store", ms: 40 * minute },
        ...[1, 2, 3].map(
          (host): Action => ({
            afterMs: 9 * minute,
            do: "block",
            by: "detector",
            ips: [`203.0.113.${host}`],
            forMs: 30 * minute,
            severity: "medium",
            at: null,
            wait: 0,
          }),
        ),
      ],
    },
  },
  {
    name: "quiet-though-changed",
    from: "design 4 step 1: quiet only when nothing was accepted since the last clean full pass",
    edits: [{ file: "functions/pass/schedule.ts", find: "if (core.changedAt >= core.fullBeganAt || (core.nextDueAt", replace: "if ((core.nextDueAt" }],
    expect: ["P1"],
    hunt: { setting: { platform: "deno", clouds: ["aws"], room: "wide" }, script: killedAsItAccepts },
  },
  {
    name: "quiet-though-due",
    from: "design 4 step 1: quiet only when nothing is due; a pass wakes on a due lease",
    edits: [
      { file: "functions/pass/schedule.ts", find: " || (core.nextDueAt !== null && core.nextDueAt <= now)) return false;", replace: ") return false;" },
      { file: "functions/pass/schedule.ts", find: "[world.memory.core.nextDueAt, thaw === null", replace: "[thaw === null" },
    ],
    expect: ["P2"],
    hunt: { only: ["block", "alerts"], steps: 20 },
  },
  {
    name: "quiet-though-deployed",
    from: "design 2, P4: what a new deployment protects counts with its first tick",
    edits: [{ file: "functions/pass/schedule.ts", find: "if (core.deployment !== world.deployment) return false;", replace: "" }],
    expect: ["P4"],
    hunt: {
      setting: { platform: "workers" },
      script: [1, 2, 3].flatMap(() => [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.2"], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute + 20_000, do: "deploy", change: { kind: "protect", range: "203.0.113.2/32", ms: 10 * minute } },
        { afterMs: 12 * minute, do: "read", ip: "203.0.113.2" },
      ]),
    },
  },
  {
    name: "quiet-though-unseen",
    from: "design 4 step 1: quiet only when the last full pass began ≥ observeLag after our last write",
    edits: [{ file: "functions/pass/schedule.ts", find: "return watched && settled;", replace: "return watched || settled;" }],
    expect: ["P1", "P2"],
    hunt: { only: ["block", "lift", "spoil", "platform", "human"] },
    equivalent:
      "a second look finds only what others changed, which the next full pass finds too; with the overlay gone as well it is acknowledged-is-forgotten",
  },
  {
    name: "no-wake-for-what-was-accepted",
    from: "design 1: accept wakes a pass",
    edits: [
      {
        file: "functions/coordinator/coordinator.ts",
        find: "await this.#host.schedule(Math.max(this.#world.clock.now(), this.#lastPassAt + limits.passSpacingMs));",
        replace: "await Promise.resolve();",
      },
    ],
    expect: ["P1"],
    hunt: {
      setting: { platform: "workers", clouds: ["aws"], room: "wide" },
      script: [
        { afterMs: 1_000, do: "skip-ticks", ms: 30 * minute },
        { afterMs: minute, do: "block", by: "detector", ips: ["203.0.113.1"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 10 * minute, do: "read", ip: "203.0.113.1" },
      ],
    },
  },
];
