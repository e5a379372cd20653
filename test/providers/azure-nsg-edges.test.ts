// azure-nsg at its edges: credentials and permissions, the exact wire, what each answer means, discovery.
import * as v from "valibot";
import { describe, expect, onTestFinished, test } from "vitest";
import { meaningOf } from "../../providers/azure-nsg/codes.ts";
import { routed } from "../../providers/azure-nsg/exchange.ts";
import { azureNsg } from "../../providers/azure-nsg/index.ts";
import runRole from "../../providers/azure-nsg/policy.json" with { type: "json" };
import { cidrOf } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { Secret, type Transport } from "../../shared/ports.ts";
import { adds, bring, carryOut, look, plan, removes, shown } from "../conformance/provider/harness.ts";
import { fillRole } from "../simulators/azure.ts";
import { applications, fixtureApplications, nsgId, nsgName, resourceGroup, subscription, tenant } from "../simulators/azure-fixtures.ts";
import { type AzureHarness, type AzureHarnessOptions, azureHarness, azureSettings, storeId } from "./azure-nsg-harness.ts";
import { fetchTransport, testPorts } from "./ports.ts";

async function harnessFor(options: AzureHarnessOptions = {}): Promise<AzureHarness> {
  const harness = await azureHarness(options);
  onTestFinished(() => harness.close());
  return harness;
}

const a = cidrOf("203.0.113.7/32");

describe("permissions", () => {
  test("grant: what the definition lists is what policy.json holds", () => {
    expect(runRole.Actions).toEqual(azureNsg.permissions);
  });

  /** Observes, adds, removes; the first refusal by its action. */
  async function round(harness: AzureHarness): Promise<string> {
    const provider = harness.provider();
    for (const change of ["add", "remove"] as const) {
      const seen = await provider.observe();
      if (!seen.ok) return `${seen.error.code} ${seen.error.message}`;
      for (const step of plan(provider, seen.value, change === "add" ? adds([a]) : removes(seen.value.ours))) {
        const outcome = await provider.apply(step);
        if (outcome.kind !== "applied") return shown(outcome);
      }
    }
    return "done";
  }

  test("need: every action of the role, and no other", async () => {
    const names = { subscription, resourceGroup };
    const withRole = (definition: unknown) =>
      fixtureApplications().map((one) => (one.name === "run" ? { ...one, roles: [{ definition: fillRole(definition, names), scope: nsgId }] } : one));
    expect(await round(await harnessFor())).toBe("done");
    for (const action of runRole.Actions) {
      const lesser = { ...runRole, Actions: runRole.Actions.filter((other) => other !== action) };
      const harness = await harnessFor({ server: { applications: withRole(lesser) } });
      expect(await round(harness)).toMatch(new RegExp(`PROVIDER_AUTH.*AuthorizationFailed.*'${action}'.*policy\\.json`));
    }
  });
});

describe("credentials", () => {
  test("keep: one token serves many calls, and is renewed five minutes before its end", async () => {
    const { azure, ports, provider } = await harnessFor();
    const one = provider();
    await look(one);
    await look(one);
    expect(azure.calls("token")).toBe(1);
    ports.advance(54 * 60_000);
    await look(one);
    expect(azure.calls("token")).toBe(1);
    ports.advance(60_000);
    await look(one);
    expect(azure.calls("token")).toBe(2);
  });

  test("renew: a token that Azure no longer takes is replaced at the next call", async () => {
    const { azure, provider } = await harnessFor();
    const one = provider();
    await look(one);
    azure.entra.tokens.clear();
    expect(await one.observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH" } });
    await look(one);
    expect(azure.calls("token")).toBe(2);
  });

  const refusals = [
    ["AADSTS7000215", { clientSecret: new Secret("wrong") }],
    ["AADSTS700016", { clientId: new Secret("99999999-0000-4000-8000-000000000009") }],
  ] as const;

  test.each(refusals)("tell: %s with what to look at, and no secret", async (code, changes) => {
    const { settings, ports } = await harnessFor();
    const seen = await azureNsg.create(settings, { ...ports, secrets: { ...ports.secrets, ...changes } }).observe();
    expect(seen).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining(code) } });
    expect(seen.ok ? "" : seen.error.message).not.toContain("wrong value");
  });

  test("tell: credentials that are not set, a platform that gives no identity", async () => {
    const { settings, ports } = await harnessFor();
    const clientId = new Secret(applications.run.clientId);
    const without = (secrets: Readonly<Record<string, Secret>>, more: object = {}) => azureNsg.create(settings, { ...testPorts(secrets), ...more }).observe();
    expect(await without({})).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining("clientId") } });
    expect(await without({ clientId })).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining("clientSecret") } });
    const identity = async () => {
      throw new Error("eyJhbGciOi secret");
    };
    const refused = await without({ clientId }, { identity });
    expect(refused).toMatchObject({ ok: false, error: { code: "PROVIDER_UNAVAILABLE" } });
    expect(refused.ok ? "" : `${refused.error.message}${String(refused.error.cause)}`).not.toContain("eyJ");
    const unconnected = async () => {
      throw new PortcullisError("PROVIDER_AUTH", "make a cloud connection");
    };
    const told = await without({ clientId }, { identity: unconnected });
    expect(told).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: "make a cloud connection" } });
    expect(ports.logs).toEqual([]);
  });

  test("tell: Entra too fast, failing or unreachable, before anything is written", async () => {
    const harness = await harnessFor();
    const [step] = plan(harness.provider(), await look(harness.provider()), adds([a]));
    if (step === undefined) throw new Error("nothing was compiled");
    const { next } = harness.azure.faults;
    next.push({ call: "token", mishap: { kind: "throttle", retryAfterSeconds: 9 } });
    expect(await harness.provider().apply(step)).toMatchObject({ kind: "throttled", retryAtMs: harness.nowMs() + 9_000 });
    for (const mishap of [
      { kind: "drop", committed: true },
      { kind: "serverError", status: 503, committed: false },
      { kind: "garbage", committed: false },
    ] as const) {
      next.push({ call: "token", mishap });
      expect(await harness.provider().apply(step)).toMatchObject({ kind: "failed", error: { code: "PROVIDER_UNAVAILABLE" } });
    }
    expect(harness.azure.writes).toBe(0);
  });

  test("tell: a token of another audience, by ARM's own code", async () => {
    const harness = await harnessFor();
    const issued = await fetch(`${harness.azure.url}${tenant}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        client_id: applications.run.clientId,
        client_secret: applications.run.secret,
        grant_type: "client_credentials",
        scope: "https://graph.microsoft.com/.default",
      }),
    });
    const body = await issued.text();
    const send: Transport = (request) => (request.url.endsWith("/token") ? Promise.resolve({ status: 200, headers: {}, body }) : fetchTransport(request));
    const seen = await azureNsg.create(harness.settings, { ...harness.ports, send }).observe();
    expect(seen).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining("InvalidAuthenticationTokenAudience") } });
  });
});

describe("the wire", () => {
  test("send: one look, then one look and one write a step, and nothing else", async () => {
    const harness = await harnessFor({ provisioningMs: 3_000 });
    const provider = harness.provider();
    await carryOut(provider, plan(provider, await look(provider), adds([a])));
    harness.ports.advance(3_000);
    await carryOut(provider, plan(provider, await look(provider), removes((await look(provider)).ours)));
    const rule = `${nsgId}/securityRules/portcullis-deny`;
    expect(harness.azure.log.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /${tenant}/oauth2/v2.0/token`,
      `GET ${nsgId}`,
      `GET ${rule}`,
      `PUT ${rule}`,
      `GET ${nsgId}`,
      `GET ${nsgId}`,
      `GET ${rule}`,
      `DELETE ${rule}`,
    ]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(harness.azure.calls("readOperation")).toBe(0);
  });

  test("send: to the vendor's hosts when no other is configured", async () => {
    const urls: string[] = [];
    const send: Transport = async ({ url }) => {
      urls.push(url.replace(/\?.*/, ""));
      const grant = JSON.stringify({ token_type: "Bearer", expires_in: 3599, access_token: "t" });
      return { status: 200, headers: {}, body: url.includes("/token") ? grant : "{}" };
    };
    const settings = v.parse(azureNsg.settings, { subscription, tenant, resourceGroup, nsg: nsgName, priority: 100 });
    const ports = testPorts({ clientId: new Secret("c"), clientSecret: new Secret("s") }, send);
    expect(await azureNsg.create(settings, ports).observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_UNAVAILABLE" } });
    expect(urls).toEqual([`https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`, `https://management.azure.com${nsgId}`]);
    expect(azureNsg.hostSuffixes(settings)).toEqual(["management.azure.com", "login.microsoftonline.com"]);
  });

  test("refuse: a follow-up address that is not the endpoint's", () => {
    expect(routed("https://management.azure.com/a?b=c", undefined)).toBe("https://management.azure.com/a?b=c");
    expect(routed("https://management.azure.com/a", "http://127.0.0.1:1")).toBe("http://127.0.0.1:1/a");
    expect(() => routed("https://evil.example/a", undefined)).toThrow(PortcullisError);
    expect(() => routed("http://management.azure.com/a", undefined)).toThrow(PortcullisError);
  });

  test("follow: a claims challenge is not answered by a second write", async () => {
    const harness = await harnessFor();
    const [step] = plan(harness.provider(), await look(harness.provider()), adds([a]));
    if (step === undefined) throw new Error("nothing was compiled");
    let writes = 0;
    const challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common", error="insufficient_claims", claims="eyJhIjp7fX0="';
    const send: Transport = (request) => {
      if (request.method !== "PUT") return fetchTransport(request);
      writes += 1;
      return Promise.resolve({ status: 401, headers: { "www-authenticate": challenge }, body: "" });
    };
    expect(await azureNsg.create(harness.settings, { ...harness.ports, send }).apply(step)).toMatchObject({ kind: "failed", error: { code: "PROVIDER_AUTH" } });
    expect(writes).toBe(1);
  });
});

describe("answers", () => {
  const error = (code: string, inner?: string) =>
    JSON.stringify({ error: { code, message: "m", details: inner === undefined ? [] : [{ code: inner, message: "n" }] } });

  async function outcomeOf(verb: "PUT" | "DELETE", status: number, body: string, headers: Record<string, string> = {}) {
    const harness = await harnessFor();
    const provider = harness.provider();
    const seen = verb === "PUT" ? await look(provider) : await bring(harness, provider, () => adds([a]));
    const [step] = plan(provider, seen, verb === "PUT" ? adds([a]) : removes(seen.ours));
    if (step === undefined) throw new Error("nothing was compiled");
    const send: Transport = (request) => (request.method === verb ? Promise.resolve({ status, headers, body }) : fetchTransport(request));
    const outcome = await azureNsg.create(harness.settings, { ...harness.ports, send }).apply(step);
    const waitMs = outcome.kind === "throttled" ? outcome.retryAtMs - harness.nowMs() : 0;
    return { said: outcome.kind === "failed" ? `failed ${outcome.error.code}` : outcome.kind, waitMs };
  }

  test.each([
    ["PUT", 429, error("RetryableError", "RetryableErrorDueToAnotherOperation"), "throttled"],
    ["PUT", 409, error("AnotherOperationInProgress"), "throttled"],
    ["PUT", 400, error("AnotherOperationInProgress"), "throttled"],
    ["PUT", 409, error("RetryableError"), "throttled"],
    ["PUT", 400, error("ReferencedResourceNotProvisioned"), "throttled"],
    ["DELETE", 409, error("CanceledAndSupersededDueToAnotherOperation"), "throttled"],
    ["PUT", 429, error("TooManyRequests"), "throttled"],
    ["PUT", 429, "", "throttled"],
    ["PUT", 400, error("SecurityRuleConflict"), "conflict"],
    ["PUT", 400, error("SecurityRuleCountLimitReached"), "failed CAPACITY_EXCEEDED"],
    ["PUT", 400, error("SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached"), "failed CAPACITY_EXCEEDED"],
    ["PUT", 400, error("OverlappingSubnetsNotPermittedInSecurityRule"), "failed PROVIDER_REJECTED"],
    ["PUT", 409, error("ScopeLocked"), "failed PROVIDER_REJECTED"],
    ["PUT", 403, error("RequestDisallowedByPolicy"), "failed PROVIDER_REJECTED"],
    ["PUT", 403, error("AuthorizationFailed"), "failed PROVIDER_AUTH"],
    ["DELETE", 401, error("ExpiredAuthenticationToken"), "failed PROVIDER_AUTH"],
    ["DELETE", 403, error("SomethingNew"), "failed PROVIDER_AUTH"],
    ["PUT", 404, error("ResourceNotFound"), "failed PROVIDER_REJECTED"],
    ["DELETE", 404, error("ResourceNotFound"), "already"],
    ["DELETE", 204, "", "already"],
    ["DELETE", 200, "", "applied"],
    ["DELETE", 202, "", "pending"],
    ["PUT", 500, error("InternalServerError"), "unknown"],
    ["PUT", 504, "gateway", "unknown"],
    ["DELETE", 503, "", "unknown"],
    ["PUT", 200, "<html></html>", "unknown"],
    ["PUT", 201, "", "unknown"],
    ["PUT", 200, "{}", "unknown"],
    ["DELETE", 200, "<html></html>", "unknown"],
    ["PUT", 302, "", "failed PROVIDER_REJECTED"],
  ] as const)("mean: %s answered %i %s is %s", async (verb, status, body, expected) => {
    expect((await outcomeOf(verb, status, body)).said).toBe(expected);
  });

  test("wait: as long as was named, else seconds while another operation is in the way", async () => {
    const busy = error("RetryableError", "RetryableErrorDueToAnotherOperation");
    expect((await outcomeOf("PUT", 429, busy, { "retry-after": "12" })).waitMs).toBe(12_000);
    const { waitMs } = await outcomeOf("PUT", 409, error("AnotherOperationInProgress"));
    expect(waitMs).toBeGreaterThanOrEqual(1_000);
    expect(waitMs).toBeLessThanOrEqual(10_000);
  });

  test("judge: the inner code before the outer, any code before the status", () => {
    expect(meaningOf(429, ["RetryableErrorDueToAnotherOperation", "RetryableError"])).toBe("busy");
    expect(meaningOf(409, ["SecurityRuleConflict"])).toBe("priority");
    expect(meaningOf(400, ["constructor"])).toBe("rejected");
    expect(meaningOf(408, [])).toBe("server");
  });

  test("read: an answer that is not this NSG is no empty NSG", async () => {
    const { settings, ports } = await harnessFor();
    const whole = { id: nsgId, name: nsgName, properties: { provisioningState: "Succeeded", securityRules: [] } };
    const answers = ["{}", "[]", "", JSON.stringify({ ...whole, name: "spoke" }), JSON.stringify({ ...whole, properties: { provisioningState: "Succeeded" } })];
    answers.push(JSON.stringify({ ...whole, properties: { ...whole.properties, securityRules: [{ name: "x", properties: { priority: "100" } }] } }));
    for (const body of answers) {
      const send: Transport = (request) => (request.url.endsWith("/token") ? fetchTransport(request) : Promise.resolve({ status: 200, headers: {}, body }));
      expect(await azureNsg.create(settings, { ...ports, send }).observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_UNAVAILABLE" } });
    }
  });

  test("lag: while reads are behind, a write is not made twice, nor over what it does not show", async () => {
    const harness = await harnessFor();
    harness.azure.faults.readLagMs = 8_000;
    const provider = harness.provider();
    harness.ports.advance(60_000);
    const seen = await look(provider);
    await carryOut(provider, plan(provider, seen, adds([a])));
    const [next] = plan(provider, { ...seen, ours: [{ id: "203.0.113.7/32", cidr: a, partial: null }] }, adds([cidrOf("203.0.113.8/32")]));
    if (next === undefined) throw new Error("nothing was compiled");
    expect(await provider.apply(next)).toMatchObject({ kind: "conflict" });
    harness.ports.advance(8_000);
    expect(await provider.apply(next)).toMatchObject({ kind: "applied" });
  });
});

describe("discover", () => {
  test("offer: every group over all pages, with two priorities free side by side, as settings that parse", async () => {
    const { azure, ports } = await harnessFor();
    azure.faults.pageSizeMax = 1;
    azure.addGroup({
      name: "busy",
      subnets: [],
      rules: [
        { name: "a", priority: 100 },
        { name: "b", priority: 102 },
        { name: "c", priority: 105, direction: "Outbound" },
      ],
    });
    azure.addGroup({ name: "other", resourceGroup: "elsewhere", tags: { "portcullis:x": "store-1" } });
    const secrets = { clientId: new Secret(applications.everything.clientId), clientSecret: new Secret(applications.everything.secret) };
    const account = { subscription, tenant, endpoint: azure.url, loginEndpoint: azure.url };
    const found = await azureNsg.discover?.(account, { ...ports, secrets });
    if (!found?.ok) throw new Error("nothing was found");
    expect(found.value.map(({ title, settings }) => [title, (settings as { priority: number }).priority])).toEqual([
      ["hub in edge (westeurope, 0 rules, 1 associations)", 100],
      ["busy in edge (westeurope, 3 rules, 0 associations)", 103],
      ["other in elsewhere (westeurope, 0 rules, 1 associations)", 100],
    ]);
    expect(found.value.map(({ warnings }) => warnings.join(" "))).toEqual([
      expect.stringContaining(`store ${storeId}`),
      expect.stringMatching(/no subnet.*2 inbound allow rules/),
      expect.stringContaining("store store-1"),
    ]);
    for (const { settings } of found.value) expect(v.safeParse(azureNsg.settings, settings).success).toBe(true);
    const some = await azureNsg.discover?.({ ...account, resourceGroup: "elsewhere" }, { ...ports, secrets });
    expect(some).toMatchObject({ ok: true, value: [{ title: expect.stringContaining("other") }] });
    expect(await azureNsg.discover?.({ region: "x" }, ports)).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID" } });
    expect(await azureNsg.discover?.(account, ports)).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH" } });
  });

  test("refuse: a page that leads elsewhere, a page that is none", async () => {
    const { azure, ports } = await harnessFor();
    const account = { subscription, tenant, endpoint: azure.url, loginEndpoint: azure.url };
    const answering =
      (body: string): Transport =>
      (request) =>
        request.url.endsWith("/token") ? fetchTransport(request) : Promise.resolve({ status: 200, headers: { "content-type": "application/json" }, body });
    const elsewhere = JSON.stringify({ value: [], nextLink: "https://evil.example/page" });
    expect(await azureNsg.discover?.(account, { ...ports, send: answering(elsewhere) })).toMatchObject({ ok: false, error: { code: "PROVIDER_REJECTED" } });
    expect(await azureNsg.discover?.(account, { ...ports, send: answering('{"groups":[]}') })).toMatchObject({
      ok: false,
      error: { code: "PROVIDER_UNAVAILABLE" },
    });
  });
});

test("settings: the harness's own endpoint is an origin", () => {
  expect(azureSettings("http://127.0.0.1:8080/").endpoint).toBe("http://127.0.0.1:8080/");
});
