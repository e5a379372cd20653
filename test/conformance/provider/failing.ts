// Laws about trouble: every failure is told by its name, nothing is done twice, nothing is thrown, no secret is said.
import { cidrOf, cidrText } from "../../../shared/address/index.ts";
import type { Observation, Outcome } from "../../../shared/provider.ts";
import { must, mustEqual } from "../must.ts";
import {
  aborted,
  addresses,
  adds,
  bring,
  carryOut,
  look,
  lookLater,
  type ProviderHarness,
  type ProviderLaw,
  plan,
  removes,
  shown,
  type Trouble,
} from "./harness.ts";

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");

/** Plans to add `a`, then applies the first step under the trouble. */
async function addUnder(harness: ProviderHarness, trouble: Trouble): Promise<Outcome> {
  const provider = harness.provider();
  const [step] = plan(provider, await look(provider), adds([a]));
  must(step !== undefined, "nothing was compiled");
  harness.world.trouble(trouble);
  return provider.apply(step);
}

/** After trouble is over, one more round brings exactly one whole entry. */
async function converges(harness: ProviderHarness): Promise<void> {
  const provider = harness.provider();
  const after = await bring(harness, provider, () => adds([a]));
  mustEqual(addresses(after), [cidrText(a)], "ours, once the trouble is over");
  must(
    after.ours.every((entry) => entry.partial === null),
    "a half is missing",
  );
}

const roomOf = ({ pools }: Observation) => pools.reduce((sum, pool) => sum + pool.limit, 0);

/**
 * The next look tells of a place that is taken. Was it the only one, the target is terminal or some room is gone; was it one of many,
 * the person's entry is named and counted.
 */
async function saysSo(harness: ProviderHarness, before: Observation): Promise<void> {
  const seen = await harness.provider().observe();
  must(seen.ok, seen.ok ? "" : seen.error.message);
  const isGone = seen.value.terminal !== null || seen.value.pools.some((pool) => pool.limit === 0);
  const known = new Set(before.foreign.map((entry) => entry.id));
  const isCounted = seen.value.foreign.some((entry) => !known.has(entry.id)) && roomOf(seen.value) < roomOf(before);
  must(isGone || isCounted, "nothing was said of a place that is taken");
}

export const failingLaws: readonly ProviderLaw[] = [
  {
    name: "apply: too fast is throttled until the moment the cloud named, and nothing changed",
    async run(harness) {
      const before = harness.world.state();
      const outcome = await addUnder(harness, { kind: "throttle", retryAfterSeconds: 7 });
      must(outcome.kind === "throttled", shown(outcome));
      mustEqual(outcome.retryAtMs - harness.nowMs(), 7_000, "the delay in milliseconds");
      mustEqual(harness.world.state(), before, "the target");
      await converges(harness);
    },
  },
  {
    name: "apply: too fast without a named moment is throttled for a while of our own, at most minutes",
    async run(harness) {
      const outcome = await addUnder(harness, { kind: "throttle", retryAfterSeconds: null });
      must(outcome.kind === "throttled", shown(outcome));
      const delayMs = outcome.retryAtMs - harness.nowMs();
      must(0 < delayMs && delayMs <= 5 * 60_000, `a delay of ${delayMs} ms`);
      await converges(harness);
    },
  },
  {
    name: "apply: an answer lost after the change is unknown; observed again, it is there and is not made twice",
    async run(harness) {
      const outcome = await addUnder(harness, { kind: "lostAnswer" });
      must(outcome.kind === "unknown", shown(outcome));
      await converges(harness);
    },
  },
  {
    name: "apply: a call lost before the change is unknown; observed again, it is made",
    async run(harness) {
      const outcome = await addUnder(harness, { kind: "lostCall" });
      must(outcome.kind === "unknown", shown(outcome));
      await converges(harness);
    },
  },
  {
    name: "apply: a server error leaves the outcome unknown",
    async run(harness) {
      const outcome = await addUnder(harness, { kind: "serverError" });
      must(outcome.kind === "unknown", shown(outcome));
      await converges(harness);
    },
  },
  {
    name: "apply: a place that a person took is a conflict, and the person's entry stays",
    async run(harness) {
      const provider = harness.provider();
      const before = await look(provider);
      const [step] = plan(provider, before, adds([a]));
      must(step !== undefined, "nothing was compiled");
      harness.world.takePlacesOf(step);
      const taken = harness.world.foreign();
      const outcome = await provider.apply(step);
      must(outcome.kind === "conflict", shown(outcome));
      mustEqual(harness.world.foreign(), taken, "what the person made");
      if (harness.world.givePlacesBack !== undefined) {
        await saysSo(harness, before);
        harness.world.givePlacesBack(step);
      }
      const left = harness.world.foreign();
      await converges(harness);
      mustEqual(harness.world.foreign(), left, "what the person made, afterwards");
    },
  },
  {
    name: "apply, observe: refused credentials are PROVIDER_AUTH, change nothing, and work again once restored",
    async run(harness) {
      const before = harness.world.state();
      const outcome = await addUnder(harness, { kind: "revoked" });
      must(outcome.kind === "failed" && outcome.error.code === "PROVIDER_AUTH", shown(outcome));
      const seen = await harness.provider().observe();
      must(!seen.ok && seen.error.code === "PROVIDER_AUTH", seen.ok ? "observed without credentials" : seen.error.code);
      mustEqual(harness.world.state(), before, "the target");
      harness.world.trouble({ kind: "restored" });
      await converges(harness);
    },
  },
  {
    name: "apply, observe: an aborted call ends as a value and changes nothing",
    async run(harness) {
      const provider = harness.provider();
      const [step] = plan(provider, await look(provider), adds([a]));
      must(step !== undefined, "nothing was compiled");
      const before = harness.world.state();
      const outcome = await provider.apply(step, aborted);
      must(outcome.kind === "unknown" || outcome.kind === "failed", shown(outcome));
      must(!(await provider.observe(aborted)).ok, "observed although aborted");
      mustEqual(harness.world.state(), before, "the target");
    },
  },
  {
    name: "apply: a crash after any step leaves something that the next round completes",
    async run(harness) {
      const steps = plan(harness.provider(), await look(harness.provider()), adds([a, b]));
      for (let done = 0; done <= steps.length; done += 1) {
        const seen = await lookLater(harness, harness.provider());
        await carryOut(harness.provider(), plan(harness.provider(), seen, adds([a, b])).slice(0, done));
        const whole = await bring(harness, harness.provider(), () => adds([a, b]));
        mustEqual(addresses(whole), [cidrText(a), cidrText(b)], `ours after a crash at step ${done}`);
        must(
          whole.ours.every((entry) => entry.partial === null),
          "a half is missing",
        );
        const removal = plan(harness.provider(), whole, removes(whole.ours));
        await carryOut(harness.provider(), removal.slice(0, Math.min(done, removal.length)));
        await bring(harness, harness.provider(), (left) => removes(left.ours));
      }
    },
  },
  {
    name: "tell: no secret is ever in an error, a log line, an observation or a step",
    async run(harness) {
      const said: unknown[] = [harness.definition.permissions];
      const provider = harness.provider();
      const seen = await look(provider);
      const steps = plan(provider, seen, adds([a]));
      said.push(seen, steps);
      const troubles: Trouble[] = [{ kind: "throttle", retryAfterSeconds: 1 }, { kind: "lostAnswer" }, { kind: "serverError" }, { kind: "revoked" }];
      for (const trouble of troubles) {
        const outcome = await addUnder(harness, trouble);
        said.push(outcome, outcome.kind === "failed" ? textOf(outcome.error) : "");
        if (trouble.kind !== "revoked") await bring(harness, provider, (left) => removes(left.ours));
      }
      const refused = await provider.observe();
      if (!refused.ok) said.push(textOf(refused.error));
      said.push(harness.logs);
      const text = JSON.stringify(said);
      for (const secret of harness.secrets()) must(!text.includes(secret), "a secret was said");
    },
  },
];

function textOf(error: Error & { readonly context?: unknown }): string {
  const cause = error.cause instanceof Error ? textOf(error.cause) : String(error.cause ?? "");
  return `${error.message} ${JSON.stringify(error.context ?? null)} ${error.stack ?? ""} ${cause}`;
}
