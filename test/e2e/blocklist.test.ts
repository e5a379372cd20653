// A real blocklist through the front door, as a client would send it: thousands of addresses for one small firewall.
// Nothing may be lost: every address is refused by name, or listed with its state; and in the end the firewall is as it was.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cidrOf, contains } from "../../shared/address/index.ts";
import { newKey, type Stack, startStack } from "../sandbox/stack.ts";

const acl = "acl-0123456789abcdef0";
const batchSize = 100;
const addressesMax = 2_000;
const room = 18;
const admin = newKey();
const listFile = resolve(import.meta.dirname, "../../../shared/data/ip/ipsum_dev.tsv.gz");

/** Addresses that no list should ever hold and that real lists hold all the same. */
const never = ["10.0.0.1", "127.0.0.1", "169.254.169.254", "1.1.1.1", "8.8.8.8", "198.51.100.7", "224.0.0.1"];

function generated(): readonly string[] {
  return Array.from({ length: addressesMax }, (_, index) => `${60 + (index % 100)}.${(index * 7) % 256}.${(index * 13) % 256}.${1 + Math.floor(index / 100)}`);
}

async function readList(): Promise<readonly string[]> {
  try {
    const text = gunzipSync(await readFile(listFile)).toString();
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return lines.slice(0, addressesMax).map((line) => line.split("\t")[0] ?? "");
  } catch {
    console.warn("did not use a real list: ../shared/data/ip/ipsum_dev.tsv.gz is not here; a generated one stands in");
    return generated();
  }
}

interface Problem {
  readonly code: string;
  readonly errors: readonly { readonly field: string; readonly code: string }[];
}

interface State {
  readonly state: string;
}

interface Page {
  readonly total: number;
  readonly next: string | null;
  readonly blocks: readonly { readonly ip: string; readonly targets: Record<string, State> }[];
}

let stack: Stack;
let foreign: string;

beforeAll(async () => {
  stack = await startStack({
    acls: [{ id: acl }],
    adminKey: admin.key,
    yaml: (awsUrl) => `
owner: blocklist
protect: { ranges: [198.51.100.0/24] }
clients:
  admin: { keys: ["${admin.digest}"], scopes: [block, lift, read, admin], longest: 7d, live: 5000, newPerMinute: 5000 }
brake: { new: 5000, per: 1m }
targets:
  aws-web: { kind: aws-nacl, region: eu-west-1, acl: ${acl}, rules: { first: 1, last: 40, limit: 20 }, mode: enforce, endpoint: "${awsUrl}", credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }
`,
  });
  foreign = entries();
}, 60_000);

afterAll(async () => stack?.close());

function entries(): string {
  return JSON.stringify(stack.aws.acl(acl).state.entries);
}

async function call(method: "GET" | "POST", path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${admin.key}`, "content-type": "application/json" };
  const response = await fetch(`${stack.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}

/** Sends one batch; what is refused by name is left out, and the rest sent again, as a client would. */
async function send(batch: readonly string[]): Promise<{ taken: readonly string[]; refused: readonly string[] }> {
  const first = await call("POST", "/v1/blocks", { ips: batch, for: "1h" });
  if (first.status === 202) return { taken: batch, refused: [] };
  expect(first.status).toBe(422);
  const { errors } = first.body as Problem;
  const named = new Set(errors.map(({ field }) => Number(/^ips\[([0-9]+)\]$/.exec(field)?.[1])));
  expect(errors.map(({ code }) => code)).toEqual(errors.map(() => "PROTECTED"));
  const refused = batch.filter((_, index) => named.has(index));
  const taken = batch.filter((_, index) => !named.has(index));
  if (taken.length > 0) expect((await call("POST", "/v1/blocks", { ips: taken, for: "1h" })).status).toBe(202);
  return { taken, refused };
}

async function sendAll(list: readonly string[]): Promise<{ taken: readonly string[]; refused: readonly string[] }> {
  const taken: string[] = [];
  const refused: string[] = [];
  for (let at = 0; at < list.length; at += batchSize) {
    const sent = await send(list.slice(at, at + batchSize));
    taken.push(...sent.taken);
    refused.push(...sent.refused);
  }
  return { taken, refused };
}

async function listed(): Promise<Page["blocks"]> {
  const all: Page["blocks"][number][] = [];
  let after = "";
  for (;;) {
    const { body } = await call("GET", `/v1/blocks?limit=1000${after}`);
    const page = body as Page;
    all.push(...page.blocks);
    if (page.next === null) return all;
    after = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

/** A lift that exempts nothing may be as wide as a /8, so that undoing a mistake of thousands takes few calls. */
async function liftAll(ips: readonly string[]): Promise<void> {
  const wide = [...new Set(ips.map((ip) => `${ip.split(".")[0]}.0.0.0/8`))];
  for (let at = 0; at < wide.length; at += batchSize) {
    expect((await call("POST", "/v1/lifts", { ips: wide.slice(at, at + batchSize), exempt: "none" })).status).toBe(202);
  }
}

/** Passes until nothing waits: neighbours come to share rules one after the other. */
async function settled(): Promise<void> {
  for (let pass = 0; pass < 40; pass += 1) {
    await call("POST", "/v1/reconcile", {});
    const states = (await listed()).map(({ targets }) => targets["aws-web"]?.state);
    if (!states.includes("pending")) return;
    await new Promise((wake) => setTimeout(wake, 500));
  }
}

/** Drives ticks, as cron would, until it holds. */
async function ticksUntil(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if (holds()) return;
    await new Promise((wake) => setTimeout(wake, 500));
    await stack.worker.tick();
  }
  throw new Error(`not within bounds: ${what}\n${entries()}`);
}

describe("a blocklist of thousands", () => {
  test("is taken less what is protected, fills the room and no more, and loses no address; lifted, it leaves the firewall as it was", async () => {
    const list = [...new Set([...never, ...(await readList())])];

    const { taken, refused } = await sendAll(list);
    await settled();

    expect(refused).toEqual(expect.arrayContaining(never));
    expect(taken.length + refused.length).toBe(list.length);
    const blocks = await listed();
    expect(blocks.map(({ ip }) => ip).sort()).toEqual([...taken].sort());
    const states = blocks.map(({ targets }) => targets["aws-web"]?.state ?? "none");
    // Neighbours on the list share a rule; every rule is used, and none denies what is not on it.
    const rules = stack.aws.acl(acl).state.entries.flatMap(({ number, cidr }) => (number <= 40 && cidr !== null ? [cidrOf(cidr)] : []));
    expect(rules).toHaveLength(room);
    const denied = taken.filter((address) => rules.some((rule) => contains(rule, cidrOf(address))));
    expect(denied).toHaveLength(rules.reduce((sum, { length }) => sum + 2 ** (32 - length), 0));
    expect(states.filter((state) => state === "enforced" || state === "covered")).toHaveLength(denied.length);
    expect(states.filter((state) => !["enforced", "covered", "shed"].includes(state))).toEqual([]);
    const { body: target } = await call("GET", "/v1/targets/aws-web");
    expect((target as { room: { shed: { blocks: number } } }).room.shed.blocks).toBe(states.filter((state) => state === "shed").length);

    await liftAll(taken);
    await ticksUntil("the firewall is as it was", () => entries() === foreign);
    expect(entries()).toBe(foreign);
    expect(await listed()).toEqual([]);
  }, 120_000);
});
