// What only Deno has: several processes over one database, a process that is killed, timelines that are not production, and starts
// that must fail. Real processes, real HTTP, the strict AWS simulator.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../../shared/config.ts";
import { type RunningDeno, startDeno } from "../sandbox/deno.ts";
import { newKey, runtimeUser, type Stack, startStack } from "../sandbox/stack.ts";

const root = resolve(import.meta.dirname, "../..");
const acl = "acl-0123456789abcdef0";
const admin = newKey();
let folder: string;
let stack: Stack;
let foreign: string;

function instance(timeline = "production", persistTo = join(folder, "kv")): Promise<RunningDeno> {
  const build = dirname(stack.configFile);
  const bindings = {
    AWS_WEB_ID: runtimeUser.accessKeyId,
    AWS_WEB_SECRET: runtimeUser.secretAccessKey,
    PORTCULLIS_ALLOWED_HOSTS: new URL(stack.aws.url).host,
  };
  return startDeno({ importMap: join(build, "import-map.json"), folder: build, bindings, timeline, persistTo });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "portcullis-deno-"));
  stack = await startStack({
    runtime: "deno",
    persistTo: join(folder, "kv"),
    acls: [{ id: acl }],
    adminKey: admin.key,
    yaml: (awsUrl) => `
owner: several
clients:
  admin: { keys: ["${admin.digest}"], scopes: [block, lift, read, admin], longest: 7d, live: 500, newPerMinute: 500 }
protect: { presets: [iana-special-purpose] }
targets:
  aws-web: { kind: aws-nacl, region: eu-west-1, acl: ${acl}, rules: { first: 1, last: 40, limit: 20 }, mode: enforce, endpoint: "${awsUrl}", credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }
`,
  });
  foreign = others();
}, 60_000);

afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

function others(): string {
  return JSON.stringify(stack.aws.acl(acl).state.entries.filter(({ number }) => number > 40));
}

function ours(): readonly string[] {
  return stack.aws
    .acl(acl)
    .state.entries.filter(({ number, egress }) => number <= 40 && !egress)
    .map(({ cidr }) => cidr)
    .sort();
}

interface Answer {
  readonly status: number;
  readonly states: readonly (string | undefined)[];
}

async function block(url: string, ip: string, wait = 10): Promise<Answer> {
  const headers = { authorization: `Bearer ${admin.key}`, "content-type": "application/json", prefer: `wait=${wait}` };
  const response = await fetch(`${url}/v1/blocks`, { method: "POST", headers, body: JSON.stringify({ ip, for: "1h" }) });
  const { items } = (await response.json()) as { items: { targets: Record<string, { state: string }> }[] };
  return { status: response.status, states: items.map(({ targets }) => targets["aws-web"]?.state) };
}

async function lift(url: string, ip: string): Promise<string> {
  const headers = { authorization: `Bearer ${admin.key}`, "content-type": "application/json" };
  const response = await fetch(`${url}/v1/lifts`, { method: "POST", headers, body: JSON.stringify({ ip, exempt: "none" }) });
  return response.ok ? "lifted" : response.text();
}

/** Drives ticks at the instance, as cron would, until it holds. */
async function ticksUntil(what: string, at: RunningDeno | Stack["worker"], holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 120; tries += 1) {
    await at.tick();
    if (holds()) return;
    await new Promise((wake) => setTimeout(wake, 500));
  }
  throw new Error(`not within bounds: ${what}\n${JSON.stringify(ours())}`);
}

describe("several Deno processes over one database", () => {
  test("block: what is sent to both at once stands once each, and a lift at one is undone by neither", async () => {
    const second = await instance();
    const urls = [stack.url, second.url];
    const ips = Array.from({ length: 6 }, (_, index) => `203.0.113.${index + 1}`);

    const answers = await Promise.all(ips.flatMap((ip) => urls.map((url) => block(url, ip))));

    expect(answers.filter(({ status }) => status !== 200 && status !== 202)).toEqual([]);
    await ticksUntil("all stand", second, () => ours().length >= ips.length);
    expect(ours()).toEqual(ips.map((ip) => `${ip}/32`));
    for (const [index, ip] of ips.entries()) expect(await lift(urls[index % 2] ?? "", ip)).toBe("lifted");
    await ticksUntil("none stands", stack.worker, () => ours().length === 0);
    expect(others()).toBe(foreign);
    await second.close();
  }, 60_000);

  test("kill: what a process had promised when it was killed in the middle of a pass is done by the other", async () => {
    const second = await instance();
    stack.aws.faults.latencyMs = 1_500;
    const writes = stack.aws.writes;
    expect((await block(second.url, "203.0.113.9", 1)).status).toBe(202);
    while (stack.aws.writes === writes) await new Promise((wake) => setTimeout(wake, 20));
    await second.kill();
    stack.aws.faults.latencyMs = 0;

    // The lock ends by itself; what the dead one had begun is looked at first.
    await ticksUntil("it stands and is told so", stack.worker, () => ours().includes("203.0.113.9/32"));
    expect((await block(stack.url, "203.0.113.9")).status).toBe(200);
    expect(ours().filter((cidr) => cidr === "203.0.113.9/32")).toHaveLength(1);
    expect(others()).toBe(foreign);
    expect(await lift(stack.url, "203.0.113.9")).toBe("lifted");
  }, 120_000);

  test("preview: on any other timeline nothing is written to the cloud, and the answer says so", async () => {
    const preview = await instance("git-branch/try", join(folder, "preview"));
    const writes = stack.aws.writes;
    const answer = await block(preview.url, "203.0.113.20");
    await preview.tick();
    expect([answer.states, stack.aws.writes - writes]).toEqual([["observed"], 0]);
    await preview.close();
  });
});

describe("functions/deno.ts itself", () => {
  async function failureWith(config: (config: Config) => Config, environment: Record<string, string>): Promise<string> {
    const build = dirname(stack.configFile);
    const files = await mkdtemp(join(folder, "start-"));
    const { default: base } = (await import(join(build, "config.json"), { with: { type: "json" } })) as { default: Config };
    await writeFile(join(files, "config.json"), JSON.stringify(config(base)));
    const imports = {
      "#config": pathToFileURL(join(files, "config.json")).href,
      "#providers": pathToFileURL(join(build, "providers.ts")).href,
      "#playbooks": pathToFileURL(join(build, "playbooks.ts")).href,
    };
    await writeFile(join(files, "import-map.json"), JSON.stringify({ imports }));
    const args = ["run", "-A", "--no-remote", `--import-map=${join(files, "import-map.json")}`, "functions/deno.ts"];
    const env = { ...process.env, NO_COLOR: "1", DENO_TIMELINE: "production", DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0", ...environment };
    try {
      await promisify(execFile)(join(root, "node_modules/.bin/deno"), args, { cwd: root, env, timeout: 20_000 });
      return "it started";
    } catch (thrown) {
      return String((thrown as { stderr?: string }).stderr);
    }
  }

  test("refuse: to start without a database, and says where one is made", async () => {
    expect(await failureWith((config) => config, { PORTCULLIS_KV_PATH: join(folder, "no/such/folder/kv") })).toContain("provision a Deno KV database");
  });

  test("refuse: to start with secrets whose names the platform does not take, and names them", async () => {
    const failure = await failureWith((config) => ({ ...config, heartbeat: { urlSecret: "AZURE_CLIENT_ID" } }), { PORTCULLIS_KV_PATH: ":memory:" });
    expect(failure).toContain("cannot be set: AZURE_CLIENT_ID");
  });
});
