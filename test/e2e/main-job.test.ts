// The product's main job over real HTTP, in each runtime, against the strict AWS simulator: a rule comes, stays, and goes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newKey, runtimes, type Stack, startStack } from "../sandbox/stack.ts";

const acl = "acl-0123456789abcdef0";
const admin = newKey();
let stack: Stack;

async function start(runtime: (typeof runtimes)[number]): Promise<void> {
  stack = await startStack({
    runtime,
    acls: [{ id: acl }],
    adminKey: admin.key,
    yaml: (awsUrl) => `
owner: end-to-end
protect: { ranges: [198.51.100.0/24], presets: [iana-special-purpose, cloud-services] }
clients:
  admin: { keys: ["${admin.digest}"], scopes: [block, lift, exempt, read, feed, metrics, admin], longest: 7d, widest: { ipv4: 24, ipv6: 48 }, live: 5000, newPerMinute: 5000 }
brake: { new: 5000, per: 1m }
targets:
  aws-web: { kind: aws-nacl, region: eu-west-1, acl: ${acl}, rules: { first: 1, last: 40, limit: 20 }, mode: enforce, endpoint: "${awsUrl}", credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }
`,
  });
}

interface Item {
  readonly ip: string;
  readonly status: string;
  readonly until: string;
  readonly targets: Record<string, { readonly state: string; readonly why?: string }>;
}

async function call(method: "GET" | "POST", path: string, fields: Record<string, string> = {}): Promise<{ status: number; items: Item[]; text: string }> {
  const headers = { authorization: `Bearer ${admin.key}`, prefer: "wait=5", "content-type": "application/json" };
  const init = method === "GET" ? { headers } : { method, headers, body: JSON.stringify(fields) };
  const response = await fetch(`${stack.url}${path}`, init);
  const text = await response.text();
  const body = response.headers.get("content-type")?.includes("json") ? (JSON.parse(text) as { items?: Item[] }) : {};
  return { status: response.status, items: body.items ?? [], text };
}

function denies(): string[] {
  return stack.aws
    .acl(acl)
    .state.entries.filter((entry) => entry.action === "deny" && entry.number < 32_767)
    .map((entry) => entry.cidr);
}

async function until(what: string, holds: () => boolean, seconds = 30): Promise<void> {
  for (let tries = 0; tries < seconds * 10; tries += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

describe.each(runtimes)("the main job in %s", (runtime) => {
  beforeAll(() => start(runtime), 60_000);
  afterAll(async () => stack?.close());

  test("block: the rule stands when the waiting answer says enforced, and leaves by itself when the lease ends", async () => {
    const foreign = JSON.stringify(stack.aws.acl(acl).state.entries);
    const blocked = await call("POST", "/v1/blocks", { ip: "203.0.113.7", for: "6s" });
    expect([blocked.status, blocked.items[0]?.status, blocked.items[0]?.targets["aws-web"]?.state]).toEqual([200, "created", "enforced"]);
    expect(denies()).toEqual(["203.0.113.7/32"]);

    const writes = stack.aws.writes;
    const keys = (await stack.worker.keys()).length;
    const repeated = await call("POST", "/v1/blocks", { ip: "203.0.113.7", for: "6s" });
    expect([repeated.status, repeated.items[0]?.targets["aws-web"]?.state]).toEqual([200, "enforced"]);
    expect([stack.aws.writes, (await stack.worker.keys()).length - keys]).toEqual([writes, repeated.items[0]?.status === "renewed" ? 1 : 0]);

    await until("the rule is gone", () => denies().length === 0);
    expect(JSON.stringify(stack.aws.acl(acl).state.entries)).toBe(foreign);
  });

  test("lift: the rule goes at once, and the next alert does not bring it back", async () => {
    await call("POST", "/v1/blocks", { ip: "203.0.113.8", for: "1h" });
    expect(denies()).toContain("203.0.113.8/32");

    const lifted = await call("POST", "/v1/lifts", { ip: "203.0.113.8" });
    expect(lifted.status).toBeLessThan(300);
    await until("the rule is lifted", () => !denies().includes("203.0.113.8/32"), 20);

    const again = await call("POST", "/v1/blocks", { ip: "203.0.113.8", for: "1h" });
    expect([again.status, again.text]).toEqual([422, expect.stringContaining("EXEMPT")]);
  });

  test("stop: a frozen target is not written to, and says so; resume lets the block through", async () => {
    await call("POST", "/v1/stop", { action: "freeze" });
    const held = await call("POST", "/v1/blocks", { ip: "203.0.113.9", for: "1h" });
    expect(held.items[0]?.targets["aws-web"]?.state).toBe("held");
    expect(denies()).not.toContain("203.0.113.9/32");

    await call("POST", "/v1/stop", { action: "resume" });
    await until("the block is enforced", () => denies().includes("203.0.113.9/32"), 20);
  });

  test("burst: a hundred addresses more than there is room for are all answered, and each without room is named", async () => {
    const many = Array.from({ length: 100 }, (_, index) => `100.20.${index}.7`);
    const answer = await fetch(`${stack.url}/v1/blocks`, {
      method: "POST",
      headers: { authorization: `Bearer ${admin.key}`, "content-type": "application/json", prefer: "wait=8" },
      body: JSON.stringify({ ips: many, for: "1h" }),
    });
    const { items } = (await answer.json()) as { items: Item[] };
    const states = items.map((item) => item.targets["aws-web"]?.state);
    expect(items).toHaveLength(100);
    expect(states.filter((state) => state === "enforced").length + states.filter((state) => state === "shed").length).toBe(100);
    expect(denies()).toHaveLength(18);
  });
});
