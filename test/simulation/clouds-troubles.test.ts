// The trouble that the simulated clouds can be told to make: each meets the call it is meant for, takes effect or not as it says, and is
// told of at the moment of its effect. And all of it can be taken back.
import { describe, expect, test } from "vitest";
import { cidrOf } from "../../shared/address/index.ts";
import type { Outcome, Provider } from "../../shared/provider.ts";
import { awsCloud, azureCloud, type CloudOptions, cloudflareCloud } from "./clouds/index.ts";
import { bring, type SmallWorld, seen, smallWorld, startMs, storeId } from "./clouds-kit.ts";
import type { CloudTrouble, CloudUnderTest } from "./contract.ts";

type World = SmallWorld<CloudUnderTest>;

interface Kind {
  readonly make: (options: CloudOptions) => CloudUnderTest;
  readonly write: string;
  readonly read: string;
  /** Whether it works on a change after it accepted it. */
  readonly isSlow: boolean;
}

const kinds = {
  "aws-nacl": { make: (options) => awsCloud(options), write: "CreateNetworkAclEntry", read: "DescribeNetworkAcls", isSlow: false },
  "azure-nsg": { make: (options) => azureCloud(options), write: "writeRule", read: "readGroup", isSlow: true },
  "cloudflare-list": { make: (options) => cloudflareCloud(options), write: "items.create", read: "lists.list", isSlow: true },
} as const satisfies Record<string, Kind>;

const block = "203.0.113.7/32";
const other = "203.0.113.9/32";

async function add(world: World, provider: Provider, ...texts: readonly string[]): Promise<Outcome> {
  const observation = await seen(world, provider);
  const wanted = texts.map(cidrOf);
  const standing = [...observation.ours.map((entry) => entry.cidr), ...wanted];
  const [step] = provider.compile({ changes: wanted.map((cidr) => ({ verb: "add", cidr })), standing, frozen: new Set(), observation });
  if (step === undefined) throw new Error("there is nothing to do");
  return provider.apply(step);
}

/** What the function makes of it; the effect, and not the word for it, is what is looked at where more than one word would be true. */
const onWrite: readonly (readonly [CloudTrouble, readonly Outcome["kind"][], boolean])[] = [
  [{ kind: "throttle", retryAfterSeconds: null }, ["throttled"], false],
  [{ kind: "throttle", retryAfterSeconds: 7 }, ["throttled"], false],
  [{ kind: "error", committed: false }, ["unknown"], false],
  [{ kind: "error", committed: true }, ["unknown"], true],
  [{ kind: "drop", committed: false }, ["unknown"], false],
  [{ kind: "drop", committed: true }, ["unknown"], true],
  [{ kind: "garbage", committed: false }, ["unknown"], false],
  [{ kind: "garbage", committed: true }, ["unknown"], true],
  [{ kind: "hang", committed: false }, ["unknown"], false],
  [{ kind: "hang", committed: true }, ["unknown"], true],
];

describe.each(Object.entries<Kind>(kinds))("%s", (_, { make, write, read, isSlow }) => {
  test.each(onWrite)("spoil: %o of a write", async (trouble, outcomes, hasEffect) => {
    const world = smallWorld(make);
    const provider = world.provider();
    world.cloud.spoil(write, trouble);
    expect(world.cloud.hasTrouble()).toBe(true);
    const outcome = await add(world, provider, block);
    expect(outcomes, JSON.stringify(outcome)).toContain(outcome.kind);
    if ("retryAfterSeconds" in trouble && trouble.retryAfterSeconds !== null) expect(outcome).toMatchObject({ retryAtMs: startMs + 7_000 });
    expect(world.cloud.hasTrouble()).toBe(false);
    world.advance(60_000);
    expect(world.cloud.standing()).toEqual(hasEffect ? [block] : []);
    expect(world.changes.map(({ by, standing }) => [by, standing])).toEqual(hasEffect ? [["function", [block]]] : []);
  });

  test.each(onWrite)("spoil: %o of any call meets a read", async (trouble) => {
    const world = smallWorld(make);
    const provider = world.provider();
    await seen(world, provider);
    world.cloud.spoil(null, trouble);
    const observed = await provider.observe();
    expect(observed.ok).toBe(false);
    expect(world.cloud.hasTrouble()).toBe(false);
  });

  test("spoil: a trouble waits for its own call", async () => {
    const world = smallWorld(make);
    world.cloud.spoil(write, { kind: "drop", committed: false });
    await seen(world, world.provider());
    expect(world.cloud.hasTrouble()).toBe(true);
    expect(world.cloud.callNames).toEqual(expect.arrayContaining([write, read]));
  });

  test("hang: is what the caller of respond is told", async () => {
    const world = smallWorld(make);
    const replies: (string | null)[] = [];
    const { respond } = world.cloud;
    world.cloud.respond = (request) => {
      const reply = respond.call(world.cloud, request);
      replies.push(typeof reply === "string" || reply === null ? reply : "answer");
      return reply;
    };
    world.cloud.spoil(read, { kind: "hang", committed: false });
    const provider = world.provider();
    await provider.observe();
    world.cloud.spoil(read, { kind: "drop", committed: false });
    await provider.observe();
    await provider.observe();
    expect(replies.filter((reply) => reply !== "answer")).toEqual(["hang", null]);
    expect(replies.at(-1)).toBe("answer");
  });

  test("busy: refuses writes for so long, where a cloud knows that", async () => {
    const world = smallWorld(make);
    const provider = world.provider();
    await seen(world, provider);
    world.cloud.spoil(null, { kind: "busy", ms: 30_000 });
    const observed = await provider.observe();
    const outcome = observed.ok ? (await add(world, provider, block)).kind : observed.error.code;
    expect(outcome).toBe({ "aws-nacl": "applied", "azure-nsg": "PROVIDER_PENDING", "cloudflare-list": "throttled" }[world.cloud.definition.kind]);
    await bring(world, provider, [block]);
    expect(world.cloud.standing()).toEqual([block]);
    expect(world.changes.map(({ by }) => by)).toEqual(["function"]);
  });

  test("failing: the next operation takes no effect, or one that nobody can call enforced", async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const world = smallWorld(make, seed);
      const provider = world.provider();
      world.cloud.spoil(null, { kind: "failing" });
      await add(world, provider, block);
      world.advance(60_000);
      const observation = await seen(world, provider);
      expect(world.cloud.standing().length).toBeLessThanOrEqual(1);
      if (isSlow) expect(observation.ours.filter((entry) => entry.partial === null)).toEqual([]);
      await bring(world, provider, [other]);
      expect(world.cloud.standing()).toEqual([other]);
    }
  });

  test("operations: take effect when they are over, at that moment, by who began them", async () => {
    const world = smallWorld(make);
    world.cloud.setOperationMs(25_000);
    const asked: number[] = [];
    const timed = smallWorld((options) => make({ ...options, at: (moment) => asked.push(moment) }));
    timed.cloud.setOperationMs(25_000);
    await add(world, world.provider(), block);
    await add(timed, timed.provider(), block);
    expect(world.cloud.standing()).toEqual(isSlow ? [] : [block]);
    world.advance(24_999);
    expect(world.cloud.standing()).toEqual(isSlow ? [] : [block]);
    world.advance(40_000);
    const at = isSlow ? startMs + 25_000 : startMs;
    expect(world.changes).toEqual([{ at, by: "function", standing: [block], placed: [block], overran: [] }]);
    expect(asked).toEqual(isSlow ? [at] : []);
  });

  test("revoke: nothing is let in until restored", async () => {
    const world = smallWorld(make);
    const provider = world.provider();
    await bring(world, provider, [block]);
    world.cloud.revoke();
    const refused = await provider.observe();
    expect(refused.ok ? null : refused.error.code).toBe("PROVIDER_AUTH");
    expect(world.cloud.standing()).toEqual([block]);
    world.cloud.restore();
    expect((await provider.observe()).ok).toBe(true);
  });

  test("setQuota: lessens the room, and what stands, stands", async () => {
    const world = smallWorld(make);
    const provider = world.provider();
    await bring(world, provider, [block]);
    const before = world.cloud.room();
    world.cloud.setQuota(world.cloud.definition.kind === "azure-nsg" ? 1 : 6);
    const after = world.cloud.room();
    expect([after.ipv4 < before.ipv4, after.ipv6 < before.ipv6]).toEqual([true, true]);
    expect(world.cloud.standing()).toEqual([block]);
  });

  test("claimFor: shows the mark of another store, and ours again", async () => {
    const world = smallWorld(make);
    const provider = world.provider();
    world.cloud.claimFor("another-store");
    expect((await seen(world, provider)).storeId).toBe("another-store");
    world.cloud.claimFor(null);
    world.advance(1);
    expect((await seen(world, provider)).storeId).toBe(storeId);
    expect(world.changes.map(({ by }) => by)).toEqual(["person", "person"]);
  });

  test("counters: count what reached the cloud, and what asked for a change", async () => {
    const world = smallWorld(make);
    const provider = world.provider();
    await provider.observe();
    const calls = world.cloud.calls();
    expect([calls > 0, world.cloud.writes()]).toEqual([true, 0]);
    world.cloud.spoil(write, { kind: "drop", committed: false });
    await add(world, provider, block);
    expect([world.cloud.calls() > calls, world.cloud.writes()]).toEqual([true, 1]);
  });

  test("calm: takes back everything that was asked for", async () => {
    const world = smallWorld(make);
    const { room, foreign } = { room: world.cloud.room(), foreign: world.cloud.foreign() };
    world.cloud.spoil(null, { kind: "drop", committed: true });
    world.cloud.spoil(null, { kind: "failing" });
    world.cloud.spoil(null, { kind: "poison", cidr: block });
    world.cloud.revoke();
    world.cloud.setReadLag(30_000);
    world.cloud.setOperationMs(300_000);
    world.cloud.setQuota(3);
    world.cloud.claimFor("another-store");
    world.cloud.calm();
    expect([world.cloud.hasTrouble(), world.cloud.room(), world.cloud.foreign()]).toEqual([false, room, foreign]);
    await bring(world, world.provider(), [block, other]);
    expect(world.cloud.standing()).toEqual([block, other]);
  });
});

describe("reads that are behind", () => {
  test.each<Kind>([kinds["aws-nacl"], kinds["azure-nsg"]])("setReadLag: shows now this, now that, and never what is older", async ({ make }) => {
    const world = smallWorld(make);
    const provider = world.provider();
    await bring(world, provider, [block]);
    world.cloud.setReadLag(20_000);
    world.advance(60_000);
    await add(world, provider, other);
    world.advance(10_000);
    const counts = new Set<number>();
    for (let look = 0; look < 40; look += 1) {
      const observed = await provider.observe();
      if (observed.ok) counts.add(observed.value.ours.length);
    }
    expect([...counts].sort()).toEqual([1, 2]);
    world.advance(20_000);
    for (let look = 0; look < 10; look += 1) expect((await seen(world, provider)).ours).toHaveLength(2);
  });
});

test("poison: fails all that comes along with it", async () => {
  const world = smallWorld(kinds["cloudflare-list"].make);
  const provider = world.provider();
  world.cloud.spoil(null, { kind: "poison", cidr: block });
  await add(world, provider, block, other);
  world.advance(60_000);
  expect([world.cloud.standing(), world.changes]).toEqual([[], []]);
  world.cloud.spoil(null, { kind: "poison", cidr: null });
  await add(world, world.provider(), block, other);
  world.advance(60_000);
  expect(world.cloud.standing()).toEqual([block, other]);
});

test("overran: tells what of somebody else's the function took away, and how long it had stood", async () => {
  const world = smallWorld(kinds["aws-nacl"].make);
  const provider = world.provider();
  const observation = await bring(world, provider, [block]);
  const [entry] = observation.ours;
  if (entry === undefined) throw new Error("nothing of ours stands");
  const [step] = provider.compile({ changes: [{ verb: "remove", entry }], standing: [], frozen: new Set(), observation });
  if (step === undefined) throw new Error("there is nothing to do");
  // Between the look and the write, a person makes our rule theirs.
  let line = "";
  while (!line.includes("protocol 6")) line = world.cloud.deed("edit-ours", world.roll) ?? line;
  world.advance(3_000);
  world.changes.length = 0;
  await provider.apply(step);
  expect(world.changes).toMatchObject([{ by: "function", overran: [{ ageMs: 3_000, what: expect.stringContaining("ingress rule 1") }] }]);
});
