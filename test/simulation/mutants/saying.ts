// Rules of the promises P8 and P9: who is let in, and what is said of what stands; each taken away once.
import type { Mutant } from "./mutant.ts";

export const sayingMutants: readonly Mutant[] = [
  {
    name: "signature-of-the-head-only",
    from: "P8: a signature is good for one body",
    edits: [{ file: "functions/auth/signature.ts", find: "  bytes.set(body, head.length);\n", replace: "" }],
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
    hunt: { only: ["block", "alerts", "spoil", "storm", "read", "revoke"] },
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
    hunt: { setting: { room: "narrow" }, only: ["block", "alerts", "read"] },
  },
  {
    name: "feed-of-a-part",
    from: "design 7: if the snapshot is not whole, 503, never a shorter list",
    edits: [
      {
        file: "functions/pass/report.ts",
        find: "if (!records.complete || world.continuity",
        replace: "if (records.complete || !records.complete || world.continuity",
      },
    ],
    expect: ["P9"],
    hunt: { setting: { platform: "workers" }, only: ["block", "feed", "platform"] },
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
    expect: ["P1", "P3", "P2"],
    hunt: { only: ["block", "alerts", "repeat"] },
  },
];
