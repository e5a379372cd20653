// More attackers than rules, through the front door: tens of thousands of weighted sources for an ACL, an NSG and a Cloudflare list. In the end each
// stops as much as its rules can, repeat passes are silent, and every address is told truly where it is stopped, and if not, why.
// `SOURCES=all` takes every source of the list; without it a part, so that the ordinary run stays short.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blockOf, type Cidr, CidrIndex, cidrKey, cidrOf, contains } from "../../shared/address/index.ts";
import type { Severity } from "../../shared/config.ts";
import { azureNames, cloudflareNames } from "../sandbox/other-clouds.ts";
import { newKey, type Stack, startStack } from "../sandbox/stack.ts";

const acl = "acl-0123456789abcdef0";
const listFile = resolve(import.meta.dirname, "../../../shared/data/ip/ipsum_dev.tsv.gz");
const sourcesMax = process.env.SOURCES === "all" ? Number.POSITIVE_INFINITY : Number(process.env.SOURCES ?? 6_000);
/** Smaller with a part of the sources, so that every target is short of rules. */
const rooms = { "aws-web": 18, "azure-hub": sourcesMax > 20_000 ? 4_000 : 400, edge: sourcesMax > 20_000 ? 10_000 : 1_000 } as const;
type Name = keyof typeof rooms;
const targets = Object.keys(rooms) as Name[];
const batchSize = 100;
const sampleSize = 1_000;
/** Each may send 10,000 a minute. */
const senders = Array.from({ length: 8 }, (_, index) => ({ name: `sender-${index}`, ...newKey() }));
const admin = newKey();

interface Source {
  readonly ip: string;
  readonly severity: Severity;
}

/** On how many blocklists it stands says how bad it is. */
function severityOf(lists: number): Severity {
  return lists >= 5 ? "critical" : lists >= 3 ? "high" : lists >= 2 ? "medium" : "low";
}

const weights: Readonly<Record<Severity, number>> = { low: 1 / 200, medium: 1, high: 200, critical: 40_000 };

function generated(): readonly Source[] {
  return Array.from({ length: 6_000 }, (_, index) => {
    const mixed = Math.imul(index + 1, 2_654_435_761) >>> 0;
    const ip = `${60 + (mixed % 40)}.${(mixed >>> 8) % 256}.${(mixed >>> 16) % 256}.${mixed >>> 24}`;
    return { ip, severity: severityOf(1 + (index % 6)) };
  });
}

async function readSources(): Promise<readonly Source[]> {
  try {
    const lines = gunzipSync(await readFile(listFile))
      .toString()
      .split("\n");
    const found = lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split("\t"));
    const step = Math.max(1, Math.floor(found.length / sourcesMax));
    return found.filter((_, index) => index % step === 0).map(([ip = "", lists = "1"]) => ({ ip, severity: severityOf(Number(lists)) }));
  } catch {
    console.warn("did not use a real list: ../shared/data/ip/ipsum_dev.tsv.gz is not here; a generated one stands in");
    return generated();
  }
}

function grouped<T>(list: readonly T[], nameOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

let stack: Stack;

function yamlOf(awsUrl: string, others: { readonly azure: string; readonly cloudflare: string }): string {
  const clients = senders.map(({ name, digest }) => `  ${name}: { keys: ["${digest}"], scopes: [block], longest: 7d, live: 60000, newPerMinute: 10000 }`);
  const { tenant, subscription, resourceGroup, nsg } = azureNames;
  const { account, zone } = cloudflareNames;
  return `
owner: scarce
protect: { ranges: [198.51.100.0/24] }
brake: { new: 100000, per: 1m }
clients:
  admin: { keys: ["${admin.digest}"], scopes: [block, lift, read, admin, metrics], longest: 7d }
${clients.join("\n")}
targets:
  aws-web: { kind: aws-nacl, region: eu-west-1, acl: ${acl}, rules: { first: 1, last: 40, limit: 20 }, mode: enforce, endpoint: "${awsUrl}", credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }
  azure-hub: { kind: azure-nsg, tenant: ${tenant}, subscription: ${subscription}, resourceGroup: ${resourceGroup}, nsg: ${nsg}, priority: 100, rule: portcullis-deny, mode: enforce, maxEntries: ${rooms["azure-hub"]}, endpoint: "${others.azure}", loginEndpoint: "${others.azure}", credentials: { clientId: AZURE_HUB_ID, clientSecret: AZURE_HUB_SECRET } }
  edge: { kind: cloudflare-list, account: ${account}, list: portcullis, zones: [${zone}], mode: enforce, maxEntries: ${rooms.edge}, endpoint: "${others.cloudflare}", credentials: { token: CF_TOKEN } }
`;
}

beforeAll(async () => {
  stack = await startStack({ acls: [{ id: acl }], clouds: ["azure", "cloudflare"], adminKey: admin.key, yaml: yamlOf });
}, 120_000);

afterAll(async () => stack?.close());

async function call(key: string, method: "GET" | "POST", path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(`${stack.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}

interface Problem {
  readonly code: string;
  readonly errors?: readonly { readonly field: string; readonly code: string }[];
}

/** Sends one batch as its sender; what is protected is left out by name. Answers what was taken. */
async function send(key: string, batch: readonly Source[]): Promise<readonly Source[]> {
  const [first] = batch;
  if (first === undefined) return [];
  const answer = await call(key, "POST", "/v1/blocks", { ips: batch.map(({ ip }) => ip), for: "24h", severity: first.severity });
  if (answer.status === 202) return batch;
  if (answer.status === 429 || answer.status === 503) {
    await new Promise((wake) => setTimeout(wake, 5_000));
    return send(key, batch);
  }
  expect([answer.status, (answer.body as Problem).code]).toEqual([422, "PROTECTED"]);
  const named = new Set((answer.body as Problem).errors?.map(({ field }) => Number(/^ips\[([0-9]+)\]$/.exec(field)?.[1])));
  return send(
    key,
    batch.filter((_, index) => !named.has(index)),
  );
}

/** All senders side by side, one severity a batch. */
async function sendAll(sources: readonly Source[]): Promise<readonly Source[]> {
  const bySeverity = grouped(sources, ({ severity }) => severity);
  const batches = [...bySeverity.values()].flatMap((same) =>
    Array.from({ length: Math.ceil(same.length / batchSize) }, (_, at) => same.slice(at * batchSize, (at + 1) * batchSize)),
  );
  const taken: Source[] = [];
  await Promise.all(
    senders.map(async ({ key }) => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) taken.push(...(await send(key, batch)));
    }),
  );
  return taken;
}

function standing(name: Name): readonly Cidr[] {
  if (name === "aws-web") return stack.aws.acl(acl).state.entries.flatMap(({ number, cidr }) => (number <= 40 && cidr !== null ? [cidrOf(cidr)] : []));
  const { azure, cloudflare } = stack.others;
  if (name === "azure-hub") {
    return (azure?.group(azureNames.nsg).rule("portcullis-deny")?.properties.sourceAddressPrefixes ?? []).filter((text) => /^[0-9]/.test(text)).map(cidrOf);
  }
  return [...(cloudflare?.account(cloudflareNames.account).list("portcullis").items.values() ?? [])].flatMap(({ ip }) => (ip == null ? [] : [cidrOf(ip)]));
}

function writes(): number {
  return stack.aws.writes + (stack.others.azure?.writes ?? 0) + (stack.others.cloudflare?.writes ?? 0);
}

function halfOf(block: Cidr, side: "first" | "last"): Cidr {
  return blockOf(block.family, block[side], block.length + 1);
}

/** The most that `rules` can stop without a bystander: the heaviest of the widest blocks that sources fill. Found another way than the product does. */
function mostWeight(sources: readonly Source[], rules: number): number {
  const known = new Map(sources.map(({ ip, severity }) => [cidrKey(cidrOf(ip)), weights[severity]]));
  let level = new Map([...known].map(([key, weight]) => [key, { weight, whole: true }]));
  const widest: number[] = [];
  for (let length = 31; length >= 8 && level.size > 0; length -= 1) {
    const above = new Map<string, { weight: number; whole: boolean }>();
    const pairs = grouped([...level.keys()], (key) => cidrKey(blockOf(4, key.slice(2, 10), length)));
    for (const [key, parts] of pairs) {
      const halves = parts.map((part) => level.get(part)?.weight ?? 0);
      if (parts.length === 2) above.set(key, { weight: halves.reduce((sum, weight) => sum + weight, 0), whole: true });
      else widest.push(...halves);
    }
    level = above;
  }
  widest.push(...[...level.values()].map(({ weight }) => weight));
  return widest
    .sort((a, b) => b - a)
    .slice(0, rules)
    .reduce((sum, weight) => sum + weight, 0);
}

function stoppedWeight(sources: readonly Source[], blocks: readonly Cidr[]): number {
  const index = new CidrIndex(blocks, (block) => block);
  return sources.reduce((sum, { ip, severity }) => sum + (index.holding(cidrOf(ip)).length > 0 ? weights[severity] : 0), 0);
}

/** Every address in what stands was asked for. */
function bystanders(sources: readonly Source[], blocks: readonly Cidr[]): readonly Cidr[] {
  const known = new Set(sources.map(({ ip }) => cidrKey(cidrOf(ip))));
  const isKnown = (block: Cidr): boolean =>
    block.length === 32 ? known.has(cidrKey(block)) : isKnown(halfOf(block, "first")) && isKnown(halfOf(block, "last"));
  return blocks.filter((block) => !isKnown(block));
}

async function comeToRest(): Promise<number> {
  let before = -1;
  for (let round = 0; round < 200; round += 1) {
    await call(admin.key, "POST", "/v1/reconcile", {});
    const { body } = await call(admin.key, "GET", "/v1/targets");
    const waiting = (body as { targets: { pending: number; error: { code: string } | null }[] }).targets;
    const isDone = waiting.every(({ pending, error }) => pending === 0 && error === null);
    if (isDone && writes() === before) return round;
    before = writes();
    await new Promise((wake) => setTimeout(wake, 1_500));
  }
  throw new Error("the targets did not come to rest");
}

interface Explained {
  readonly summary?: string;
  readonly targets: Record<Name, { readonly blocked: string; readonly cause: string; readonly why: string; readonly entry: { readonly cidr: string } | null }>;
}

describe("more attackers than rules", () => {
  test("each target stops all but a hundredth of what it could, no bystander, silently ever after, and says so of each address", {
    timeout: 1_800_000,
  }, async () => {
    const sources = await readSources();
    const began = performance.now();
    const taken = await sendAll(sources);
    const sentSeconds = (performance.now() - began) / 1_000;
    expect(taken.length).toBeGreaterThan(0.9 * sources.length);

    const rounds = await comeToRest();
    const restSeconds = (performance.now() - began) / 1_000;
    const told: string[] = [];
    for (const name of targets) {
      const blocks = standing(name);
      const most = mostWeight(taken, rooms[name]);
      const stopped = stoppedWeight(taken, blocks);
      told.push(`${name}: ${blocks.length} rules, ${((100 * stopped) / most).toFixed(3)} % of the most they can stop`);
      expect(blocks.length, name).toBeLessThanOrEqual(rooms[name]);
      expect(bystanders(taken, blocks), name).toEqual([]);
      expect(stopped, name).toBeGreaterThanOrEqual(0.99 * most - 1e-6);
    }
    console.info(
      `${taken.length} sources taken in ${sentSeconds.toFixed(0)} s, at rest after ${restSeconds.toFixed(0)} s and ${rounds} rounds; ${told.join("; ")}`,
    );

    const written = writes();
    for (let again = 0; again < 3; again += 1) await call(admin.key, "POST", "/v1/reconcile", {});
    expect(writes()).toBe(written);

    const truth = new Map(targets.map((name) => [name, new CidrIndex(standing(name), (block) => block)]));
    const step = Math.max(1, Math.floor(taken.length / sampleSize));
    for (const { ip } of taken.filter((_, index) => index % step === 0)) {
      const { body } = await call(admin.key, "GET", `/v1/blocks/${ip}`);
      for (const name of targets) {
        const said = (body as Explained).targets[name];
        const holding = truth.get(name)?.holding(cidrOf(ip)) ?? [];
        expect([ip, name, said.blocked]).toEqual([ip, name, holding.length > 0 ? "yes" : "no"]);
        if (holding.length === 0) expect([ip, name, said.cause]).toEqual([ip, name, "shed"]);
        else expect(said.entry !== null && contains(cidrOf(said.entry.cidr), cidrOf(ip))).toBe(true);
        expect(said.why).not.toBe("");
      }
    }
  });
});
