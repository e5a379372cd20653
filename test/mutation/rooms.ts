// Which code is mutated, by which tests it must be held, and how much of it at least. Data only.

export interface Room {
  /** What `npm run mutation -- NAME` takes. */
  readonly name: string;
  /** Stryker's patterns of the files to mutate. */
  readonly mutate: readonly string[];
  /** The quick tests that alone must notice. */
  readonly tests: readonly string[];
  /** The least share, in percent, of the mutants that are not known to be equivalent. */
  readonly scoreMin: number;
  /** Part of the bounded run for CI. */
  readonly ci: boolean;
}

/** Without the test of memory: it measures another process, in which no mutant is active. */
const passTests = "test/pass/!(most-leases).test.ts";

export const rooms: readonly Room[] = [
  { name: "shared/plan", mutate: ["shared/plan/**/*.ts"], tests: ["test/plan/**/*.test.ts"], scoreMin: 98, ci: false },
  { name: "shared/lease", mutate: ["shared/lease/**/*.ts"], tests: ["test/lease/**/*.test.ts"], scoreMin: 98, ci: true },
  { name: "shared/keys", mutate: ["shared/keys.ts"], tests: ["test/keys/**/*.test.ts"], scoreMin: 98, ci: true },
  { name: "shared/time", mutate: ["shared/time.ts"], tests: ["test/keys/**/*.test.ts"], scoreMin: 98, ci: true },
  { name: "shared/errors", mutate: ["shared/errors.ts", "shared/limits.ts"], tests: ["test/keys/**/*.test.ts"], scoreMin: 95, ci: false },
  {
    name: "shared/protect",
    // The presets are lists of addresses: their test compares them with their sources.
    mutate: ["shared/protect/index.ts"],
    tests: ["test/protect/**/*.test.ts"],
    scoreMin: 97,
    ci: false,
  },
  { name: "shared/address", mutate: ["shared/address/**/*.ts"], tests: ["test/address/**/*.test.ts"], scoreMin: 98, ci: false },
  { name: "shared/request", mutate: ["shared/request/**/*.ts"], tests: ["test/request/**/*.test.ts"], scoreMin: 98, ci: false },
  {
    name: "functions/pass",
    mutate: ["functions/pass/*.ts", "!functions/pass/report.ts"],
    tests: [passTests],
    scoreMin: 96,
    ci: false,
  },
  {
    name: "functions/reconcile",
    // What only whole passes can show.
    mutate: ["functions/reconcile.ts", "functions/pass/report.ts"],
    tests: [passTests],
    scoreMin: 99,
    ci: false,
  },
  { name: "shared/trace", mutate: ["shared/trace.ts"], tests: ["test/diagnosis/trace.test.ts"], scoreMin: 99, ci: true },
  { name: "shared/config", mutate: ["shared/config.ts"], tests: ["test/config/**/*.test.ts"], scoreMin: 99, ci: false },
  { name: "shared/event", mutate: ["shared/event/**/*.ts"], tests: ["test/events/{approval,beside,plan,progress,record}.test.ts"], scoreMin: 95, ci: false },
  { name: "shared/firehose", mutate: ["shared/firehose/**/*.ts"], tests: ["test/firehose/**/*.test.ts"], scoreMin: 90, ci: false },
  { name: "shared/sns", mutate: ["shared/sns/**/*.ts"], tests: ["test/sns/**/*.test.ts"], scoreMin: 99, ci: false },
  { name: "shared/config-file", mutate: ["shared/config-file/**/*.ts"], tests: ["test/config/**/*.test.ts"], scoreMin: 94, ci: false },
  { name: "shared/playbook", mutate: ["shared/playbook/**/*.ts"], tests: ["test/playbook/**/*.test.ts"], scoreMin: 93, ci: false },
  { name: "shared/source", mutate: ["shared/source/**/*.ts"], tests: ["test/source/**/*.test.ts"], scoreMin: 95, ci: false },
  // Real blocklists, which `real.test.ts` fits, take too long to be asked thousands of times.
  { name: "shared/fit", mutate: ["shared/fit/**/*.ts"], tests: ["test/fit/!(real).test.ts"], scoreMin: 86, ci: false },
];
