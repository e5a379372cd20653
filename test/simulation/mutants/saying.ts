// Rules of the promises P8 and P9: who is let in, and what is said of what stands; each taken away once.
import type { Action } from "../script.ts";
import { apart } from "./addresses.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;

export const sayingMutants: readonly Mutant[] = [
  {
    name: "signature-of-the-head-only",
    from: "P8: a signature is good for one body: what was verified once is taken again by its head alone",
    edits: [
      {
        file: "functions/auth/signature.ts",
        find: 'const prefix = "whsec_";',
        replace: 'const prefix = "whsec_";\nconst verified = new Map<string, string>();',
      },
      {
        file: "functions/auth/signature.ts",
        find: "  return wellFormed && fresh && client !== null ?",
        replace: "  if (client !== null) verified.set(id, client);\n  client = verified.get(id) ?? null;\n  return wellFormed && fresh && client !== null ?",
      },
    ],
    expect: ["P8"],
    hunt: { only: ["block", "hostile"], steps: 20 },
  },
  {
    name: "signature-for-every-route",
    from: "P8: a signature is good for one route",
    edits: [
      {
        file: "functions/auth/authenticate.ts",
        find: "const bound = attempt.operation !== null && type === attempt.operation;",
        replace: "const bound = type !== attempt.operation || attempt.operation !== null;",
      },
    ],
    expect: ["P8"],
    hunt: { only: ["block", "hostile"], steps: 20 },
    equivalent:
      "a signed body names its operation and has the fields of its route: each route refuses another's name and fields, and the caller's scopes hold besides",
  },
  {
    name: "any-key-opens",
    from: "P8: nobody without a valid credential changes anything",
    edits: [
      {
        file: "functions/auth/authenticate.ts",
        find: 'return presented.kind === "key" ? callerNamed(name, null) : null;',
        replace: 'return presented.kind === "key" ? callerNamed(name ?? [...byDigest.values()][0], null) : null;',
      },
    ],
    expect: ["P8"],
    hunt: { only: ["hostile"], steps: 12 },
  },
  {
    name: "every-scope",
    from: "P8: nobody without the scope changes anything",
    edits: [{ file: "functions/auth/scopes.ts", find: "if (!client.scopes.includes(scope)) {", replace: "if (client.scopes.length === 0) {" }],
    expect: ["P8"],
    hunt: { only: ["hostile"], steps: 12 },
  },
  {
    name: "stands-so-it-is-enforced",
    from: "P9: enforced: seen or acknowledged, and the target is really enforcing",
    edits: [
      {
        file: "functions/pass/states.ts",
        find: "if (enforcing === undefined || enforcing.yes) return state;",
        replace: "if (enforcing === undefined || enforcing !== null) return state;",
      },
    ],
    expect: ["P9"],
    hunt: { only: ["block", "human", "read", "repeat"] },
  },
  {
    name: "planned-so-it-is-enforced",
    from: "P9: never blocked for what was not",
    edits: [
      {
        file: "functions/pass/states.ts",
        find: "if (own !== null) return this.#ifEnforcing(enforced);",
        replace: "if (own !== null || plan !== null) return this.#ifEnforcing(enforced);",
      },
    ],
    expect: ["P9"],
    hunt: { only: ["block", "spoil", "storm", "revoke", "read"] },
  },
  {
    name: "covered-by-what-is-only-wished",
    from: "P9: covered by a wider entry that stands",
    edits: [
      {
        file: "functions/pass/states.ts",
        find: "if (cover !== undefined && this.#whole(cover.cidr) !== null) return",
        replace: "if (cover !== undefined) return",
      },
    ],
    expect: ["P9"],
    hunt: {
      setting: { clouds: ["aws"], platform: "workers", room: "wide" },
      // The range never comes to stand, and what lies in it is asked about.
      script: [0, 1, 2].flatMap((round): Action[] => [
        ...[1, 2, 3, 4].map((): Action => ({ afterMs: 10, do: "spoil", cloud: 0, call: 1, trouble: { kind: "drop", committed: false } })),
        {
          afterMs: 1_000,
          do: "block",
          by: "detector",
          ips: [`192.0.2.${64 * round + 64}/29`, `192.0.2.${64 * round + 66}`],
          forMs: 60 * minute,
          severity: "medium",
          at: null,
          wait: 0,
        },
        ...[4_000, 15_000, 30_000, 60_000].map((afterMs): Action => ({ afterMs, do: "read", ip: `192.0.2.${64 * round + 66}` })),
        { afterMs: 8 * minute, do: "repeat" },
      ]),
    },
  },
  {
    name: "shed-is-dropped-in-silence",
    from: "P6: what does not fit is named",
    edits: [
      {
        file: "functions/pass/states.ts",
        find: 'if (shed) return { state: "shed", why: this.#roomText(need.cidr.family) };',
        replace: "if (shed) return this.#ifEnforcing(enforced);",
      },
    ],
    expect: ["P9"],
    hunt: {
      setting: { clouds: ["aws"], platform: "workers", room: "narrow" },
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: apart(12), forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        ...apart(12).map((ip): Action => ({ afterMs: minute, do: "read", ip })),
      ],
    },
  },
  {
    name: "feed-of-a-part",
    from: "design 7: if the snapshot is not whole, 503, never a shorter list",
    edits: [
      {
        file: "functions/pass/report.ts",
        find: "if (!records.complete || world.continuity",
        replace: "if (!records.complete) return { complete: true, incompleteWhy: null };\n  if (world.continuity",
      },
    ],
    expect: ["P9"],
    hunt: {
      setting: { platform: "workers" },
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.2"], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 16 * minute, do: "spoil-record", ms: 40 * minute },
        ...[1, 2, 3, 4].map((): Action => ({ afterMs: 7 * minute, do: "feed" })),
      ],
    },
  },
  {
    name: "until-of-what-was-asked",
    from: "design 3: the answer always gives the true until",
    edits: [
      {
        file: "functions/coordinator/acceptance.ts",
        find: 'if (judgement.kind === "unchanged") return { key: item.key, status: "unchanged", until: Math.max(judgement.until, standing), states };',
        replace: 'if (judgement.kind === "unchanged") return { key: item.key, status: "unchanged", until: item.until + 120_000, states };',
      },
    ],
    expect: ["P1", "P3", "P2", "P9"],
    hunt: { only: ["block", "alerts", "repeat"] },
  },
];
