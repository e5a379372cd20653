// The signed link over HTTP: who is shown it, what GET shows and never does, what POST does once, and what everything else is answered.
import { describe, expect, test } from "vitest";
import type { Config } from "../../shared/config.ts";
import type { EventRecord } from "../../shared/event/record.ts";
import { callHome, recorded } from "../events/support.ts";
import { securityFaults } from "../supply/security-headers.ts";
import { baseConfig, createWorld, get, json, nowMs, postJson, send, type World } from "./world.ts";

const url = "https://portcullis.example.com";
const asking = callHome("approve: { within: 1h }\n");
const clients = { ...baseConfig.clients };
const { admin } = clients;
if (admin === undefined) throw new Error("no admin");
const config: Config = {
  ...baseConfig,
  clients: { ...clients, admin: { ...admin, scopes: [...admin.scopes, "read"] } },
  playbooks: [asking],
  approvals: { secret: "LINKS", url },
};
const secrets = async (name: string): Promise<string | undefined> => (name === "LINKS" ? "a secret of the platform, long enough" : undefined);

function asked(changes: Parameters<typeof recorded>[1] = {}): EventRecord {
  return recorded([asking], { now: nowMs, ...changes });
}

function worldWith(record: EventRecord, changes: Partial<Config> = {}, lookUp: typeof secrets = secrets): World {
  const world = createWorld({ ...config, ...changes }, { secrets: lookUp });
  world.coordinator.known.set(record.id, record);
  return world;
}

async function linkOf(world: World, record: EventRecord): Promise<string> {
  const { questions } = await json(await get(world, `/v1/events/${record.id}`, "admin"));
  return String(questions?.[0]?.link);
}

const pathOf = (link: string) => link.slice(url.length);

describe("shown", () => {
  test("link: to operators only, never to who may only read, nor to the sender", async () => {
    const record = asked();
    const world = worldWith(record);
    expect(await linkOf(world, record)).toMatch(new RegExp(`^${url}/v1/approve/${record.id}\\.0\\.[0-9]+\\.[0-9a-f]{32}\\.[0-9a-f]{64}$`));
    expect(await json(await get(world, `/v1/events/${record.id}`, "reader"))).not.toHaveProperty("questions");
    const question = { id: record.id, run: 0, until: nowMs + 1, plan: "0".repeat(32), playbook: "calls-home" };
    world.coordinator.takes = () => ({ status: "accepted", id: record.id, state: "asking", why: null, playbooks: [], questions: [question] });
    const alert = { rule: "Outbound Connection to C2 Servers", time: "2026-01-01T00:00:00Z", output_fields: {} };
    expect(await (await postJson(world, "/v1/alerts/falco", "detector", alert)).text()).not.toContain("/v1/approve/");
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "event.asking", link: expect.stringContaining(`${url}/v1/approve/${record.id}.0.`) }));
  });

  test("link: whatever a request calls itself, it leads to the configured place", async () => {
    const record = asked();
    const world = worldWith(record);
    const response = await world.app.request(`http://evil.example/v1/events/${record.id}`, {
      headers: { authorization: "Bearer key-admin", host: "evil.example" },
    });
    expect(await response.text()).not.toContain("evil.example");
  });

  test.each([
    ["is not set", async () => undefined],
    ["is too short", async () => "short"],
  ])("link: none while its secret %s; said in the log, and no link opens anything", async (_name, lookUp) => {
    const record = asked();
    const link = await linkOf(worldWith(record), record);
    const world = worldWith(record, {}, lookUp as typeof secrets);
    expect((await json(await get(world, `/v1/events/${record.id}`, "admin"))).questions).toEqual([expect.objectContaining({ link: null })]);
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "approvals.secret_unusable", secret: "LINKS" }));
    expect((await send(world, pathOf(link), { method: "POST" })).status).toBe(401);
  });
});

describe("opened", () => {
  test("GET: shows what will be done and does nothing, however often and by whatever fetches it", async () => {
    const record = asked({ event: { title: `<script>alert("1")</script>&'` } });
    const world = worldWith(record);
    const path = pathOf(await linkOf(world, record));
    for (const init of [{}, { method: "HEAD" }, { headers: { purpose: "prefetch" } }]) expect((await send(world, path, init)).status).toBe(200);
    const shown = await send(world, path);
    const text = await shown.text();
    expect(securityFaults(shown.status, shown.headers, text, { html: true })).toEqual([]);
    expect(shown.headers.get("content-security-policy")).toContain("form-action 'self'");
    expect(text).toContain("block 203.0.113.66/32 for 1h from now, severity critical");
    expect(text).toContain('<form method="post">');
    expect(text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
    expect(text).not.toContain("<script");
    expect(world.coordinator.asked.filter(({ verb }) => verb !== "event")).toEqual([]);
  });

  test("POST: has it done, once; later it is told what came of it", async () => {
    const record = asked();
    const world = worldWith(record);
    const path = pathOf(await linkOf(world, record));
    const first = await send(world, path, { method: "POST", body: "anything" });
    expect([first.status, await first.text()]).toEqual([200, expect.stringContaining("is being done")]);
    const runs = JSON.stringify(world.coordinator.known.get(record.id)?.runs);
    const second = await send(world, path, { method: "POST" });
    expect([second.status, JSON.stringify(world.coordinator.known.get(record.id)?.runs)]).toEqual([200, runs]);
    const shown = await (await send(world, path)).text();
    expect([shown.includes("is being done"), shown.includes("<form")]).toEqual([true, false]);
  });

  test("410: when its time is over, and where the event is not on record; nobody is asked for the first", async () => {
    const record = asked();
    const world = worldWith(record);
    const path = pathOf(await linkOf(world, record));
    world.coordinator.known.clear();
    expect([(await send(world, path)).status, (await send(world, path, { method: "POST" })).status]).toEqual([410, 410]);
    world.coordinator.known.set(record.id, record);
    world.clock.at = nowMs + 3_600_000;
    const before = world.coordinator.asked.length;
    for (const method of ["GET", "POST"]) expect((await send(world, path, { method })).status).toBe(410);
    expect([world.coordinator.asked.length, world.coordinator.known.get(record.id)?.state]).toEqual([before, "asking"]);
  });

  test("401: for every link that is none of ours, with the same bytes as everywhere, and nobody is asked", async () => {
    const record = asked();
    const world = worldWith(record);
    const path = pathOf(await linkOf(world, record));
    const before = world.coordinator.asked.length;
    const reference = await (await send(world, "/v1/blocks")).text();
    const [id, run, until, plan, mac = ""] = path.slice("/v1/approve/".length).split(".");
    const forged = [
      [id, run, until, plan, mac.replace(/^./, mac.startsWith("0") ? "1" : "0")],
      [id, "1", until, plan, mac],
      [id, run, Number(until) + 1, plan, mac],
      ["f".repeat(32), run, until, plan, mac],
      [id, run, until, "f".repeat(32), mac],
      [id, run, until, plan],
      ["%00"],
    ];
    for (const parts of forged) {
      for (const method of ["GET", "POST"]) {
        const response = await send(world, `/v1/approve/${parts.join(".")}`, { method });
        expect([parts.join("."), response.status, await response.text()]).toEqual([parts.join("."), 401, reference]);
      }
    }
    expect([world.coordinator.asked.length, world.coordinator.known.get(record.id)?.state]).toEqual([before, "asking"]);
    const other = worldWith(record, { approvals: { secret: "LINKS", url } }, async () => "another secret of the platform, long enough");
    expect((await send(other, path, { method: "POST" })).status).toBe(401);
  });

  test("log: the link is in no line but the one that is to tell it", async () => {
    const record = asked();
    const world = worldWith(record);
    const path = pathOf(await linkOf(world, record));
    world.coordinator.failure = new Error(`fetch failed: ${url}${path}`);
    expect((await send(world, path, { method: "POST" })).status).toBe(503);
    await send(world, path);
    expect(JSON.stringify(world.logged)).not.toContain(record.id);
  });
});
