// Two projects: `node` runs everything that needs no Workers runtime; `workerd` runs the laws where the code runs.
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // The counts that `.ci/run` sums up.
    reporters: process.env.CI === "true" ? ["dot", ["json", { outputFile: "coverage/results.json" }]] : ["default"],
    projects: [
      {
        test: {
          name: "node",
          environment: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/runners/workerd/**"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./test/runners/workerd/wrangler.toml" } })],
        test: { name: "workerd", include: ["test/runners/workerd/**/*.test.ts"], testTimeout: 60_000 },
      },
    ],
  },
});
