// The simulator judged by the vendor's own SDK: every action, every refusal, and every name against the service model.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  CreateNetworkAclEntryCommand,
  CreateTagsCommand,
  DeleteNetworkAclEntryCommand,
  DeleteTagsCommand,
  DescribeNetworkAclsCommand,
  EC2Client,
  paginateDescribeNetworkAcls,
  ReplaceNetworkAclEntryCommand,
} from "@aws-sdk/client-ec2";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import fc from "fast-check";
import { XMLParser } from "fast-xml-parser";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blockOf, cidrText, familyBits } from "../../shared/address/index.ts";
import { canonicalCidr } from "./aws/cidr.ts";
import type { AwsSimulator } from "./aws.ts";
import { aclId, externalId, keys, roleArn, startFixture } from "./aws-fixtures.ts";

interface SdkKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

let aws: AwsSimulator;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.now();
  aws = await startFixture({ nowMs: () => nowMs });
});

afterEach(async () => {
  checkAgainstModel(aws);
  await aws.close();
});

function ec2(credentials: SdkKeys = keys.everything, region = "eu-west-1"): EC2Client {
  return new EC2Client({ endpoint: aws.url, region, credentials, maxAttempts: 1 });
}

function sts(credentials: SdkKeys = keys.assume): STSClient {
  return new STSClient({ endpoint: aws.url, region: "eu-west-1", credentials, maxAttempts: 1 });
}

const deny = { NetworkAclId: aclId, Protocol: "-1", RuleAction: "deny", Egress: false } as const;

/** Code and status of the SDK's error. */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${name} ${$metadata?.httpStatusCode ?? "no answer"}`;
  }
  return "accepted";
}

describe("network ACL entries by the vendor's SDK", () => {
  test("create: an entry stands, in canonical form, and is described", async () => {
    await ec2().send(new CreateNetworkAclEntryCommand({ ...deny, RuleNumber: 3, CidrBlock: "203.0.113.77/24" }));
    await ec2().send(new CreateNetworkAclEntryCommand({ ...deny, RuleNumber: 4, Ipv6CidrBlock: "2001:DB8:0:0::1/64" }));
    const described = await ec2().send(new DescribeNetworkAclsCommand({ NetworkAclIds: [aclId] }));
    const acl = described.NetworkAcls?.[0];
    expect(acl?.Entries?.filter((entry) => !entry.Egress).map((entry) => [entry.RuleNumber, entry.CidrBlock ?? entry.Ipv6CidrBlock, entry.RuleAction])).toEqual(
      [
        [3, "203.0.113.0/24", "deny"],
        [4, "2001:db8::/64", "deny"],
        [100, "0.0.0.0/0", "allow"],
        [101, "::/0", "allow"],
        [32767, "0.0.0.0/0", "deny"],
        [32768, "::/0", "deny"],
      ],
    );
    expect(acl).toMatchObject({ IsDefault: false, OwnerId: "111122223333", Associations: [{ NetworkAclId: aclId }], Tags: [] });
  });

  test("create, replace: ports and ICMP types come back as given", async () => {
    await ec2().send(new CreateNetworkAclEntryCommand({ ...deny, Protocol: "6", RuleNumber: 5, CidrBlock: "203.0.113.0/24", PortRange: { From: 22, To: 22 } }));
    await ec2().send(
      new ReplaceNetworkAclEntryCommand({ ...deny, Protocol: "1", RuleNumber: 5, CidrBlock: "203.0.113.0/24", IcmpTypeCode: { Type: -1, Code: -1 } }),
    );
    const described = await ec2().send(new DescribeNetworkAclsCommand({}));
    expect(described.NetworkAcls?.[0]?.Entries?.find((entry) => entry.RuleNumber === 5)).toMatchObject({ Protocol: "1", IcmpTypeCode: { Type: -1, Code: -1 } });
  });

  test("delete: an entry is gone, once", async () => {
    aws.acl(aclId).create({ number: 9, cidr: "198.51.100.7/32" });
    const call = () => ec2().send(new DeleteNetworkAclEntryCommand({ NetworkAclId: aclId, RuleNumber: 9, Egress: false }));
    await call();
    expect(aws.acl(aclId).entry(9, false)).toBeNull();
    expect(await refusal(call())).toBe("InvalidNetworkAclEntry.NotFound 400");
  });

  test("refuse: what the cloud refuses, by its own codes", async () => {
    const create = (more: object) => refusal(ec2().send(new CreateNetworkAclEntryCommand({ ...deny, RuleNumber: 1, CidrBlock: "203.0.113.7/32", ...more })));
    expect(await create({ RuleNumber: 100 })).toBe("NetworkAclEntryAlreadyExists 400");
    expect(await create({ RuleNumber: 0 })).toBe("InvalidParameterValue 400");
    expect(await create({ RuleNumber: 32767 })).toBe("InvalidParameterValue 400");
    expect(await create({ Ipv6CidrBlock: "2001:db8::/64" })).toBe("InvalidParameterCombination 400");
    expect(await create({ CidrBlock: undefined })).toBe("MissingParameter 400");
    expect(await create({ CidrBlock: "203.0.113.7" })).toBe("InvalidParameterValue 400");
    expect(await create({ CidrBlock: "2001:db8::/64" })).toBe("InvalidParameterValue 400");
    expect(await create({ Protocol: "6" })).toBe("MissingParameter 400");
    expect(await create({ Protocol: "17", PortRange: { From: 9, To: 8 } })).toBe("InvalidParameterValue 400");
    expect(await create({ Protocol: "1" })).toBe("MissingParameter 400");
    expect(await create({ Protocol: "any" })).toBe("InvalidParameterValue 400");
    expect(await create({ RuleAction: "block" })).toBe("InvalidParameterValue 400");
    expect(await create({ NetworkAclId: "acl-0000000000000dead" })).toBe("InvalidNetworkAclID.NotFound 400");
    expect(await create({ NetworkAclId: "sg-1" })).toBe("InvalidNetworkAclID.Malformed 400");
    expect(await create({ DryRun: true })).toBe("DryRunOperation 412");
    const replace = new ReplaceNetworkAclEntryCommand({ ...deny, RuleNumber: 1, CidrBlock: "203.0.113.7/32" });
    expect(await refusal(ec2().send(replace))).toBe("InvalidNetworkAclEntry.NotFound 400");
    expect(aws.changes).toEqual([]);
  });

  test("refuse: the quota, per direction and family, with the default deny counted", async () => {
    const fill = async (command: (number: number) => CreateNetworkAclEntryCommand) => {
      for (let number = 1; number <= 18; number += 1) await ec2().send(command(number));
      return refusal(ec2().send(command(19)));
    };
    const v4 = (Egress: boolean) => (number: number) =>
      new CreateNetworkAclEntryCommand({ ...deny, Egress, RuleNumber: number, CidrBlock: `198.51.100.${number}/32` });
    expect(await fill(v4(false))).toBe("NetworkAclEntryLimitExceeded 400");
    expect(await fill(v4(true))).toBe("NetworkAclEntryLimitExceeded 400");
    await ec2().send(new CreateNetworkAclEntryCommand({ ...deny, RuleNumber: 20, Ipv6CidrBlock: "2001:db8::/64" }));
    expect(aws.acl(aclId).state.entries).toHaveLength(8 + 18 + 18 + 1);
  });
});

describe("describing by the vendor's SDK", () => {
  test("describe: pages to the end, filters, and refuses what it does not know", async () => {
    for (let at = 1; at < 12; at += 1)
      aws.addAcl({ id: `acl-0123456789abcde${at.toString(16).padStart(2, "0")}`, tags: { team: at % 2 === 0 ? "even" : "odd" } });
    const seen: string[] = [];
    for await (const page of paginateDescribeNetworkAcls({ client: ec2(), pageSize: 5 }, {})) {
      expect(page.NetworkAcls?.length).toBeLessThanOrEqual(5);
      seen.push(...(page.NetworkAcls ?? []).map((acl) => acl.NetworkAclId ?? ""));
    }
    expect(seen).toEqual(aws.aclIds);
    const even = await ec2().send(new DescribeNetworkAclsCommand({ Filters: [{ Name: "tag:team", Values: ["even"] }] }));
    expect(even.NetworkAcls).toHaveLength(5);
    expect(await refusal(ec2().send(new DescribeNetworkAclsCommand({ Filters: [{ Name: "colour", Values: ["red"] }] })))).toBe("InvalidParameterValue 400");
    expect(await refusal(ec2().send(new DescribeNetworkAclsCommand({ MaxResults: 4 })))).toBe("InvalidParameterValue 400");
    expect(await refusal(ec2().send(new DescribeNetworkAclsCommand({ MaxResults: 5, NetworkAclIds: [aclId] })))).toBe("InvalidParameterCombination 400");
  });

  test("describe: shows the past while reads lag behind", async () => {
    aws.faults.describeLagMs = 5_000;
    nowMs += 60_000;
    await ec2().send(new CreateNetworkAclEntryCommand({ ...deny, RuleNumber: 3, CidrBlock: "203.0.113.7/32" }));
    const numbers = async () => (await ec2().send(new DescribeNetworkAclsCommand({}))).NetworkAcls?.[0]?.Entries?.map((entry) => entry.RuleNumber);
    expect(await numbers()).not.toContain(3);
    nowMs += 5_000;
    expect(await numbers()).toContain(3);
  });
});

describe("tags by the vendor's SDK", () => {
  test("tag: both tags in one call; untag: by key, and by value when one is given", async () => {
    const Tags = [
      { Key: "portcullis:store", Value: "a & b" },
      { Key: "portcullis:range", Value: "1-40" },
    ];
    await ec2(keys.setup).send(new CreateTagsCommand({ Resources: [aclId], Tags }));
    expect((await ec2().send(new DescribeNetworkAclsCommand({}))).NetworkAcls?.[0]?.Tags).toEqual(Tags);
    await ec2(keys.setup).send(new DeleteTagsCommand({ Resources: [aclId], Tags: [{ Key: "portcullis:store", Value: "other" }, { Key: "portcullis:range" }] }));
    expect(aws.acl(aclId).state.tags).toEqual({ "portcullis:store": "a & b" });
    expect(await refusal(ec2().send(new CreateTagsCommand({ Resources: [aclId], Tags: [{ Key: "aws:x", Value: "" }] })))).toBe("InvalidParameterValue 400");
  });
});

describe("signatures, permissions, throttles", () => {
  const look = (credentials: SdkKeys, region?: string) => refusal(ec2(credentials, region).send(new DescribeNetworkAclsCommand({})));

  test("verify: refuses a wrong secret, an unknown key, another region, a clock far off, a token nobody issued", async () => {
    expect(await look(keys.everything)).toBe("accepted");
    expect(await look({ ...keys.run, secretAccessKey: "wrong" })).toBe("AuthFailure 401");
    expect(await look({ ...keys.run, accessKeyId: "AKIANOBODYNOBODYNOB1" })).toBe("AuthFailure 401");
    expect(await look({ ...keys.run, sessionToken: "stray" })).toBe("AuthFailure 401");
    expect(await look(keys.run, "us-east-1")).toBe("AuthFailure 401");
    const who = (credentials: SdkKeys) => refusal(sts(credentials).send(new GetCallerIdentityCommand({})));
    expect(await who({ ...keys.run, accessKeyId: "AKIANOBODYNOBODYNOB1" })).toBe("InvalidClientTokenId 403");
    expect(await who({ ...keys.run, secretAccessKey: "wrong" })).toBe("SignatureDoesNotMatch 403");
    aws.faults.credentialsRevoked = true;
    expect(await look(keys.everything)).toBe("AuthFailure 401");
    aws.faults.credentialsRevoked = false;
    nowMs += 6 * 60_000;
    expect(await look(keys.everything)).toBe("RequestExpired 400");
  });

  test("permit: only what the policy names, on the ACL it names", async () => {
    const other = aws.addAcl({ id: "acl-0fffffffffffffff0" });
    const create = (NetworkAclId: string) =>
      refusal(ec2(keys.run).send(new CreateNetworkAclEntryCommand({ ...deny, NetworkAclId, RuleNumber: 1, CidrBlock: "203.0.113.7/32" })));
    expect(await create(aclId)).toBe("accepted");
    expect(await create(other.id)).toBe("UnauthorizedOperation 403");
    const tag = (credentials: SdkKeys) => refusal(ec2(credentials).send(new CreateTagsCommand({ Resources: [aclId], Tags: [{ Key: "a", Value: "b" }] })));
    expect(await tag(keys.run)).toBe("UnauthorizedOperation 403");
    expect(await tag(keys.setup)).toBe("accepted");
  });

  test("throttle: the bucket empties after 50 writes and fills again", async () => {
    const replace = () => refusal(ec2().send(new ReplaceNetworkAclEntryCommand({ ...deny, RuleNumber: 100, CidrBlock: "203.0.113.7/32" })));
    for (let call = 0; call < 50; call += 1) expect(await replace()).toBe("accepted");
    expect(await replace()).toBe("RequestLimitExceeded 503");
    nowMs += 200;
    expect(await replace()).toBe("accepted");
  });

  test("fail: as told, before or after the change was made", async () => {
    const create = (RuleNumber: number) => refusal(ec2().send(new CreateNetworkAclEntryCommand({ ...deny, RuleNumber, CidrBlock: "203.0.113.7/32" })));
    aws.faults.next.push({ action: null, mishap: { kind: "throttle", status: 429, retryAfterSeconds: 7 } });
    expect(await create(1)).toBe("RequestLimitExceeded 429");
    aws.faults.next.push({ action: null, mishap: { kind: "serverError", status: 500, committed: true } });
    expect(await create(2)).toBe("InternalError 500");
    aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: true } });
    expect(await create(3)).toContain("no answer");
    aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: false } });
    expect(await create(4)).toContain("no answer");
    expect(aws.changes.map((change) => change.entry?.number)).toEqual([2, 3]);
  });
});

describe("sessions by the vendor's SDK", () => {
  const assume = (more: object = {}) => new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: "portcullis", ExternalId: externalId, ...more });

  test("assume: a session may do what role and session policy both allow, until it ends", async () => {
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ec2:DescribeNetworkAcls", Resource: "*" }] });
    const answer = await sts().send(assume({ DurationSeconds: 900, Policy }));
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "", Expiration } = answer.Credentials ?? {};
    expect(Expiration?.getTime()).toBeCloseTo(nowMs + 900_000, -4);
    const session = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    expect(await refusal(ec2(session).send(new DescribeNetworkAclsCommand({})))).toBe("accepted");
    const remove = new DeleteNetworkAclEntryCommand({ NetworkAclId: aclId, RuleNumber: 100, Egress: false });
    expect(await refusal(ec2(session).send(remove))).toBe("UnauthorizedOperation 403");
    expect(await refusal(ec2({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }).send(remove))).toBe("AuthFailure 401");
    expect((await sts(session).send(new GetCallerIdentityCommand({}))).Arn).toBe("arn:aws:sts::111122223333:assumed-role/blocker/portcullis");
  });

  test("refuse: strangers, a wrong external id, odd durations, names and policies", async () => {
    expect(await refusal(sts(keys.run).send(assume()))).toBe("AccessDenied 403");
    expect(await refusal(sts().send(assume({ ExternalId: "other" })))).toBe("AccessDenied 403");
    expect(await refusal(sts().send(assume({ RoleArn: `${roleArn}-not` })))).toBe("AccessDenied 403");
    expect(await refusal(sts().send(assume({ DurationSeconds: 899 })))).toBe("InvalidParameterValue 400");
    expect(await refusal(sts().send(assume({ DurationSeconds: 7_200 })))).toBe("ValidationError 400");
    expect(await refusal(sts().send(assume({ RoleSessionName: "a b" })))).toBe("ValidationError 400");
    expect(await refusal(sts().send(assume({ Policy: "{}" })))).toContain("MalformedPolicyDocument");
    expect(await refusal(sts().send(assume({ Policy: " ".repeat(2_049) })))).toContain("PackedPolicyTooLarge");
  });
});

describe("requests no SDK would send", () => {
  const post = (path: string, init: RequestInit) =>
    fetch(new URL(path, aws.url), { method: "POST", ...init }).then(async (answer) => `${answer.status} ${await answer.text()}`);

  test("refuse: unsigned calls, other routes, other methods, other content", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect(await post("/", { headers: form, body: "Action=DescribeNetworkAcls&Version=2016-11-15" })).toMatch(/^401 .*AuthFailure/s);
    expect(await post("/x", { headers: form, body: "" })).toMatch(/^404 .*no route/s);
    expect(await post("/", { method: "PUT", headers: form, body: "" })).toMatch(/^405/);
    expect(await post("/", { body: "{}" })).toMatch(/^400 .*content type/s);
  });
});

describe("addresses", () => {
  test("mask: the simulator and the product read the same block, each on its own code", () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
    const v4 = fc.tuple(fc.constant(4 as const), hex(8), fc.integer({ min: 0, max: 32 }));
    const v6 = fc.tuple(fc.constant(6 as const), hex(32), fc.integer({ min: 0, max: 128 }));
    fc.assert(
      fc.property(fc.oneof(v4, v6), ([family, first, length]) => {
        const address = cidrText(blockOf(family, first, familyBits(family))).split("/")[0];
        expect(canonicalCidr(family, `${address}/${length}`)).toBe(cidrText(blockOf(family, first, length)));
      }),
    );
    for (const text of ["203.0.113.7", "203.0.113.7/33", "203.0.113/24", "2001:db8::/129", "::g/64", ""]) {
      expect(canonicalCidr(text.includes(":") ? 6 : 4, text)).toBeNull();
    }
  });
});

/* Every name that went over the wire is one the vendor's model has. */

interface Shape {
  readonly type: string;
  readonly members?: Readonly<Record<string, { readonly shape: string; readonly locationName?: string }>>;
  readonly member?: { readonly shape: string; readonly locationName?: string };
}

interface Model {
  readonly operations: Readonly<Record<string, { readonly input?: { readonly shape: string }; readonly output?: { readonly shape: string } }>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

const folder = fileURLToPath(new URL("../../../shared/specs/aws/", import.meta.url));
const files = { ec2: ["ec2-network-acl", "ec2-isolation"], sts: ["sts-assume-role"] } as const;

function readModels(): Readonly<Record<"ec2" | "sts", readonly Model[]>> | null {
  if (!existsSync(folder)) {
    console.warn("vendor models are not here: names on the wire are not compared with them");
    return null;
  }
  const read = (name: string) => JSON.parse(readFileSync(`${folder}${name}.service-2.json`, "utf8")) as Model;
  return { ec2: files.ec2.map(read), sts: files.sts.map(read) };
}

const models = readModels();

/** Paths such as `networkAclSet/item/entrySet/item/ruleNumber`, or for forms `Filter.#.Name`. */
function pathsOf(model: Model, shapeName: string, style: "form" | "xml", service: "ec2" | "sts"): string[] {
  const shape = model.shapes[shapeName];
  if (shape?.type === "list") {
    const step = style === "form" ? "#" : (shape.member?.locationName ?? "member");
    return pathsOf(model, shape.member?.shape ?? "", style, service).map((rest) => (rest === "" ? step : `${step}/${rest}`));
  }
  if (shape?.type !== "structure") return [""];
  return Object.entries(shape.members ?? {}).flatMap(([name, member]) => {
    const location = member.locationName ?? name;
    const step = style === "form" && service === "ec2" ? location.charAt(0).toUpperCase() + location.slice(1) : location;
    return pathsOf(model, member.shape, style, service).map((rest) => (rest === "" ? step : `${step}/${rest}`));
  });
}

function leavesOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(leavesOf);
  if (typeof node !== "object" || node === null) return [""];
  return Object.entries(node).flatMap(([name, child]) => leavesOf(child).map((rest) => (rest === "" ? name : `${name}/${rest}`)));
}

function checkAgainstModel(simulator: AwsSimulator): void {
  if (models === null) return;
  for (const call of simulator.log.filter((entry) => entry.status === 200 && entry.body.startsWith("<?xml"))) {
    const model = models[call.service].find((candidate) => Object.hasOwn(candidate.operations, call.action));
    if (model === undefined) throw new Error(`${call.action} is not in the vendor's model`);
    const operation = model.operations[call.action];
    const asked = Object.keys(call.parameters).map((name) => name.replaceAll(".", "/").replace(/\/\d+(?=\/|$)/g, "/#"));
    const known = pathsOf(model, operation?.input?.shape ?? "", "form", call.service);
    expect(known, `${call.action} parameters`).toEqual(expect.arrayContaining(asked));
    const [root] = Object.values(new XMLParser({ ignoreDeclaration: true }).parse(call.body) as Record<string, Record<string, unknown>>);
    const { requestId: _requestId, return: _return, ResponseMetadata: _metadata, [`${call.action}Result`]: wrapped, ...bare } = root ?? {};
    const answered = leavesOf(call.service === "sts" ? wrapped : bare).filter((path) => path !== "");
    if (operation?.output === undefined) expect(answered).toEqual([]);
    else {
      const fields = pathsOf(model, operation.output.shape, "xml", call.service);
      for (const path of new Set(answered))
        expect(
          fields.some((field) => field === path || field.startsWith(`${path}/`)),
          `${call.action} answers ${path}`,
        ).toBe(true);
    }
  }
}
