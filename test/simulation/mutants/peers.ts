// Defects that other systems really have, put into ours: each is named with the system and where it was read.
import type { Action } from "../script.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;

export const peersMutants: readonly Mutant[] = [
  {
    name: "expiry-by-equality",
    from: "the 2017 original: what ends is looked for by the very minute, and stands for ever when that is missed",
    edits: [
      {
        file: "shared/lease/live.ts",
        find: "if (lease.until + settleMs <= now || lifted(lease)) ended.push(lease);\n    else if (!isHeld(",
        replace:
          "const over = now - lease.until - settleMs;\n    if ((over >= 0 && over < 60_000) || lifted(lease)) ended.push(lease);\n    else if (over >= 60_000) live.push(lease);\n    else if (!isHeld(",
      },
    ],
    expect: ["P2"],
  },
  {
    name: "answer-before-effect",
    from: "the 2017 original: 200 before anything was written; what the store then refuses was promised all the same",
    edits: [{ file: "functions/coordinator/acceptance.ts", find: "      await writing;\n", replace: "      void writing.catch(() => undefined);\n" }],
    expect: ["P1", "P3"],
    hunt: { only: ["block", "break-store", "platform", "alerts"] },
  },
  {
    name: "record-gone-before-rule",
    from: "the 2017 original, and every store whose TTL is its clock: the record expires before the rule that it explains is gone",
    edits: [
      {
        file: "functions/coordinator/acceptance.ts",
        find: "expiresAtMs: lease.until + limits.retainMs",
        replace: "expiresAtMs: Math.max(now + 61_000, lease.until + 1_000)",
      },
    ],
    expect: ["P2"],
    hunt: { only: ["block", "skip-ticks", "lift"], steps: 20 },
  },
  {
    name: "oldest-goes-first",
    from: "amazon-guardduty-waf-acl: when full, the oldest gives its place to whoever is next",
    edits: [
      {
        file: "shared/lease/weight.ts",
        find: "return { weight: severity * recency * agreement * returns, severity",
        replace: "return { weight: 2 ** (-age / 60_000), severity",
      },
    ],
    expect: ["P3", "P6"],
    hunt: { setting: { room: "narrow" }, only: ["block", "alerts"], steps: 20 },
  },
  {
    name: "empty-wish-writes-nothing",
    from: "amazon-guardduty-waf-acl: with no address left the update is skipped, and the last ones stay for ever",
    edits: [{ file: "functions/pass/visit.ts", find: "if (plan.changes.length === 0) return [];", replace: "if (plan.placed.length === 0) return [];" }],
    expect: ["P2"],
    hunt: { only: ["block"], steps: 6 },
  },
  {
    name: "drift-stops-everything",
    from: "amazon-guardduty-waf-acl: a difference between its table and the firewall ends the function until a person repairs it",
    edits: [
      {
        file: "functions/pass/visit.ts",
        find: "  const first = planVisit(",
        replace: '  if (drift.length > 0) return blind(target, new PortcullisError("INVARIANT", "drift"), spent());\n  const first = planVisit(',
      },
    ],
    expect: ["P1", "P2"],
    hunt: { only: ["block", "human"], steps: 20 },
  },
  {
    name: "no-reference-count",
    from: "cs-cloudflare-bouncer: of two leases that share an entry, the first to end takes it away from both",
    edits: [
      {
        file: "shared/lease/live.ts",
        find: "  return { live, ended };",
        replace:
          "  const isOver = (lease: Lease) => ended.some((over) => contains(over.cidr, lease.cidr) && contains(lease.cidr, over.cidr));\n  return { live: live.filter((lease) => !isOver(lease)), ended };",
      },
    ],
    expect: ["P3", "P1"],
    hunt: { only: ["block", "alerts"] },
  },
  {
    name: "failed-call-is-success",
    from: "fail2ban's Cloudflare actions: curl without -f, so that a refusal counts as done",
    edits: [
      {
        file: "providers/aws-nacl/apply.ts",
        find: '  if (answer.kind === "ok") return { kind: "applied" };',
        replace: '  if (answer.kind === "ok" || answer.status >= 500) return { kind: "applied" };',
      },
    ],
    expect: ["P9", "P1"],
    hunt: { setting: { clouds: ["aws"] }, only: ["block", "spoil", "storm", "read"] },
  },
  {
    name: "range-becomes-its-base-address",
    from: "cs-firewall-bouncer: nft mode cuts what follows the slash",
    edits: [
      {
        file: "providers/aws-nacl/compile.ts",
        find: "cidr: cidrText(move.cidr) };",
        replace: 'cidr: cidrText(move.cidr).replace(/\\/[0-9]+$/, move.cidr.family === 4 ? "/32" : "/128") };',
      },
    ],
    expect: ["P1", "P9", "P4"],
    hunt: { setting: { clouds: ["aws"] }, only: ["block"], steps: 12 },
  },
  {
    name: "reoffence-does-not-extend",
    from: "aws-waf-security-automations: what is asked for again cannot last longer, though the answer says so",
    edits: [
      {
        file: "functions/coordinator/ledger.ts",
        find: 'standing > now && item.until - standing < asked * limits.renewalGainMin) return { kind: "unchanged", until: standing };',
        replace: 'standing > now && asked > 0) return { kind: "unchanged", until: Math.max(standing, item.until) };',
      },
    ],
    expect: ["P3", "P1", "P9"],
    hunt: { only: ["block", "alerts", "repeat"] },
  },
  {
    name: "rest-of-the-batch-is-dropped",
    from: "aws-waf-security-automations: the handler returns in the middle of its loop",
    edits: [
      {
        file: "functions/pass/apply.ts",
        find: 'if (error === "settled") continue;',
        replace: 'if (error === "settled") return { changed: this.changed, pending: rest().slice(1), error: null, more: "done" };',
      },
    ],
    expect: ["P1", "P2"],
    hunt: { only: ["block", "alerts"], steps: 20, setting: { clouds: ["aws"] } },
  },
  {
    name: "already-blocked-hides-a-removed-rule",
    from: "every cache of what was blocked: what somebody removed by hand is taken to stand",
    edits: [
      {
        file: "functions/pass/schedule.ts",
        find: "if (core.fullBeganAt === null || now - core.fullBeganAt >= limits.fullPassMs) return false;",
        replace: "if (core.fullBeganAt === null) return false;",
      },
    ],
    expect: ["P1", "P2"],
    hunt: {
      setting: { platform: "workers" },
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.1"], forMs: 90 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 6 * minute, do: "human", cloud: 0, deed: "remove-ours" },
        { afterMs: 40 * minute, do: "read", ip: "203.0.113.1" },
      ],
    },
  },
  {
    name: "removal-opens-what-lies-inside",
    from: "overlapping prefixes everywhere: the range goes, and with it what still holds for an address in it",
    edits: [
      {
        file: "shared/plan/proof.ts",
        find: "const isSafe = served.every((need) => (this.#isShed(need) && this.#request.mayLeave(need)) || this.#stands(need));",
        replace: "const isSafe = served.length >= 0;",
      },
    ],
    expect: ["P3"],
    hunt: {
      setting: { clouds: ["aws"], platform: "workers", room: "wide" },
      script: [1, 2, 3].flatMap((): Action[] => [
        { afterMs: 5 * minute, do: "block", by: "detector", ips: ["203.0.113.8/31"], forMs: 3 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 130_000, do: "spoil", cloud: 0, call: 1, trouble: { kind: "drop", committed: false } },
        ...[1, 2, 3, 4].map((): Action => ({ afterMs: 0, do: "spoil", cloud: 0, call: 1, trouble: { kind: "drop", committed: false } })),
        { afterMs: 2_000, do: "block", by: "sensor", ips: ["203.0.113.9"], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 8 * minute, do: "lift", ip: "203.0.113.8/31", exemptMs: null },
      ]),
    },
  },
  {
    name: "one-page-is-the-whole-list",
    from: "amazon-guardduty-waf-acl, cs-aws-waf-bouncer: listings without their further pages",
    edits: [{ file: "functions/stores/workers-kv.ts", find: "cursor: page.list_complete ? null : page.cursor", replace: "cursor: null" }],
    expect: ["P1", "P2", "P3", "P9"],
    hunt: { only: ["block", "alerts", "feed", "read"], setting: { platform: "workers-tick-only" } },
  },
  {
    name: "failed-list-is-empty",
    from: "the 2017 original and cs-cloudflare-worker-bouncer: what could not be read counts as nothing there",
    edits: [
      {
        file: "functions/pass/records.ts",
        find: '    const known = memory.snapshot === null ? noRecords : recordsOfSnapshot(memory.snapshot);\n    const records = { ...mergeRecords(known, recent), complete: false, incompleteWhy: error.message };\n    return { records, fresh: "reused", error: error.message };',
        replace:
          '    const records = { ...mergeRecords(noRecords, recent), storeId: memory.core.storeId, complete: true, incompleteWhy: null };\n    return { records, fresh: "fresh", error: null };',
      },
    ],
    expect: ["P1", "P3", "P9"],
    hunt: { only: ["block", "break-store", "feed", "read"], setting: { platform: "workers" } },
  },
  {
    name: "last-writer-wins",
    from: "amazon-guardduty-waf-acl (one key for two addresses of a second) and design 3: no record may take another's key",
    edits: [{ file: "functions/coordinator/ledger.ts", find: "while (taken.has(end)) end += 1;", replace: "if (taken.size < 0) end += 1;" }],
    expect: ["P1", "P3"],
    hunt: {
      setting: { clouds: ["aws", "cloudflare"], platform: "workers" },
      script: [0, 1, 2, 3].flatMap((round) => [
        {
          afterMs: round * 3 * minute + 40,
          do: "block",
          by: "script",
          ips: [`203.0.113.${round + 1}`],
          forMs: 20 * minute,
          severity: "medium",
          at: 0,
          wait: 0,
        },
        { afterMs: 5, do: "block", by: "script", ips: [`203.0.113.${round + 1}`], forMs: 20 * minute, severity: "medium", at: 1, wait: 0 },
      ]),
    },
  },
];
