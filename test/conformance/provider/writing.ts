// Laws about changing: what is applied is seen, once, in place, and nothing else moves.
import { type Cidr, cidrOf, cidrText } from "../../../shared/address/index.ts";
import type { CapabilityName, Change, Entry, Observation } from "../../../shared/provider.ts";
import { must, mustEqual } from "../must.ts";
import {
  addresses,
  adds,
  bring,
  carryOut,
  finish,
  look,
  lookLater,
  type ProviderHarness,
  type ProviderLaw,
  plan,
  planWithin,
  removes,
  shown,
} from "./harness.ts";

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");
const c = cidrOf("203.0.113.9/32");

/** One address for each capability about addresses. */
export const samples = {
  ipv4Host: a,
  ipv4Range: cidrOf("198.51.100.0/24"),
  ipv6Host: cidrOf("2001:db8:5::1/128"),
  ipv6Range: cidrOf("2001:db8:7::/64"),
} as const satisfies Partial<Record<CapabilityName, Cidr>>;

function hosts(count: number): Cidr[] {
  return Array.from({ length: count }, (_, at) => cidrOf(`198.18.${Math.floor(at / 250)}.${(at % 250) + 1}/32`));
}

function roomFor(observation: Observation, family: 4 | 6): number {
  return Math.min(...observation.pools.filter((pool) => pool.families.includes(family)).map((pool) => pool.limit));
}

function familyLaw(needs: keyof typeof samples): ProviderLaw {
  return {
    name: `apply: ${needs} is accepted, stands, is seen as it was asked, and goes again`,
    needs,
    async run(harness) {
      const cidr = samples[needs];
      const provider = harness.provider();
      mustEqual(provider.admit(cidr).kind, "accept", `admit of ${cidrText(cidr)}`);
      const full = await bring(harness, provider, () => adds([cidr]));
      mustEqual(addresses(full), [cidrText(cidr)], "ours");
      mustEqual(full.ours[0]?.partial, null, "the missing part");
      const empty = await bring(harness, provider, (seen) => removes(seen.ours));
      mustEqual(addresses(empty), [], "ours after removal");
    },
  };
}

async function fillAndEmpty(harness: ProviderHarness): Promise<void> {
  const provider = harness.provider();
  const room = roomFor(await look(provider), 4);
  must(room > 0, "an empty target has no room");
  const wanted = hosts(room);
  const full = await bring(harness, provider, () => adds(wanted));
  mustEqual(addresses(full), wanted.map(cidrText).sort(), "a full target");
  mustEqual(roomFor(full, 4), room, "the room for ours, whatever of ours stands");
  const empty = await bring(harness, harness.provider(), (seen) => removes(seen.ours));
  mustEqual(addresses(empty), [], "an emptied target");
  const again = await bring(harness, provider, () => adds([a]));
  mustEqual(addresses(again), [cidrText(a)], "a target used again");
}

/** The most of ours that stands at any moment, when changes are made one after the other. */
function mostStanding(seen: Observation, changes: readonly Change[]): number {
  let now = seen.ours.length;
  const counts = changes.map((change) => {
    now += change.verb === "add" ? 1 : change.verb === "remove" ? -1 : 0;
    return now;
  });
  return Math.max(seen.ours.length, ...counts);
}

async function swapCutShort(harness: ProviderHarness): Promise<void> {
  const provider = harness.provider();
  const wanted = hosts(roomFor(await look(provider), 4));
  const full = await bring(harness, provider, () => adds(wanted));
  const [entry] = full.ours;
  must(entry !== undefined, "nothing stands");
  await carryOut(provider, plan(provider, full, [{ verb: "swap", entry, cidr: a }]).slice(0, 1));
  const next = harness.provider();
  const after = await bring(harness, next, (seen) => {
    const left = seen.ours.filter((other) => cidrText(other.cidr) === cidrText(entry.cidr));
    return [...adds([a]), ...removes(left)];
  });
  mustEqual(addresses(after), [a, ...wanted.filter((cidr) => cidrText(cidr) !== cidrText(entry.cidr))].map(cidrText).sort(), "ours");
  must(
    after.ours.every((other) => other.partial === null),
    "a half is missing",
  );
}

export const writingLaws: readonly ProviderLaw[] = [
  familyLaw("ipv4Host"),
  familyLaw("ipv4Range"),
  familyLaw("ipv6Host"),
  familyLaw("ipv6Range"),
  {
    name: "admit: every `no` of the definition is refused, and says why",
    async run(harness) {
      const provider = harness.provider();
      for (const [name, cidr] of Object.entries(samples)) {
        const { support } = harness.definition.capabilities[name as keyof typeof samples];
        const admission = provider.admit(cidr);
        if (support === "no") must(admission.kind === "unsupported" && admission.why !== "", `${name} is declared no, and admit says ${admission.kind}`);
        if (support === "yes") mustEqual(admission.kind, "accept", `admit of ${name}`);
      }
    },
  },
  {
    name: "apply: the same step twice changes nothing the second time, and says already or conflict",
    async run(harness) {
      const provider = harness.provider();
      const steps = plan(provider, await look(provider), adds([a]));
      if ((await carryOut(provider, steps)) === "underWay") await finish(harness, provider, adds([a]));
      const state = harness.world.state();
      for (const step of steps) {
        const outcome = await harness.provider().apply(step);
        must(outcome.kind === "already" || outcome.kind === "conflict", `expected already or conflict, came to ${shown(outcome)}`);
      }
      mustEqual(harness.world.state(), state, "the target");
    },
  },
  {
    name: "apply: removing what is already gone is already, and harms nothing",
    async run(harness) {
      const provider = harness.provider();
      const seen = await bring(harness, provider, () => adds([a, b]));
      const entry = seen.ours.find((candidate) => cidrText(candidate.cidr) === cidrText(a));
      must(entry !== undefined, "the entry does not stand");
      const steps = plan(provider, seen, removes([entry]));
      harness.world.removeOurs(entry);
      for (const step of steps) mustEqual((await provider.apply(step)).kind, "already", step.summary);
      mustEqual(addresses(await lookLater(harness, provider)), [cidrText(b)], "ours");
    },
  },
  { name: "apply: empty to full to empty again, the last entry included", run: fillAndEmpty },
  {
    name: "compile: what stands already takes no step, and observing again after any change finds nothing left to do",
    async run(harness) {
      const provider = harness.provider();
      const seen = await bring(harness, provider, () => adds([a, b]));
      mustEqual(plan(provider, seen, adds([b, a])), [], "steps");
    },
  },
  {
    name: "compile: keeps the order of changes, and each step tells what it adds and removes",
    async run(harness) {
      const provider = harness.provider();
      const seen = await bring(harness, provider, () => adds([a]));
      const changes = [...removes(seen.ours), ...adds([c, b])];
      const steps = plan(provider, seen, changes);
      let ours = new Map(seen.ours.map((entry) => [entry.id, entry]));
      for (const step of steps) {
        must(step.slots.length > 0 && step.id !== "" && step.summary !== "", "a step has no slot, id or summary");
        ours = new Map([...ours].filter(([id]) => !step.removes.includes(id)));
        for (const entry of step.adds) ours.set(entry.id, entry);
      }
      const done = await carryOut(provider, steps);
      const after = done === "done" ? await lookLater(harness, provider) : await finish(harness, provider, changes);
      // What is only accepted is not overlaid on observations; its ids are the cloud's to give.
      const names = (entries: Iterable<Entry>) => [...entries].map((entry) => (done === "done" ? entry.id : cidrText(entry.cidr))).sort();
      mustEqual(names(after.ours), names(ours.values()), "what the steps said would stand");
      mustEqual(addresses(after), [cidrText(b), cidrText(c)], "ours");
    },
  },
  {
    name: "compile: after no step does more stand than the operator allows",
    async run(harness) {
      const provider = harness.provider();
      await bring(harness, provider, () => adds([a]));
      const seen = await bring(harness, provider, () => adds([samples.ipv6Range]));
      const six = seen.ours.filter((entry) => entry.cidr.family === 6);
      const four = seen.ours.filter((entry) => entry.cidr.family === 4);
      const other = cidrOf("2001:db8:8::/64");
      for (const changes of [
        [...adds([b]), ...removes(six), ...adds([c])],
        [...removes(six), ...adds([b])],
        [...removes(four), ...adds([other])],
        [...adds([other]), ...removes(four), ...adds([b])],
      ]) {
        const most = mostStanding(seen, changes);
        let ours = seen.ours.length;
        for (const step of planWithin(most, provider, seen, changes)) {
          ours += step.adds.length - step.removes.length;
          must(ours <= most, `${ours} stand after "${step.summary}", and at most ${most} may`);
        }
      }
    },
  },
  {
    name: "compile: frozen places are not touched, neither to add nor to remove",
    async run(harness) {
      const provider = harness.provider();
      const seen = await bring(harness, provider, () => adds([a]));
      const removal = plan(provider, seen, removes(seen.ours));
      const addition = plan(provider, seen, adds([b]));
      const frozen = [...removal, ...addition].flatMap((step) => step.slots);
      mustEqual(plan(provider, seen, removes(seen.ours), frozen), [], "steps that remove from frozen places");
      const elsewhere = plan(provider, seen, adds([b]), frozen);
      must(
        elsewhere.every((step) => step.slots.every((slot) => !frozen.includes(slot))),
        "a step touches a frozen place",
      );
    },
  },
  {
    name: "compile: a swap replaces one address by another with neither missing nor a place more in use",
    needs: "swap",
    async run(harness) {
      const provider = harness.provider();
      const seen = await bring(harness, provider, () => adds([a, b]));
      const [entry] = seen.ours.filter((candidate) => cidrText(candidate.cidr) === cidrText(a));
      must(entry !== undefined, "the entry does not stand");
      const steps = plan(provider, seen, [{ verb: "swap", entry, cidr: c }]);
      for (const step of steps) {
        await carryOut(provider, [step]);
        const during = addresses(await lookLater(harness, provider));
        must(during.includes(cidrText(b)) && (during.includes(cidrText(a)) || during.includes(cidrText(c))), `a gap: ${during.join(", ")}`);
      }
      const after = await lookLater(harness, provider);
      mustEqual(addresses(after), [cidrText(b), cidrText(c)], "ours");
      must(
        after.ours.every((candidate) => candidate.partial === null),
        "a half is missing",
      );
    },
  },
  {
    name: "compile: a swap cut short on a full target is completed by the next round",
    needs: "swap",
    run: swapCutShort,
  },
];
