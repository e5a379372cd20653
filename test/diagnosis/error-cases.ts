// How each error comes about and goes away, as it happens to people: one case per code, over the deployment in virtual time.
import { Webhook } from "standardwebhooks";
import { makeWorker, type WorkerEnv, WorkersRuntime } from "../../functions/runtime/workers.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import { type ErrorCode, errorTraits } from "../../shared/errors.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { newWorld, testConfig } from "../coordinator/world.ts";
import { azureWorld } from "../providers/azure-nsg-world.ts";
import { cloudflareWorld } from "../providers/cloudflare-list-world.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { Deployed } from "./deployed.ts";

export interface Provoked {
  readonly problem: { readonly code: string; readonly detail: string; readonly remedy: string; readonly help: string };
  readonly status: number;
  /** Carries out what the runbook says and tells whether that helped. */
  remedied(): Promise<"remedied" | string>;
}

async function answered(response: Response, remedied: () => Promise<boolean>): Promise<Provoked> {
  const problem = (await response.json()) as Provoked["problem"];
  return { problem, status: response.status, remedied: async () => ((await remedied()) ? "remedied" : "not remedied") };
}

const taken = (response: Response): boolean => response.status === 202;

/** In a target's report the code stands with its words; the status is what a caller would be given for it. */
async function reported(deployed: Deployed, remedied: () => Promise<boolean>): Promise<Provoked> {
  const { error } = await deployed.target();
  if (error === null) throw new Error("the target reports no error");
  const { code, message, ...advice } = error as Readonly<Record<string, string>>;
  const { status } = errorTraits[code as ErrorCode];
  return {
    problem: { code, detail: message, ...advice } as unknown as Provoked["problem"],
    status,
    remedied: async () => ((await remedied()) ? "remedied" : "not remedied"),
  };
}

const isWell = async (deployed: Deployed) => (await deployed.target()).error === null;

/** Set up, watched for long enough, with one block that stands. */
async function running(): Promise<Deployed> {
  const deployed = new Deployed(await newWorld());
  await deployed.minutes(3);
  await deployed.block("203.0.113.1");
  await deployed.minutes(1);
  return deployed;
}

const fresh = async () => new Deployed(await newWorld());

const ofRequests = {
  INVALID_INPUT: async () => {
    const deployed = await fresh();
    return answered(await deployed.block("203.0.113.777"), async () => taken(await deployed.block("203.0.113.77")));
  },
  UNAUTHENTICATED: async () => {
    const deployed = await fresh();
    return answered(await deployed.post("/v1/blocks", { ip: "203.0.113.7" }, null), async () => taken(await deployed.block("203.0.113.7")));
  },
  FORBIDDEN: async () => {
    const deployed = await fresh();
    return answered(await deployed.block("203.0.113.7", {}, "reader"), async () => taken(await deployed.block("203.0.113.7", {}, "detector")));
  },
  NOT_FOUND: async () => {
    const deployed = await fresh();
    return answered(await deployed.get("/v1/targets/wbe"), async () => (await deployed.get("/v1/targets/web")).status === 200);
  },
  METHOD_NOT_ALLOWED: async () => {
    const deployed = await fresh();
    const response = await deployed.send("PUT", "/v1/lifts", "admin", { body: "{}" });
    const allowed = response.headers.get("allow") ?? "";
    return answered(response, async () => (await deployed.send(allowed, "/v1/lifts", "admin", { body: '{"ip":"203.0.113.7"}' })).status === 202);
  },
  PAYLOAD_TOO_LARGE: async () => {
    const deployed = await fresh();
    const response = await deployed.post("/v1/blocks", { ips: Array.from({ length: 20_000 }, (_, at) => `203.0.${at >> 8}.${at & 255}`) });
    return answered(response, async () => taken(await deployed.post("/v1/blocks", { ips: ["203.0.113.1", "203.0.113.2"] })));
  },
  UNSUPPORTED_MEDIA_TYPE: async () => {
    const deployed = await fresh();
    const response = await deployed.send("POST", "/v1/blocks", "admin", { body: '{"ip":"203.0.113.7"}', headers: { "content-type": "text/plain" } });
    return answered(response, async () => taken(await deployed.block("203.0.113.7")));
  },
  PROTECTED: async () => {
    const deployed = await fresh();
    return answered(await deployed.block("198.51.100.7"), async () => {
      deployed.redeploy({ protect: { ranges: [], presets: ["iana-special-purpose"] } });
      return taken(await deployed.block("198.51.100.7"));
    });
  },
  EXEMPT: async () => {
    const deployed = await running();
    await deployed.post("/v1/lifts", { ip: "203.0.113.1", exempt: "30m" });
    return answered(await deployed.block("203.0.113.1"), async () => {
      const { exemptions } = await deployed.json(deployed.get("/v1/blocks/203.0.113.1"));
      await deployed.world.advance(Date.parse(exemptions[0].until) - deployed.world.now + 1_000);
      return taken(await deployed.block("203.0.113.1"));
    });
  },
  // No kind of today lacks anything that a client may ask for: here is one that holds no ranges.
  UNSUPPORTED: async () => {
    const hostsOnly = (cidr: { readonly length: number }) =>
      cidr.length === 32 ? ({ kind: "accept" } as const) : ({ kind: "unsupported", why: "it holds single addresses only" } as const);
    const deployed = new Deployed(await newWorld(), { targetFacts: () => ({ caveats: [], admit: hostsOnly }) });
    return answered(await deployed.block("203.0.113.0/24"), async () => taken(await deployed.block("203.0.113.7")));
  },
  RATE_LIMITED: async () => {
    const deployed = await fresh();
    for (const ip of ["203.0.113.1", "203.0.113.2"]) await deployed.block(ip, {}, "slow");
    const response = await deployed.block("203.0.113.3", {}, "slow");
    const waitSeconds = Number(response.headers.get("retry-after"));
    return answered(response, async () => {
      await deployed.world.advance(waitSeconds * 1_000);
      return taken(await deployed.block("203.0.113.3", {}, "slow"));
    });
  },
} satisfies Partial<Record<ErrorCode, () => Promise<Provoked>>>;

const ofTheDeployment = {
  CONFIG_INVALID: async () => {
    const lines: string[] = [];
    const platform = {
      clock: { now: () => 0 },
      random: { bytes: (count: number) => new Uint8Array(count) },
      fetch: async () => new Response(""),
      log: (record: object) => lines.push(JSON.stringify(record)),
      sleep: async () => undefined,
      later: () => undefined,
    };
    const config = testConfig({ targets: {} });
    const bad = testConfig({ targets: { web: { kind: "gcp-armor", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } } });
    const definitions = { "aws-nacl": awsNacl as ProviderDefinition<never> as ProviderDefinition };
    const ask = (used: typeof config) =>
      makeWorker(new WorkersRuntime({ platform, config: used, definitions })).fetch(
        new Request("http://portcullis.test/healthz"),
        {} as WorkerEnv,
        {} as never,
      );
    const response = await ask(bad);
    if (!lines.join().includes("gcp-armor")) throw new Error("the log does not say what is wrong");
    return answered(response, async () => (await ask(config)).status === 200);
  },
  INVARIANT: async () => {
    let isBroken = true;
    const secrets = async (): Promise<string | undefined> => {
      if (isBroken) throw new TypeError("the platform's secret store fell over");
      return "whsec_c2VjcmV0";
    };
    const deployed = new Deployed(await newWorld(), { secrets });
    deployed.redeploy({ clients: { ...deployed.world.config.clients, script: { ...testConfig().clients.detector, secrets: ["SCRIPT"] } as never } });
    const body = '{"type":"block","ip":"203.0.113.7"}';
    const headers = () => {
      const at = new Date(deployed.world.now);
      const signature = new Webhook("whsec_c2VjcmV0").sign("msg_1", at, body);
      return { "webhook-id": "msg_1", "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)), "webhook-signature": signature };
    };
    const response = await deployed.send("POST", "/v1/blocks", null, { body, headers: headers() });
    if (!deployed.world.logs.some((record) => record.event === "http.failed")) throw new Error("the log has no line of it");
    return answered(response, async () => {
      isBroken = false;
      return taken(await deployed.send("POST", "/v1/blocks", null, { body, headers: headers() }));
    });
  },
  STORE_UNAVAILABLE: async () => {
    const deployed = await running();
    deployed.world.kv.down = true;
    return answered(await deployed.block("203.0.113.7"), async () => {
      deployed.world.kv.down = false;
      const again = await deployed.block("203.0.113.7");
      await deployed.minutes(1);
      return taken(again) && deployed.world.blocked("203.0.113.7");
    });
  },
  STORE_CORRUPT: async () => {
    const deployed = await running();
    await deployed.world.kv.put("meta:store", "what is this", { metadata: { junk: true }, expiresAtMs: null });
    return answered(await deployed.post("/v1/store", {}), async () => {
      await deployed.world.kv.delete("meta:store");
      return (await deployed.post("/v1/store", {})).status === 201;
    });
  },
  DESIRED_INCOMPLETE: async () => {
    const deployed = await running();
    await deployed.world.kv.put("lease:whatever", "{}", { metadata: {}, expiresAtMs: null });
    await deployed.minutes(6);
    return answered(await deployed.get("/v1/feed.txt"), async () => {
      const { incompleteWhy } = await deployed.json(deployed.get("/v1/targets"));
      await deployed.world.kv.delete(/"(lease:[^"]+)"/.exec(incompleteWhy)?.[1] ?? "");
      await deployed.minutes(6);
      return (await (await deployed.get("/v1/feed.txt")).text()) === "203.0.113.1\n";
    });
  },
  NOT_READY: async () => {
    const deployed = await fresh();
    return answered(await deployed.get("/v1/blocks"), async () => {
      await deployed.minutes(2);
      return (await deployed.get("/v1/blocks")).status === 200;
    });
  },
} satisfies Partial<Record<ErrorCode, () => Promise<Provoked>>>;

const ofTargets = {
  CAPACITY_EXCEEDED: async () => {
    const deployed = await running();
    await deployed.block("203.0.113.2");
    await deployed.minutes(1);
    const { world } = deployed;
    const quota = world.aws.rulesMax;
    // The account's real quota is lower than the target's limit says.
    world.aws.rulesMax = world.aws.acl(aclId).state.entries.filter(({ egress, family }) => !egress && family === 4).length;
    await deployed.block("203.0.113.3");
    await deployed.minutes(1);
    return reported(deployed, async () => {
      world.aws.rulesMax = quota;
      await deployed.minutes(2);
      return (await isWell(deployed)) && world.blocked("203.0.113.3");
    });
  },
  PLAN_UNSAFE: async () => {
    const deployed = await running();
    const acl = deployed.world.aws.acl(aclId);
    for (let number = 10; number < 15; number += 1) acl.create({ number, egress: false, cidr: `203.0.113.${number}/32`, action: "deny" });
    await deployed.minutes(6);
    return reported(deployed, async () => {
      const { orphans } = await deployed.target();
      await deployed.post("/v1/reconcile", { confirm: { target: "web", digest: orphans.digest } });
      await deployed.minutes(2);
      return (await isWell(deployed)) && deployed.world.ours().length === 1;
    });
  },
  OWNERSHIP_CONFLICT: async () => {
    const deployed = await running();
    const acl = deployed.world.aws.acl(aclId);
    const tags = { ...acl.state.tags };
    acl.tag({ "portcullis:store": "another-store" });
    await deployed.minutes(6);
    return reported(deployed, async () => {
      acl.tag(tags);
      await deployed.minutes(2);
      return isWell(deployed);
    });
  },
  PROVIDER_AUTH: async () => {
    const deployed = await running();
    deployed.world.aws.faults.credentialsRevoked = true;
    await deployed.block("203.0.113.7");
    await deployed.minutes(1);
    return reported(deployed, async () => {
      const failedBefore = (await deployed.json(deployed.get("/v1/blocks/203.0.113.7"))).block.targets.web.state;
      deployed.world.aws.faults.credentialsRevoked = false;
      await deployed.minutes(2);
      return failedBefore === "failed" && (await isWell(deployed)) && deployed.world.blocked("203.0.113.7");
    });
  },
  PROVIDER_REJECTED: async () => {
    const world = await azureWorld({ provisioningMs: 0 });
    const deployed = new Deployed(world);
    world.azure.faults.decide = (call) => (call === "writeRule" ? { kind: "refuse", status: 403, code: "RequestDisallowedByPolicy" } : null);
    await deployed.block("203.0.113.7");
    await deployed.minutes(1);
    return reported(deployed, async () => {
      world.azure.faults.decide = () => null;
      await deployed.minutes(2);
      return (await isWell(deployed)) && world.sources().includes("203.0.113.7/32");
    });
  },
  PROVIDER_THROTTLED: async () => {
    const deployed = await running();
    deployed.world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "throttle", status: 503, retryAfterSeconds: 90 } });
    await deployed.block("203.0.113.7");
    await deployed.world.advance(5_000);
    return reported(deployed, async () => {
      await deployed.minutes(3);
      return (await isWell(deployed)) && deployed.world.blocked("203.0.113.7");
    });
  },
  PROVIDER_UNAVAILABLE: async () => {
    const deployed = await running();
    deployed.world.aws.faults.decide = () => ({ kind: "serverError", status: 503, committed: false });
    await deployed.block("203.0.113.7");
    await deployed.minutes(1);
    return reported(deployed, async () => {
      deployed.world.aws.faults.decide = () => null;
      await deployed.minutes(2);
      return (await isWell(deployed)) && deployed.world.blocked("203.0.113.7");
    });
  },
  PROVIDER_CONFLICT: async () => {
    const world = await newWorld({ describeLagMs: 20_000 });
    const deployed = new Deployed(world);
    await deployed.minutes(3);
    // A person takes the place that we will, and our look does not show it yet.
    for (const number of [1, 2, 3]) world.aws.acl(aclId).create({ number, egress: false, cidr: `192.0.2.${number}/32`, action: "allow" });
    await deployed.block("203.0.113.7");
    await world.advance(5_000);
    return reported(deployed, async () => {
      for (const number of [1, 2, 3]) world.aws.acl(aclId).delete(number, false);
      await deployed.minutes(6);
      return (await isWell(deployed)) && world.blocked("203.0.113.7");
    });
  },
  PROVIDER_PENDING: async () => {
    const world = await cloudflareWorld({ operationMs: 40_000 });
    const deployed = new Deployed(world);
    await deployed.block("203.0.113.7");
    await world.advance(10_000);
    return reported(deployed, async () => {
      await deployed.minutes(3);
      return (await isWell(deployed)) && world.values().includes("203.0.113.7");
    });
  },
  OUTCOME_UNKNOWN: async () => {
    const deployed = await running();
    deployed.world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: true } });
    await deployed.block("203.0.113.7");
    await deployed.world.advance(5_000);
    return reported(deployed, async () => {
      await deployed.minutes(3);
      return (await isWell(deployed)) && deployed.world.blocked("203.0.113.7");
    });
  },
} satisfies Partial<Record<ErrorCode, () => Promise<Provoked>>>;

export const errorCases: Readonly<Record<ErrorCode, () => Promise<Provoked>>> = { ...ofRequests, ...ofTheDeployment, ...ofTargets };
