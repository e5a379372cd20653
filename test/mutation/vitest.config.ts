// The tests of one room, as the mutation check runs them: `MUTATION_TESTS` has their patterns, one per line.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: (process.env.MUTATION_TESTS ?? "").split("\n"),
    setupFiles: ["test/mutation/setup.ts"],
    env: { PLAN_RUNS: "400", LAW_RUNS: "12", FIT_RUNS: "200" },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
