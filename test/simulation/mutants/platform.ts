// Rules on the coordinator, its fallback and its lock, each taken away once.
import type { Action } from "../script.ts";
import { apart } from "./addresses.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;

const deno = { setting: { platform: "deno" }, only: ["block", "alerts", "lift", "platform", "double-tick", "repeat"] } as const;

/** Just after a full pass, the coordinator dies of a block whose caller waits for what comes of it. */
const killedAsItIsAsked: readonly Action[] = Array.from({ length: 10 }, (_, round): Action[] => [
  { afterMs: round === 0 ? 5_000 : 6 * minute - 1_000, do: "platform", deed: "kill" },
  { afterMs: 1_000, do: "block", by: "detector", ips: [`203.0.113.${1 + 3 * round}`], forMs: 90 * minute, severity: "medium", at: null, wait: 10 },
]).flat();

/** What ends is about to be removed when its instance stands still for longer than its lock holds; meanwhile it is asked for again, elsewhere. */
const stillAsItRemoves: readonly Action[] = [1, 2, 3, 5, 9].flatMap((host): Action[] => [
  { afterMs: 5_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 3 * minute, severity: "medium", at: null, wait: 0 },
  { afterMs: 3 * minute + 3_000, do: "platform", deed: "duplicate" },
  { afterMs: 8_000, do: "block", by: "sensor", ips: [`203.0.113.${host}`], forMs: 20 * minute, severity: "medium", at: null, wait: 0 },
  { afterMs: 3 * minute, do: "read", ip: `203.0.113.${host}` },
]);

/** Now and then one comes just after a full pass has begun, which takes longer at a slow cloud than whoever accepts beside it waits for the lock. */
const besideLongPasses: readonly Action[] = apart(14).map((ip, index): Action => {
  const afterMs = index === 0 ? 6 * minute + 2_000 : 7 * minute + (index % 3) * minute;
  return { afterMs, do: "block", by: "detector", ips: [ip], forMs: 240 * minute, severity: "medium", at: null, wait: 0 };
});

/** What is not known of a block that was waited for counts as lifted. */
const unknownIsLifted = {
  file: "functions/routes/blocks.ts",
  find: "const left = late?.lifted === true ? Math.min(late.until, item.until) : item.until;",
  replace: "const left = Math.min(late?.until ?? item.until, item.until);",
} as const;

const oneWideCloud = { platform: "workers", clouds: ["aws"], room: "wide" } as const;

export const platformMutants: readonly Mutant[] = [
  {
    name: "aside-repeats-the-old-snapshot",
    from: "P9: an answer without the coordinator repeats nothing that may be an hour old",
    edits: [
      {
        file: "functions/coordinator/rpc.ts",
        find: "Object.fromEntries(Object.keys(item.states).map((target) => [target, recordedAside]))",
        replace: "item.states",
      },
    ],
    expect: ["P9", "P1"],
    hunt: {
      setting: { platform: "workers", clouds: ["aws"], room: "wide" },
      // The store's copy of what is known is an hour old at most, and this long it has not been so.
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.1"], forMs: 180 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 70 * minute, do: "lift", ip: "203.0.113.1", exemptMs: null },
        { afterMs: 35 * minute, do: "platform", deed: "unreachable" },
        ...[1, 2, 3, 4].map(
          (): Action => ({ afterMs: 1_500, do: "block", by: "sensor", ips: ["203.0.113.1"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 }),
        ),
      ],
    },
  },
  {
    name: "last-breath-is-no-change",
    from: "design 4 step 1: quiet only when nothing was accepted since the last clean full pass, by whichever life",
    edits: [
      {
        file: "functions/coordinator/memory.ts",
        find: "memory.core.changedAt = Math.max(memory.core.changedAt, memory.rememberedAt());",
        replace: "",
      },
    ],
    expect: ["P1"],
    hunt: { setting: { platform: "workers", clouds: ["aws"], room: "wide" }, script: killedAsItIsAsked },
  },
  {
    name: "aside-is-waited-for",
    from: "P9: the coordinator is not asked what became of a record that it has not taken in, and what it knows besides is no answer",
    edits: [
      {
        file: "functions/coordinator/rpc.ts",
        find: 'if (verb === "settle" && args[0] === asideTicket) return { done: false, items: [] };',
        replace: "",
      },
      { file: "functions/coordinator/rpc.ts", find: "return { ticket: asideTicket, items };", replace: "return { ...answer, items };" },
      unknownIsLifted,
    ],
    expect: ["P9"],
    hunt: {
      setting: oneWideCloud,
      script: [1, 2, 3, 5, 9, 17].flatMap((host): Action[] => [
        { afterMs: 5_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 6 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: minute, do: "platform", deed: "unreachable" },
        { afterMs: 100, do: "block", by: "sensor", ips: [`203.0.113.${host}`], forMs: 16 * minute, severity: "medium", at: null, wait: 10 },
        { afterMs: 2 * minute, do: "read", ip: `203.0.113.${host}` },
      ]),
    },
  },
  {
    name: "unknown-is-lifted",
    from: "design 3: the answer always gives the true until, also when memory was lost while it waited",
    edits: [unknownIsLifted],
    expect: ["P9"],
    hunt: {
      setting: oneWideCloud,
      script: [1, 2, 3, 5, 9, 17].flatMap((host): Action[] => [
        { afterMs: minute, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 16 * minute, severity: "medium", at: null, wait: 10 },
        { afterMs: 150, do: "platform", deed: "wipe" },
        { afterMs: 2 * minute, do: "read", ip: `203.0.113.${host}` },
      ]),
    },
  },
  {
    name: "aside-takes-a-lift-for-none",
    from: "P9 and design 3: without the coordinator what is known may be an hour old, so a repeat is recorded once more",
    edits: [{ file: "functions/runtime/workers.ts", find: '{ ...parts, repeats: "written" }', replace: "parts" }],
    expect: ["P1"],
    hunt: {
      setting: { platform: "workers", clouds: ["aws"], room: "wide" },
      script: [
        { afterMs: 55 * minute, do: "block", by: "detector", ips: ["203.0.113.1"], forMs: 90 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 8 * minute, do: "lift", ip: "203.0.113.1", exemptMs: null },
        { afterMs: 3 * minute, do: "platform", deed: "unreachable" },
        ...[1, 2, 3].map(
          (): Action => ({ afterMs: 1_500, do: "block", by: "detector", ips: ["203.0.113.1"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 }),
        ),
      ],
    },
  },
  {
    name: "passes-side-by-side",
    from: "design 4: serial",
    edits: [
      {
        file: "functions/coordinator/coordinator.ts",
        find: "while (this.#running !== null) await this.#running.catch(() => undefined);",
        replace: "await Promise.resolve();",
      },
    ],
    expect: ["P3", "P6", "P7"],
    hunt: { setting: { platform: "workers" }, only: ["block", "alerts", "lift", "double-tick"] },
  },
  {
    name: "put-answers-before-memory",
    from: "design 4 accept: KV put → recent += record → 2xx",
    edits: [
      {
        file: "functions/coordinator/known.ts",
        find: "  await world.memory.remember(key, options.metadata, world.clock.now(), trace);",
        replace: "  world.memory.core.changedAt = world.clock.now();",
      },
    ],
    expect: ["P1", "P3", "P9"],
    hunt: { setting: { platform: "workers" }, only: ["block", "alerts", "lift"], steps: 20 },
  },
  {
    name: "memory-before-put",
    from: "design 4 accept: what is remembered always is in the store",
    edits: [
      {
        file: "functions/coordinator/known.ts",
        find: "    await world.store.put(key, value, options);\n",
        replace: "    void world.store.put(key, value, options).catch(() => undefined);\n",
      },
    ],
    expect: ["P1", "P3"],
    hunt: { only: ["block", "alerts", "break-store", "platform"] },
  },
  {
    name: "lock-without-a-look",
    from: "Deno: the lock must still hold for longer than a call may take",
    edits: [
      {
        file: "functions/coordinator/deno-coordinator.ts",
        find: "beforeCall: () => lock.ensure(limits.callTimeoutMs) });",
        replace: "beforeCall: async () => undefined });",
      },
    ],
    expect: ["P3", "P5", "P6"],
    hunt: deno,
    equivalent:
      "the note that goes before each call is bound to the lock, and whoever takes it over waits SKEW (5 s) longer than any call here is on its way; both gone is lock-without-look-and-fence",
  },
  {
    name: "lock-without-a-fence",
    from: "Deno: what is written under the lock is bound to it",
    edits: [{ file: "functions/coordinator/deno-lock.ts", find: "    return [this.#held.check];", replace: "    return [];" }],
    expect: ["P1", "P2", "P3"],
    hunt: deno,
    equivalent:
      "the look keeps whoever has lost the lock from the clouds, records are immutable, and memory that he overwrites can be wiped at any time; both gone is lock-without-look-and-fence",
  },
  {
    name: "lock-without-look-and-fence",
    from: "Deno: neither of both",
    edits: [
      {
        file: "functions/coordinator/deno-coordinator.ts",
        find: "beforeCall: () => lock.ensure(limits.callTimeoutMs) });",
        replace: "beforeCall: async () => undefined });",
      },
      {
        file: "functions/coordinator/deno-lock.ts",
        find: 'if (this.#held === null) throw new FenceBroken("Deno KV");\n    return [this.#held.check];',
        replace: "return [];",
      },
    ],
    expect: ["P1", "P2", "P3"],
    hunt: { setting: { platform: "deno", clouds: ["aws"], room: "wide" }, script: stillAsItRemoves },
  },
  {
    name: "lock-for-everyone",
    from: "Deno: one coordinator at a time",
    edits: [{ file: "functions/coordinator/deno-lock.ts", find: "if (!this.#isOver(lockUntil, stamp)) return null;", replace: "" }],
    expect: ["P7", "P1", "P3"],
    hunt: deno,
  },
  {
    name: "added-is-not-noted",
    from: "Deno: whoever accepts beside the lock leaves a note, so that no tick is quiet",
    edits: [
      {
        file: "functions/coordinator/deno-lock.ts",
        find: "await this.#parts.kv.atomic().set(addedKey, { at: this.#parts.clock.now() }).commit();",
        replace: "await Promise.resolve();",
      },
    ],
    expect: ["P1"],
    hunt: { setting: { platform: "deno", clouds: ["cloudflare"], slowMs: 9_400 }, script: besideLongPasses },
  },
  {
    name: "lock-kept-by-the-dead",
    from: "Deno: a lock that does not move for its whole time is dead",
    edits: [
      {
        file: "functions/coordinator/deno-lock.ts",
        find: "if (lockUntil + limits.skewMs < now || lockUntil === 0) return true;",
        replace: "if (lockUntil === 0) return true;",
      },
      { file: "functions/coordinator/deno-lock.ts", find: "return now - this.#watched.since > lockMs + limits.skewMs;", replace: "return false;" },
    ],
    expect: ["P1", "P2"],
    hunt: deno,
  },
];
