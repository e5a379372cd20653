// Rules of design 5 on stopping, undoing and exempting, each taken away once.
import type { Action } from "../script.ts";
import { apart } from "./addresses.ts";
import type { Mutant } from "./mutant.ts";

const bars = "functions/pass/bars.ts";
const minute = 60_000;

function asked(ip: string): readonly Action[] {
  return [{ afterMs: 1_000, do: "block", by: "detector", ips: [ip], forMs: 120 * minute, severity: "medium", at: null, wait: 0 }];
}

/** Something stands, all is stopped for long, and then something is asked for and something lifted. */
function stoppedFor(action: "freeze" | "drain"): readonly Action[] {
  return [
    ...asked("203.0.113.1"),
    { afterMs: 4 * minute, do: "stop", action, cloud: null, ms: 40 * minute },
    { afterMs: 20 * minute, do: "block", by: "sensor", ips: ["192.0.2.77"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
    { afterMs: 5 * minute, do: "lift", ip: "203.0.113.1", exemptMs: null },
    { afterMs: 5 * minute, do: "read", ip: "192.0.2.77" },
  ];
}

export const stoppingMutants: readonly Mutant[] = [
  {
    name: "freeze-goes-on",
    from: "design 5: freeze writes nothing",
    edits: [{ file: bars, find: 'if (stopped === "freeze") return "freeze";', replace: "" }],
    expect: ["P9"],
    hunt: { script: stoppedFor("freeze") },
  },
  {
    name: "drain-keeps-enforcing",
    from: "design 5: drain removes all of ours",
    edits: [
      {
        file: bars,
        find: 'return stopped === "drain" && target.config.mode === "enforce" ? "drain" : target.config.mode;',
        replace: "return target.config.mode;",
      },
    ],
    expect: ["P9", "P2"],
    hunt: { script: stoppedFor("drain") },
  },
  {
    name: "drain-on-an-old-word",
    from: "design 5: a drain opens every gate, so it must be the newest word",
    edits: [{ file: bars, find: 'if (intent === "drain" && !isDrainCertain(', replace: 'if (intent === "drain" && target.name === "" && !isDrainCertain(' }],
    expect: ["P3"],
    hunt: {
      setting: { platform: "workers", clouds: ["aws"], room: "wide" },
      // Memory is lost after a drain that was resumed, and a minute later the store may still show the drain.
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: apart(4), forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        ...[1, 2, 3, 4, 5, 6].flatMap((round): Action[] => [
          { afterMs: round === 1 ? 4 * minute + 11_000 : 5 * minute - 41_000, do: "stop", action: "drain", cloud: null, ms: 40_000 },
          { afterMs: 41_000, do: "platform", deed: "wipe" },
        ]),
        { afterMs: 3 * minute, do: "read", ip: "192.0.2.12" },
      ],
    },
  },
  {
    name: "resume-is-not-heard",
    from: "design 5: undone by resume",
    edits: [
      {
        file: "functions/coordinator/stopping.ts",
        find: 'if (action === "resume") return { targets: resumed(targets, request.targets, all), releasedAt };',
        replace: 'if (action === "resume" && all.length > 1) return { targets: resumed(targets, request.targets, all), releasedAt };',
      },
      {
        file: "functions/coordinator/stopping.ts",
        find: 'if (request.targets === null) return { targets: { "*": action }, releasedAt };',
        replace: 'if (request.targets === null || action === "resume") return { targets: { "*": action === "resume" ? "freeze" : action }, releasedAt };',
      },
    ],
    expect: ["P1", "P2"],
    hunt: { setting: { clouds: ["aws"] }, only: ["block", "stop"], steps: 12 },
  },
  {
    name: "observe-writes",
    from: "design 5: observe plans, reports, writes nothing",
    edits: [{ file: bars, find: 'if (intent === "observe") return {', replace: 'if (intent === "observe" && observation.storeId === null) return {' }],
    expect: ["P9"],
    hunt: {
      script: [
        ...asked("203.0.113.1"),
        { afterMs: 4 * minute, do: "deploy", change: { kind: "observe", cloud: 0, ms: 40 * minute } },
        { afterMs: 20 * minute, do: "block", by: "sensor", ips: ["192.0.2.77"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 5 * minute, do: "lift", ip: "203.0.113.1", exemptMs: null },
        { afterMs: 5 * minute, do: "read", ip: "192.0.2.77" },
      ],
    },
  },
  {
    name: "max-entries-is-a-hint",
    from: "design 5: maxEntries, to start small",
    edits: [{ file: "functions/pass/visit.ts", find: "maxEntries: target.config.maxEntries,", replace: "maxEntries: null," }],
    expect: ["P6"],
    hunt: {
      script: [
        { afterMs: 1_000, do: "deploy", change: { kind: "max-entries", cloud: 0, entries: 3 } },
        { afterMs: 6 * minute, do: "block", by: "detector", ips: apart(5), forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "read", ip: "203.0.113.9" },
      ],
    },
  },
  {
    name: "lift-is-not-heard",
    from: "design 4 step 4: live, no lift",
    edits: [
      {
        file: "shared/lease/live.ts",
        find: "if (lease.until + settleMs <= now || lifted(lease)) ended.push(lease);",
        replace: "if (lease.until + settleMs <= now) ended.push(lease);",
      },
    ],
    expect: ["P2"],
    hunt: { only: ["block", "lift"], steps: 20 },
  },
  {
    name: "lift-takes-what-came-after",
    from: "design 3: a lift cancels leases with at ≤ lift.at",
    edits: [{ file: "shared/lease/live.ts", find: "if (lease.at <= lift.at) return", replace: "if (lease.at > 0) return" }],
    expect: ["P9", "P3", "P1"],
    hunt: {
      script: [
        ...asked("203.0.113.1"),
        { afterMs: 3 * minute, do: "lift", ip: "203.0.113.0/29", exemptMs: null },
        { afterMs: 4 * minute, do: "block", by: "sensor", ips: ["203.0.113.2"], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "read", ip: "203.0.113.2" },
      ],
    },
  },
  {
    name: "lift-takes-what-is-wider",
    from: "design 3: a lift cancels what it holds whole",
    edits: [
      {
        file: "shared/lease/live.ts",
        find: "return contains(lift.cidr, lease.cidr) && (",
        replace: "return (contains(lift.cidr, lease.cidr) || contains(lease.cidr, lift.cidr)) && (",
      },
    ],
    expect: ["P3", "P1"],
    hunt: {
      script: [
        ...asked("203.0.113.0/29"),
        { afterMs: 5 * minute, do: "lift", ip: "203.0.113.2", exemptMs: null },
        { afterMs: 6 * minute, do: "read", ip: "203.0.113.3" },
      ],
    },
  },
  {
    name: "exempt-is-told-and-not-refused",
    from: "design 5: a lift leaves an exemption, so that the next alert does not undo a person's decision",
    edits: [{ file: "functions/coordinator/ledger.ts", find: "if (over.length === 0) return null;", replace: "if (over.length >= 0) return null;" }],
    expect: ["P1"],
    hunt: { only: ["block", "lift", "alerts"] },
  },
  {
    name: "no-exemption",
    from: "design 5: a lift leaves an exemption: nowhere at all",
    edits: [
      { file: "functions/coordinator/ledger.ts", find: "if (over.length === 0) return null;", replace: "if (over.length >= 0) return null;" },
      { file: "shared/lease/live.ts", find: "return lift.exemptUntil !== null && lease.at < lift.exemptUntil;", replace: "return false;" },
    ],
    expect: ["P4", "P2"],
    hunt: {
      script: [
        ...asked("203.0.113.2"),
        { afterMs: 3 * minute, do: "lift", ip: "203.0.113.2", exemptMs: 20 * minute },
        { afterMs: 2 * minute, do: "alerts", by: "sensor", ips: ["203.0.113.2"], severity: "medium" },
        { afterMs: 2 * minute, do: "block", by: "sensor", ips: ["203.0.113.2"], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 3 * minute, do: "read", ip: "203.0.113.2" },
      ],
    },
  },
];
