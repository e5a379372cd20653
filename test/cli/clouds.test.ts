// The commands that go to the clouds themselves, against a simulated account: init, check, setup, stop --direct, drain --direct.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { digest } from "../config/support.ts";
import type { AwsServerOptions, AwsSimulator } from "../simulators/aws.ts";
import { aclId, keys, startFixture } from "../simulators/aws-fixtures.ts";
import { startFakeFunction } from "./fake-function.ts";
import { portcullis, type Ran, temporaryFolder } from "./run.ts";

const storeId = "store0123456789";

interface Account {
  readonly aws: AwsSimulator;
  readonly folder: string;
  cli(...args: readonly string[]): Promise<Ran>;
  cliWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran>;
}

function yamlFor(url: string, mode: string): string {
  return `owner: acme
clients: { admin: { keys: ["${digest("a")}"], scopes: [admin, read], from: [192.0.2.1] } }
targets:
  web:
    kind: aws-nacl
    region: eu-west-1
    acl: ${aclId}
    rules: { first: 1, last: 40, limit: 20 }
    endpoint: ${url}
    mode: ${mode}
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
`;
}

async function account(options: AwsServerOptions = {}, mode = "enforce"): Promise<Account> {
  const aws = await startFixture(options);
  onTestFinished(() => aws.close());
  const folder = temporaryFolder();
  writeFileSync(join(folder, "portcullis.yaml"), yamlFor(aws.url, mode));
  const { accessKeyId, secretAccessKey } = keys.everything;
  const base = { AWS_WEB_ID: accessKeyId, AWS_WEB_SECRET: secretAccessKey, PORTCULLIS_ALLOWED_HOSTS: new URL(aws.url).host };
  const cliWith: Account["cliWith"] = (env, ...args) => portcullis(args, { cwd: folder, env: { ...base, ...env } });
  return { aws, folder, cli: (...args) => cliWith({}, ...args), cliWith };
}

/** Three entries of ours, and one of someone else's with another protocol. */
function fill(aws: AwsSimulator): void {
  const acl = aws.acl(aclId);
  for (const number of [1, 2, 3]) acl.create({ egress: false, number, cidr: `203.0.113.${number}/32` });
  acl.create({ egress: false, number: 60, cidr: "198.51.100.0/24", protocol: "6", ports: { from: 22, to: 22 } });
}

function numbersOf(aws: AwsSimulator): readonly number[] {
  return aws.acl(aclId).state.entries.flatMap(({ number, egress }) => (egress || number > 90 ? [] : [number]));
}

function saysNoSecret({ out, err }: Ran): void {
  for (const { secretAccessKey, accessKeyId } of Object.values(keys)) {
    expect(out + err).not.toContain(secretAccessKey);
    expect(out + err).not.toContain(accessKeyId);
  }
}

describe("check", () => {
  it("check: offline names targets, modes and what the kind cannot do", async () => {
    const { cli, aws } = await account();
    const ran = await cli("check");
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("web: aws-nacl, mode enforce");
    expect(ran.out).toContain("note on aws-nacl: Behind a CDN");
    expect(aws.log).toEqual([]);
  });

  it("check: online says what stands, what room there is and that setup is missing, and changes nothing", async () => {
    const { cli, aws } = await account();
    fill(aws);
    const ran = await cli("check", "--online");
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/web: enforcing; 3 ours, \d+ foreign; room: .* store none/);
    expect(ran.out).toContain("nothing is written there before `portcullis setup web`");
    expect(aws.writes).toBe(0);
    saysNoSecret(ran);
  });

  it("check: online fails for a target that is gone or refuses the credentials", async () => {
    const gone = await account();
    gone.aws.deleteAcl(aclId);
    expect(await gone.cli("check", "--online")).toMatchObject({ code: 1 });
    const refused = await account();
    const ran = await refused.cliWith({ AWS_WEB_SECRET: "wrongSecretwrongSecretwrongSecretwrong12" }, "check", "--online");
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("PROVIDER_AUTH");
    expect(ran.err).not.toContain("wrongSecret");
  });

  it("check: names every variable that is missing, and every unknown target", async () => {
    const { cliWith, cli } = await account();
    const ran = await cliWith({ AWS_WEB_ID: "", AWS_WEB_SECRET: "" }, "check", "--online");
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("AWS_WEB_ID and AWS_WEB_SECRET not set");
    expect((await cli("check", "--online", "wob")).err).toContain("there is no target wob; the configuration has web");
  });

  it("check: calls no host that is not allowed", async () => {
    const { cliWith, aws } = await account();
    const ran = await cliWith({ PORTCULLIS_ALLOWED_HOSTS: "127.0.0.1:1" }, "check", "--online");
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("PORTCULLIS_ALLOWED_HOSTS");
    expect(aws.log).toEqual([]);
  });
});

describe("setup", () => {
  async function withFunction(one: Account) {
    const fake = await startFakeFunction({
      "POST /v1/store": { status: 201, body: { storeId, minted: true } },
      "POST /v1/reconcile": { status: 200, body: {} },
    });
    const env = { PORTCULLIS_URL: fake.url, PORTCULLIS_KEY: "portcullis_test" };
    return { fake, setup: (...args: readonly string[]) => one.cliWith(env, "setup", ...args) };
  }

  it("setup: gets the store id from the function and marks the target with it, once", async () => {
    const one = await account();
    const { fake, setup } = await withFunction(one);
    const first = await setup();
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toContain(`store ${storeId} (new)`);
    const authorization = "Bearer portcullis_test";
    expect(fake.asked).toMatchObject([
      { method: "POST", path: "/v1/store", authorization },
      { method: "POST", path: "/v1/reconcile", authorization },
    ]);
    expect(one.aws.acl(aclId).state.tags).toMatchObject({ "portcullis:store": storeId, "portcullis:range": "1-40" });
    const writes = one.aws.writes;
    expect((await setup("web")).out).toContain("already claimed");
    expect(one.aws.writes).toBe(writes);
    saysNoSecret(first);
  });

  it("setup: comes again when the cloud asks to wait, and not when it asks for too long", async () => {
    const one = await account();
    const { setup } = await withFunction(one);
    const throttle = (retryAfterSeconds: number) => ({ action: "CreateTags", mishap: { kind: "throttle", status: 503, retryAfterSeconds } }) as const;
    one.aws.faults.next.push(throttle(90));
    expect(await setup("web")).toMatchObject({ code: 1, err: expect.stringContaining("PROVIDER_THROTTLED") });
    one.aws.faults.next.push(throttle(1), throttle(1));
    const ran = await setup("web");
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining("web: the cloud asks to wait 1 s") });
    expect(one.aws.acl(aclId).state.tags["portcullis:store"]).toBe(storeId);
  });

  it("setup: refuses a place that is not empty unless adopted, and another store's always", async () => {
    const one = await account();
    fill(one.aws);
    const { setup } = await withFunction(one);
    const refused = await setup();
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("OWNERSHIP_CONFLICT");
    expect(await setup("--adopt")).toMatchObject({ code: 0 });
    one.aws.acl(aclId).tag({ "portcullis:store": "another0123456" });
    expect((await setup("--adopt")).err).toContain("another0123456");
    expect(numbersOf(one.aws)).toEqual([1, 2, 3, 60]);
  });

  it("setup: --release takes the mark away without asking the function, and stop --direct is the same", async () => {
    for (const args of [
      ["setup", "--release"],
      ["stop", "--direct", "web"],
    ]) {
      const one = await account();
      fill(one.aws);
      const { setup } = await withFunction(one);
      await setup("--adopt");
      const ran = await one.cli(...args);
      expect(ran.code).toBe(0);
      expect(one.aws.acl(aclId).state.tags["portcullis:store"]).toBeUndefined();
      expect(numbersOf(one.aws)).toEqual([1, 2, 3, 60]);
    }
  });

  it("setup: without a function says how to name one", async () => {
    const { cli } = await account();
    const ran = await cli("setup");
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("PORTCULLIS_URL");
  });
});

describe("drain --direct", () => {
  it("drain: removes all of ours, nothing else, and is done when repeated", async () => {
    const { aws, cli } = await account();
    fill(aws);
    aws.acl(aclId).tag({ "portcullis:store": storeId, "portcullis:range": "1-40" });
    const ran = await cli("drain", "web", "--direct");
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toMatch(/web: empty; \d+ foreign entries stand as they were/);
    expect(numbersOf(aws)).toEqual([60]);
    const writes = aws.writes;
    expect(await cli("drain", "--all", "--direct")).toMatchObject({ code: 0 });
    expect(aws.writes).toBe(writes);
    saysNoSecret(ran);
  });

  it("drain: --dry-run says what it would remove and removes nothing", async () => {
    const { aws, cli } = await account();
    fill(aws);
    aws.acl(aclId).tag({ "portcullis:store": storeId, "portcullis:range": "1-40" });
    const ran = await cli("drain", "web", "--direct", "--dry-run");
    expect(ran.code).toBe(0);
    expect(ran.out.match(/would: /g)).toHaveLength(3);
    expect(numbersOf(aws)).toEqual([1, 2, 3, 60]);
  });

  it("drain: leaves entries without a store's mark alone until told that they are ours", async () => {
    const { aws, cli } = await account();
    fill(aws);
    const refused = await cli("drain", "web", "--direct");
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("--unclaimed");
    expect(numbersOf(aws)).toEqual([1, 2, 3, 60]);
    expect(await cli("drain", "web", "--direct", "--unclaimed")).toMatchObject({ code: 0 });
    expect(numbersOf(aws)).toEqual([60]);
  });

  it("drain: stops at a refusal and says which entry stands", async () => {
    const { aws, cliWith } = await account();
    fill(aws);
    aws.acl(aclId).tag({ "portcullis:store": storeId, "portcullis:range": "1-40" });
    const { accessKeyId, secretAccessKey } = keys.setup;
    const ran = await cliWith({ AWS_WEB_ID: accessKeyId, AWS_WEB_SECRET: secretAccessKey }, "drain", "web", "--direct");
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("PROVIDER_AUTH");
    expect(numbersOf(aws)).toEqual([1, 2, 3, 60]);
    saysNoSecret(ran);
  });
});

describe("init", () => {
  const { accessKeyId, secretAccessKey } = keys.everything;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };

  it("init: writes what it finds in observe mode, and gen then asks for a key and nothing else", async () => {
    const one = await account();
    one.aws.acl(aclId).tag({ Name: "web\n  evil: yaml # \u202e" });
    const ran = await one.cliWith(env, "init", "--region", "eu-west-1", "--endpoint", one.aws.url, "--config", "first.yaml");
    expect(ran).toMatchObject({ code: 0, err: "" });
    const text = readFileSync(join(one.folder, "first.yaml"), "utf8");
    expect(parse(text)).toMatchObject({
      targets: { "aws-1": { kind: "aws-nacl", acl: aclId, mode: "observe", credentials: { accessKeyId: "AWS_ACCESS_KEY_ID" } } },
    });
    expect(text).not.toContain(secretAccessKey);
    expect(one.aws.writes).toBe(0);
    const checked = await one.cli("gen", "--config", "first.yaml", "--out", "out");
    expect(checked.err).toContain("clients.admin: has no credential");
    expect(checked.err).toContain("1 problem;");
    saysNoSecret(ran);
  });

  it("init: never overwrites", async () => {
    const one = await account();
    const before = readFileSync(join(one.folder, "portcullis.yaml"), "utf8");
    const ran = await one.cliWith(env, "init", "--region", "eu-west-1", "--endpoint", one.aws.url);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("is not overwritten");
    expect(readFileSync(join(one.folder, "portcullis.yaml"), "utf8")).toBe(before);
  });

  it("init: without credentials names the variables it looked for", async () => {
    const ran = await portcullis(["init", "--region", "eu-west-1"], { cwd: temporaryFolder() });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not set");
  });

  it("init: takes credentials from variables of other names", async () => {
    const one = await account();
    const renamed = { MY_ID: accessKeyId, MY_SECRET: secretAccessKey };
    const args = [
      "--region",
      "eu-west-1",
      "--endpoint",
      one.aws.url,
      "--config",
      "first.yaml",
      "--credential",
      "accessKeyId=MY_ID",
      "--credential",
      "secretAccessKey=MY_SECRET",
    ];
    expect(await one.cliWith(renamed, "init", ...args)).toMatchObject({ code: 0 });
    expect(readFileSync(join(one.folder, "first.yaml"), "utf8")).toContain("accessKeyId: MY_ID");
  });
});
