// The simulator judged by Microsoft's own SDK and by its API description: every call, every refusal, every permission.
import type { NetworkManagementClient, SecurityRule } from "@azure/arm-network";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blockOf, cidrText, familyBits } from "../../shared/address/index.ts";
import { readPrefix } from "./azure/prefixes.ts";
import { specFaults, specPresent } from "./azure/spec.ts";
import { type AzureSimulator, azureLimits } from "./azure.ts";
import { applications, identity, identityToken, nsgId, nsgName, resourceGroup, startAzureFixture } from "./azure-fixtures.ts";
import { requestToken, sdkFor, tokenFor } from "./azure-sdk.ts";

let azure: AzureSimulator;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.now();
  azure = await startAzureFixture({ nowMs: () => nowMs });
});

afterEach(async () => {
  await azure.close();
  expect(azure.log.flatMap(specFaults)).toEqual([]);
});

if (!specPresent) console.warn("no API description beside the repository: traffic is judged by the SDK alone");

const deny = {
  protocol: "*",
  sourcePortRange: "*",
  destinationPortRange: "*",
  sourceAddressPrefixes: ["203.0.113.7/32", "198.51.100.0/24"],
  destinationAddressPrefix: "*",
  access: "Deny",
  direction: "Inbound",
  priority: 100,
} as const satisfies SecurityRule;

function rule(changes: Partial<SecurityRule> = {}): SecurityRule {
  return { ...deny, sourceAddressPrefixes: [...deny.sourceAddressPrefixes], ...changes };
}

async function put(client: NetworkManagementClient, name: string, changes: Partial<SecurityRule> = {}): Promise<SecurityRule> {
  return client.securityRules.createOrUpdate(resourceGroup, nsgName, name, rule(changes), { updateIntervalInMs: 1 });
}

/** Code and status of the SDK's error. */
async function refusal(call: PromiseLike<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { code, statusCode } = error as { code?: string; statusCode?: number };
    return `${code} ${statusCode ?? "no answer"}`;
  }
  return "accepted";
}

describe("rules by the vendor's SDK", () => {
  test("put, get, list, delete: a rule stands, is read as it was sent, and goes again", async () => {
    const client = await sdkFor(azure, "everything");
    await put(client, "a-1");
    expect(await client.securityRules.get(resourceGroup, nsgName, "A-1")).toMatchObject({
      name: "a-1",
      provisioningState: "Succeeded",
      sourceAddressPrefixes: deny.sourceAddressPrefixes,
    });
    await put(client, "a-1", { sourceAddressPrefixes: ["2001:db8::/64"], description: "x" });
    const names = [];
    for await (const one of client.securityRules.list(resourceGroup, nsgName)) names.push(one.name);
    expect(names).toEqual(["a-1"]);
    const group = await client.networkSecurityGroups.get(resourceGroup, nsgName);
    expect(group).toMatchObject({
      id: nsgId,
      name: nsgName,
      location: "westeurope",
      provisioningState: "Succeeded",
      subnets: [{ id: expect.stringContaining("/subnets/web") }],
    });
    expect(group.securityRules?.[0]).toMatchObject({ name: "a-1", sourceAddressPrefixes: ["2001:db8::/64"], description: "x" });
    expect(group.defaultSecurityRules).toHaveLength(6);
    await client.securityRules.delete(resourceGroup, nsgName, "a-1", { updateIntervalInMs: 1 });
    await client.securityRules.delete(resourceGroup, nsgName, "a-1", { updateIntervalInMs: 1 });
    expect(azure.log.filter((entry) => entry.call === "deleteRule").map((entry) => entry.status)).toEqual([200, 204]);
    expect(await refusal(client.securityRules.get(resourceGroup, nsgName, "a-1"))).toBe("NotFound 404");
  });

  test("list: all groups, over all pages, of the subscription and of a resource group", async () => {
    azure.faults.pageSizeMax = 1;
    azure.addGroup({ name: "spoke" });
    azure.addGroup({ name: "elsewhere", resourceGroup: "other" });
    const client = await sdkFor(azure, "everything");
    const all = [];
    for await (const group of client.networkSecurityGroups.listAll()) all.push(group.name);
    const some = [];
    for await (const group of client.networkSecurityGroups.list(resourceGroup)) some.push(group.name);
    expect([all, some]).toEqual([
      ["hub", "spoke", "elsewhere"],
      ["hub", "spoke"],
    ]);
  });

  test("work: a change is Updating until its time is over, and the SDK's poller sees its end, good or bad", async () => {
    const client = await sdkFor(azure, "everything");
    azure.faults.provisioningMs = 5_000;
    const putting = client.securityRules.createOrUpdate(resourceGroup, nsgName, "a", rule(), { updateIntervalInMs: 1 });
    await putting.submitted();
    expect((await client.networkSecurityGroups.get(resourceGroup, nsgName)).provisioningState).toBe("Updating");
    expect((await client.securityRules.get(resourceGroup, nsgName, "a")).provisioningState).toBe("Updating");
    nowMs += 5_000;
    expect(await putting.pollUntilDone()).toMatchObject({ name: "a", provisioningState: "Succeeded" });
    const deleting = client.securityRules.delete(resourceGroup, nsgName, "a", { updateIntervalInMs: 1 });
    await deleting.submitted();
    expect((await client.securityRules.get(resourceGroup, nsgName, "a")).provisioningState).toBe("Deleting");
    nowMs += 5_000;
    await deleting.pollUntilDone();
    expect(azure.group(nsgName).rule("a")).toBeNull();
    azure.faults.operationsFail = true;
    const failing = client.securityRules.createOrUpdate(resourceGroup, nsgName, "b", rule(), { updateIntervalInMs: 1 });
    await failing.submitted();
    nowMs += 5_000;
    expect(await refusal(failing.pollUntilDone())).not.toBe("accepted");
    expect(azure.group(nsgName).rule("b")?.properties.provisioningState).toBe("Failed");
  });

  test.each([
    [429, "RetryableError 429"],
    [409, "AnotherOperationInProgress 409"],
    [400, "AnotherOperationInProgress 400"],
  ] as const)("refuse: a second write while one runs, as %i", async (status, expected) => {
    const client = await sdkFor(azure, "everything");
    azure.faults.provisioningMs = 5_000;
    azure.faults.busyAs = status;
    await client.securityRules.createOrUpdate(resourceGroup, nsgName, "a", rule()).submitted();
    expect(await refusal(client.securityRules.createOrUpdate(resourceGroup, nsgName, "b", rule({ priority: 200 })).submitted())).toBe(expected);
    expect(await refusal(client.securityRules.delete(resourceGroup, nsgName, "a").submitted())).toBe(expected);
  });
});

describe("what a rule may be", () => {
  test.each([
    ["SecurityRuleInvalidPriority 400", { priority: 99 }],
    ["SecurityRuleInvalidPriority 400", { priority: 4097 }],
    ["SecurityRuleDescriptionTooLong 400", { description: "x".repeat(141) }],
    ["accepted", { description: "x".repeat(140) }],
    ["InvalidRequestFormat 400", { protocol: "Gre" }],
    ["InvalidRequestFormat 400", { access: "Drop" }],
    ["InvalidRequestFormat 400", { direction: "Both" }],
    ["SecurityRuleParameterCannotBeSpecifiedTogether 400", { sourceAddressPrefix: "192.0.2.1" }],
    ["SecurityRuleParameterNotSpecified 400", { sourceAddressPrefixes: [] }],
    ["SecurityRuleInvalidAddressPrefix 400", { sourceAddressPrefixes: ["203.0.113.7/24"] }],
    ["SecurityRuleInvalidAddressPrefix 400", { sourceAddressPrefixes: ["203.0.113.300"] }],
    ["SecurityRuleInvalidAddressPrefix 400", { sourceAddressPrefixes: ["2001:db8::1/64"] }],
    ["SecurityRuleParameterContainsUnsupportedValue 400", { sourceAddressPrefixes: ["Internet", "203.0.113.7"] }],
    ["ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies 400", { sourceAddressPrefixes: ["203.0.113.7/32", "2001:db8::/64"] }],
    ["OverlappingSubnetsNotPermittedInSecurityRule 400", { sourceAddressPrefixes: ["203.0.113.7/32", "203.0.113.0/24"] }],
    ["OverlappingSubnetsNotPermittedInSecurityRule 400", { sourceAddressPrefixes: ["203.0.113.7", "203.0.113.7/32"] }],
    ["SecurityRuleInvalidPortRange 400", { destinationPortRange: "70000" }],
    ["accepted", { sourceAddressPrefixes: ["203.0.113.7", "203.0.113.8/32", "0.0.0.0/5"] }],
  ] as const)("judge: %s", async (expected, changes) => {
    const client = await sdkFor(azure, "everything");
    expect(await refusal(put(client, "a", changes as Partial<SecurityRule>))).toBe(expected);
  });

  test.each([["a".repeat(81)], ["-a"], ["a."], ["a b"]])("refuse: the name %s", async (name) => {
    expect(await refusal(put(await sdkFor(azure, "everything"), name))).toBe("InvalidResourceName 400");
  });

  test("refuse: a priority that another rule of the direction has", async () => {
    const client = await sdkFor(azure, "everything");
    await put(client, "a");
    expect(await refusal(put(client, "b"))).toBe("SecurityRuleConflict 400");
    expect(await refusal(put(client, "b", { direction: "Outbound" }))).toBe("accepted");
  });

  test("refuse: more than 4,000 addresses over all rules, and more than 1,000 rules", async () => {
    const client = await sdkFor(azure, "everything");
    const addresses = (count: number, net: number) => Array.from({ length: count }, (_, at) => `10.${net}.${at >> 8}.${at & 255}/32`);
    await put(client, "owner", { sourceAddressPrefixes: addresses(1_000, 1), priority: 200 });
    expect(await refusal(put(client, "a", { sourceAddressPrefixes: addresses(3_001, 2) }))).toBe(
      "SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached 400",
    );
    expect(await refusal(put(client, "a", { sourceAddressPrefixes: addresses(3_000, 2) }))).toBe("accepted");
    for (let at = 2; at < azureLimits.rulesPerGroup; at += 1) azure.group(nsgName).put({ name: `r${at}`, priority: 1_000 + at });
    expect(await refusal(put(client, "b", { sourceAddressPrefixes: [], sourceAddressPrefix: "*", priority: 101 }))).toBe("SecurityRuleCountLimitReached 400");
  });

  test("read: prefixes as our own address room does", () => {
    const block = fc.constantFrom<4 | 6>(4, 6).chain((family) =>
      fc.record({
        hex: fc.string({
          unit: fc.constantFrom(..."0123456789abcdef"),
          minLength: family * (family === 4 ? 2 : 16 / 3),
          maxLength: family * (family === 4 ? 2 : 16 / 3),
        }),
        length: fc.integer({ min: 0, max: familyBits(family) }),
        family: fc.constant(family),
      }),
    );
    fc.assert(
      fc.property(block, ({ family, hex, length }) => {
        const cidr = blockOf(family, hex, length);
        expect(readPrefix(cidrText(cidr))).toEqual({ family, length, value: BigInt(`0x${cidr.first}`) });
      }),
    );
  });
});

describe("who may do what", () => {
  const calls: Readonly<Record<string, (client: NetworkManagementClient) => PromiseLike<unknown>>> = {
    readGroup: (client) => client.networkSecurityGroups.get(resourceGroup, nsgName),
    readRule: (client) => client.securityRules.get(resourceGroup, nsgName, "a"),
    writeRule: (client) => put(client, "a"),
    deleteRule: (client) => client.securityRules.delete(resourceGroup, nsgName, "a"),
    patchGroup: (client) => client.networkSecurityGroups.updateTags(resourceGroup, nsgName, { tags: {} }),
    listGroups: (client) => client.networkSecurityGroups.listAll().next(),
    readDefaults: (client) => client.defaultSecurityRules.list(resourceGroup, nsgName).next(),
  };

  test.each([
    ["run", ["readGroup", "readRule", "writeRule", "deleteRule"]],
    ["setup", ["readGroup"]],
    ["everything", Object.keys(calls)],
  ] as const)("permit: %s may do no more than its role says", async (name, allowed) => {
    azure.group(nsgName).put({ name: "a", priority: 100 });
    const client = await sdkFor(azure, name);
    const done: string[] = [];
    for (const [call, make] of Object.entries(calls)) if ((await refusal(make(client))) !== "AuthorizationFailed 403") done.push(call);
    expect(done).toEqual([...allowed]);
  });

  test("refuse: another group than the assignment's, whether it exists or not", async () => {
    azure.addGroup({ name: "spoke" });
    const client = await sdkFor(azure, "run");
    expect(await refusal(client.networkSecurityGroups.get(resourceGroup, "spoke"))).toBe("AuthorizationFailed 403");
    expect(await refusal(client.networkSecurityGroups.get(resourceGroup, "none"))).toBe("AuthorizationFailed 403");
    expect(await refusal((await sdkFor(azure, "everything")).networkSecurityGroups.get(resourceGroup, "none"))).toBe("ResourceNotFound 404");
  });

  test("refuse: a token that is made up, for another audience, or too old", async () => {
    const get = (client: NetworkManagementClient) => refusal(client.networkSecurityGroups.get(resourceGroup, nsgName));
    expect(await get(await sdkFor(azure, "run", "made-up"))).toBe("InvalidAuthenticationToken 401");
    expect(await get(await sdkFor(azure, "run", await tokenFor(azure, "run", "https://graph.microsoft.com/.default")))).toBe(
      "InvalidAuthenticationTokenAudience 401",
    );
    const client = await sdkFor(azure, "run");
    expect(await get(client)).toBe("accepted");
    nowMs += azureLimits.tokenSeconds * 1_000;
    expect(await get(client)).toBe("ExpiredAuthenticationToken 401");
  });

  test("lock: a delete lock stops deletions, a read-only lock every write; both by name of the scope", async () => {
    const client = await sdkFor(azure, "everything");
    await put(client, "a");
    azure.locks.push({ name: "keep", scope: `/subscriptions/${azure.subscription}/resourceGroups/${resourceGroup}`, level: "CanNotDelete" });
    expect(await refusal(put(client, "a"))).toBe("accepted");
    expect(await refusal(client.securityRules.delete(resourceGroup, nsgName, "a"))).toBe("ScopeLocked 409");
    azure.locks.push({ name: "still", scope: nsgId, level: "ReadOnly" });
    expect(await refusal(put(client, "a"))).toBe("ScopeLocked 409");
    expect(await refusal(client.networkSecurityGroups.get(resourceGroup, nsgName))).toBe("accepted");
  });

  test("throttle: 200 writes in a burst, then ten a second, with a moment to come back", async () => {
    const token = await tokenFor(azure, "everything");
    const write = () =>
      fetch(`${azure.url}${nsgId.slice(1)}?api-version=2025-05-01`, { method: "PATCH", headers: { authorization: `Bearer ${token}` }, body: '{"tags":{}}' });
    const first = await write();
    expect([first.status, first.headers.get("x-ms-ratelimit-remaining-subscription-writes")]).toEqual([200, "199"]);
    for (let at = 1; at < 200; at += 1) await write();
    const refused = await write();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    nowMs += 1_000;
    expect((await write()).status).toBe(200);
  });

  test("refuse: no version, an unknown version, an unknown address", async () => {
    const headers = { authorization: `Bearer ${await tokenFor(azure, "everything")}` };
    const code = async (path: string) => ((await (await fetch(`${azure.url}${path}`, { headers })).json()) as { error: { code: string } }).error.code;
    expect(await code(nsgId.slice(1))).toBe("MissingApiVersionParameter");
    expect(await code(`${nsgId.slice(1)}?api-version=2015-01-01`)).toBe("InvalidResourceType");
    expect(await code("subscriptions?api-version=2022-12-01")).toBe("InvalidResourceType");
  });
});

describe("tokens", () => {
  const form = { client_id: applications.run.clientId, grant_type: "client_credentials", scope: "https://management.azure.com/.default" };
  const secret = { client_secret: applications.run.secret };
  const federated = (claims: Readonly<Record<string, unknown>>) => ({
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: identityToken({ exp: nowMs / 1_000 + 300, ...claims }),
  });

  test.each([
    [200, null, () => secret],
    [200, null, () => federated({})],
    [401, 7000215, () => ({ client_secret: "wrong" })],
    [401, 7000216, () => ({})],
    [400, 700016, () => ({ ...secret, client_id: "99999999-0000-4000-8000-000000000009" })],
    [400, 70003, () => ({ ...secret, grant_type: "password" })],
    [400, 1002012, () => ({ ...secret, scope: "https://management.azure.com/user_impersonation" })],
    [401, 700211, () => federated({ iss: "https://evil.example" })],
    [401, 700213, () => federated({ sub: "deployment:other" })],
    [401, 700212, () => federated({ aud: identity.issuer })],
    [401, 700024, () => federated({ exp: nowMs / 1_000 - 1 })],
    [401, 700027, () => ({ ...federated({}), client_assertion: `${federated({}).client_assertion.slice(0, -8)}AAAAAAAA` })],
  ] as const)("answer: %i %s", async (status, code, changes) => {
    const response = await requestToken(azure, { ...form, ...changes() });
    const body = (await response.json()) as { error_codes?: number[]; token_type?: string };
    expect([response.status, body.error_codes?.[0] ?? null]).toEqual([status, code]);
    if (code === null) expect(body.token_type).toBe("Bearer");
  });

  test("refuse: another tenant", async () => {
    expect((await requestToken(azure, { ...form, ...secret }, "ffffffff-0000-4000-8000-00000000000f")).status).toBe(400);
  });
});

describe("tags", () => {
  test("change: merge adds and replaces, delete needs name and value, PATCH of the group replaces all", async () => {
    azure.group(nsgName).tag({ Owner: "net", Env: "prod" });
    const headers = { authorization: `Bearer ${await tokenFor(azure, "setup")}` };
    const change = (operation: string, tags: Record<string, string>) =>
      fetch(`${azure.url}${nsgId.slice(1)}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01`, {
        method: "PATCH",
        headers,
        body: JSON.stringify({ operation, properties: { tags } }),
      });
    await change("Merge", { "portcullis:x": "1", env: "test" });
    expect(azure.group(nsgName).state.tags).toEqual({ Owner: "net", "portcullis:x": "1", env: "test" });
    await change("Delete", { "portcullis:x": "2", env: "test" });
    expect(azure.group(nsgName).state.tags).toEqual({ Owner: "net", "portcullis:x": "1" });
    expect((await change("Add", {})).status).toBe(400);
    expect((await change("Merge", { "a/b": "1" })).status).toBe(400);
    await (await sdkFor(azure, "everything")).networkSecurityGroups.updateTags(resourceGroup, nsgName, { tags: { only: "this" } });
    expect(azure.group(nsgName).state.tags).toEqual({ only: "this" });
  });
});
