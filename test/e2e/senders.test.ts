// One event, whichever way its sender has in, at three clouds, in each runtime, as real processes over real HTTP: Falco finds a connection to who
// controls it, and tells it by SNS (a really signed message, its certificate fetched from where SNS keeps it), by a delivery of Firehose, or by
// itself, ten times at once and again later. It makes one lease, one entry at each cloud, and one outcome.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { azureNames, cloudflareNames } from "../sandbox/other-clouds.ts";
import { newKey, runtimes, type Stack, startStack } from "../sandbox/stack.ts";
import { confirmation, createPublisher, host, notification, sign, topicArn } from "../sns/publisher.ts";
import { linesFile } from "../source/samples.ts";

const acl = "acl-0123456789abcdef0";
const [admin, stream, sidekick] = [newKey(), newKey(), newKey()];

/** Falco's own message, of now, about another attacker each time. */
function event(ip: string): unknown {
  const found = linesFile("falco/written.jsonl").find((one) => (one as { rule: string }).rule === "Outbound Connection to C2 Servers");
  const text = JSON.stringify({ ...(found as object), time: new Date().toISOString().replace("Z", "000001Z") }).replaceAll("203.0.113.66", ip);
  return JSON.parse(text);
}

function yamlOf(awsUrl: string, others: { readonly azure: string; readonly cloudflare: string }): string {
  const { tenant, subscription, resourceGroup, nsg } = azureNames;
  const { account, zone } = cloudflareNames;
  return `
owner: senders
protect: { ranges: [198.51.100.0/24], presets: [iana-special-purpose, cloud-services] }
clients:
  admin: { keys: ["${admin.digest}"], scopes: [block, lift, read, admin, metrics], longest: 7d }
  topic: { scopes: ["alert:falco"], longest: 24h, sns: { topics: ["${topicArn}"] } }
  stream: { keys: ["${stream.digest}"], scopes: ["alert:falco"], longest: 24h }
  sidekick: { keys: ["${sidekick.digest}"], scopes: ["alert:falco"], longest: 24h }
targets:
  aws-web: { kind: aws-nacl, region: eu-west-1, acl: ${acl}, rules: { first: 1, last: 40, limit: 20 }, mode: enforce, endpoint: "${awsUrl}", credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }
  azure-hub: { kind: azure-nsg, tenant: ${tenant}, subscription: ${subscription}, resourceGroup: ${resourceGroup}, nsg: ${nsg}, priority: 100, rule: portcullis-deny, mode: enforce, endpoint: "${others.azure}", loginEndpoint: "${others.azure}", credentials: { clientId: AZURE_HUB_ID, clientSecret: AZURE_HUB_SECRET } }
  edge: { kind: cloudflare-list, account: ${account}, list: portcullis, zones: [${zone}], mode: enforce, endpoint: "${others.cloudflare}", credentials: { token: CF_TOKEN } }
`;
}

/** SNS's host on loopback: its certificate and its confirmation, and an error for all else. */
async function startSns(): Promise<{ readonly server: Server; readonly url: string; readonly called: readonly string[] }> {
  const publisher = createPublisher(Date.now());
  const server = createServer((request, response) => {
    publisher
      .askSns({ method: request.method === "GET" ? "GET" : "POST", url: `${host}${request.url}`, headers: {} })
      .then(({ status, body }) => response.writeHead(status).end(body))
      .catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, called: publisher.called };
}

describe.each(runtimes)("one event at three clouds in %s", (runtime) => {
  let stack: Stack;
  let sns: Awaited<ReturnType<typeof startSns>>;

  beforeAll(async () => {
    sns = await startSns();
    const played = { [new URL(host).host]: sns.url };
    stack = await startStack({ acls: [{ id: acl }], clouds: ["azure", "cloudflare"], adminKey: admin.key, yaml: yamlOf, runtime, played });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    sns?.server.close();
  });

  const post = (path: string, headers: Readonly<Record<string, string>>, body: unknown) =>
    fetch(`${stack.url}${path}`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });

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

  /** Each way in: its client, and one delivery of the event, the same bytes every time. */
  const ways: readonly (readonly [string, string, (falco: unknown) => () => Promise<Response>])[] = [
    [
      "SNS",
      "topic",
      (falco) => {
        const fields = sign(notification(falco, Date.now()));
        return () => post("/v1/sns", { "content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification" }, fields);
      },
    ],
    [
      "Firehose",
      "stream",
      (falco) => {
        const logEvents = [{ id: "1", timestamp: Date.now(), message: JSON.stringify(falco) }];
        const record = { messageType: "DATA_MESSAGE", owner: "123456789012", logGroup: "g", logStream: "s", subscriptionFilters: ["f"], logEvents };
        const requestId = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f";
        const body = { requestId, timestamp: Date.now(), records: [{ data: gzipSync(JSON.stringify(record)).toString("base64") }] };
        return () => post("/v1/firehose/falco", { "x-amz-firehose-access-key": stream.key, "x-amz-firehose-request-id": requestId }, body);
      },
    ],
    ["falcosidekick", "sidekick", (falco) => () => post("/v1/alerts/falco", { "x-api-key": sidekick.key }, falco)],
  ];

  test("confirm: the subscription of the topic confirms itself", { timeout: 60_000 }, async () => {
    expect((await post("/v1/sns", {}, sign(confirmation(Date.now())))).status).toBe(200);
    expect(sns.called.at(-1)).toContain("Action=ConfirmSubscription");
  });

  test.each(ways.map((way, at) => [...way, `203.0.113.${60 + 2 * at}`] as const))(
    "%s: ten deliveries at once, and ten more when it stands, are one lease, one entry at each cloud and no second write",
    { timeout: 240_000 },
    async (_way, client, deliveryOf, ip) => {
      const before = await leases();
      const deliver = deliveryOf(event(ip));
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
    const falco = JSON.stringify(event(ip));
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
    const falco = event(ip);
    const statuses = await Promise.all(
      ways.flatMap(([, , deliveryOf]) => Array.from({ length: 10 }, deliveryOf(falco))).map(async (one) => (await one).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    await everywhere(ip);
    const held = await explained(ip);
    expect(held.map(({ client }) => client).sort()).toEqual(["sidekick", "stream", "topic"]);
    expect(new Set(held.flatMap(({ alerts }) => alerts)).size).toBe(1);
  });
});
