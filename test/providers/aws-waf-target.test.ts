// What only aws-waf does: its settings, reading sets, whether a web ACL counts, lists that never shrink without a word.
// The laws of every kind are in aws-waf.test.ts.
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, onTestFinished, test } from "vitest";
import { compile } from "../../providers/aws-waf/compile.ts";
import { entryOf } from "../../providers/aws-waf/convert.ts";
import { awsWaf } from "../../providers/aws-waf/index.ts";
import { setArnsOf } from "../../providers/aws-waf/web-acl.ts";
import { cidrOf, cidrText } from "../../shared/address/index.ts";
import type { Change, Observation } from "../../shared/provider.ts";
import { adds, bring, look, plan } from "../conformance/provider/harness.ts";
import { anyOf, inSet, managed, type RuleSeed } from "../simulators/aws-waf.ts";
import { arnsOf } from "../simulators/aws-waf-fixtures.ts";
import { mapped, settingsFor, storeId, type WafHarness, type WafHarnessOptions, wafHarness } from "./aws-waf-harness.ts";

async function harnessFor(options: WafHarnessOptions = {}): Promise<WafHarness> {
  const harness = await wafHarness(options);
  onTestFinished(() => harness.close());
  return harness;
}

const arns = arnsOf("REGIONAL");
const global = arnsOf("CLOUDFRONT");
const a = cidrOf("203.0.113.7/32");
const b = cidrOf("2001:db8:7::/64");

describe("settings", () => {
  const whole = { ipv4: arns.ipv4, ipv6: arns.ipv6, webAcl: arns.webAcl };
  const problem = (changes: object): string | null => {
    const parsed = v.safeParse(awsWaf.settings, { ...whole, ...changes });
    return parsed.success ? null : parsed.issues.map((issue) => issue.message).join("; ");
  };

  test("take: one set or two, regional or for CloudFront, and give the same again", () => {
    const roleArn = "arn:aws:iam::111122223333:role/blocker";
    const fine = [
      whole,
      { ipv6: arns.ipv6, webAcl: arns.webAcl },
      { ...global, other: undefined },
      { ...whole, assumeRole: { roleArn, durationSeconds: 900 } },
    ];
    for (const { other: _other, ...given } of fine as readonly { other?: unknown }[]) {
      const parsed = v.parse(awsWaf.settings, given);
      expect(v.parse(awsWaf.settings, JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
    }
    expect(awsWaf.serialKey(v.parse(awsWaf.settings, whole))).toBe("aws-waf:111122223333:eu-west-1");
    expect(awsWaf.hostSuffixes(v.parse(awsWaf.settings, { webAcl: global.webAcl, ipv4: global.ipv4 }))).toContain("wafv2.us-east-1.amazonaws.com");
  });

  test.each([
    ["no set", { ipv4: undefined, ipv6: undefined }, /at least one IP set|ipv4 must be/],
    ["one set twice", { ipv6: arns.ipv4 }, /two IP sets/],
    ["a web ACL for a set", { ipv4: arns.webAcl }, /ipv4 must be the ARN of a WAFv2 IP set/],
    ["a set for the web ACL", { webAcl: arns.ipv4 }, /webAcl must be the ARN of a WAFv2 web ACL/],
    ["another scope", { ipv4: global.ipv4 }, /one account, region and scope/],
    ["another region", { webAcl: arns.webAcl.replace("eu-west-1", "eu-west-2") }, /one account, region and scope/],
    ["another account", { ipv6: arns.ipv6.replace("111122223333", "999999999999") }, /one account, region and scope/],
    ["CloudFront outside us-east-1", { webAcl: global.webAcl.replace("us-east-1", "eu-west-1") }, /us-east-1 and global/],
    ["a role of another account", { assumeRole: { roleArn: "arn:aws:iam::999999999999:role/x" } }, /role of the account/],
    ["an unknown key", { acl: "x" }, /unknown key/],
  ])("refuse: %s", (_, changes, message) => {
    expect(problem(changes)).toMatch(message);
  });
});

describe("admit", () => {
  test("refuse: everyone, and a family without a set, by name", async () => {
    const { provider, settings, ports } = await harnessFor();
    for (const all of ["0.0.0.0/0", "::/0"]) expect(provider().admit(cidrOf(all))).toMatchObject({ kind: "unsupported", why: expect.stringContaining("/0") });
    for (const wide of ["0.0.0.0/1", "8000::/1"]) expect(provider().admit(cidrOf(wide)).kind).toBe("accept");
    const { ipv6: _ipv6, ...alone } = settings;
    expect(awsWaf.create(alone, ports).admit(b)).toMatchObject({ kind: "unsupported", why: expect.stringContaining("ipv6") });
    expect(awsWaf.create(alone, ports).admit(a).kind).toBe("accept");
  });
});

describe("observe", () => {
  test("classify: any spelling of an address of the family is ours, and nothing else is", async () => {
    const { waf, provider } = await harnessFor();
    waf.set(arns.ipv6).edit({ addresses: ["2001:DB8:7::/64", mapped] });
    waf.set(arns.ipv4).edit({ addresses: ["203.0.113.7/32"] });
    const seen = await look(provider());
    expect(seen.ours.map((entry) => entry.id)).toEqual(["203.0.113.7/32", "2001:db8:7::/64"]);
    expect(seen.foreign.map((entry) => entry.id)).toEqual([`ipv6:${mapped}`]);
    expect(seen.pools).toEqual([
      { name: "IP set blocked-v4", families: [4], limit: 10_000 },
      { name: "IP set blocked-v6", families: [6], limit: 9_999 },
    ]);
    expect(seen.storeId).toBe(storeId);
  });

  test("one set: the other family has no pool, and its set is not read", async () => {
    const { waf, provider } = await harnessFor({ sets: ["ipv6"] });
    expect((await look(provider())).pools.map((pool) => pool.families)).toEqual([[6]]);
    expect(waf.calls("GetIPSet")).toBe(1);
  });

  const terminal: readonly (readonly [string, (harness: WafHarness) => void, RegExp])[] = [
    ["a set is gone", ({ waf }) => waf.delete(arns.ipv6), /blocked-v6 .* does not exist in eu-west-1, scope REGIONAL/],
    ["half claimed", ({ waf }) => waf.set(arns.ipv4).edit({ description: null }), /blocked-v4 carries no claim/],
    [
      "two stores",
      ({ waf }) => waf.set(arns.ipv6).edit({ description: (waf.set(arns.ipv6).state.description ?? "").replace(storeId, "store-b") }),
      /different stores: store-acme-prod and store-b/,
    ],
    [
      "claimed with a third set",
      ({ waf }) => waf.set(arns.ipv6).edit({ description: `portcullis:store=${storeId} portcullis:with=11111111-2222-4333-8444-000000000099` }),
      /claimed together with IP set 11111111-2222-4333-8444-000000000099/,
    ],
    ["claimed alone", ({ waf }) => waf.set(arns.ipv4).edit({ description: `portcullis:store=${storeId} portcullis:with=none` }), /claimed alone/],
  ];
  test.each(terminal)("terminal: %s", async (_, spoil, message) => {
    const harness = await harnessFor();
    spoil(harness);
    const seen = await harness.provider().observe();
    expect(seen.ok && seen.value.terminal).toMatch(message);
  });

  test("terminal: a set of the other family", async () => {
    const { waf, settings, ports } = await harnessFor({ unclaimed: true });
    const seen = await awsWaf.create({ ...settings, ipv4: arns.ipv6, ipv6: arns.ipv4 }, ports).observe();
    expect(seen.ok && seen.value.terminal).toMatch(/blocked-v6 holds IPV6 addresses, but is named under ipv4/);
    expect(waf.writes).toBe(0);
  });

  test("unclaimed: no store, and not terminal", async () => {
    const { provider } = await harnessFor({ unclaimed: true });
    expect(await look(provider())).toMatchObject({ storeId: null, terminal: null });
  });
});

describe("enforcing", () => {
  const block = (priority: number, statement: RuleSeed["statement"] = anyOf(inSet(arns.ipv4), inSet(arns.ipv6))): RuleSeed => ({
    name: "listed",
    priority,
    action: "Block",
    statement,
  });
  const geo = { GeoMatchStatement: { CountryCodes: ["AQ"] } };
  const cases: readonly (readonly [string, readonly RuleSeed[], RegExp | null])[] = [
    ["one rule that blocks either set", [block(0)], null],
    ["a rule for each set", [block(1, inSet(arns.ipv4)), { ...block(2, inSet(arns.ipv6)), name: "listed6" }], null],
    ["an OR in an OR", [block(0, anyOf(geo, anyOf(inSet(arns.ipv6), inSet(arns.ipv4))))], null],
    ["no rule", [], /no rule with action Block whose statement is IP set blocked-v4/],
    ["a rule for one set only", [block(0, inSet(arns.ipv4))], /no rule with action Block whose statement is IP set blocked-v6/],
    ["a rule that counts", [{ ...block(0), action: "Count" }], /rule listed names it with another action/],
    ["an AND", [block(0, { AndStatement: { Statements: [inSet(arns.ipv4), inSet(arns.ipv6)] } })], /no rule with action Block/],
    ["a NOT", [block(0, { NotStatement: { Statement: inSet(arns.ipv4) } })], /no rule with action Block/],
    ["an allow first", [{ name: "office", priority: 1, action: "Allow", statement: geo }, block(5)], /rule office \(priority 1\) of web ACL edge allows/],
    ["an allow after it", [{ name: "office", priority: 9, action: "Allow", statement: geo }, block(5)], null],
    ["a captcha first", [{ name: "human", priority: 1, action: "Captcha", statement: geo }, block(5)], null],
    ["a block first", [{ name: "far", priority: 1, action: "Block", statement: geo }, block(5)], null],
    ["a rule group first", [{ name: "aws", priority: 1, override: "None", statement: managed("X") }, block(5)], /rule aws .* is a rule group, which may allow/],
    ["a counting rule group first", [{ name: "aws", priority: 1, override: "Count", statement: managed("X") }, block(5)], null],
  ];
  test.each(cases)("%s", async (_, rules, why) => {
    const { waf, provider } = await harnessFor();
    waf.webAcl(arns.webAcl).rules = rules;
    const { enforcing } = await look(provider());
    if (why === null) expect(enforcing).toEqual({ yes: true });
    else expect(enforcing).toEqual({ yes: false, why: expect.stringMatching(why) });
  });

  test("an OR nested past any stack is read to its end", () => {
    let statement: RuleSeed["statement"] = inSet(arns.ipv4);
    for (let at = 0; at < 100_000; at += 1) statement = anyOf(statement);
    expect(setArnsOf({ ARN: arns.webAcl, Rules: [{ Name: "deep", Priority: 0, Action: { Block: {} }, Statement: statement }] })).toEqual([arns.ipv4]);
  });

  test("no web ACL, and Firewall Manager's groups before all rules", async () => {
    const { waf, provider, ports } = await harnessFor();
    waf.webAcl(arns.webAcl).first = [{ name: "org", override: "None" }];
    expect((await look(provider())).enforcing).toMatchObject({ yes: false, why: expect.stringContaining("org of Firewall Manager") });
    waf.webAcl(arns.webAcl).first = [{ name: "org", override: "Count" }];
    expect((await look(provider())).enforcing).toEqual({ yes: true });
    waf.delete(arns.webAcl);
    ports.advance(1_000);
    expect((await look(provider())).enforcing).toMatchObject({ yes: false, why: expect.stringContaining("does not exist") });
  });
});

describe("compile", () => {
  const settings = settingsFor("http://127.0.0.1:1/");
  const host = (at: number) => cidrOf(`198.18.${at >> 8}.${at & 255}/32`);
  const observation = (ours: readonly number[], foreign: readonly string[] = []): Observation => ({
    ours: [...ours.map((at) => entryOf(host(at))), entryOf(b)],
    foreign: foreign.map((text) => ({ id: `ipv4:${text}`, summary: text })),
    pools: [],
    storeId,
    enforcing: { yes: true },
    terminal: null,
    serverDate: null,
  });
  const listOf = (native: unknown): readonly string[] => (native as { readonly addresses: readonly string[] }).addresses;

  test("send: what was seen, less what a change removes, more what one adds, whatever the core says stands", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(numbers, numbers, numbers, (ours, going, coming) => {
        const seen = observation(ours, ["odd"]);
        const changes: Change[] = [
          ...going.filter((at) => ours.includes(at)).map((at): Change => ({ verb: "remove", entry: entryOf(host(at)) })),
          ...adds(coming.filter((at) => !going.includes(at)).map(host)),
        ];
        const steps = compile({ changes, standing: [], frozen: new Set(), observation: seen }, settings);
        const wanted = new Set([...ours.filter((at) => !going.includes(at)), ...coming.filter((at) => !going.includes(at))].map((at) => cidrText(host(at))));
        const changed = wanted.size !== ours.length || ours.some((at) => !wanted.has(cidrText(host(at))));
        expect(steps).toHaveLength(changed ? 1 : 0);
        for (const step of steps) expect([...listOf(step.native)].sort()).toEqual([...wanted, "odd"].sort());
      }),
    );
  });

  test("send: one step per family, the first change's family first, and frozen sets not at all", () => {
    const changes: Change[] = [...adds([cidrOf("2001:db8:9::/64")]), ...adds([host(1)])];
    const request = { changes, standing: [], frozen: new Set<string>(), observation: observation([]) };
    expect(compile(request, settings).map((step) => step.slots)).toEqual([["ipv6"], ["ipv4"]]);
    expect(compile({ ...request, frozen: new Set(["ipv6"]) }, settings).map((step) => step.slots)).toEqual([["ipv4"]]);
  });

  test("bound: never more than a set holds, foreign texts counted", () => {
    const ours = Array.from({ length: 9_998 }, (_, at) => at);
    const changes = adds([host(20_001), host(20_002), host(20_003)]);
    const [step] = compile({ changes, standing: [], frozen: new Set(), observation: observation(ours, ["odd"]) }, settings);
    expect(listOf(step?.native)).toHaveLength(10_000);
    expect(step?.adds).toHaveLength(1);
  });

  test("keep: what is not ours stands as it was through every change", async () => {
    const harness = await harnessFor();
    harness.waf.set(arns.ipv6).edit({ addresses: [mapped] });
    const provider = harness.provider();
    await bring(harness, provider, () => adds([b]));
    expect(harness.waf.set(arns.ipv6).state.addresses).toContain(mapped);
    const seen = await look(provider);
    expect(plan(provider, seen, adds([b]))).toEqual([]);
  });
});
