// Two projects: `node` runs everything that needs no Workers runtime; `workerd` runs the laws where the code runs.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          environment: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/runners/workerd/**"],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
