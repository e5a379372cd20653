// Laws about seeing: observation is free of effects, complete, honest about room and about whose an entry is.
import { cidrOf } from "../../../shared/address/index.ts";
import { limits } from "../../../shared/limits.ts";
import { must, mustEqual } from "../must.ts";
import { adds, bring, look, type ProviderLaw, plan } from "./harness.ts";

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");

export const observingLaws: readonly ProviderLaw[] = [
  {
    name: "observe: changes nothing, and says the same twice",
    async run(harness) {
      const provider = harness.provider();
      const before = harness.world.state();
      const [first, second] = [await look(provider), await look(provider)];
      mustEqual({ ...first, serverDate: null }, { ...second, serverDate: null }, "two observations");
      mustEqual(harness.world.state(), before, "the target");
      mustEqual(harness.world.writes(), 0, "writes");
    },
  },
  {
    name: "observe: brings back the store id that setup wrote, and the server's own clock",
    async run(harness) {
      const seen = await look(harness.provider());
      mustEqual(seen.storeId, harness.storeId, "store id");
      must(seen.serverDate === null || Math.abs(seen.serverDate - harness.nowMs()) < limits.serverClockSkewMs, "the server date is not the server's");
    },
  },
  {
    name: "observe: what a person adds is foreign, named, and takes up room",
    async run(harness) {
      const provider = harness.provider();
      const before = await look(provider);
      harness.world.addForeign();
      const after = await look(provider);
      mustEqual(after.ours, before.ours, "ours");
      must(after.foreign.length > before.foreign.length, "nothing foreign was seen");
      must(
        after.foreign.every((entry) => entry.id !== "" && entry.summary !== ""),
        "a foreign entry has no name",
      );
      const room = (pools: typeof after.pools) => pools.reduce((sum, pool) => sum + pool.limit, 0);
      must(room(after.pools) < room(before.pools), "no pool became smaller");
    },
  },
  {
    name: "observe: ids are unique and stay while the entry stands",
    async run(harness) {
      const provider = harness.provider();
      const one = await bring(harness, provider, () => adds([a]));
      const two = await bring(harness, harness.provider(), () => adds([b]));
      must(new Set(two.ours.map((entry) => entry.id)).size === two.ours.length, "two entries share an id");
      for (const entry of one.ours)
        must(
          two.ours.some((other) => other.id === entry.id),
          `${entry.id} changed its id`,
        );
    },
  },
  {
    name: "observe: an answer that is none is an error, never an empty target",
    async run(harness) {
      const provider = harness.provider();
      await bring(harness, provider, () => adds([a]));
      harness.world.trouble({ kind: "unreadable" });
      const seen = await provider.observe();
      must(!seen.ok && seen.error.code === "PROVIDER_UNAVAILABLE", `expected PROVIDER_UNAVAILABLE, came to ${seen.ok ? "an observation" : seen.error.code}`);
    },
  },
  {
    name: "compile: the order of what was observed does not change the steps, nor does asking again",
    async run(harness) {
      const provider = harness.provider();
      harness.world.addForeign();
      const seen = await bring(harness, provider, () => adds([a, b]));
      const changes = adds([cidrOf("203.0.113.9/32"), cidrOf("203.0.113.10/32")]);
      const backwards = { ...seen, ours: [...seen.ours].reverse(), foreign: [...seen.foreign].reverse() };
      const steps = plan(provider, seen, changes);
      must(steps.length > 0, "nothing was compiled");
      mustEqual(plan(provider, backwards, changes), steps, "steps from the same target, listed backwards");
      mustEqual(plan(harness.provider(), seen, changes), steps, "steps of another instance");
      mustEqual(JSON.parse(JSON.stringify(steps)), steps, "steps as plain data");
    },
  },
];
