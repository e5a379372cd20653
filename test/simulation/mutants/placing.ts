// Rules of design 4 steps 4 to 6 on what has a place, what may go and in which order, each taken away once.
import type { Severity } from "../../../shared/config.ts";
import type { Action } from "../script.ts";
import { apart } from "./addresses.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;

/** Twelve of one severity where there is room for fewer, none near another, and then one of another severity, for two hours. */
function fill(first: Severity, then: Severity): readonly Action[] {
  const many = { afterMs: 2 * minute, do: "block", by: "detector", forMs: 120 * minute, at: null, wait: 0 } as const;
  return [
    { ...many, ips: apart(12), severity: first },
    { ...many, ips: ["203.0.113.9"], severity: then },
    { afterMs: 20 * minute, do: "read", ip: "203.0.113.9" },
  ];
}

/** So many stand, none near another, when the records of all are lost. */
function lostRecords(count: number): readonly Action[] {
  const ips = apart(count);
  return [
    { afterMs: 1_000, do: "block", by: "detector", ips, forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
    { afterMs: 6 * minute, do: "lose-records", most: 8 },
    { afterMs: 40 * minute, do: "read", ip: "192.0.2.12" },
  ];
}

/**
 * Three that are each asked for by two, of whom one has ended; the room is theirs alone, and what is heavier rests for an unknown outcome: nothing can
 * take a place in exchange just now.
 */
function crowdedOut(): readonly Action[] {
  const ips = apart(3);
  const block = { afterMs: 2_000, do: "block", by: "detector", ips, severity: "medium", at: null, wait: 0 } as const;
  return [
    { ...block, forMs: 6 * minute },
    { ...block, by: "sensor", forMs: 110 * minute },
    { afterMs: minute, do: "deploy", change: { kind: "max-entries", cloud: 0, entries: 4 } },
    { afterMs: 11 * minute, do: "spoil", cloud: 0, call: 1, trouble: { kind: "drop", committed: false } },
    { ...block, ips: ["203.0.113.9"], forMs: 60 * minute, severity: "critical" },
    { afterMs: 4_000, do: "deploy", change: { kind: "max-entries", cloud: 0, entries: 3 } },
    { afterMs: 8 * minute, do: "read", ip: "203.0.113.9" },
  ];
}

export const placingMutants: readonly Mutant[] = [
  {
    name: "protected-is-needed",
    from: "design 4 step 4: need, less what touches a protected address",
    edits: [
      {
        file: "shared/plan/need.ts",
        find: 'if (hit !== null) return { kind: "protected",',
        replace: 'if (hit !== null && hit.range === "") return { kind: "protected",',
      },
    ],
    expect: ["P4"],
    hunt: { only: ["block", "deploy"], steps: 20 },
  },
  {
    name: "protected-is-no-proof",
    from: "design 4 step 5: protected goes, whatever its records say",
    edits: [{ file: "shared/plan/proof.ts", find: 'if (this.#request.isProtected(entry)) return "protected";', replace: "" }],
    expect: ["P4"],
    hunt: {
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.2"], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "deploy", change: { kind: "protect", range: "203.0.113.2/32", ms: 30 * minute } },
        { afterMs: 25 * minute, do: "read", ip: "203.0.113.2" },
      ],
    },
  },
  {
    name: "protected-waits-for-proof",
    from: "design 4 step 5: without mayRemove only protected counts",
    edits: [
      {
        file: "shared/plan/proof.ts",
        find: 'if (this.#request.isProtected(entry)) return "protected";\n    if (!mayRemove) return null;',
        replace: 'if (!mayRemove) return null;\n    if (this.#request.isProtected(entry)) return "protected";',
      },
    ],
    expect: ["P4"],
    hunt: {
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.2"], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "spoil-record", ms: 40 * minute },
        { afterMs: minute, do: "deploy", change: { kind: "protect", range: "203.0.113.2/32", ms: 30 * minute } },
        { afterMs: 15 * minute, do: "read", ip: "203.0.113.2" },
      ],
    },
  },
  {
    name: "protected-not-first",
    from: "design 4 step 6: what is protected goes before all else, and so does what an earlier pass did not reach: either would do",
    edits: [
      { file: "shared/plan/order.ts", find: 'ordering.removeWhere((removal) => removal.proof === "protected");', replace: "" },
      { file: "shared/plan/order.ts", find: "ordering.removeWhere((removal) => request.leftovers.has(removal.entry.id));", replace: "" },
    ],
    expect: ["P4"],
    hunt: {
      setting: { clouds: ["aws"], platform: "workers", room: "wide" },
      // Many are to be added, and of each call that adds one nobody hears what became of it.
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.2"], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "read", ip: "203.0.113.2" },
        ...Array.from({ length: 24 }, (): Action => ({ afterMs: 0, do: "spoil", cloud: 0, call: 1, trouble: { kind: "drop", committed: false } })),
        { afterMs: 1_000, do: "deploy", change: { kind: "protect", range: "203.0.113.2/32", ms: 30 * minute } },
        { afterMs: 10, do: "block", by: "sensor", ips: apart(9), forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 10 * minute, do: "read", ip: "203.0.113.2" },
      ],
    },
  },
  {
    name: "covered-by-what-ends-earlier",
    from: "design 4 step 4: covered := inside another need that ends no earlier",
    edits: [{ file: "shared/plan/need.ts", find: "open.find((outer) => outer.until >= need.until)", replace: "open.find((outer) => outer.until > 0)" }],
    expect: ["P9"],
    hunt: {
      setting: { clouds: ["aws"], room: "wide", platform: "workers" },
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.0/29"], forMs: 30 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 10_000, do: "block", by: "sensor", ips: ["203.0.113.2"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 18 * minute, do: "read", ip: "203.0.113.2" },
        { afterMs: 2 * minute, do: "read", ip: "203.0.113.2" },
      ],
    },
  },
  {
    name: "stuck-takes-no-room",
    from: "design 4 step 4: place := the first (limit − foreign − stuck) of need",
    edits: [
      { file: "shared/plan/choose.ts", find: "new Room(request.pools, request.maxEntries, stuck)", replace: "new Room(request.pools, request.maxEntries, [])" },
      { file: "shared/plan/choose.ts", find: "rooms: roomsLeft(request, stuck, reserve),", replace: "rooms: roomsLeft(request, [], reserve)," },
      {
        file: "shared/plan/decide.ts",
        find: "new Room(request.observation.pools, request.maxEntries, request.observation.ours)",
        replace:
          "new Room(request.observation.pools, request.maxEntries, request.observation.ours.filter((entry) => placed.some((need) => need.key === cidrKey(entry.cidr))))",
      },
    ],
    expect: ["P6", "P1"],
    hunt: { setting: { room: "narrow" }, only: ["block", "alerts", "deploy", "lift", "platform"] },
  },
  {
    name: "equals-displace-each-other",
    from: "design 4: placed is sticky, equals never displace each other",
    edits: [
      {
        file: "shared/plan/place.ts",
        find: "b.need.weight * (1 + b.stands) - a.need.weight * (1 + a.stands) || b.stands - a.stands || a.need.at - b.need.at",
        replace: "b.need.weight - a.need.weight || b.need.at - a.need.at",
      },
      {
        file: "shared/plan/order.ts",
        find: "(this.#weights.get(lightest.entry) ?? -1) < need.weight",
        replace: "(this.#weights.get(lightest.entry) ?? -1) <= need.weight",
      },
      { file: "shared/plan/choose.ts", find: "standing: request.ours.map((entry) => entry.cidr),", replace: "standing: []," },
    ],
    expect: ["P3"],
    hunt: { setting: { clouds: ["aws"], platform: "workers", room: "narrow" }, script: fill("medium", "medium") },
  },
  {
    name: "severity-does-not-count",
    from: "design 4 step 4: severity decides who has a place",
    edits: [{ file: "shared/lease/weight.ts", find: "return { weight: severity * recency", replace: "return { weight: recency" }],
    expect: ["P6"],
    hunt: {
      setting: { clouds: ["aws"], room: "narrow" },
      script: fill("low", "critical"),
    },
  },
  {
    name: "ended-for-one-is-ended-for-all",
    from: "design 4 step 5, ended: every live need it serves is shed or stands elsewhere",
    edits: [
      {
        file: "shared/plan/proof.ts",
        find: 'if (hasEnded && (this.weight(entry) < 0 || !this.#isWanted(entry))) return isSafe ? "ended" : null;',
        replace: 'if (hasEnded) return "ended";',
      },
    ],
    expect: ["P3"],
    // What lies inside cannot get an entry of its own: the wider one is all that keeps it closed.
    hunt: {
      setting: { platform: "workers", clouds: ["cloudflare"], room: "wide" },
      script: [
        { afterMs: 1_000, do: "spoil", cloud: 0, call: null, trouble: { kind: "poison", cidr: "203.0.113.3/32" } },
        { afterMs: 1_000, do: "block", by: "sensor", ips: ["203.0.113.0/29"], forMs: 6 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.3"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 20 * minute, do: "read", ip: "203.0.113.3" },
      ],
    },
  },
  {
    name: "merged-with-bystanders",
    from: "P4, on the final entry, after widening and merging: by default nobody is blocked for a neighbour",
    edits: [
      {
        file: "functions/pass/policy.ts",
        find: 'collateral: collateral?.allow ?? { kind: "none" },',
        replace: 'collateral: collateral?.allow ?? { kind: "price", price: 0 },',
      },
    ],
    expect: ["P4"],
    hunt: { setting: { room: "narrow" }, script: fill("medium", "high") },
  },
  {
    name: "shed-loses-what-stands-for-it",
    from: "design 4 step 5, displaced: what serves a live lease that was shed goes in exchange only",
    edits: [
      { file: "shared/plan/proof.ts", find: "if (hasEnded && (this.weight(entry) < 0 || !this.#isWanted(entry))) return", replace: "if (hasEnded) return" },
    ],
    expect: ["P3"],
    hunt: { setting: { clouds: ["aws"], platform: "workers", room: "wide" }, script: crowdedOut() },
  },
  {
    name: "superseded-by-nothing",
    from: "design 4 step 5, superseded: every live need it serves stands elsewhere",
    edits: [
      {
        file: "shared/plan/proof.ts",
        find: "return (this.#landingIndex ?? this.#standingIndex).holding(need.cidr).length > 0;",
        replace: "return need.until > 0;",
      },
    ],
    expect: ["P3"],
    hunt: { only: ["block", "alerts", "lift"] },
  },
  {
    name: "what-lands-later-counts-now",
    from: "design 4 step 5: stands in a placed entry that is already there, or lands in the same atomic step",
    edits: [{ file: "shared/plan/proof.ts", find: 'request.granularity === "group" ? new CidrIndex', replace: "request.landing.length >= 0 ? new CidrIndex" }],
    expect: ["P3"],
    hunt: { setting: { clouds: ["cloudflare"] }, only: ["block", "alerts", "lift", "spoil"] },
  },
  {
    name: "displaced-goes-alone",
    from: "design 4 step 5, displaced: swapped for strictly higher severity",
    edits: [{ file: "shared/plan/order.ts", find: 'return proof !== "displaced";', replace: 'return proof !== "over-limit";' }],
    expect: ["P3"],
    hunt: { setting: { clouds: ["aws"], platform: "workers", room: "wide" }, script: crowdedOut() },
  },
  {
    name: "half-an-entry-stands",
    from: "design 6: egress by option, enforced then needs both; only a whole entry stands for others",
    edits: [
      { file: "shared/plan/proof.ts", find: "[...this.#standing.values()].filter((entry) => entry.partial === null)", replace: "[...this.#standing.values()]" },
      { file: "shared/plan/decide.ts", find: "return proofs.standing(need)?.partial !== null;", replace: "return proofs.standing(need) === undefined;" },
      { file: "functions/pass/states.ts", find: ".find((entry) => entry.partial === null) ?? null;", replace: "[0] ?? null;" },
    ],
    expect: ["P9", "P3", "P1"],
    hunt: {
      setting: { clouds: ["aws"], platform: "workers", room: "wide" },
      // Where both directions are written, the answer to the first half is lost.
      script: [1, 2].flatMap((host): Action[] => [
        { afterMs: 1_000, do: "spoil", cloud: 0, call: 1, trouble: { kind: "drop", committed: true } },
        { afterMs: 1_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 90 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 25 * minute, do: "read", ip: `203.0.113.${host}` },
      ]),
    },
  },
  {
    name: "orphan-goes-at-once",
    from: "design 4 step 5, orphan: in ≥ 3 consecutive full passes over ≥ 15 min",
    edits: [
      {
        file: "functions/pass/orphans.ts",
        find: "sighting.passes >= limits.orphanPasses && now - sighting.first >= limits.orphanMs",
        replace: "now >= sighting.first",
      },
    ],
    expect: ["P3"],
    hunt: { setting: { platform: "workers" }, script: lostRecords(1) },
  },
  {
    name: "all-orphans-go",
    from: "design 4 step 5, orphan: more than max(3, 20 % of ours) → none of them",
    edits: [{ file: "functions/pass/orphans.ts", find: "unsafe: !few && !confirmed", replace: "unsafe: few && !few && !confirmed" }],
    expect: ["P3"],
    hunt: { setting: { platform: "workers", room: "wide" }, script: lostRecords(6) },
  },
  {
    name: "orphan-rule-and-share",
    from: "design 4 step 5, orphan: both at once",
    edits: [
      {
        file: "functions/pass/orphans.ts",
        find: "sighting.passes >= limits.orphanPasses && now - sighting.first >= limits.orphanMs",
        replace: "now >= sighting.first",
      },
      { file: "functions/pass/orphans.ts", find: "unsafe: !few && !confirmed", replace: "unsafe: few && !few && !confirmed" },
    ],
    expect: ["P3"],
    hunt: { setting: { platform: "workers", room: "wide" }, script: lostRecords(6) },
  },
  {
    name: "group-sends-place-alone",
    from: "design 4 step 6: group and set kinds send keep + place, never place alone",
    edits: [{ file: "functions/pass/visit.ts", find: "[...kept, ...placed].map(", replace: "[...kept.slice(0, 0), ...placed].map(" }],
    expect: ["P3"],
    hunt: {
      setting: { clouds: ["azure"], platform: "workers", room: "wide" },
      script: [1, 2, 3, 5].flatMap((host) => [
        { afterMs: 4 * minute, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 25_000, do: "platform", deed: "wipe" },
        { afterMs: 3_000, do: "block", by: "sensor", ips: [`192.0.2.${host}`], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
      ]),
    },
  },
  {
    name: "family-of-the-other-pool",
    from: "design 6: room per family, less foreign and default entries",
    edits: [
      {
        file: "providers/aws-nacl/convert.ts",
        find: "limit: Math.max(0, limit - worst((entry) => entry.family === which)),",
        replace: "limit: Math.max(0, limit + which - which),",
      },
    ],
    expect: ["P6", "P1"],
    hunt: {
      setting: { clouds: ["aws"], room: "narrow" },
      script: fill("low", "low"),
    },
  },
];
