// Rules of scarce rules: what spills, what gives its place, and that nothing swings to and fro, each taken away once.
import type { Severity } from "../../../shared/config.ts";
import type { Action } from "../script.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;
const spilling = { platform: "workers", clouds: ["aws", "cloudflare"], room: "wide", spill: "chain" } as const;

function block(afterMs: number, severity: Severity, hosts: readonly number[], forMinutes: number): Action {
  const ips = hosts.map((host) => `203.0.113.${host}`);
  return { afterMs, do: "block", by: "detector", ips, forMs: forMinutes * minute, severity, at: null, wait: 0 };
}

/** Hosts that share no rule; three find room at the first target. */
const overflow = [
  block(2 * minute, "medium", [10, 20, 30], 30),
  block(minute, "medium", [40, 50], 60),
  block(3 * minute, "critical", [60, 70], 60),
  { afterMs: 12 * minute, do: "read", ip: "203.0.113.60" },
] satisfies readonly Action[];

export const spillingMutants: readonly Mutant[] = [
  {
    name: "spilled-leaves-at-once",
    from: "functions/README, spilling: what gives its place stands below first",
    edits: [
      { file: "functions/pass/spill.ts", find: "name === undefined || !isInForce(world, name, request)", replace: "name === undefined || request.now > 0" },
    ],
    expect: ["P3"],
    hunt: { setting: spilling, script: overflow },
  },
  {
    name: "nothing-spills",
    from: "functions/README, spilling: in the target named stands what finds no room",
    edits: [
      { file: "functions/pass/spill.ts", find: "if (!holds(lease)) live.set(lease.key, lease);", replace: "if (!holds(lease)) ended.set(lease.key, lease);" },
    ],
    expect: ["P1"],
    hunt: { setting: spilling, script: overflow },
  },
  {
    name: "moved-up-and-still-below",
    from: "functions/README, spilling: what moves up again leaves below",
    edits: [
      {
        file: "functions/pass/spill.ts",
        find: "if (!holds(lease)) live.set(lease.key, lease);",
        replace: "if (!holds(lease) || lease.until > 0) live.set(lease.key, lease);",
      },
    ],
    expect: ["P2"],
    hunt: { setting: spilling, script: [...overflow, { afterMs: 15 * minute, do: "read", ip: "203.0.113.40" }] },
  },
  {
    name: "heavier-finds-no-place",
    from: "design 4 step 4: placed by weight; what is lighter gives its place",
    edits: [{ file: "shared/plan/order.ts", find: "(this.#weights.get(lightest.entry) ?? -1) < need.weight", replace: "need.weight < 0" }],
    expect: ["P6"],
    hunt: { setting: spilling, script: overflow },
  },
  {
    name: "covered-stands-every-other-time",
    from: "functions/README, scarce rules: nothing is redrawn for a trifle; design 4 step 4: what is covered has no entry",
    edits: [
      {
        file: "shared/plan/choose.ts",
        find: "const single = needs.filter((need) => !covered.has(need.key));",
        replace: "const single = needs.filter((need) => !covered.has(need.key) || !request.ours.some((entry) => cidrKey(entry.cidr) === need.key));",
      },
    ],
    expect: ["P7"],
    hunt: {
      setting: { platform: "workers", clouds: ["aws"], room: "wide" },
      script: [
        { afterMs: minute, do: "block", by: "detector", ips: ["203.0.113.8/29"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        block(minute, "medium", [9], 40),
        { afterMs: 12 * minute, do: "read", ip: "203.0.113.9" },
      ],
    },
  },
];
