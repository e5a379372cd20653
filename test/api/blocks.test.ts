// POST /v1/blocks: strict, all or nothing, honest about what is true.
import { describe, expect, test } from "vitest";
import { bearer, createWorld, hourMs, json, keyOf, nowMs, postJson, postSigned, send } from "./world.ts";

const iso = (at: number) => new Date(at).toISOString();

describe("POST /v1/blocks", () => {
  test("accept: one address is recorded and answered 202 with its states", async () => {
    const world = createWorld();
    const response = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7", for: "4h", reason: "ssh" });
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({
      recorded: true,
      settled: false,
      items: [{ ip: "203.0.113.7", status: "created", until: iso(nowMs + 4 * hourMs), targets: { web: { state: "pending" }, edge: { state: "pending" } } }],
    });
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))).toHaveLength(1);
  });

  test("accept: a form is read like JSON, with repeated ip", async () => {
    const world = createWorld();
    const body = "ip=203.0.113.7&ip=203.0.113.8&for=15m&dryRun=false&targets=edge";
    const response = await send(world, "/v1/blocks", {
      method: "POST",
      headers: { ...bearer("writer"), "content-type": "application/x-www-form-urlencoded" },
      body,
    });
    expect(response.status).toBe(202);
    expect((await json(response)).items.map((item: { ip: string }) => item.ip)).toEqual(["203.0.113.7", "203.0.113.8"]);
    expect([...world.coordinator.leases.keys()]).toEqual([keyOf("203.0.113.7"), keyOf("203.0.113.8")]);
  });

  test("accept: IPv6 is widened to its /64, said so, and counted once", async () => {
    const world = createWorld();
    const answer = await json(await postJson(world, "/v1/blocks", "writer", { ips: ["2001:db8:1:2::3", "2001:DB8:1:2::4"] }));
    expect(answer.items).toHaveLength(1);
    expect(answer.items[0]).toMatchObject({ ip: "2001:db8:1:2::/64", asked: "2001:db8:1:2::3" });
    expect(answer.items[0].adjustments.join("\n")).toMatch(/widened from 2001:db8:1:2::3 .*\n.*counted once/);
  });

  test("accept: the default length is shortened to the client's longest, and said so", async () => {
    const world = createWorld();
    const answer = await json(await postJson(world, "/v1/blocks", "narrow", { ip: "203.0.113.7" }));
    expect(answer.items[0]).toMatchObject({ until: iso(nowMs + hourMs), targets: { edge: { state: "pending" } } });
    expect(answer.items[0].adjustments[0]).toContain("1h");
    expect(Object.keys(answer.items[0].targets)).toEqual(["edge"]);
  });

  test("accept: a repeat is unchanged and tells the true end", async () => {
    const world = createWorld();
    await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7", for: "4h" });
    world.clock.at += 60_000;
    const answer = await json(await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7", for: "4h" }));
    expect(answer.items[0]).toMatchObject({ status: "unchanged", until: iso(nowMs + 4 * hourMs) });
  });

  test("wait: Prefer waits for the pass, answers 200 and says what was applied", async () => {
    const world = createWorld();
    const response = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" }, { prefer: "respond-async, wait=60" });
    expect(response.status).toBe(200);
    expect(response.headers.get("preference-applied")).toBe("wait=10");
    expect((await json(response)).items[0].targets).toEqual({ web: { state: "enforced" }, edge: { state: "enforced" } });
    expect(world.coordinator.asked.find((entry) => entry.verb === "settle")?.with).toMatchObject({ waitMs: 10_000 });
  });

  test("wait: when time runs out the answer is 202 and nothing is claimed", async () => {
    const world = createWorld();
    world.coordinator.settles = false;
    const response = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" }, { prefer: "wait=1" });
    expect(response.status).toBe(202);
    expect((await json(response)).items[0].targets.web.state).toBe("pending");
  });

  test("wait: a failure while waiting does not hide that the lease is recorded", async () => {
    const world = createWorld();
    world.coordinator.settle = () => Promise.reject(new Error("gone"));
    const response = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" }, { prefer: "wait=1" });
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({ recorded: true, settled: false });
  });

  test.each([
    { name: "of another life, that knows of none", left: { until: 0 }, until: nowMs + 4 * hourMs, why: undefined },
    { name: "of another life, that knows an older one", left: { until: nowMs + hourMs }, until: nowMs + 4 * hourMs, why: undefined },
    { name: "after a lift", left: { until: 0, lifted: true as const }, until: 0, why: "it was lifted while this answer waited" },
    { name: "after a lift that left a part", left: { until: nowMs + hourMs, lifted: true as const }, until: nowMs + hourMs, why: undefined },
  ])("wait: the answer gives the true until, $name", async ({ left, until, why }) => {
    const world = createWorld();
    world.coordinator.settle = async (_ticket, keys) => ({ done: false, items: keys.map((key) => ({ key, states: {}, ...left })) });
    const response = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7", for: "4h" }, { prefer: "wait=1" });
    const [item] = (await json(response)).items;
    expect([item.until, item.why]).toEqual([until === 0 ? null : iso(until), why]);
  });

  test("dryRun: answers 200 and writes nothing", async () => {
    const world = createWorld();
    const response = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7", dryRun: true });
    expect(response.status).toBe(200);
    expect(await json(response)).toMatchObject({ recorded: false, dryRun: true, items: [{ status: "created" }] });
    expect(world.coordinator.leases.size).toBe(0);
  });

  test("observe client: nothing is recorded and every state says observed", async () => {
    const world = createWorld();
    const response = await postJson(world, "/v1/blocks", "watcher", { ip: "203.0.113.7" });
    expect(response.status).toBe(200);
    const answer = await json(response);
    expect(answer).toMatchObject({ recorded: false, mode: "observe", items: [{ targets: { web: { state: "observed" } } }] });
    expect(world.coordinator.leases.size).toBe(0);
  });

  test("signed: at is the signed time, so a replay yields the same lease", async () => {
    const world = createWorld();
    const body = { type: "block", ip: "203.0.113.7", for: "4h" };
    world.clock.at = nowMs + 120_000;
    expect((await postSigned(world, "/v1/blocks", body)).status).toBe(202);
    world.clock.at = nowMs + 240_000;
    const replayed = await json(await postSigned(world, "/v1/blocks", body));
    expect(replayed.items[0]).toMatchObject({ status: "unchanged", until: iso(nowMs + 4 * hourMs) });
    const sent = world.coordinator.asked.filter((entry) => entry.verb === "accept").map((entry) => entry.with);
    expect(sent[0]).toEqual(sent[1]);
  });

  test("signed: a time ahead of ours counts from receipt, and one that is over is refused", async () => {
    const world = createWorld();
    const ahead = await json(await postSigned(world, "/v1/blocks", { type: "block", ip: "203.0.113.7", for: "1h" }, { at: nowMs + 60_000 }));
    expect(ahead.items[0].until).toBe(iso(nowMs + hourMs));
    world.clock.at = nowMs + 240_000;
    expect((await postSigned(world, "/v1/blocks", { type: "block", ip: "203.0.113.8", for: "2m" }, { id: "msg_2" })).status).toBe(400);
  });
});

describe("POST /v1/blocks refusals", () => {
  const refused: readonly [string, Parameters<typeof postJson>[2], unknown, number, string, RegExp][] = [
    ["nothing to block", "writer", {}, 400, "INVALID_INPUT", /ip: is missing/],
    ["not an object", "writer", [1], 400, "INVALID_INPUT", /must be one JSON object/],
    ["an unknown field", "writer", { ip: "203.0.113.7", duration: "4h" }, 400, "INVALID_INPUT", /duration: is not a field/],
    ["a foreign type", "writer", { ip: "203.0.113.7", type: "lift" }, 400, "INVALID_INPUT", /must be "block"/],
    ["ip and ips together", "writer", { ip: "203.0.113.7", ips: ["203.0.113.8"] }, 400, "INVALID_INPUT", /together/],
    ["no address in the list", "writer", { ips: [] }, 400, "INVALID_INPUT", /1 to 100/],
    ["too many addresses", "writer", { ips: Array.from({ length: 101 }, (_, at) => `203.0.113.${at}`) }, 400, "INVALID_INPUT", /holds 101/],
    ["an unreadable address", "writer", { ip: "0203.0.113.7" }, 400, "INVALID_INPUT", /leading zeros/],
    ["a duration that is a number", "writer", { ip: "203.0.113.7", for: 3600 }, 400, "INVALID_INPUT", /for: must be a text/],
    ["a duration in no unit", "writer", { ip: "203.0.113.7", for: "PT4H" }, 400, "INVALID_INPUT", /90s, 15m/],
    ["a lease too short", "writer", { ip: "203.0.113.7", for: "59s" }, 400, "INVALID_INPUT", /59s is shorter .* 1m/],
    ["a lease too long", "narrow", { ip: "203.0.113.7", for: "61m" }, 403, "FORBIDDEN", /61m is longer than the 1h/],
    ["a block too wide for the client", "narrow", { ip: "203.0.113.0/31" }, 403, "FORBIDDEN", /no wider than \/32/],
    ["a target that is not the client's", "narrow", { ip: "203.0.113.7", targets: ["web"] }, 403, "FORBIDDEN", /edge only/],
    ["a target that does not exist", "writer", { ip: "203.0.113.7", targets: ["__proto__"] }, 400, "INVALID_INPUT", /names no target/],
    ["a severity that does not exist", "writer", { ip: "203.0.113.7", severity: "doom" }, 400, "INVALID_INPUT", /low, medium, high, critical/],
    ["a reason too long", "writer", { ip: "203.0.113.7", reason: "x".repeat(201) }, 400, "INVALID_INPUT", /201 characters; at most 200/],
    ["a protected address", "writer", { ip: "198.51.100.9" }, 422, "PROTECTED", /198\.51\.100\.0\/24, which is protected by protect\.ranges/],
    ["the caller's own address", "writer", { ip: "192.0.2.0/24" }, 422, "PROTECTED", /own address 192\.0\.2\.10/],
  ];
  for (const [what, key, body, status, code, detail] of refused) {
    test(`refuse: ${what}`, async () => {
      const world = createWorld();
      const response = await postJson(world, "/v1/blocks", key, body);
      const problem = await json(response);
      expect([response.status, problem.code, problem.status]).toEqual([status, code, status]);
      expect(problem.detail).toMatch(detail);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(problem.remedy).not.toBe("");
      expect(world.coordinator.asked).toEqual([]);
    });
  }

  test("refuse: every problem of every address at once, with its position", async () => {
    const world = createWorld();
    const ips = ["203.0.113.7", "nonsense", "198.51.100.1", "203.0.0.0/16", 7];
    const response = await postJson(world, "/v1/blocks", "writer", { ips, for: "9y" });
    const problem = await json(response);
    expect(response.status).toBe(400);
    expect(problem.errors.map((entry: { field: string }) => entry.field)).toEqual(["ips[1]", "ips[4]", "for"]);
    const judged = await json(await postJson(world, "/v1/blocks", "writer", { ips: ["203.0.113.7", "198.51.100.1", "203.0.0.0/16"], for: "2d" }));
    expect(judged.errors.map((entry: { field: string; code: string }) => [entry.field, entry.code])).toEqual([
      ["for", "FORBIDDEN"],
      ["ips[1]", "PROTECTED"],
      ["ips[2]", "FORBIDDEN"],
    ]);
    expect(world.coordinator.leases.size).toBe(0);
  });

  const limited = [
    ["exempt", { status: "exempt", why: "exempt until 11:00" }, 422, "EXEMPT", null],
    ["live", { status: "limited", limit: "live", why: "1000 of 1000 live" }, 403, "FORBIDDEN", null],
    ["newPerMinute", { status: "limited", limit: "newPerMinute", retryAfterSeconds: 17 }, 429, "RATE_LIMITED", "17"],
    ["store", { status: "limited", limit: "store" }, 503, "CAPACITY_EXCEEDED", "60"],
  ] as const;
  for (const [what, refusal, status, code, retryAfter] of limited) {
    test(`refuse: the coordinator's ${what}, and nothing of the request is written`, async () => {
      const world = createWorld();
      world.coordinator.refusals.set(keyOf("203.0.113.8"), refusal);
      const response = await postJson(world, "/v1/blocks", "writer", { ips: ["203.0.113.7", "203.0.113.8"] });
      expect([response.status, response.headers.get("retry-after")]).toEqual([status, retryAfter]);
      expect(await json(response)).toMatchObject({ code, errors: [{ field: "203.0.113.8" }] });
      expect(world.coordinator.leases.size).toBe(0);
    });
  }

  test("refuse: 503 when nothing could be promised, whatever the coordinator threw", async () => {
    const world = createWorld();
    world.coordinator.failure = new TypeError("internal error; reference = secret?token=hunter2");
    const response = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(await response.text()).not.toContain("hunter2");
    expect(JSON.stringify(world.logged)).not.toContain("hunter2");
  });

  test("refuse: text/plain, no content type, encoded bodies and unreadable JSON", async () => {
    const world = createWorld();
    const attempts: readonly [Record<string, string>, string, number][] = [
      [{ "content-type": "text/plain" }, '{"ip":"203.0.113.7"}', 415],
      [{ "content-type": "application/json", "content-encoding": "gzip" }, "{}", 415],
      [{ "content-type": "application/json" }, "{", 400],
      [{ "content-type": "application/json" }, "", 400],
      [{ "content-type": "application/x-www-form-urlencoded" }, "ip=203.0.113.7&for=1h&for=2h", 400],
    ];
    for (const [headers, body, status] of attempts) {
      const response = await send(world, "/v1/blocks", { method: "POST", headers: { ...bearer("writer"), ...headers }, body });
      expect([response.status, response.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
    }
  });

  test("refuse: a body above the limit, by its header and by its bytes", async () => {
    const world = createWorld();
    const headers = { ...bearer("writer"), "content-type": "application/json" };
    const declared = await send(world, "/v1/blocks", { method: "POST", headers: { ...headers, "content-length": "999999999" }, body: "{}" });
    const stream = new Blob([new Uint8Array(300_000)]).stream();
    const counted = await world.app.request(
      new Request("http://portcullis.test/v1/blocks", { method: "POST", headers, body: stream, duplex: "half" } as RequestInit),
    );
    expect([declared.status, counted.status]).toEqual([413, 413]);
  });

  test("refuse: methods by 405 with Allow, unknown paths by 404", async () => {
    const world = createWorld();
    const wrong = await send(world, "/v1/blocks", { method: "DELETE" });
    expect([wrong.status, (await json(wrong)).code]).toEqual([405, "METHOD_NOT_ALLOWED"]);
    expect(wrong.headers.get("allow")).toContain("POST");
    expect((await json(await send(world, "/v1/nothing"))).code).toBe("NOT_FOUND");
  });
});
