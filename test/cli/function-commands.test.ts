// The commands that ask the running function: plan, explain, stop, drain, and how they show its refusals.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changed, validText } from "../config/support.ts";
import { type FakeFunction, problem, type Reply, startFakeFunction } from "./fake-function.ts";
import { portcullis, type Ran, temporaryFolder } from "./run.ts";

const key = "portcullis_theKeyOfTheAdminClient";

function ask(fake: FakeFunction, args: readonly string[], cwd = temporaryFolder()): Promise<Ran> {
  return portcullis(args, { cwd, env: { PORTCULLIS_URL: fake.url, PORTCULLIS_KEY: key } });
}

const plan = {
  target: "aws-web",
  error: null,
  steps: ["create rule 3 deny 203.0.113.7/32"],
  add: ["203.0.113.7/32"],
  remove: [{ cidr: "203.0.113.9/32", proof: "ended" }],
  keep: [],
  shed: ["203.0.113.8/32"],
  notes: [],
};

describe("plan", () => {
  it("plan: shows what would change at every target, with the proof of removals", async () => {
    const fake = await startFakeFunction({
      "GET /v1/targets": { status: 200, body: { targets: [{ name: "aws-web" }] } },
      "GET /v1/targets/aws-web/plan": { status: 200, body: plan },
    });
    const ran = await ask(fake, ["plan"]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("aws-web: 1 add, 1 remove, 0 keep, 1 shed");
    expect(ran.out).toContain("cidr 203.0.113.9/32, proof ended");
    expect(fake.asked.every(({ authorization }) => authorization === `Bearer ${key}`)).toBe(true);
  });

  it("plan: --json gives the answer as it came; a target that cannot be observed exits 1", async () => {
    const broken = { ...plan, error: { code: "PROVIDER_AUTH", message: "denied" } };
    const fake = await startFakeFunction({ "GET /v1/targets/aws-web/plan": { status: 200, body: broken } });
    const ran = await ask(fake, ["plan", "aws-web", "--json"]);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toEqual(broken);
  });
});

describe("explain", () => {
  it("explain: asks about the canonical address and prints what it is told, without control characters", async () => {
    const body = { ip: "203.0.113.7", verdict: "blocked at aws-web", leases: [{ client: "detector", reason: "evil\u001b[2Jtext\u202e" }] };
    const fake = await startFakeFunction({
      "GET /v1/blocks/203.0.113.7": { status: 200, body },
      "GET /v1/blocks/2001:db8::/64": { status: 200, body: { verdict: "open" } },
    });
    const ran = await ask(fake, ["explain", "203.0.113.7"]);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("verdict: blocked at aws-web");
    for (const hidden of ["\u001b", "\u202e"]) expect(ran.out).not.toContain(hidden);
    expect((await ask(fake, ["explain", "2001:DB8:0::/64"])).out).toContain("verdict: open");
  });

  it("explain: refuses what is no address before asking", async () => {
    const fake = await startFakeFunction({});
    expect((await ask(fake, ["explain", "203.0.113.7/24"])).err).toContain("203.0.113.0/24");
    expect((await ask(fake, ["explain"])).code).toBe(2);
    expect(fake.asked).toEqual([]);
  });
});

const stopped: Reply = { status: 200, body: { action: "freeze", stopped: { "aws-web": "freeze" }, releasedAt: null, repeated: false } };

describe("stop and drain", () => {
  it.each([
    [["stop"], { type: "stop", action: "freeze" }],
    [["stop", "aws-web"], { type: "stop", action: "freeze", targets: ["aws-web"] }],
    [["stop", "--resume"], { type: "stop", action: "resume" }],
    [["stop", "aws-web", "--resume"], { type: "stop", action: "resume", targets: ["aws-web"] }],
    [["stop", "--release"], { type: "stop", action: "release" }],
    [["drain", "aws-web"], { type: "stop", action: "drain", targets: ["aws-web"] }],
    [["drain", "--all"], { type: "stop", action: "drain" }],
  ])("%j: asks the function for exactly that", async (args, body) => {
    const fake = await startFakeFunction({ "POST /v1/stop": stopped });
    const ran = await ask(fake, args);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(fake.asked).toMatchObject([{ method: "POST", path: "/v1/stop", body }]);
    expect(fake.asked[0]?.body).toEqual(body);
    expect(ran.out).toContain("aws-web freeze");
  });

  it.each([
    [["drain"]],
    [["drain", "--all", "aws-web"]],
    [["drain", "aws-web", "--dry-run"]],
    [["stop", "--resume", "--direct"]],
    [["stop", "--release", "aws-web"]],
  ])("%j: is refused, and nothing is asked", async (args) => {
    const fake = await startFakeFunction({ "POST /v1/stop": stopped });
    expect((await ask(fake, args)).code).toBe(2);
    expect(fake.asked).toEqual([]);
  });
});

describe("drain --done", () => {
  const drained = { name: "aws-web", mode: "drain", error: null, observedAt: "2026-11-20T10:00:00.000Z", ours: 0 };

  async function folderInDrain(): Promise<string> {
    const folder = temporaryFolder();
    for (const mode of ["enforce", "drain"]) {
      writeFileSync(join(folder, "portcullis.yaml"), changed("mode: observe", `mode: ${mode}`));
      expect(await portcullis(["gen", "--out", "out", "--lock", "portcullis.lock.json"], { cwd: folder })).toMatchObject({ code: 0 });
    }
    return folder;
  }

  it("drain: records an empty target in the lock, after which the target may go", async () => {
    const folder = await folderInDrain();
    const fake = await startFakeFunction({ "POST /v1/reconcile": { status: 200, body: { done: true, targets: [drained] } } });
    expect(await ask(fake, ["drain", "aws-web", "--done"], folder)).toMatchObject({ code: 0, err: "" });
    writeFileSync(join(folder, "portcullis.yaml"), `${validText.slice(0, validText.indexOf("targets:"))}targets: {}\n`);
    expect(await portcullis(["gen", "--out", "out", "--lock", "portcullis.lock.json"], { cwd: folder })).toMatchObject({ code: 0 });
  });

  it.each<readonly [string, unknown, RegExp]>([
    ["entries still stand", { done: true, targets: [{ ...drained, ours: 2 }] }, /2 entries of ours still stand/],
    ["another mode runs", { done: true, targets: [{ ...drained, mode: "enforce" }] }, /runs with mode enforce/],
    ["the visit failed", { done: true, targets: [{ ...drained, error: { code: "PROVIDER_AUTH" } }] }, /PROVIDER_AUTH/],
    ["it was never visited", { done: true, targets: [{ ...drained, observedAt: null }] }, /never observed/],
    ["it does not say", { done: true, targets: [{ name: "aws-web", mode: "drain", observedAt: drained.observedAt }] }, /does not say/],
    ["it knows no such target", { done: true, targets: [] }, /does not know the target/],
    ["the pass is not over", { done: false }, /run this again/],
  ])("drain: leaves the lock alone when %s", async (_title, body, why) => {
    const folder = await folderInDrain();
    const before = readFileSync(join(folder, "portcullis.lock.json"), "utf8");
    const fake = await startFakeFunction({ "POST /v1/reconcile": { status: 200, body } });
    const ran = await ask(fake, ["drain", "aws-web", "--done"], folder);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(why);
    expect(readFileSync(join(folder, "portcullis.lock.json"), "utf8")).toBe(before);
  });
});

describe("what the function refuses", () => {
  it.each<readonly [string, Reply, RegExp]>([
    [
      "problem details",
      { status: 403, body: problem("FORBIDDEN", 403, "Client x lacks the scope admin.", { remedy: "Add it." }) },
      /FORBIDDEN \(403\): Client x lacks the scope admin\.\nAdd it\./,
    ],
    [
      "field by field",
      { status: 400, body: problem("INVALID_INPUT", 400, "wrong", { errors: [{ field: "targets[0]", reason: "no such target" }] }) },
      /targets\[0\]: no such target/,
    ],
    ["for now", { status: 503, body: problem("NOT_READY", 503, "later", { retryAfterSeconds: 60 }) }, /Try again in 60 s/],
    ["as someone else's page", { status: 502, body: "<html>bad gateway</html>" }, /answered 502, and not as Portcullis does/],
    ["with a redirect", { status: 302, body: "", headers: { location: "https://evil.example/" } }, /redirect \(302\)/],
    ["without JSON", { status: 200, body: "ok" }, /without a JSON object/],
  ])("stop: shows a refusal %s", async (_title, reply, shown) => {
    const fake = await startFakeFunction({ "POST /v1/stop": reply });
    const ran = await ask(fake, ["stop"]);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(shown);
    expect(ran.err + ran.out).not.toContain(key);
    expect(fake.asked).toHaveLength(1);
  });

  it("stop: says that a write may have happened when no answer came, and that nothing listens when nothing does", async () => {
    const fake = await startFakeFunction({});
    const dead = await portcullis(["stop"], { env: { PORTCULLIS_URL: "http://127.0.0.1:9", PORTCULLIS_KEY: key } });
    expect(dead.code).toBe(1);
    expect((await ask(fake, ["stop"])).err).toContain("NOT_FOUND");
  });

  it.each([
    ["http://portcullis.example", /https/],
    ["https://user:pass@portcullis.example", /names a user/],
    ["ftp://portcullis.example", /not https/],
    ["portcullis.example", /not a URL/],
    ["https://portcullis.example/?a=b", /query/],
  ])("stop: never sends the key to %s", async (url, message) => {
    const ran = await portcullis(["stop", "--url", url], { env: { PORTCULLIS_KEY: key } });
    expect(ran.code).toBeGreaterThan(0);
    expect(ran.err).toMatch(message);
  });
});
