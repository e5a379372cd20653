// ElastAlert itself (Debian's package) posts to the running Worker: its rule loader reads the README's recipes, its alerter
// sends the matches. Where the package is missing this says so, and in CI that is a failure.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Demo, demoAcl, startDemo } from "../sandbox/demo.ts";

const root = resolve(import.meta.dirname, "../..");
const python = "/usr/bin/python3";
const isInstalled = await promisify(execFile)(python, ["-c", "import elastalert.alerts"]).then(
  () => true,
  () => false,
);
const mustRun = ![undefined, "", "false", "0"].includes(process.env.CI);
if (!isInstalled) console.warn("did not run: ElastAlert is not installed (apt-get install elastalert), so only its captured requests are tested");

const recipes = [...(await readFile(join(root, "README.md"), "utf8")).matchAll(/```yaml\n(name: [\s\S]*?)```/g)].map((match) => match[1] ?? "");

interface Sent {
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
  readonly status: number;
  readonly answer: string;
}

interface Run {
  readonly alerters: readonly string[];
  readonly query_key: string;
  readonly realert: number;
  readonly error: string | null;
  readonly sent: readonly Sent[];
}

async function runElastalert(folder: string, rule: string, matches: readonly unknown[]): Promise<Run> {
  const file = join(folder, "rule.yaml");
  await writeFile(file, rule);
  const child = spawn(python, [join(import.meta.dirname, "real-elastalert.py"), file], { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let complaint = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  child.stdin.end(JSON.stringify(matches));
  const code = await new Promise((end) => child.once("close", end));
  if (code !== 0) throw new Error(complaint);
  return JSON.parse(output) as Run;
}

const good = "203.0.113.41";
const alsoGood = "203.0.113.42";
/** One time for all: a redelivered alert carries the time of the event, not of its sending. */
const eventTime = new Date().toISOString();
const matchOf = (ip: unknown) => ({
  "@timestamp": eventTime,
  source: { ip },
  event: { outcome: "failure" },
  _index: "filebeat-2026.11.20",
  _id: String(ip),
  num_hits: 20,
  num_matches: 1,
});

describe("recipes", () => {
  test("there are two: http_post and http_post2", () => {
    expect(recipes.map((recipe) => (parse(recipe) as { alert: string }).alert)).toEqual(["post", "post2"]);
  });

  test("each blocks one address per alert, is never silent, and does nothing else", () => {
    for (const recipe of recipes) {
      expect(parse(recipe)).toMatchObject({ query_key: "source.ip", realert: { minutes: 0 }, alert: expect.stringMatching(/^post2?$/) });
    }
  });

  // ElastAlert 2 is not packaged: its alerter renders the payload and then sets the raw fields (docs/source/alerts.rst, HTTP POST 2 Alerter).
  test("http_post2 uses options of that alerter only", () => {
    const names = Object.keys(parse(recipes[1] ?? "") as object).filter((name) => name.startsWith("http_"));
    expect(names.sort()).toEqual(["http_post2_headers", "http_post2_payload", "http_post2_raw_fields", "http_post2_url"]);
  });
});

test("ElastAlert is installed wherever its tests have to run", () => {
  expect(isInstalled || !mustRun).toBe(true);
});

describe.runIf(isInstalled)("ElastAlert", () => {
  let demo: Demo;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "portcullis-rule-"));
    demo = await startDemo();
  }, 60_000);

  afterAll(async () => {
    await demo?.stack.close();
    await rm(folder, { recursive: true, force: true });
  });

  const here = (recipe: string): string =>
    recipe.replace("https://portcullis.example.workers.dev", demo.stack.url).replace("the-key-of-the-client-elastalert", demo.keys.detector);

  const denies = (): readonly string[] =>
    demo.stack.aws
      .acl(demoAcl)
      .state.entries.filter((entry) => entry.action === "deny" && entry.number <= 40)
      .map((entry) => entry.cidr);

  async function blocked(...cidrs: readonly string[]): Promise<void> {
    for (let tries = 0; tries < 200 && !cidrs.every((cidr) => denies().includes(cidr)); tries += 1) await new Promise((wake) => setTimeout(wake, 100));
    expect(denies()).toEqual(expect.arrayContaining([...cidrs]));
  }

  test("sends good, protected, garbage and good: all four are taken, both good ones are blocked, the others are named", async () => {
    const run = await runElastalert(folder, here(recipes[0] ?? ""), [good, "198.51.100.9", "not an address", alsoGood].map(matchOf));

    expect(run).toMatchObject({ alerters: ["HTTPPostAlerter"], query_key: "source.ip", realert: 0, error: null });
    expect(run.sent.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const items = run.sent.flatMap(({ answer }) => (JSON.parse(answer) as { items: { status: string; reason?: string }[] }).items);
    expect(items).toEqual([
      expect.objectContaining({ status: "created" }),
      expect.objectContaining({ status: "refused", reason: expect.stringContaining("198.51.100.0/24") }),
      expect.objectContaining({ status: "invalid", reason: expect.stringContaining("not an address") }),
      expect.objectContaining({ status: "created" }),
    ]);
    await blocked(`${good}/32`, `${alsoGood}/32`);
    expect(denies()).toHaveLength(2);
  });

  test("sends the same again: nothing is written a second time", async () => {
    const writes = demo.stack.aws.writes;
    const keys = (await demo.stack.worker.keys()).length;

    const run = await runElastalert(folder, here(recipes[0] ?? ""), [good, alsoGood].map(matchOf));

    expect(run.sent.map(({ answer }) => (JSON.parse(answer) as { items: { status: string }[] }).items[0]?.status)).toEqual(["unchanged", "unchanged"]);
    expect([demo.stack.aws.writes, (await demo.stack.worker.keys()).length]).toEqual([writes, keys]);
  });

  test("sends the whole match when the rule maps nothing, and the address is found all the same", async () => {
    const rule = here(recipes[0] ?? "").replace(/^http_post_payload:.*\n/m, "");

    const run = await runElastalert(folder, rule, [matchOf("203.0.113.43")]);

    expect(run.sent[0]?.body).toMatchObject({ source: { ip: "203.0.113.43" }, rule: "ssh-bruteforce", num_hits: 20 });
    await blocked("203.0.113.43/32");
  });

  test("sends what the captured samples show", async () => {
    const lines = (await readFile(join(root, "test/data/elastalert/http-post-captured.jsonl"), "utf8")).trim().split("\n");
    const bodies = lines.map((line) => (JSON.parse(line) as { body: Record<string, unknown> }).body);
    const sample = bodies.find((body) => Object.hasOwn(body, "rule_name")) ?? {};
    const mapped = here(recipes[0] ?? "")
      .replace(/^http_post_payload:.*$/m, "http_post_payload: { ip: source.ip, hits: num_hits }")
      .replace(/^http_post_static_payload:.*$/m, "http_post_static_payload: { rule_name: ssh-bruteforce }");

    const run = await runElastalert(folder, mapped, [{ ...matchOf(sample.ip), num_hits: sample.hits }]);

    expect(run.sent[0]?.body).toEqual(sample);
    expect(run.sent[0]?.headers).toMatchObject({ "Content-Type": "application/json", Accept: "application/json;charset=utf-8" });
  });

  test("keeps the alert and says why when the key is wrong", async () => {
    const run = await runElastalert(folder, here(recipes[0] ?? "").replace(demo.keys.detector, "wrong"), [matchOf(good)]);

    expect([run.error, run.sent[0]?.status]).toEqual([expect.stringContaining("401"), 401]);
  });
});
