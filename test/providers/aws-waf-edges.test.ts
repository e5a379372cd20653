// Where aws-waf meets trouble: locks, two writes a second, answers that get lost between two sets, claims, policies, and `init`.
import { describe, expect, onTestFinished, test } from "vitest";
import { actionsOf, sessionPolicy } from "../../providers/aws-waf/credentials.ts";
import { awsWaf } from "../../providers/aws-waf/index.ts";
import { withMark, withoutMark } from "../../providers/aws-waf/mark.ts";
import policy from "../../providers/aws-waf/policy.json" with { type: "json" };
import { cidrOf } from "../../shared/address/index.ts";
import type { Provider, SetupAction } from "../../shared/provider.ts";
import { addresses, adds, bring, look, lookLater, plan, removes } from "../conformance/provider/harness.ts";
import { inSet } from "../simulators/aws-waf.ts";
import { account, arnsOf, keys } from "../simulators/aws-waf-fixtures.ts";
import { mapped, storeId, type WafHarness, type WafHarnessOptions, wafHarness } from "./aws-waf-harness.ts";

async function harnessFor(options: WafHarnessOptions = {}): Promise<WafHarness> {
  const harness = await wafHarness(options);
  onTestFinished(() => harness.close());
  return harness;
}

const arns = arnsOf("REGIONAL");
const a = cidrOf("203.0.113.7/32");
const b = cidrOf("2001:db8:7::/64");
const both = adds([a, b]);

async function stepsFor(provider: Provider, changes = both) {
  return plan(provider, await look(provider), changes);
}

describe("two sets", () => {
  test("pace: the second write within a second is not sent, and goes through a second later", async () => {
    const { provider, waf, ports } = await harnessFor();
    const one = provider();
    const [first, second] = await stepsFor(one);
    if (first === undefined || second === undefined) throw new Error("two steps were expected");
    expect(await one.apply(first)).toEqual({ kind: "applied" });
    expect(await one.apply(second)).toMatchObject({ kind: "throttled", retryAtMs: ports.clock.now() + 1_000 });
    expect(waf.writes).toBe(1);
    ports.advance(1_000);
    expect(await one.apply(second)).toEqual({ kind: "applied" });
    expect(addresses(await look(one))).toEqual(["2001:db8:7::/64", "203.0.113.7/32"]);
  });

  test("throttle: another tool's write takes our turn, and nothing is changed", async () => {
    const { provider, waf, ports } = await harnessFor();
    const [first, second] = await stepsFor(provider());
    if (first === undefined || second === undefined) throw new Error("two steps were expected");
    await provider().apply(first);
    const outcome = await provider().apply(second);
    expect(outcome).toMatchObject({ kind: "throttled", why: expect.stringContaining("ThrottlingException") });
    expect(outcome.kind === "throttled" && outcome.retryAtMs).toBeGreaterThan(ports.clock.now());
    expect(waf.set(arns.ipv6).state.addresses).toEqual([]);
  });

  test("crash between the two: the next life does the other, and only that", async () => {
    const harness = await harnessFor();
    const [first] = await stepsFor(harness.provider());
    if (first === undefined) throw new Error("a step was expected");
    await harness.provider().apply(first);
    const next = harness.provider();
    const seen = await lookLater(harness, next);
    const left = plan(next, seen, both);
    expect(left.map((step) => step.slots)).toEqual([["ipv6"]]);
    for (const step of left) expect(await next.apply(step)).toEqual({ kind: "applied" });
    expect(addresses(await look(next))).toEqual(["2001:db8:7::/64", "203.0.113.7/32"]);
  });

  test("lose the answer to the first: unknown, and neither set is written twice for the same", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    const [first] = await stepsFor(provider);
    if (first === undefined) throw new Error("a step was expected");
    harness.world.trouble({ kind: "lostAnswer" });
    expect((await provider.apply(first)).kind).toBe("unknown");
    harness.ports.advance(1_000);
    expect(await provider.apply(first)).toEqual({ kind: "already" });
    const after = await bring(harness, provider, () => both);
    expect(addresses(after)).toEqual(["2001:db8:7::/64", "203.0.113.7/32"]);
    expect(harness.waf.writes).toBe(2);
  });
});

describe("locks", () => {
  test("conflict: a write by anybody since the look is theirs to keep, sent once or not at all", async () => {
    for (const makeApplier of [(one: Provider) => one, (_: Provider, harness: WafHarness) => harness.provider()]) {
      const harness = await harnessFor();
      const one = harness.provider();
      const [step] = await stepsFor(one, adds([a]));
      if (step === undefined) throw new Error("a step was expected");
      harness.waf.set(arns.ipv4).edit({ addresses: ["198.51.100.9/32"] });
      expect((await makeApplier(one, harness).apply(step)).kind).toBe("conflict");
      expect(harness.waf.set(arns.ipv4).state.addresses).toEqual(["198.51.100.9/32"]);
      expect(harness.waf.changes.filter((change) => change.by === "api")).toEqual([]);
    }
  });

  test("conflict: a step decided before a later look is not sent with the later look's token", async () => {
    const { provider, waf } = await harnessFor();
    const one = provider();
    const [step] = await stepsFor(one, adds([a]));
    if (step === undefined) throw new Error("a step was expected");
    waf.set(arns.ipv4).edit({ addresses: ["198.51.100.9/32"] });
    await look(one);
    expect((await one.apply(step)).kind).toBe("conflict");
    expect(waf.set(arns.ipv4).state.addresses).toEqual(["198.51.100.9/32"]);
  });

  test("already: somebody was faster with the same, under another token", async () => {
    const { provider, waf } = await harnessFor();
    const one = provider();
    const [step] = await stepsFor(one, adds([a]));
    if (step === undefined) throw new Error("a step was expected");
    waf.set(arns.ipv4).edit({ addresses: ["203.0.113.7/32"] });
    expect(await one.apply(step)).toEqual({ kind: "already" });
  });

  test("stale: a read that is behind comes with a stale token, and cannot undo what it does not show", async () => {
    const harness = await harnessFor();
    await bring(harness, harness.provider(), () => adds([a]));
    harness.waf.faults.describeLagMs = 5 * 60_000;
    const late = harness.provider();
    const seen = await look(late);
    expect(addresses(seen)).toEqual([]);
    const [step] = plan(late, seen, adds([cidrOf("203.0.113.9/32")]));
    if (step === undefined) throw new Error("a step was expected");
    expect((await late.apply(step)).kind).toBe("conflict");
    expect(harness.waf.set(arns.ipv4).state.addresses).toEqual(["203.0.113.7/32"]);
  });

  test("keep: every write says again what the description says", async () => {
    const harness = await harnessFor();
    const before = harness.waf.set(arns.ipv6).state.description;
    expect(before).toContain("Terraform");
    await bring(harness, harness.provider(), () => adds([b]));
    await bring(harness, harness.provider(), (seen) => removes(seen.ours));
    expect(harness.waf.set(arns.ipv6).state.description).toBe(before);
  });

  test("refuse: a claim that changed hands, a set that is gone, a step of another target", async () => {
    const { provider, waf } = await harnessFor();
    const one = provider();
    const [step] = await stepsFor(one, adds([a]));
    if (step === undefined) throw new Error("a step was expected");
    const { description } = waf.set(arns.ipv4).state;
    waf.set(arns.ipv4).edit({ description: (description ?? "").replace(storeId, "store-b") });
    expect(await provider().apply(step)).toMatchObject({ kind: "conflict", why: expect.stringContaining("claimed or released") });
    expect((await one.apply(step)).kind).toBe("conflict");
    waf.delete(arns.ipv4);
    expect(await provider().apply(step)).toMatchObject({ kind: "conflict", why: expect.stringContaining("does not exist") });
    for (const native of [null, { ...(step.native as object), arn: arns.ipv6 }, { ...(step.native as object), arn: "arn:else" }]) {
      expect(await provider().apply({ ...step, native })).toMatchObject({ kind: "failed", error: { code: "PROVIDER_REJECTED" } });
    }
    expect(waf.changes.filter((change) => change.by === "api")).toEqual([]);
  });
});

describe("observe", () => {
  test("throttled: the sixth read in a second says when to come back", async () => {
    const { provider } = await harnessFor();
    const seen = [await provider().observe(), await provider().observe(), await provider().observe()];
    expect(seen.map((one) => (one.ok ? "seen" : one.error.code))).toEqual(["seen", "seen", "PROVIDER_THROTTLED"]);
    expect(seen.flatMap((one) => (one.ok ? [] : [one.error.context.retryAfterSeconds]))[0]).toBeGreaterThan(0);
  });

  test.each(["GetIPSet", "GetWebACL"])("unreadable or failing %s is no answer", async (action) => {
    const { provider, waf, ports } = await harnessFor();
    for (const mishap of [
      { kind: "garbage", committed: false },
      { kind: "serverError", status: 503, committed: false },
      { kind: "drop", committed: false },
    ] as const) {
      waf.faults.next.push({ action, mishap });
      const seen = await provider().observe();
      expect(seen.ok ? "seen" : seen.error.code).toBe("PROVIDER_UNAVAILABLE");
      ports.advance(1_000);
    }
  });
});

describe("setup", () => {
  async function run(harness: WafHarness, action: SetupAction) {
    for (let tries = 1; ; tries += 1) {
      const report = await harness.operator().setup(action);
      if (report.ok || report.error.code !== "PROVIDER_THROTTLED" || tries === 5) return report.ok ? report.value : report.error;
      harness.ports.advance((report.error.context.retryAfterSeconds ?? 0) * 1_000);
    }
  }
  const claim = { action: "claim", storeId, adopt: false } as const;

  test("claim: marks each set behind the words of its owner, says that a second is asked for, and warns", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.waf.webAcl(arns.webAcl).rules = [];
    const first = await harness.operator().setup(claim);
    expect(first.ok ? "" : first.error.code).toBe("PROVIDER_THROTTLED");
    harness.ports.advance(1_000);
    expect(await run(harness, claim)).toMatchObject({
      changed: true,
      lines: expect.arrayContaining([
        expect.stringContaining("already claimed"),
        expect.stringContaining("claimed IP set blocked-v6"),
        expect.stringContaining("not enforcing"),
      ]),
    });
    expect(harness.waf.set(arns.ipv6).state.description).toMatch(
      /^Made by Terraform, see infra\/waf portcullis:store=store-acme-prod portcullis:with=[0-9a-f-]{36}$/,
    );
    expect(await look(harness.provider())).toMatchObject({ storeId, terminal: null });
  });

  test("refuse: a set that is not empty, another pair's, a wrong family, a set that is gone, an id that would end the mark", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.waf.set(arns.ipv6).edit({ addresses: [mapped] });
    expect(await run(harness, claim)).toMatchObject({ code: "OWNERSHIP_CONFLICT", message: expect.stringContaining("holds 1 addresses") });
    expect(harness.waf.writes).toBe(0);
    expect(await run(harness, { ...claim, storeId: "with space" })).toMatchObject({ code: "INVALID_INPUT" });
    harness.waf.set(arns.ipv6).edit({ description: `portcullis:store=${storeId} portcullis:with=none` });
    expect(await run(harness, claim)).toMatchObject({ code: "OWNERSHIP_CONFLICT", message: expect.stringContaining("with another set") });
    expect(await run(harness, { ...claim, adopt: true })).toMatchObject({ changed: true });
    harness.waf.delete(arns.ipv4);
    expect(await run(harness, claim)).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("does not exist") });
  });

  test("refuse: a description without room for the mark", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.waf.set(arns.ipv4).edit({ description: "x".repeat(200) });
    expect(await run(harness, claim)).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("leaves no room") });
  });

  test("lock: somebody wrote at the same moment; said, and nothing of theirs is lost", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.waf.faults.lagPerRead = () => 60_000;
    harness.ports.advance(120_000);
    harness.waf.set(arns.ipv4).edit({ addresses: ["192.0.2.1/32"] });
    const error = await run(harness, claim);
    expect(error).toMatchObject({ code: "PROVIDER_REJECTED", message: expect.stringContaining("run setup again") });
    expect(harness.waf.set(arns.ipv4).state.addresses).toEqual(["192.0.2.1/32"]);
  });

  test("mark: put on and taken off again, other words stay", async () => {
    const set = { family: 4, partner: null } as never;
    for (const words of ["", "Made by hand", "see infra/waf, please"]) {
      const marked = withMark(words, "s1", set);
      expect(withMark(marked, "s1", set)).toBe(marked);
      expect(withoutMark(marked)).toBe(words === "" ? "Released by Portcullis" : words);
    }
  });
});

describe("permissions", () => {
  test("need: each permission of the policy is needed, and there is no other", () => {
    const named = policy.Statement.flatMap((statement) => statement.Action);
    expect(new Set(named)).toEqual(new Set(awsWaf.permissions));
    expect(new Set([...actionsOf.sets, actionsOf.webAcl])).toEqual(new Set(awsWaf.permissions));
  });

  test("narrow: the session may touch these three and nothing else, within STS's size", async () => {
    const { settings, provider, waf, ports } = await harnessFor({ assumeRole: true });
    const text = sessionPolicy(settings);
    expect(text.length).toBeLessThan(2_048);
    for (const arn of [arns.ipv4, arns.ipv6, arns.webAcl]) expect(text).toContain(arn);
    expect((await provider().observe()).ok).toBe(true);
    const other = awsWaf.create({ ...settings, webAcl: arns.other }, ports);
    expect((await provider().observe()).ok).toBe(true);
    ports.advance(1_000);
    const refused = await other.observe();
    expect(refused.ok ? "" : refused.error.message).toContain("AccessDeniedException");
    expect(refused.ok ? "" : refused.error.message).toContain("providers/aws-waf/policy.json");
    expect(new Set(waf.log.map((call) => call.principal))).toEqual(new Set([`arn:aws:sts::${account}:assumed-role/blocker/portcullis`]));
  });
});

describe("discover", () => {
  const search = { region: "eu-west-1", scope: "REGIONAL" };

  async function found(harness: WafHarness, settings: object = search) {
    const secrets = { accessKeyId: { reveal: () => keys.everything.accessKeyId }, secretAccessKey: { reveal: () => keys.everything.secretAccessKey } };
    const ports = { ...harness.ports, secrets: secrets as never };
    return awsWaf.discover?.({ endpoint: harness.waf.url, ...settings } as never, ports);
  }

  test("offer: a web ACL with the sets it blocks by, as settings that parse, with what to know", async () => {
    const harness = await harnessFor();
    const result = await found(harness);
    if (result === undefined || !result.ok) throw new Error("nothing was discovered");
    expect(result.value.map(({ title }) => title)).toEqual(["web ACL edge, which blocks by blocked-v4 and blocked-v6"]);
    expect(result.value[0]?.settings).toMatchObject({ ipv4: arns.ipv4, ipv6: arns.ipv6, webAcl: arns.webAcl });
    expect(result.value[0]?.warnings.join()).toContain(`already claimed by store ${storeId}`);
    expect(harness.waf.writes).toBe(0);
  });

  test("offer: nothing where no rule blocks, one set where one is named, and no more reads than a second takes", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.waf.set(arns.ipv6).edit({ addresses: ["2001:db8::/64"] });
    harness.waf.webAcl(arns.webAcl).rules = [{ name: "six", priority: 0, action: "Block", statement: inSet(arns.ipv6) }];
    for (let at = 0; at < 6; at += 1) harness.waf.addWebAcl({ name: `more-${at}`, id: `99999999-2222-4333-8444-00000000000${at}` });
    const result = await found(harness);
    if (result === undefined || !result.ok) throw new Error("nothing was discovered");
    expect(result.value).toHaveLength(1);
    expect(result.value[0]?.settings).not.toHaveProperty("ipv4");
    expect(result.value[0]?.warnings.join()).toMatch(/holds 1 addresses.*more web ACLs than were looked at/);
  });

  test("call: the search's own region, before there is a target, and nobody without one", () => {
    expect(awsWaf.hostSuffixes(search as never)).toContain("wafv2.eu-west-1.amazonaws.com");
    for (const nowhere of [{}, { region: "evil.example/" }, { webAcl: "arn:else" }, null]) expect(awsWaf.hostSuffixes(nowhere as never)).toEqual([]);
  });

  test("refuse: settings that are none, and CloudFront elsewhere", async () => {
    const harness = await harnessFor();
    for (const wrong of [{ region: "x" }, { region: "eu-west-1", scope: "CLOUDFRONT" }, { ...search, acl: "x" }]) {
      const result = await found(harness, wrong);
      expect(result?.ok === false && result.error.code).toBe("CONFIG_INVALID");
    }
  });
});
