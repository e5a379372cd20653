// Laws about whose it is: foreign entries survive everything, and a target has one store at a time.
import { cidrOf, cidrText } from "../../../shared/address/index.ts";
import type { SetupAction, SetupReport } from "../../../shared/provider.ts";
import { must, mustEqual } from "../must.ts";
import { addresses, adds, bring, look, type ProviderHarness, type ProviderLaw, removes } from "./harness.ts";

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");

async function setUp(harness: ProviderHarness, action: SetupAction): Promise<SetupReport> {
  let report = await harness.operator().setup(action);
  // Whoever runs it comes again when told to wait, as `functions/cli/setup.ts` does.
  for (let tries = 1; !report.ok && report.error.code === "PROVIDER_THROTTLED" && tries < 10; tries += 1) {
    harness.world.advance((report.error.context.retryAfterSeconds ?? 0) * 1_000);
    report = await harness.operator().setup(action);
  }
  if (!report.ok) throw new Error(`setup failed: ${report.error.code} ${report.error.message}`);
  must(report.value.lines.length > 0, "setup said nothing");
  return report.value;
}

async function refused(harness: ProviderHarness, action: SetupAction): Promise<string> {
  const before = harness.world.state();
  const report = await harness.operator().setup(action);
  must(!report.ok, "setup was not refused");
  mustEqual(report.error.code, "OWNERSHIP_CONFLICT", "the code");
  mustEqual(harness.world.state(), before, "the target");
  return report.error.message;
}

export const owningLaws: readonly ProviderLaw[] = [
  {
    name: "foreign: entries of others keep content and order through adds, removals and a refill",
    async run(harness) {
      harness.world.addForeign();
      const foreign = harness.world.foreign();
      const provider = harness.provider();
      await bring(harness, provider, () => adds([a, b]));
      mustEqual(harness.world.foreign(), foreign, "foreign entries after adds");
      await bring(harness, provider, (seen) => removes(seen.ours.slice(0, 1)));
      await bring(harness, provider, (seen) => removes(seen.ours));
      mustEqual(harness.world.foreign(), foreign, "foreign entries after removals");
      await bring(harness, provider, () => adds([b]));
      mustEqual(harness.world.foreign(), foreign, "foreign entries after a refill");
    },
  },
  {
    name: "setup: claiming again changes nothing and says so",
    async run(harness) {
      const before = harness.world.state();
      const writes = harness.world.writes();
      const report = await setUp(harness, { action: "claim", storeId: harness.storeId, adopt: false });
      mustEqual(report.changed, false, "changed");
      mustEqual(harness.world.state(), before, "the target");
      mustEqual(harness.world.writes(), writes, "writes");
    },
  },
  {
    name: "setup: another store is refused by name, even to adopt",
    async run(harness) {
      for (const adopt of [false, true]) {
        const why = await refused(harness, { action: "claim", storeId: "store-other", adopt });
        must(why.includes(harness.storeId), "the message does not say who holds it");
      }
    },
  },
  {
    name: "setup: releasing takes the mark away and leaves every entry; releasing again changes nothing",
    async run(harness) {
      const before = await bring(harness, harness.provider(), () => adds([a]));
      mustEqual((await setUp(harness, { action: "release" })).changed, true, "changed");
      harness.world.advance(harness.definition.observeLagMs);
      const after = await look(harness.provider());
      mustEqual(after.storeId, null, "store id");
      mustEqual(addresses(after), addresses(before), "ours");
      mustEqual((await setUp(harness, { action: "release" })).changed, false, "changed the second time");
    },
  },
  {
    name: "setup: a place that is not empty is refused, and adopted when a person says so",
    async run(harness) {
      await bring(harness, harness.provider(), () => adds([a]));
      await setUp(harness, { action: "release" });
      harness.world.advance(harness.definition.observeLagMs);
      await refused(harness, { action: "claim", storeId: "store-new", adopt: false });
      mustEqual((await setUp(harness, { action: "claim", storeId: "store-new", adopt: true })).changed, true, "changed");
      harness.world.advance(harness.definition.observeLagMs);
      const seen = await look(harness.provider());
      mustEqual(seen.storeId, "store-new", "store id");
      mustEqual(addresses(seen), [cidrText(a)], "ours");
    },
  },
];
