// Rules of design 4 steps 3, 6 and 7 on looking and carrying out, each taken away once.
import type { Action } from "../script.ts";
import { apart } from "./addresses.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;

const apply = "functions/pass/apply.ts";
const visit = "functions/pass/visit.ts";
const unquiet = ["block", "alerts", "lift", "spoil", "storm", "lag", "platform"] as const;

const manyApart = [...apart(14), "203.0.113.9", "203.0.113.77"];

/** Whoever takes one away dies of it, and its number, the lowest that is free, is taken anew soon: what the dead one had sent may come after that. */
const killedAsItRemoves: readonly Action[] = apart(14).flatMap((ip, index): Action[] => [
  { afterMs: 20_000, do: "block", by: "detector", ips: [ip], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
  { afterMs: 100_000, do: "platform", deed: "kill" },
  { afterMs: 200, do: "lift", ip, exemptMs: null },
  { afterMs: 2_600, do: "block", by: "sensor", ips: [`203.0.113.${100 + 3 * index}`], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
]);

export const applyingMutants: readonly Mutant[] = [
  {
    name: "unknown-is-tried-again-at-once",
    from: "design 4 step 7: unknown | conflict → freeze the slot; peers: a retry after a time-out makes two of one",
    edits: [
      {
        file: apply,
        find: "freezeInFlight(this.#memory, now + this.#target.definition.observeLagMs + limits.freezeMs);\n    }\n    // What",
        replace: "this.#memory.inFlight = null;\n    }\n    // What",
      },
    ],
    expect: ["P6", "P7", "P2"],
    hunt: { setting: { clouds: ["aws"] }, only: unquiet },
    equivalent: "the same lowest number is chosen again, EC2 refuses it where the first call took effect, and that is a conflict, which rests",
  },
  {
    name: "acknowledged-is-forgotten",
    from: "design 4 steps 1 and 3: acknowledged steps are overlaid for observeLag, and looked at again after it",
    edits: [
      {
        file: "functions/pass/observe.ts",
        find: "  if (acknowledged.length === 0) return ours;\n",
        replace: "  if (acknowledged.length === 0 || ours.length >= 0) return ours;\n",
      },
      { file: "functions/pass/schedule.ts", find: "return watched && settled;", replace: "return watched || settled;" },
    ],
    expect: ["P1", "P9", "P3"],
    hunt: {
      setting: { clouds: ["aws"], platform: "workers", room: "wide" },
      // Taken away and asked for again just before a tick, while what is read is still from before.
      script: [
        { afterMs: 0, do: "lag", cloud: 0, share: 0.99 },
        ...[1, 2, 3, 5].flatMap((host): Action[] => [
          { afterMs: 30_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
          { afterMs: 5 * minute + 23_000, do: "lift", ip: `203.0.113.${host}`, exemptMs: null },
          { afterMs: 4_000, do: "block", by: "sensor", ips: [`203.0.113.${host}`], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
          { afterMs: 3_000, do: "read", ip: `203.0.113.${host}` },
        ]),
        { afterMs: 6 * minute, do: "read", ip: "203.0.113.5" },
      ],
    },
  },
  {
    name: "pending-goes-on",
    from: "design 4 step 7: pending → stop",
    edits: [
      {
        file: apply,
        find: "if (!rejected.takes(step, error)) return {",
        replace: 'if (!rejected.takes(step, error) && error.code !== "PROVIDER_PENDING") return {',
      },
    ],
    expect: ["P3", "P7", "P9"],
    hunt: { setting: { clouds: ["cloudflare"] }, only: ["block", "alerts", "lift", "operation"] },
    equivalent: "a cloud that works on one change refuses the next (429, 409), which stops the steps: one call more",
  },
  {
    name: "pending-is-done",
    from: "design 4 step 7 and P9: accepted is not applied",
    edits: [
      {
        file: apply,
        find: 'outcome.kind === "applied" || outcome.kind === "already";',
        replace: 'outcome.kind === "applied" || outcome.kind === "already" || outcome.kind === "pending";',
      },
    ],
    expect: ["P9", "P3", "P1"],
    hunt: { setting: { clouds: ["cloudflare"] }, only: ["block", "alerts", "lift", "operation", "spoil", "read"] },
  },
  {
    name: "leaving-still-counts",
    from: "design 4 step 5: what is on its way out stands for nothing",
    edits: [
      { file: apply, find: "noteLeaving(this.#memory, step, now + this.#target.definition.observeLagMs + limits.freezeMs);", replace: "" },
      { file: apply, find: "import { acknowledge, freezeInFlight, noteLeaving }", replace: "import { acknowledge, freezeInFlight }" },
    ],
    expect: ["P3", "P1", "P9"],
    hunt: {
      setting: { clouds: ["cloudflare"], platform: "deno", room: "wide" },
      // Another instance looks, which does not know of the operation, and once more before it is over; then all is quiet.
      script: [
        { afterMs: 0, do: "operation", cloud: 0, ms: 30_000 },
        ...[1, 2, 3, 5].flatMap((host): Action[] => [
          { afterMs: 1_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
          { afterMs: 94_000, do: "lift", ip: `203.0.113.${host}`, exemptMs: null },
          { afterMs: 10_000, do: "block", by: "sensor", ips: [`203.0.113.${host}`], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
          { afterMs: 8 * minute + 15_000, do: "read", ip: `203.0.113.${host}` },
        ]),
      ],
    },
  },
  {
    name: "throttled-asks-again",
    from: "design 4 step 7: throttled → stop until the time named; cs-cloudflare-bouncer: the whole list again at every tick, without a pause",
    edits: [
      { file: apply, find: 'if (outcome.kind === "throttled") this.#memory.throttledUntil = outcome.retryAtMs;', replace: "" },
      { file: visit, find: "if (memory.throttledUntil > request.now) return", replace: "if (memory.throttledUntil > request.now * 2) return" },
    ],
    expect: ["P6", "P1"],
    hunt: { only: ["block", "alerts", "lift", "spoil", "storm"] },
  },
  {
    name: "in-flight-is-not-remembered",
    from: "design 4 step 7: what was sent by a life that died is never sent again blindly",
    edits: [{ file: apply, find: "this.#memory.inFlight = { slots: step.slots, blocks: blocksOf(step) };", replace: "this.#memory.inFlight = null;" }],
    expect: ["P3", "P6", "P7", "P2"],
    hunt: { setting: { clouds: ["aws"], platform: "workers", room: "wide", lateMs: 55_000 }, script: killedAsItRemoves },
  },
  {
    name: "frozen-slots-are-used",
    from: "design 4 step 7: skipping frozen slots",
    edits: [
      {
        file: apply,
        find: "return step.slots.some((slot) => Object.hasOwn(memory.frozen, slot));",
        replace: 'return step.slots.some((slot) => Object.hasOwn(memory.frozen, slot) && slot === "");',
      },
      { file: visit, find: "frozen: new Set(Object.keys(memory.frozen)), observation", replace: "frozen: new Set<string>(), observation" },
      {
        file: visit,
        find: 'frozenBlocks: new Set(frozen.filter((name) => name.startsWith("block:")).map((name) => name.slice(6))),',
        replace: "frozenBlocks: new Set(frozen.slice(0, 0)),",
      },
    ],
    expect: ["P3", "P6", "P7"],
    hunt: { setting: { clouds: ["aws"], platform: "workers", room: "wide", lateMs: 55_000 }, script: killedAsItRemoves },
  },
  {
    name: "failure-of-one-ends-the-pass",
    from: "design 4 step 3: one failing never holds up another",
    edits: [
      {
        file: "functions/reconcile.ts",
        find: "for (const target of bySpill(world.targets)) {",
        replace:
          'const isBroken = world.targets.some((target) => world.memory.snapshot?.targets[target.name]?.error?.code.startsWith("PROVIDER"));\n  for (const target of isBroken ? [] : bySpill(world.targets)) {',
      },
    ],
    expect: ["P1", "P2"],
    hunt: { setting: { clouds: ["aws", "azure", "cloudflare"] }, only: ["block", "revoke", "lift"] },
  },
  {
    name: "budget-leaves-the-rest-for-good",
    from: "design 4 step 7 and P2: what the budget left over is gone on with at once",
    edits: [{ file: "functions/pass/schedule.ts", find: 'if (more === "more") return soonest;', replace: 'if (more === "more") return null;' }],
    expect: ["P1", "P2"],
    hunt: {
      setting: { clouds: ["aws", "azure", "cloudflare"], platform: "workers", room: "wide" },
      // Three targets share the calls of a pass; right after a tick, more than two ticks can add where both directions are written.
      script: [
        { afterMs: 700, do: "block", by: "detector", ips: manyApart, forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 12 * minute, do: "read", ip: "203.0.113.9" },
      ],
    },
  },
];
