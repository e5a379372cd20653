// The simulated WAFv2 judged by the vendor's own SDK: every operation, every refusal, and every shape against the service model.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GetIPSetCommand, GetWebACLCommand, ListIPSetsCommand, ListWebACLsCommand, UpdateIPSetCommand, WAFV2Client } from "@aws-sdk/client-wafv2";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blockOf, cidrText, familyBits, parseCidr } from "../../shared/address/index.ts";
import { wafLimits } from "./aws-waf/limits.ts";
import { inSet, managed, type WafSimulator } from "./aws-waf.ts";
import { arnsOf, keys, startWafFixture } from "./aws-waf-fixtures.ts";

const arns = arnsOf("REGIONAL");
const [name, id] = arns.ipv4.split("/").slice(2);
const place = { Name: name, Id: id, Scope: "REGIONAL" } as const;
const [name6, id6] = arns.ipv6.split("/").slice(2);
const place6 = { Name: name6, Id: id6, Scope: "REGIONAL" } as const;
const [aclName, aclId] = arns.webAcl.split("/").slice(2);

let waf: WafSimulator;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.now();
  waf = await startWafFixture("REGIONAL", { nowMs: () => nowMs });
});

afterEach(async () => {
  checkAgainstModel(waf);
  await waf.close();
});

function client(region = "eu-west-1", credentials: { accessKeyId: string; secretAccessKey: string } = keys.everything): WAFV2Client {
  return new WAFV2Client({ endpoint: waf.url, region, credentials, maxAttempts: 1 });
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { name: code, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${code} ${$metadata?.httpStatusCode ?? "no answer"}`;
  }
  return "accepted";
}

async function token(of: { Name: string | undefined; Id: string | undefined; Scope: "REGIONAL" } = place): Promise<string | undefined> {
  nowMs += 1_000;
  return (await client().send(new GetIPSetCommand(of))).LockToken;
}

async function update(addresses: readonly string[], more: object = {}): Promise<string> {
  return refusal(client().send(new UpdateIPSetCommand({ ...place, Addresses: [...addresses], LockToken: await token(), ...more })));
}

describe("IP sets by the vendor's SDK", () => {
  test("update: replaces the whole list and the description, and gives the next token", async () => {
    const first = await token();
    const { NextLockToken } = await client().send(
      new UpdateIPSetCommand({ ...place, Addresses: ["203.0.113.7/32", "198.51.100.0/24"], Description: "two of them", LockToken: first }),
    );
    const { IPSet, LockToken } = await client().send(new GetIPSetCommand(place));
    expect([LockToken === NextLockToken, LockToken === first]).toEqual([true, false]);
    expect(IPSet).toMatchObject({ Name: name, Id: id, ARN: arns.ipv4, IPAddressVersion: "IPV4", Description: "two of them" });
    expect(IPSet?.Addresses?.toSorted()).toEqual(["198.51.100.0/24", "203.0.113.7/32"]);
    expect(await update([])).toBe("accepted");
    expect(waf.set(arns.ipv4).state).toMatchObject({ addresses: [], description: null });
  });

  test("update: a token is good for one change, by anyone", async () => {
    const lock = { LockToken: await token() };
    waf.set(arns.ipv4).edit({ addresses: ["192.0.2.1/32"] });
    expect(await update([], lock)).toBe("WAFOptimisticLockException 400");
    expect(waf.set(arns.ipv4).state.addresses).toEqual(["192.0.2.1/32"]);
  });

  test("update: IPv6 comes back written out, and is the same address", async () => {
    const lock = await token(place6);
    await client().send(new UpdateIPSetCommand({ ...place6, Addresses: ["2001:db8::1/128", "2001:db8:7::/64"], LockToken: lock }));
    const { IPSet } = await client().send(new GetIPSetCommand(place6));
    expect(IPSet?.Addresses).toContain("2001:0db8:0007:0000:0000:0000:0000:0000/64");
  });

  test("refuse: what WAF refuses, by its own codes", async () => {
    const before = waf.set(arns.ipv4).state;
    for (const wrong of ["0.0.0.0/0", "203.0.113.7", "203.0.113.7/33", "2001:db8::/64", "example.org/32", ""]) {
      expect([wrong, await update([wrong])]).toEqual([wrong, "WAFInvalidParameterException 400"]);
    }
    expect(await update(["203.0.113.7/32", "203.0.113.7/32"])).toBe("WAFInvalidParameterException 400");
    const many = Array.from({ length: wafLimits.addressesPerSet + 1 }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}/32`);
    expect(await update(many)).toBe("WAFLimitsExceededException 400");
    expect(await update([], { Description: "no (brackets) here" })).toBe("WAFInvalidParameterException 400");
    expect(await update([], { Scope: "CLOUDFRONT" })).toBe("WAFInvalidParameterException 400");
    expect(await update([], { Id: aclId })).toBe("WAFNonexistentItemException 400");
    expect(await update([], { Name: name6 })).toBe("WAFNonexistentItemException 400");
    expect(await refusal(client("us-east-1").send(new GetIPSetCommand(place)))).toBe("WAFNonexistentItemException 400");
    expect(await refusal(client().send(new ListIPSetsCommand({ Scope: "REGIONAL" })))).toBe("UnknownOperationException 400");
    expect(waf.set(arns.ipv4).state).toEqual(before);
    expect(waf.changes).toEqual([]);
    expect(await update(many.slice(1))).toBe("accepted");
  });

  test("refuse: the second write within a second, and the sixth read", async () => {
    const lock = await token();
    expect(await refusal(client().send(new UpdateIPSetCommand({ ...place, Addresses: [], LockToken: lock })))).toBe("accepted");
    const again = () => refusal(client().send(new UpdateIPSetCommand({ ...place, Addresses: [], LockToken: waf.set(arns.ipv4).state.lockToken })));
    nowMs += 999;
    expect(await again()).toBe("ThrottlingException 400");
    nowMs += 1;
    expect(await again()).toBe("accepted");
    nowMs += 1_000;
    const reads = await Promise.all(Array.from({ length: 6 }, () => refusal(client().send(new GetIPSetCommand(place)))));
    expect(reads.filter((read) => read === "ThrottlingException 400")).toHaveLength(1);
  });

  test("refuse: who may not, and who is not", async () => {
    expect(await refusal(client("eu-west-1", keys.assume).send(new GetIPSetCommand(place)))).toBe("AccessDeniedException 400");
    expect(await refusal(client("eu-west-1", keys.run).send(new GetIPSetCommand(place)))).toBe("accepted");
    expect(await refusal(client("eu-west-1", keys.run).send(new ListWebACLsCommand({ Scope: "REGIONAL" })))).toBe("AccessDeniedException 400");
    const wrong = { ...keys.run, secretAccessKey: "wrong" };
    expect(await refusal(client("eu-west-1", wrong).send(new GetIPSetCommand(place)))).toBe("InvalidSignatureException 400");
    expect(await refusal(client("eu-west-1", { ...wrong, accessKeyId: "AKIANOBODY0000000000" }).send(new GetIPSetCommand(place)))).toBe(
      "UnrecognizedClientException 400",
    );
    nowMs += 10 * 60_000;
    expect(await refusal(client().send(new GetIPSetCommand(place)))).toBe("InvalidSignatureException 400");
  });

  test("read: whatever block is stored, our reading of what comes back is that block", async () => {
    const cidr = fc
      .tuple(fc.constantFrom(4 as const, 6 as const), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.integer({ min: 1, max: 128 }))
      .map(([family, value, length]) => {
        const width = familyBits(family);
        const hex = (family === 4 ? value & 0xffffffffn : value).toString(16).padStart(width / 4, "0");
        return blockOf(family, hex, Math.min(length, width));
      })
      // An IPv4 range in IPv6 clothes reads as IPv4, which is its own test at the provider.
      .filter((block) => block.family === 4 || !cidrText(block).startsWith("::"));
    await fc.assert(
      fc.asyncProperty(cidr, async (block) => {
        const set = waf.set(block.family === 4 ? arns.ipv4 : arns.ipv6);
        set.edit({ addresses: [cidrText(block)] });
        const parsed = parseCidr(set.state.addresses[0] ?? "");
        expect(parsed.ok ? cidrText(parsed.value) : null).toBe(cidrText(block));
      }),
      { numRuns: 200 },
    );
  });
});

describe("web ACLs by the vendor's SDK", () => {
  test("get, list: rules as their owner wrote them, page by page", async () => {
    waf.webAcl(arns.webAcl).first = [{ name: "fms-first", override: "Count" }];
    waf.webAcl(arns.webAcl).rules = [
      { name: "block-listed", priority: 3, action: "Block", statement: inSet(arns.ipv4) },
      { name: "aws-common", priority: 5, override: "None", statement: managed("AWSManagedRulesCommonRuleSet") },
    ];
    const { WebACL } = await client().send(new GetWebACLCommand({ Name: aclName, Id: aclId, Scope: "REGIONAL" }));
    expect(WebACL?.Rules?.find((rule) => rule.Name === "block-listed")).toMatchObject({
      Priority: 3,
      Action: { Block: {} },
      Statement: { IPSetReferenceStatement: { ARN: arns.ipv4 } },
    });
    expect(WebACL?.Rules?.find((rule) => rule.Name === "aws-common")).toMatchObject({ OverrideAction: { None: {} } });
    expect(WebACL?.PreProcessFirewallManagerRuleGroups?.[0]).toMatchObject({ OverrideAction: { Count: {} } });
    const first = await client().send(new ListWebACLsCommand({ Scope: "REGIONAL", Limit: 1 }));
    const second = await client().send(new ListWebACLsCommand({ Scope: "REGIONAL", Limit: 1, NextMarker: first.NextMarker }));
    expect([...(first.WebACLs ?? []), ...(second.WebACLs ?? [])].map(({ ARN }) => ARN)).toEqual([arns.webAcl, arns.other]);
    expect(second.NextMarker).toBeUndefined();
  });
});

interface Shape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly member?: { readonly shape: string };
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly max?: number;
  readonly min?: number;
}

interface Model {
  readonly operations: Readonly<Record<string, { readonly input: { readonly shape: string }; readonly output: { readonly shape: string } }>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

const file = fileURLToPath(new URL("../../../shared/specs/aws/wafv2-ip-set.service-2.json", import.meta.url));

function readModel(): Model | null {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Model;
  console.warn("the vendor's model is not here: shapes on the wire are not compared with it");
  return null;
}

const model = readModel();

/** What of a value is not as the model's shape says, as paths. */
function faultsOf(shapes: Model["shapes"], shapeName: string, value: unknown, path: string): string[] {
  const shape = shapes[shapeName];
  if (shape === undefined) return [`${path}: no shape ${shapeName}`];
  if (shape.type === "list") {
    if (!Array.isArray(value)) return [`${path}: no list`];
    return value.flatMap((item: unknown, at) => faultsOf(shapes, shape.member?.shape ?? "", item, `${path}.${at}`));
  }
  if (shape.type === "structure") {
    const given = (value ?? {}) as Readonly<Record<string, unknown>>;
    const missing = (shape.required ?? []).filter((key) => !Object.hasOwn(given, key)).map((key) => `${path}.${key}: missing`);
    const inner = Object.entries(given).flatMap(([key, item]) => {
      const member = shape.members?.[key];
      return member === undefined ? [`${path}.${key}: unknown`] : faultsOf(shapes, member.shape, item, `${path}.${key}`);
    });
    return [...missing, ...inner];
  }
  if (typeof value !== "string") return [`${path}: no text`];
  const isRight =
    value.length <= (shape.max ?? Number.POSITIVE_INFINITY) &&
    value.length >= (shape.min ?? 0) &&
    (shape.pattern === undefined || new RegExp(shape.pattern).test(value)) &&
    (shape.enum === undefined || shape.enum.includes(value));
  return isRight ? [] : [`${path}: ${value.slice(0, 60)}`];
}

function checkAgainstModel(simulator: WafSimulator): void {
  if (model === null) return;
  for (const call of simulator.log.filter((entry) => entry.status === 200)) {
    const operation = model.operations[call.action];
    // Web ACLs are not in the trimmed copy of the model; the SDK judges those.
    if (operation === undefined) continue;
    expect(faultsOf(model.shapes, operation.input.shape, call.body, call.action)).toEqual([]);
    expect(faultsOf(model.shapes, operation.output.shape, JSON.parse(call.answer), `${call.action} answers`)).toEqual([]);
  }
}
