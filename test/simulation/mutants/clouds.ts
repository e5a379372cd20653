// Rules of design 6 on what each cloud's adapter may say and send, each taken away once.
import type { Action } from "../script.ts";
import type { Mutant } from "./mutant.ts";

const minute = 60_000;

/** What the cloud never takes is asked for while it is at work on something else, and so shares a batch with what comes after it. */
const oneIsNeverTaken: readonly Action[] = [
  { afterMs: 0, do: "operation", cloud: 0, ms: 12_000 },
  { afterMs: 0, do: "spoil", cloud: 0, call: null, trouble: { kind: "poison", cidr: "203.0.113.3/32" } },
  { afterMs: 14 * minute, do: "block", by: "detector", ips: ["192.0.2.77"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
  { afterMs: 1_500, do: "block", by: "sensor", ips: ["203.0.113.3"], forMs: 2 * minute, severity: "medium", at: null, wait: 0 },
  { afterMs: 100, do: "block", by: "detector", ips: ["203.0.113.1", "203.0.113.9"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
  { afterMs: 6 * minute, do: "read", ip: "203.0.113.1" },
];

export const cloudsMutants: readonly Mutant[] = [
  {
    name: "foreign-denies-are-ours",
    from: "design 6 and P5: ours is what stands inside the range that setup claimed",
    edits: [
      {
        file: "providers/aws-nacl/convert.ts",
        find: "directions.includes(entry.direction) && inRange(settings.rules, entry.number) ? ourShape(entry) : null;",
        replace: "directions.includes(entry.direction) && entry.number < 32_767 ? ourShape(entry) : null;",
      },
      {
        file: "providers/aws-nacl/compile.ts",
        find: "if ([numbers.in, numbers.out].some((number) => number !== null && !inRange(board.settings.rules, number))) return null;",
        replace: "",
      },
      { file: "providers/aws-nacl/compile.ts", find: 'import { inRange } from "./convert.ts";\n', replace: "" },
    ],
    expect: ["P5"],
    hunt: { setting: { clouds: ["aws"] }, only: ["block", "human", "lift"] },
  },
  {
    name: "number-of-somebody-else",
    from: "peers: a rule number that collides overwrites a foreign rule",
    edits: [
      {
        file: "providers/aws-nacl/compile.ts",
        find: "if (place !== null) used[place.direction].add(place.number);",
        replace: "if (place === null) used.in.add(0);",
      },
      { file: "providers/aws-nacl/apply.ts", find: '  create: "CreateNetworkAclEntry",', replace: '  create: "ReplaceNetworkAclEntry",' },
      {
        file: "providers/aws-nacl/apply.ts",
        find: '  if (answer.kind === "ok") return { kind: "applied" };',
        replace:
          '  if (answer.kind === "ok") return { kind: "applied" };\n  if (native.verb === "create" && answer.kind === "error" && meaningOf(answer) === "entryMissing") return { kind: "unknown", why: what };',
      },
    ],
    expect: ["P5", "P1"],
    hunt: { setting: { clouds: ["aws"] }, only: ["block", "human"] },
  },
  {
    name: "everybody-s-items-are-ours",
    from: "design 6 and P5: items with our mark",
    edits: [
      { file: "providers/cloudflare-list/convert.ts", find: "if (isOurComment(item.comment)) {", replace: "if (parsed.ok || isOurComment(item.comment)) {" },
    ],
    expect: ["P5"],
    hunt: { setting: { clouds: ["cloudflare"] }, only: ["block", "human", "lift"] },
  },
  {
    name: "upsert-takes-somebody-s-item",
    from: "P5: never adds a value that stands as somebody else's",
    edits: [
      {
        file: "providers/cloudflare-list/convert.ts",
        find: "taken: seen.split.taken,",
        replace: "",
      },
      {
        file: "providers/cloudflare-list/compile.ts",
        find: "const free = adds.filter((cidr) => !this.#foreign.has(displayCidr(cidr)));",
        replace: "const free = adds;",
      },
      {
        file: "providers/cloudflare-list/compile.ts",
        find: 'this.#settings.shared === "refuse" && this.#foreign.size > 0 && adds.length > 0;',
        replace: 'this.#settings.shared === "refuse" && adds.length < 0;',
      },
    ],
    expect: ["P5"],
    hunt: { setting: { clouds: ["cloudflare"] }, only: ["block", "human", "alerts"] },
  },
  {
    name: "shared-list-is-written",
    from: "P5: where the API cannot close a race, the target refuses that mode by default",
    edits: [
      {
        file: "providers/cloudflare-list/compile.ts",
        find: 'this.#settings.shared === "refuse" && this.#foreign.size > 0 && adds.length > 0;',
        replace: 'this.#settings.shared === "refuse" && adds.length < 0;',
      },
    ],
    expect: ["P5"],
    hunt: {
      setting: { clouds: ["cloudflare"], platform: "workers", room: "wide" },
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.1"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        ...[1, 2, 3].map((): Action => ({ afterMs: minute, do: "human", cloud: 0, deed: "add-in-our-place" })),
        { afterMs: 5 * minute, do: "block", by: "detector", ips: ["203.0.113.9"], forMs: 60 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 5 * minute, do: "read", ip: "203.0.113.9" },
      ],
    },
  },
  {
    name: "list-changed-under-us",
    from: "design 6: refuses a list that changed since it was read",
    edits: [
      {
        file: "providers/cloudflare-list/apply.ts",
        find: "if (list !== undefined && changed === null) return send(",
        replace: 'if (list !== undefined && changed !== "") return send(',
      },
    ],
    expect: ["P5", "P6"],
    hunt: { setting: { clouds: ["cloudflare"] }, only: ["block", "human", "alerts", "foreign-store"] },
  },
  {
    name: "old-items-are-read-again",
    from: "peers: a cache of what was blocked; a read serves again only while the list's counters stand still",
    edits: [
      {
        file: "providers/cloudflare-list/provider.ts",
        find: "known.value.id === list.id && known.value.itemCount === list.itemCount && known.value.modifiedOn === list.modifiedOn",
        replace: "known.value.id === list.id",
      },
      {
        file: "providers/cloudflare-list/provider.ts",
        find: "    // Whatever came of it, what was read before says nothing about what stands now.\n    this.#list = null;",
        replace: "",
      },
    ],
    expect: ["P1", "P2", "P9"],
    hunt: { setting: { clouds: ["cloudflare"] }, only: ["block", "human", "alerts", "lift"] },
  },
  {
    name: "write-on-a-running-operation-cloudflare",
    from: "design 4 step 3: never write on top of a running operation",
    edits: [
      {
        file: "providers/cloudflare-list/provider.ts",
        find: "    const operation = this.#operation;\n    if (operation === null) return ok(null);",
        replace: '    const operation = this.#operation;\n    if (operation === null || operation.id !== "") return ok(null);',
      },
    ],
    expect: ["P9", "P3", "P1"],
    hunt: { setting: { clouds: ["cloudflare"], platform: "workers", room: "wide" }, script: oneIsNeverTaken },
  },
  {
    name: "write-on-a-running-operation-azure",
    from: "design 4 step 3: never write on top of a running operation",
    edits: [
      { file: "providers/azure-nsg/provider.ts", find: "if (running === null) return ok(", replace: 'if (running !== "") return ok(' },
      {
        file: "providers/azure-nsg/apply.ts",
        find: "  if (isRunning(rule.state)) return {",
        replace: '  if (isRunning(rule.state) && rule.name === "") return {',
      },
    ],
    expect: ["P9", "P3", "P1", "P7"],
    hunt: {
      setting: { clouds: ["azure"], platform: "workers", room: "wide" },
      script: [
        { afterMs: 0, do: "operation", cloud: 0, ms: 40_000 },
        ...[1, 2, 3, 5].flatMap((host): Action[] => [
          { afterMs: 1_000, do: "block", by: "detector", ips: [`203.0.113.${host}`], forMs: 60 * minute, severity: "medium", at: null, wait: 10 },
          ...[8_000, 5_000, 5_000, 5_000].map((afterMs): Action => ({ afterMs, do: "read", ip: `203.0.113.${host}` })),
          { afterMs: 6 * minute, do: "read", ip: `203.0.113.${host}` },
        ]),
      ],
    },
  },
  {
    name: "failed-batch-travels-whole-again",
    from: "design 6: a batch fails whole, so its items travel on in halves until the one at fault is alone",
    edits: [
      {
        file: "providers/cloudflare-list/batches.ts",
        find: "const half = Math.max(1, Math.floor(operation.values.length / 2));",
        replace: "const half = operation.values.length;",
      },
    ],
    expect: ["P1"],
    hunt: { setting: { clouds: ["cloudflare"], platform: "workers", room: "wide" }, script: oneIsNeverTaken },
  },
  {
    name: "empty-rule-is-written",
    from: "design 4 step 6: an empty payload deletes the rule, never widens it",
    edits: [
      {
        file: "providers/azure-nsg/provider.ts",
        find: 'native.sources.length === 0 ? "DELETE" : "PUT";',
        replace: 'native.sources.length < 0 ? "DELETE" : "PUT";',
      },
    ],
    expect: ["P2", "P4"],
    hunt: { setting: { clouds: ["azure"] }, only: ["block"], steps: 4 },
  },
  {
    name: "empty-rule-is-everyone",
    from: "design 4 step 6: an empty payload deletes the rule, never widens it",
    edits: [
      {
        file: "providers/azure-nsg/provider.ts",
        find: 'native.sources.length === 0 ? "DELETE" : "PUT";',
        replace: 'native.sources.length < 0 ? "DELETE" : "PUT";',
      },
      {
        file: "providers/azure-nsg/apply.ts",
        find: "sourceAddressPrefixes: [...native.sources],",
        replace: 'sourceAddressPrefixes: native.sources.length === 0 ? ["0.0.0.0/0"] : [...native.sources],',
      },
    ],
    expect: ["P4"],
    hunt: { setting: { clouds: ["azure"] }, only: ["block"], steps: 4 },
  },
  {
    name: "rule-changed-under-us",
    from: "design 6: refuses to write over a rule that changed since the decision was made",
    edits: [
      {
        file: "providers/azure-nsg/apply.ts",
        find: "  return fingerprintOf(blocks) === native.before\n    ? null",
        replace: '  return fingerprintOf(blocks) !== ""\n    ? null',
      },
      {
        file: "providers/azure-nsg/apply.ts",
        find: "return native.before === fingerprintOf([]) ? null : {",
        replace: 'return native.before !== "" ? null : {',
      },
    ],
    expect: ["P3", "P5"],
    hunt: { setting: { clouds: ["azure"] }, only: ["block", "lift", "human", "platform", "alerts"] },
    equivalent:
      "what a person writes into our rule is ours from then on, and nobody else of ours can write meanwhile: a life that was replaced, or has lost the lock, is stopped at the note before the call",
  },
  {
    name: "only-addresses-are-compared",
    from: "design 6: all its attributes compared, not only its addresses",
    edits: [
      {
        file: "providers/azure-nsg/convert.ts",
        find: "return checks.flatMap(([asWritten, words]) => (asWritten ? [] : [words]));",
        replace: 'return checks.flatMap(([asWritten, words]) => (asWritten || words !== "" ? [] : [words]));',
      },
    ],
    expect: ["P9", "P1"],
    hunt: {
      setting: { clouds: ["azure"], platform: "workers" },
      // Long after a person changed our rule, when nobody may still go by what was seen before.
      script: [
        { afterMs: 1_000, do: "block", by: "detector", ips: ["203.0.113.2"], forMs: 120 * minute, severity: "medium", at: null, wait: 0 },
        { afterMs: 5 * minute, do: "human", cloud: 0, deed: "edit-ours" },
        { afterMs: 30 * minute, do: "read", ip: "203.0.113.2" },
        { afterMs: minute, do: "read", ip: "203.0.113.2" },
      ],
    },
  },
  {
    name: "two-widths-in-one-rule",
    from: "design 6: blocks inside one another are refused in one rule, with all that came along",
    edits: [
      {
        file: "providers/azure-nsg/compile.ts",
        find: "if (last === undefined || !contains(last, cidr)) kept.push(cidr);",
        replace: "if (last === undefined || kept.length >= 0 || !contains(last, cidr)) kept.push(cidr);",
      },
    ],
    expect: ["P1"],
    hunt: { setting: { clouds: ["azure"] }, only: ["block", "alerts"] },
  },
];
