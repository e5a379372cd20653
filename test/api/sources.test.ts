// POST /v1/alerts/{source} for detectors with a format of their own: what they send becomes blocks and lifts, and the answer is always 200.
import { describe, expect, test } from "vitest";
import { type AlertSource, type ClientConfig, type Config, eventSources } from "../../shared/config.ts";
import { samples } from "../source/samples.ts";
import { baseConfig, bearer, createWorld, hourMs, json, keyOf, nowMs, postJson, send, type World } from "./world.ts";

function configFor(scopes: ClientConfig["scopes"], changes: Partial<ClientConfig> = {}, alerts: Partial<Config["alerts"]> = {}): Config {
  const detector = baseConfig.clients.detector;
  if (detector === undefined) throw new Error("the world has no detector");
  return {
    ...baseConfig,
    clients: { ...baseConfig.clients, detector: { ...detector, scopes, ...changes } },
    alerts: { ...baseConfig.alerts, ...alerts },
  };
}

const all = eventSources.map((source) => `alert:${source}` as const);

async function itemsFor(world: World, source: AlertSource, body: unknown): Promise<Record<string, unknown>[]> {
  const response = await postJson(world, `/v1/alerts/${source}`, "detector", body);
  expect(response.status).toBe(200);
  return (await json(response)).items;
}

const alert = (labels: Record<string, string>, status = "firing", fingerprint = "f1") => ({
  status,
  labels: { alertname: "BruteForce", ...labels },
  annotations: { summary: "ssh" },
  startsAt: new Date(nowMs - 60_000).toISOString(),
  fingerprint,
});
const message = (...alerts: unknown[]) => ({ version: "4", status: "firing", alerts });

describe("events become blocks", () => {
  test("take: every sample of every source is answered 200, one line or more for each", async () => {
    const world = createWorld(configFor(all));
    const taken = samples.filter(({ source }) => eventSources.some((known) => known === source));
    for (const { source, name, payload } of taken) expect((await itemsFor(world, source, payload)).length, `${source} ${name}`).toBeGreaterThan(0);
  });

  test("take: time, severity, reason and id of the event", async () => {
    const world = createWorld(configFor(all));
    const items = await itemsFor(world, "alertmanager", message(alert({ src_ip: "203.0.113.7", severity: "critical" })));
    expect(items).toMatchObject([{ item: 0, ip: "203.0.113.7", status: "created" }]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))?.[0]?.item).toMatchObject({
      at: nowMs - 60_000,
      until: nowMs - 60_000 + 2 * hourMs,
      severity: "critical",
      reason: "BruteForce: ssh",
      alerts: [expect.stringContaining("alertmanager/f1/2026")],
    });
    expect(items[0]?.adjustments).toEqual(["for 2h, the longest for client detector, instead of 4h"]);
  });

  test("take: the source's own duration within the client's longest and the shortest lease, else the source's setting", async () => {
    const decided = (value: string, duration: string | null) => ({
      scenario: "crowdsecurity/ssh-bf",
      stop_at: new Date(nowMs).toISOString(),
      uuid: value,
      source: { scope: "Ip", value },
      decisions: duration === null ? null : [{ scope: "Ip", value, type: "ban", duration }],
    });
    const world = createWorld(configFor(all, {}, { crowdsec: { forMs: hourMs / 2, severity: "high", samples: false } }));
    const items = await itemsFor(world, "crowdsec", [
      decided("203.0.113.1", "1h0m0s"),
      decided("203.0.113.2", "24h"),
      decided("203.0.113.3", "3s"),
      decided("203.0.113.4", null),
    ]);
    const durations = items.map(({ until }) => Date.parse(String(until)) - nowMs);
    expect(durations).toEqual([hourMs, 2 * hourMs, 60_000, hourMs / 2]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.4"))?.[0]?.item.severity).toBe("high");
  });

  test("name: samples, what is no attack, what cannot be read and what names nobody, beside what is taken", async () => {
    const world = createWorld(configFor(all));
    const body = {
      ...message(alert({ src_ip: "203.0.113.7" }), alert({ alertname: "Watchdog" }), "text", alert({}, "firing", "f2"), alert({ src_ip: "198.51.100.7" })),
      truncatedAlerts: 2,
    };
    const items = await itemsFor(world, "alertmanager", body);
    expect(items.map(({ item, status }) => [item, status])).toEqual([
      [0, "created"],
      [1, "ignored"],
      [2, "invalid"],
      [3, "ignored"],
      [4, "refused"],
      [5, "ignored"],
    ]);
    expect(items[1]?.reason).toMatch(/^sample: /);
    expect(items[5]?.reason).toMatch(/^truncated: .*2 alerts/);
    expect(world.logged.findLast((record) => record.event === "alerts.not_taken")?.counts).toMatchObject({ invalid: 1, refused: 1 });
  });

  test("take: samples where the configuration says so", async () => {
    const sample = samples.find(({ name }) => name === "pascal-unauthorizedaccess-ec2-sshbruteforce")?.payload;
    const open = { protect: { ranges: [], presets: [] } };
    const ignoring = createWorld({ ...configFor(all), ...open });
    expect((await itemsFor(ignoring, "guardduty", sample)).map(({ status }) => status)).toEqual(["ignored"]);
    const taking = createWorld({ ...configFor(all, {}, { guardduty: { forMs: null, severity: "low", samples: true } }), ...open });
    expect((await itemsFor(taking, "guardduty", sample)).map(({ ip, status }) => [ip, status])).toEqual([
      ["198.51.100.0", "created"],
      // GuardDuty makes its samples up: the attacked sits in the same /64.
      ["1234:5678:90ab:cdef::/64", "ignored"],
    ]);
  });

  test("take: the same message again is unchanged", async () => {
    const world = createWorld(configFor(all));
    const body = message(alert({ src_ip: "203.0.113.7" }));
    await itemsFor(world, "alertmanager", body);
    expect((await itemsFor(world, "alertmanager", body)).map(({ status }) => status)).toEqual(["unchanged"]);
  });

  test("take: one JSON object on each line; a line that is none is named", async () => {
    const world = createWorld(configFor(all));
    const row = (ip: string) => JSON.stringify({ Action: "block", ClientIP: ip, Datetime: nowMs / 1_000, RayID: ip, RuleID: "r", Source: "waf" });
    const body = `${row("203.0.113.7")}\n{broken\n\n${row("203.0.113.8")}\n`;
    const response = await send(world, "/v1/alerts/cloudflare", { method: "POST", headers: bearer("detector"), body });
    expect([response.status, (await json(response)).items.map(({ status }: { status: string }) => status)]).toEqual([200, ["created", "invalid", "created"]]);
  });

  test("name: a body that is no JSON, no UTF-8, empty or encoded is one invalid item of every source", async () => {
    const bodies: readonly [BodyInit, Record<string, string>][] = [
      ["{", {}],
      ["a\nb", {}],
      ["", {}],
      [new Uint8Array([0xff, 0xfe]), {}],
      ["{}", { "content-encoding": "gzip" }],
      ["{}", { "content-encoding": "br" }],
    ];
    for (const source of eventSources) {
      for (const [body, headers] of bodies) {
        const response = await send(createWorld(configFor(all)), `/v1/alerts/${source}`, {
          method: "POST",
          headers: { ...bearer("detector"), ...headers },
          body,
        });
        expect([response.status, (await json(response)).counts]).toEqual([200, { invalid: 1 }]);
      }
    }
  });

  test("refuse: a source that the client has no scope for", async () => {
    const world = createWorld(configFor(["alert:falco"]));
    expect((await postJson(world, "/v1/alerts/guardduty", "detector", {})).status).toBe(403);
    expect((await postJson(world, "/v1/alerts/falco", "detector", {})).status).toBe(200);
  });
});

describe("resolved lifts", () => {
  const firing = message(alert({ src_ip: "203.0.113.7" }));
  const over = message(alert({ src_ip: "203.0.113.7" }, "resolved"));

  test("lift: this client's lease, and nobody else's", async () => {
    const world = createWorld(configFor([...all, "lift"]));
    await itemsFor(world, "alertmanager", firing);
    await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" });
    expect(await itemsFor(world, "alertmanager", over)).toEqual([{ item: 0, ip: "203.0.113.7", status: "lifted", reason: "resolved" }]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))?.map(({ client }) => client)).toEqual(["writer"]);
    expect((await itemsFor(world, "alertmanager", over))[0]).toMatchObject({ status: "ignored", reason: expect.stringContaining("holds no lease") });
  });

  test("ignore: without the scope lift", async () => {
    const world = createWorld(configFor(all));
    await itemsFor(world, "alertmanager", firing);
    expect(await itemsFor(world, "alertmanager", over)).toMatchObject([{ status: "ignored", reason: expect.stringContaining("lacks the scope lift") }]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))).toHaveLength(1);
  });

  test("ignore: while another alert of the same message blocks the address", async () => {
    const world = createWorld(configFor([...all, "lift"]));
    const both = message(alert({ src_ip: "203.0.113.7" }, "resolved"), alert({ src_ip: "203.0.113.7" }, "firing", "f2"));
    expect((await itemsFor(world, "alertmanager", both)).map(({ status }) => status)).toEqual(["ignored", "created"]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))).toHaveLength(1);
  });

  test("observe: nothing is lifted", async () => {
    const world = createWorld(configFor([...all, "lift"], { mode: "observe" }));
    expect(await itemsFor(world, "alertmanager", over)).toMatchObject([{ status: "observed" }]);
    expect(world.coordinator.asked.filter(({ verb }) => verb === "lift")).toEqual([]);
  });

  test("lift: at most as many as one request may name, the rest is named", async () => {
    const world = createWorld(configFor([...all, "lift"]));
    const many = message(...Array.from({ length: 105 }, (_, at) => alert({ src_ip: `203.0.113.${at}` }, "resolved", `f${at}`)));
    const items = await itemsFor(world, "alertmanager", many);
    expect(items.filter(({ reason }) => String(reason).includes("one request may lift 100"))).toHaveLength(5);
  });
});
