// aws-nacl at its edges: configuration, permissions, credentials, error codes, setup and discovery.
import * as v from "valibot";
import { describe, expect, onTestFinished, test } from "vitest";
import { sessionPolicy } from "../../providers/aws-nacl/credentials.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import { providerOf } from "../../providers/index.ts";
import { cidrOf } from "../../shared/address/index.ts";
import { Secret, type Transport } from "../../shared/ports.ts";
import { adds, bring, carryOut, look, lookLater, plan, removes, shown } from "../conformance/provider/harness.ts";
import { fillPolicy } from "../simulators/aws.ts";
import { aclId, externalId, keys, policies, roleArn } from "../simulators/aws-fixtures.ts";
import { type AwsHarness, type AwsHarnessOptions, awsHarness, storeId } from "./aws-nacl-harness.ts";
import { testPorts } from "./ports.ts";

async function harnessFor(options: AwsHarnessOptions = {}): Promise<AwsHarness> {
  const harness = await awsHarness(options);
  onTestFinished(() => harness.close());
  return harness;
}

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");

describe("settings", () => {
  const written = { region: "eu-west-1", acl: aclId, rules: { first: 1, last: 40 } };
  const problems = (more: object): readonly string[] => {
    const parsed = v.safeParse(awsNacl.settings, { ...written, ...more });
    return parsed.success ? [] : parsed.issues.map((issue) => issue.message);
  };

  test("parse: fills in defaults, and takes its own output again", () => {
    const parsed = v.parse(awsNacl.settings, { ...written, assumeRole: { roleArn } });
    expect(parsed).toEqual({
      ...written,
      rules: { first: 1, last: 40, limit: 20 },
      direction: "ingress",
      assumeRole: { roleArn, sessionName: "portcullis", durationSeconds: 3_600 },
    });
    expect(v.parse(awsNacl.settings, JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  test.each([
    [{ colour: "red" }, 'unknown key "colour"'],
    [{ rules: { first: 40, last: 1 } }, "rules.first must not be greater"],
    [{ rules: { first: 0, last: 1 } }, "rules.first must be a whole number from 1 to 32766"],
    [{ rules: { first: 1, last: 32_767 } }, "rules.last must be"],
    [{ rules: { first: 1, last: 4, limit: 41 } }, "from 2 to 40"],
    [{ rules: { first: 1.5, last: 4 } }, "whole number"],
    [{ rules: { first: 1, last: 4, from: 3 } }, 'unknown key "from"'],
    [{ acl: "sg-1" }, "acl must be a network ACL id"],
    [{ region: "Ireland" }, "region must look like eu-west-1"],
    [{ direction: "egress" }, "direction must be ingress or both"],
    [{ endpoint: "ftp://x" }, "endpoint must be a plain http(s) URL"],
    [{ endpoint: "https://user:pass@x/" }, "endpoint must be"],
    [{ assumeRole: { roleArn: "blocker" } }, "assumeRole.roleArn must look like"],
    [{ assumeRole: { roleArn, durationSeconds: 60 } }, "from 900 to 43200"],
  ])("refuse: %j", (more, message) => {
    expect(problems(more).join("\n")).toContain(message);
  });

  test("name: hosts and serial keys follow the region", () => {
    const settings = (region: string) => v.parse(awsNacl.settings, { ...written, region });
    expect(awsNacl.hostSuffixes(settings("eu-west-1"))).toContain("ec2.eu-west-1.amazonaws.com");
    expect(awsNacl.hostSuffixes(settings("cn-north-1"))).toContain("sts.cn-north-1.amazonaws.com.cn");
    expect(awsNacl.hostSuffixes(settings("cn-north-1"))).not.toContain("ec2.cn-north-1.amazonaws.com");
    expect(awsNacl.serialKey(settings("eu-west-1"))).not.toBe(awsNacl.serialKey(settings("eu-west-2")));
  });

  test("look up: kinds by their own names only", () => {
    expect(providerOf("aws-nacl")?.kind).toBe("aws-nacl");
    for (const name of ["constructor", "__proto__", "toString", "aws"]) expect(providerOf(name)).toBeNull();
  });
});

describe("permissions", () => {
  const actions = (policy: { readonly Statement: readonly { readonly Action: string | readonly string[] }[] }) =>
    policy.Statement.flatMap((statement) => statement.Action);

  test("agree: policy.json and the definition name the same actions", () => {
    expect(actions(policies.run)).toEqual(awsNacl.permissions);
  });

  test("least: every run-time action is needed by an ordinary life of entries", async () => {
    for (const missing of [null, ...awsNacl.permissions]) {
      const harness = await harnessFor();
      const statements = policies.run.Statement.map((statement) => ({
        ...statement,
        Action: [statement.Action].flat().filter((action) => action !== missing),
      }));
      const policy = { ...policies.run, Statement: statements.filter((statement) => statement.Action.length > 0) };
      harness.aws.principals.addUser({ name: "run", ...keys.run, policy: fillPolicy(policy, { acl: aclId }) });
      const life = async () => {
        const provider = harness.provider();
        const seen = await bring(harness, provider, () => adds([a]));
        const [entry] = seen.ours;
        if (entry !== undefined) await carryOut(provider, plan(provider, seen, [{ verb: "swap", entry, cidr: b }]));
        await bring(harness, provider, (now) => removes(now.ours));
      };
      const outcome = await life().then(
        () => "lived",
        (error: Error) => error.message,
      );
      if (missing === null) expect(outcome).toBe("lived");
      else expect(outcome).toMatch(new RegExp(`PROVIDER_AUTH.*${missing}`, "s"));
    }
  });

  test("separate: setup is refused with the run-time policy, and says which policy it needs", async () => {
    const { provider } = await harnessFor({ unclaimed: true });
    const report = await provider().setup({ action: "claim", storeId, adopt: false });
    expect(report).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining("policy.setup.json") } });
  });

  test("separate: the setup policy cannot write entries", async () => {
    const harness = await harnessFor();
    const [step] = plan(harness.provider(), await look(harness.provider()), adds([a]));
    const outcome = step === undefined ? null : await harness.operator().apply(step);
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "PROVIDER_AUTH" } });
  });
});

describe("credentials", () => {
  test("assume: one session serves many calls, and is renewed five minutes before its end", async () => {
    const harness = await harnessFor({ assumeRole: true });
    const provider = harness.provider();
    await look(provider);
    await look(provider);
    expect(harness.aws.calls("AssumeRole")).toBe(1);
    harness.ports.advance(54 * 60_000);
    await look(provider);
    expect(harness.aws.calls("AssumeRole")).toBe(1);
    harness.ports.advance(60_000);
    await look(provider);
    expect(harness.aws.calls("AssumeRole")).toBe(2);
  });

  test("assume: a session that the cloud no longer takes is replaced at the next call", async () => {
    const harness = await harnessFor({ assumeRole: true });
    const provider = harness.provider();
    await look(provider);
    harness.aws.principals.revoke("ASIA0000000000000001");
    expect(await provider.observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH" } });
    await look(provider);
    expect(harness.aws.calls("AssumeRole")).toBe(2);
  });

  test("narrow: the session may touch this ACL only, within STS's size, whatever the role may do", async () => {
    const harness = await harnessFor({ assumeRole: true });
    await look(harness.provider());
    const policy = harness.aws.log.find((call) => call.action === "AssumeRole")?.parameters.Policy ?? "";
    expect(policy).toContain(`arn:aws:ec2:eu-west-1:111122223333:network-acl/${aclId}`);
    expect(policy).not.toContain("CreateTags");
    expect(policy.length).toBeLessThanOrEqual(2_048);
    const role = { roleArn: roleArn.replace("arn:aws:", "arn:aws-cn:"), sessionName: "x", durationSeconds: 900 };
    expect(sessionPolicy(role, "cn-north-1", aclId, "setup")).toContain("arn:aws-cn:ec2:cn-north-1");
  });

  test("tell: refused and throttled by STS before anything is written", async () => {
    const harness = await harnessFor({ assumeRole: true });
    const [step] = plan(harness.provider(), await look(harness.provider()), adds([a]));
    if (step === undefined) throw new Error("nothing was compiled");
    harness.aws.faults.next.push({ action: "AssumeRole", mishap: { kind: "throttle", status: 503, retryAfterSeconds: 9 } });
    expect(await harness.provider().apply(step)).toMatchObject({ kind: "throttled", retryAtMs: harness.nowMs() + 9_000 });
    harness.aws.faults.next.push({ action: "AssumeRole", mishap: { kind: "drop", committed: true } });
    expect(await harness.provider().apply(step)).toMatchObject({ kind: "failed", error: { code: "PROVIDER_UNAVAILABLE" } });
    harness.aws.principals.revoke(keys.assume.accessKeyId);
    expect(await harness.provider().apply(step)).toMatchObject({ kind: "failed", error: { code: "PROVIDER_AUTH" } });
    expect(harness.aws.writes).toBe(0);
  });

  test("tell: keys that are not set", async () => {
    const { settings } = await harnessFor();
    const seen = await awsNacl.create(settings, testPorts({ accessKeyId: new Secret("AKIA") })).observe();
    expect(seen).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining("secretAccessKey") } });
  });
});

describe("the wire", () => {
  test("send: exactly these parameters, and nothing else", async () => {
    const harness = await harnessFor({ direction: "both", unclaimed: true, assumeRole: true });
    await harness.operator().setup({ action: "claim", storeId, adopt: false });
    const provider = harness.provider();
    const seen = await bring(harness, provider, () => adds([a]));
    const [entry] = seen.ours;
    if (entry !== undefined) await carryOut(provider, plan(provider, seen, [{ verb: "swap", entry, cidr: cidrOf("2001:db8:7::/64") }]));
    await bring(harness, provider, (now) => removes(now.ours));
    await harness.operator().setup({ action: "release" });
    const sent = new Map(harness.aws.log.map(({ action, parameters }) => [`${action} ${parameters.Egress ?? ""}`.trim(), parameters]));
    const { Policy: _policy, ...assume } = sent.get("AssumeRole") ?? {};
    const rule = { NetworkAclId: aclId, RuleNumber: "1" };
    const deny = { ...rule, Protocol: "-1", RuleAction: "deny" };
    const tags = { "Tag.1.Key": "portcullis:store", "Tag.1.Value": storeId, "Tag.2.Key": "portcullis:range", "Tag.2.Value": "1-40" };
    expect(assume).toEqual({ RoleArn: roleArn, RoleSessionName: "portcullis", DurationSeconds: "3600", ExternalId: externalId });
    expect(Object.fromEntries([...sent].filter(([name]) => name !== "AssumeRole"))).toEqual({
      DescribeNetworkAcls: { "NetworkAclId.1": aclId },
      "CreateNetworkAclEntry false": { ...deny, Egress: "false", CidrBlock: "203.0.113.7/32" },
      "CreateNetworkAclEntry true": { ...deny, Egress: "true", CidrBlock: "203.0.113.7/32" },
      "ReplaceNetworkAclEntry false": { ...deny, Egress: "false", Ipv6CidrBlock: "2001:db8:7::/64" },
      "ReplaceNetworkAclEntry true": { ...deny, Egress: "true", Ipv6CidrBlock: "2001:db8:7::/64" },
      "DeleteNetworkAclEntry false": { ...rule, Egress: "false" },
      "DeleteNetworkAclEntry true": { ...rule, Egress: "true" },
      CreateTags: { "ResourceId.1": aclId, ...tags },
      DeleteTags: { "ResourceId.1": aclId, ...tags },
    });
  });
});

describe("answers", () => {
  const xml = (code: string) => `<Response><Errors><Error><Code>${code}</Code><Message>m</Message></Error></Errors><RequestID>r-1</RequestID></Response>`;
  const answering =
    (status: number, body: string, headers: Record<string, string> = {}): Transport =>
    async () => ({ status, headers, body });

  async function outcomeOf(send: Transport, verb: "add" | "remove" | "swap"): Promise<string> {
    const { settings, ports } = await harnessFor();
    const provider = awsNacl.create(settings, { ...ports, send });
    const entry = { id: "in:1=203.0.113.7/32", cidr: a, partial: null };
    const observation = {
      ours: verb === "add" ? [] : [entry],
      foreign: [],
      pools: [],
      storeId,
      enforcing: { yes: true },
      terminal: null,
      serverDate: null,
    } as const;
    const change = verb === "remove" ? { verb, entry } : verb === "add" ? { verb, cidr: a } : { verb, entry, cidr: b };
    const [step] = provider.compile({ changes: [change], standing: [], frozen: new Set(), observation });
    if (step === undefined) throw new Error("nothing was compiled");
    const outcome = await provider.apply(step);
    return outcome.kind === "failed" ? `failed ${outcome.error.code}` : outcome.kind;
  }

  test.each([
    [400, "NetworkAclEntryAlreadyExists", "add", "conflict"],
    [400, "InvalidNetworkAclEntry.NotFound", "remove", "already"],
    [400, "InvalidNetworkAclEntry.NotFound", "swap", "conflict"],
    [400, "NetworkAclEntryLimitExceeded", "add", "failed CAPACITY_EXCEEDED"],
    [400, "InvalidNetworkAclID.NotFound", "remove", "failed PROVIDER_REJECTED"],
    [400, "InvalidParameterValue", "add", "failed PROVIDER_REJECTED"],
    [401, "AuthFailure", "add", "failed PROVIDER_AUTH"],
    [403, "UnauthorizedOperation", "add", "failed PROVIDER_AUTH"],
    [400, "RequestExpired", "add", "failed PROVIDER_AUTH"],
    [403, "SomethingNew", "add", "failed PROVIDER_AUTH"],
    [503, "RequestLimitExceeded", "add", "throttled"],
    [400, "ThrottlingException", "add", "throttled"],
    [429, "SomethingNew", "add", "throttled"],
    [503, "Unavailable", "add", "unknown"],
    [500, "InternalError", "remove", "unknown"],
    [502, "SomethingNew", "swap", "unknown"],
  ] as const)("mean: %i %s on %s is %s", async (status, code, verb, expected) => {
    expect(await outcomeOf(answering(status, xml(code)), verb)).toBe(expected);
  });

  test("mean: what is no answer is unknown, whatever its status", async () => {
    const entity = '<!DOCTYPE x [<!ENTITY y "z">]><CreateNetworkAclEntryResponse><return>&y;</return></CreateNetworkAclEntryResponse>';
    for (const body of ["", "<html></html>", "{}", "<CreateNetworkAclEntryResponse>", entity])
      expect(await outcomeOf(answering(200, body), "add")).toBe("unknown");
    expect(await outcomeOf(answering(504, "gateway"), "add")).toBe("unknown");
    expect(await outcomeOf(answering(302, ""), "add")).toBe("failed PROVIDER_REJECTED");
  });

  test("delay: without a named moment each refusal in a row waits longer, up to a minute", async () => {
    const { settings, ports } = await harnessFor();
    const provider = awsNacl.create(settings, { ...ports, send: answering(503, xml("RequestLimitExceeded")) });
    const delays: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const seen = await provider.observe();
      delays.push(seen.ok ? 0 : (seen.error.context.retryAfterSeconds ?? 0));
    }
    expect(delays).toEqual([...delays].sort((one, other) => one - other));
    expect(delays[0]).toBeLessThanOrEqual(2);
    expect(delays.at(-1)).toBeLessThanOrEqual(60);
    expect(delays.at(-1)).toBeGreaterThanOrEqual(30);
  });

  test("refuse: a step of another ACL, or of no shape of ours, is not sent", async () => {
    const harness = await harnessFor();
    const [step] = plan(harness.provider(), await look(harness.provider()), adds([a]));
    if (step === undefined) throw new Error("nothing was compiled");
    for (const native of [null, {}, { ...(step.native as object), acl: "acl-0fffffffffffffff0" }, { ...(step.native as object), number: 0 }]) {
      expect(await harness.provider().apply({ ...step, native })).toMatchObject({ kind: "failed", error: { code: "PROVIDER_REJECTED" } });
    }
    expect(harness.aws.writes).toBe(0);
  });

  test("lag: while reads are behind, an unknown write is found later and not made twice", async () => {
    const harness = await harnessFor();
    harness.aws.faults.describeLagMs = 8_000;
    const provider = harness.provider();
    const [step] = plan(provider, await look(provider), adds([a]));
    if (step === undefined) throw new Error("nothing was compiled");
    harness.ports.advance(60_000);
    harness.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: true } });
    expect(shown(await provider.apply(step))).toContain("unknown");
    expect((await look(provider)).ours).toEqual([]);
    expect((await lookLater(harness, provider)).ours).toHaveLength(1);
  });
});

describe("setup", () => {
  const claim = { action: "claim", storeId, adopt: false } as const;

  test("claim: both tags in one call, and says what it found", async () => {
    const { aws, operator } = await harnessFor({ unclaimed: true });
    const report = await operator().setup(claim);
    expect(report).toMatchObject({ ok: true, value: { changed: true } });
    expect(aws.acl(aclId).state.tags).toEqual({ "portcullis:store": storeId, "portcullis:range": "1-40" });
    expect(aws.calls("CreateTags")).toBe(1);
    expect(report.ok && report.value.lines.join("\n")).toContain("IPv4 rules: room for 18");
  });

  test("move: the same store may move its range, but not away from entries that stand", async () => {
    const harness = await harnessFor();
    harness.aws.acl(aclId).tag({ "portcullis:range": "50-60" });
    harness.aws.acl(aclId).create({ number: 55, cidr: "203.0.113.9/32" });
    expect(await harness.operator().setup({ ...claim, adopt: true })).toMatchObject({
      ok: false,
      error: { code: "OWNERSHIP_CONFLICT", message: expect.stringContaining("in:55") },
    });
    harness.aws.acl(aclId).delete(55, false);
    expect(await harness.operator().setup(claim)).toMatchObject({ ok: true, value: { changed: true } });
    expect((await look(harness.provider())).terminal).toBeNull();
  });

  test("warn: egress rules that nobody would remove, an ACL that enforces nothing", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.aws.acl(aclId).create({ number: 7, egress: true, cidr: "203.0.113.9/32" });
    harness.aws.acl(aclId).associate([]);
    const report = await harness.operator().setup(claim);
    const text = report.ok ? report.value.lines.join("\n") : "";
    expect(text).toContain("egress deny rules stand in the range (7)");
    expect(text).toContain("no subnet");
  });

  test("fail: an ACL that is not there, a lost answer", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.aws.faults.next.push({ action: "CreateTags", mishap: { kind: "serverError", status: 500, committed: true } });
    expect(await harness.operator().setup(claim)).toMatchObject({ ok: false, error: { code: "OUTCOME_UNKNOWN" } });
    expect(await harness.operator().setup(claim)).toMatchObject({ ok: true, value: { changed: false } });
    harness.aws.deleteAcl(aclId);
    expect(await harness.operator().setup(claim)).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID" } });
  });
});

describe("discover", () => {
  test("offer: every ACL of the region over all pages, with a range below its first allow, as settings that parse", async () => {
    const { aws, ports } = await harnessFor({ unclaimed: true });
    aws.faults.pageSizeMax = 2;
    aws.addAcl({ id: "acl-00000000000000001", tags: { Name: "web & api" }, entries: [{ number: 1, cidr: "10.0.0.0/8", action: "allow" }] });
    aws.addAcl({
      id: "acl-00000000000000002",
      subnets: [],
      entries: [
        { number: 20, cidr: "203.0.113.0/24" },
        { number: 30, cidr: "0.0.0.0/0", action: "allow" },
      ],
    });
    aws.addAcl({ id: "acl-00000000000000003", tags: { "portcullis:store": "s-1", "portcullis:range": "1-9" } });
    const found = await awsNacl.discover?.({ region: "eu-west-1", endpoint: aws.url }, ports);
    if (!found?.ok) throw new Error("nothing was found");
    expect(found.value.map(({ title, settings }) => [title, (settings as { rules: unknown }).rules])).toEqual([
      [`${aclId} (vpc-0123456789abcdef0, 1 subnet)`, { first: 1, last: 40, limit: 20 }],
      ['acl-00000000000000001 "web & api" (vpc-0123456789abcdef0, 1 subnet)', { first: 1, last: 1, limit: 20 }],
      ["acl-00000000000000002 (vpc-0123456789abcdef0, 0 subnets)", { first: 1, last: 19, limit: 20 }],
      ["acl-00000000000000003 (vpc-0123456789abcdef0, 1 subnet)", { first: 1, last: 40, limit: 20 }],
    ]);
    expect(found.value.map(({ warnings }) => warnings.join(" "))).toEqual([
      "",
      expect.stringContaining("renumber"),
      expect.stringContaining("no subnet"),
      expect.stringContaining("store s-1"),
    ]);
    for (const { settings } of found.value) expect(v.safeParse(awsNacl.settings, settings).success).toBe(true);
    expect(await awsNacl.discover?.({ region: "nowhere" }, ports)).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID" } });
  });
});
