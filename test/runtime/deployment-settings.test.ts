// What wrangler.toml tells the platform, where a promise of ours hangs on it.
import { describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";

const settings = unstable_readConfig({ config: new URL("../../wrangler.toml", import.meta.url).pathname });

describe("wrangler.toml", () => {
  // Without it a running object keeps its code, and with that its protect list, for up to five minutes after a deployment; ours is woken every
  // minute. Found while its restarts were modelled for the simulation (Cloudflare docs, durable-objects/deployments/durable-objects-code-updates, 2026).
  test("deploy: the coordinator object takes on a new protect list at once", () => {
    expect(settings.durable_objects).toMatchObject({ code_update_strategy: { mode: "immediate" } });
  });
});
