// One event, whichever way its sender has in, at three clouds, in each runtime, as real processes over real HTTP: Falco finds a connection to who
// controls it, and tells it by SNS (a really signed message, its certificate fetched from where SNS keeps it), by a delivery of Firehose, or by
// itself, ten times at once and again later. It makes one lease, one entry at each cloud, and one outcome.
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { azureNames, cloudflareNames } from "../sandbox/other-clouds.ts";
import { newKey, runtimes, type Stack, startStack } from "../sandbox/stack.ts";
import { confirmation, sign } from "../sns/publisher.ts";
import { falcoEvent, post, type SnsHost, senderClients, sidekick, startSns, ways } from "./ways-in.ts";

const acl = "acl-0123456789abcdef0";
const admin = newKey();

function yamlOf(awsUrl: string, others: { readonly azure: string; readonly cloudflare: string }): string {
  const { tenant, subscription, resourceGroup, nsg } = azureNames;
  const { account, zone } = cloudflareNames;
  return `
owner: senders
protect: { ranges: [198.51.100.0/24], presets: [iana-special-purpose, cloud-services] }
clients:
  admin: { keys: ["${admin.digest}"], scopes: [block, lift, read, admin, metrics], longest: 7d }
${senderClients}targets:
  aws-web: { kind: aws-nacl, region: eu-west-1, acl: ${acl}, rules: { first: 1, last: 40, limit: 20 }, mode: enforce, endpoint: "${awsUrl}", credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }
  azure-hub: { kind: azure-nsg, tenant: ${tenant}, subscription: ${subscription}, resourceGroup: ${resourceGroup}, nsg: ${nsg}, priority: 100, rule: portcullis-deny, mode: enforce, endpoint: "${others.azure}", loginEndpoint: "${others.azure}", credentials: { clientId: AZURE_HUB_ID, clientSecret: AZURE_HUB_SECRET } }
  edge: { kind: cloudflare-list, account: ${account}, list: portcullis, zones: [${zone}], mode: enforce, endpoint: "${others.cloudflare}", credentials: { token: CF_TOKEN } }
`;
}

describe.each(runtimes)("one event at three clouds in %s", (runtime) => {
  let stack: Stack;
  let sns: SnsHost;

  beforeAll(async () => {
    sns = await startSns();
    stack = await startStack({ acls: [{ id: acl }], clouds: ["azure", "cloudflare"], adminKey: admin.key, yaml: yamlOf, runtime, played: sns.played });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    sns?.server.close();
  });

  /** How many entries of ours hold the address at each cloud. */
  function standing(ip: string): Readonly<Record<string, number>> {
    const { azure, cloudflare } = stack.others;
    const prefixes = azure?.group(azureNames.nsg).rule("portcullis-deny")?.properties.sourceAddressPrefixes ?? [];
    return {
      "aws-web": stack.aws.acl(acl).state.entries.filter(({ cidr, egress }) => cidr === `${ip}/32` && !egress).length,
      "azure-hub": prefixes.filter((prefix) => prefix.split("/")[0] === ip).length,
      edge: [...(cloudflare?.account(cloudflareNames.account).list("portcullis").items.values() ?? [])].filter((item) => item.ip === ip).length,
    };
  }

  const writes = () => [stack.aws.writes, stack.others.azure?.writes, stack.others.cloudflare?.writes];
  const leases = async () => (await stack.worker.keys()).map(({ name }) => name).filter((name) => name.startsWith("lease:"));

  async function explained(ip: string): Promise<{ client: string; alerts: string[] }[]> {
    const response = await fetch(`${stack.url}/v1/blocks/${ip}`, { headers: { authorization: `Bearer ${admin.key}` } });
    return ((await response.json()) as { leases: { client: string; alerts: string[] }[] }).leases;
  }

  async function everywhere(ip: string): Promise<void> {
    for (let tries = 0; tries < 60; tries += 1) {
      if (Object.values(standing(ip)).every((count) => count === 1)) return;
      await stack.worker.tick();
      await new Promise((resume) => setTimeout(resume, 1_000));
    }
    throw new Error(`it stands at ${JSON.stringify(standing(ip))} only`);
  }

  test("confirm: the subscription of the topic confirms itself", { timeout: 60_000 }, async () => {
    expect((await post(`${stack.url}/v1/sns`, {}, sign(confirmation(Date.now())))).status).toBe(200);
    expect(sns.called.at(-1)).toContain("Action=ConfirmSubscription");
  });

  test.each(ways.map(({ name, client, deliveryOf }, at) => [name, client, deliveryOf, `203.0.113.${60 + 2 * at}`] as const))(
    "%s: ten deliveries at once, and ten more when it stands, are one lease, one entry at each cloud and no second write",
    { timeout: 240_000 },
    async (_way, client, deliveryOf, ip) => {
      const before = await leases();
      const delivery = deliveryOf(falcoEvent(ip));
      const deliver = () => delivery(stack.url);
      const ten = async () => new Set((await Promise.all(Array.from({ length: 10 }, deliver))).map(({ status }) => status));
      expect([...(await ten())]).toEqual([200]);
      await everywhere(ip);
      const [lease, ...more] = await explained(ip);
      expect([lease?.client, lease?.alerts, more]).toEqual([client, [expect.stringMatching(/^falco\//)], []]);
      expect((await leases()).length - before.length).toBe(1);

      await stack.worker.tick();
      const written = writes();
      const known = await leases();
      expect([...(await ten())]).toEqual([200]);
      await stack.worker.tick();
      expect([await leases(), writes(), standing(ip)]).toEqual([known, written, { "aws-web": 1, "azure-hub": 1, edge: 1 }]);
    },
  );

  test("packed: the same by gzip, with the header and without, is the same event; what bursts is named", { timeout: 60_000 }, async () => {
    const ip = "203.0.113.92";
    const falco = JSON.stringify(falcoEvent(ip));
    const told = async (body: Uint8Array<ArrayBuffer> | string, headers: Readonly<Record<string, string>> = {}) => {
      const response = await fetch(`${stack.url}/v1/alerts/falco`, { method: "POST", headers: { "x-api-key": sidekick.key, ...headers }, body });
      const { items } = (await response.json()) as { items: { ip?: string; status: string }[] };
      return [response.status, ...items.map((item) => [item.ip, item.status])];
    };
    const packed = new Uint8Array(gzipSync(falco));
    expect(await told(packed, { "content-encoding": "gzip" })).toEqual([200, [ip, "created"]]);
    for (const again of [await told(packed), await told(falco)]) expect(again).toEqual([200, [ip, "unchanged"]]);
    expect(await told(new Uint8Array(gzipSync(Buffer.alloc(64 * 1024 * 1024))))).toEqual([200, [undefined, "invalid"]]);
  });

  test("agree: the same event by all three ways is one event, one entry at each cloud, and a lease of each client", { timeout: 240_000 }, async () => {
    const ip = "203.0.113.90";
    const falco = falcoEvent(ip);
    const statuses = await Promise.all(
      ways
        .map(({ deliveryOf }) => deliveryOf(falco))
        .flatMap((deliver) => Array.from({ length: 10 }, () => deliver(stack.url)))
        .map(async (one) => (await one).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    await everywhere(ip);
    const held = await explained(ip);
    expect(held.map(({ client }) => client).sort()).toEqual(["sidekick", "stream", "topic"]);
    expect(new Set(held.flatMap(({ alerts }) => alerts)).size).toBe(1);
  });
});
