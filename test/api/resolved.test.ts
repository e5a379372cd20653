// What an event that its source takes back may end, over the real coordinator: never what another alert of the same client still holds.
import { describe, expect, test } from "vitest";
import type { ClientConfig } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { bearer, type HostileWorld, hostileConfig, hostileWorld, json, post, send } from "../hostile/world.ts";

const minute = 60_000;
const ip = "203.0.113.7";

async function open(changes: Partial<ClientConfig> = {}): Promise<HostileWorld> {
  const clients = { ...hostileConfig.clients };
  const { detector } = clients;
  if (detector === undefined) throw new Error("the world has no detector");
  clients.detector = { ...detector, scopes: ["alert:alertmanager", "lift", "block"], longestMs: 6 * 60 * minute, widest: { ipv4: 24, ipv6: 64 }, ...changes };
  const alerts = { ...hostileConfig.alerts, alertmanager: { forMs: 60 * minute, severity: "medium" as const, samples: false } };
  const world = await hostileWorld({ config: { clients, alerts: alerts as never } });
  await world.behind.advance(10 * minute);
  return world;
}

interface Said {
  readonly name: string;
  readonly status?: "firing" | "resolved";
  /** Minutes ago; every alert keeps its own beginning. */
  readonly began: number;
  readonly address?: string;
}

const alertOf = ({ name, status = "firing", began, address = ip }: Said) => ({
  status,
  labels: { alertname: name, src_ip: address, severity: "high" },
  annotations: { summary: name },
  startsAt: new Date(began).toISOString(),
  fingerprint: name,
});

async function tell(world: HostileWorld, ...said: readonly Said[]): Promise<Record<string, unknown>[]> {
  const response = await post(world, "/v1/alerts/alertmanager", "detector", { version: "4", alerts: said.map(alertOf) });
  expect(response.status).toBe(200);
  return (await json(response)).items;
}

const statuses = (items: readonly Record<string, unknown>[]) => items.map(({ status }) => status);
const liftsIn = async (world: HostileWorld) => [...(await world.behind.kv.list(null)).keys].filter(({ name }) => name.startsWith("lift:")).length;

async function isLeased(world: HostileWorld, address = ip): Promise<boolean> {
  return (await json(await send(world, `/v1/blocks/${address}`, { headers: bearer("reader") }))).block !== null;
}

describe("two alerts of one client on one address", () => {
  test("keep: the end of the first does not open the gate for the second, which asked for longer; the end of both does", async () => {
    const world = await open();
    const first = { name: "ssh", began: world.behind.now };
    await tell(world, first);
    await world.behind.advance(30 * minute);
    const second = { name: "rdp", began: world.behind.now };
    expect(statuses(await tell(world, second))).toEqual(["renewed"]);
    const kept = await tell(world, { ...first, status: "resolved" });
    expect(kept).toMatchObject([{ status: "ignored", reason: expect.stringMatching(/^resolved, and the alert "alertmanager\/rdp\/.* holds it too$/) }]);
    await world.behind.advance(10 * minute);
    expect([world.behind.blocked(ip), await isLeased(world)]).toEqual([true, true]);
    expect(statuses(await tell(world, { ...second, status: "resolved" }))).toEqual(["lifted"]);
    await world.behind.advance(10 * minute);
    expect([world.behind.blocked(ip), await isLeased(world)]).toEqual([false, false]);
  });

  test("keep: the end of the second does not end what the first still holds", async () => {
    const world = await open();
    const first = { name: "ssh", began: world.behind.now };
    await tell(world, first);
    await world.behind.advance(30 * minute);
    const second = { name: "rdp", began: world.behind.now };
    await tell(world, second);
    expect(statuses(await tell(world, { ...second, status: "resolved" }))).toEqual(["ignored"]);
    await world.behind.advance(10 * minute);
    expect(world.behind.blocked(ip)).toBe(true);
  });

  test("keep: of two in one message the end of either is not the end of both, and both at once is", async () => {
    for (const ending of ["ssh", "rdp"]) {
      const world = await open();
      const both = ["ssh", "rdp"].map((name) => ({ name, began: world.behind.now }));
      await tell(world, ...both);
      expect(statuses(await tell(world, ...both.filter(({ name }) => name === ending).map((one) => ({ ...one, status: "resolved" as const }))))).toEqual([
        "ignored",
      ]);
      expect(await isLeased(world)).toBe(true);
      expect(statuses(await tell(world, ...both.map((one) => ({ ...one, status: "resolved" as const }))))).toEqual(["lifted", "lifted"]);
      expect(await isLeased(world)).toBe(false);
    }
  });

  test("name: more alerts than a lease can name keep it to its end", async () => {
    const world = await open();
    const many = Array.from({ length: limits.alertIdsMax + 1 }, (_, at) => ({ name: `a${at}`, began: world.behind.now }));
    await tell(world, ...many);
    const [first] = await tell(world, ...many.slice(0, limits.alertIdsMax).map((one) => ({ ...one, status: "resolved" as const })));
    expect(first).toMatchObject({ status: "ignored", reason: expect.stringContaining("cannot be told") });
    expect(await isLeased(world)).toBe(true);
  });

  test("know: of an alert that asked for no longer lease there is no record, so the end of the other opens the gate until it is told again", async () => {
    const world = await open();
    const [first, silent] = ["ssh", "rdp"].map((name) => ({ name, began: world.behind.now }));
    if (first === undefined || silent === undefined) throw new Error("two alerts");
    await tell(world, first);
    expect(statuses(await tell(world, silent))).toEqual(["unchanged"]);
    expect(statuses(await tell(world, { ...first, status: "resolved" }))).toEqual(["lifted"]);
    await world.behind.advance(minute);
    expect(statuses(await tell(world, { ...silent, began: world.behind.now }))).toEqual(["created"]);
  });
});

describe("what else stands on the address", () => {
  test("keep: what the same client blocked without an alert, and what another client holds", async () => {
    const world = await open();
    const alert = { name: "ssh", began: world.behind.now };
    await tell(world, alert);
    await world.behind.advance(minute);
    await post(world, "/v1/blocks", "detector", { ip, for: "5h" });
    expect(await tell(world, { ...alert, status: "resolved" })).toMatchObject([{ status: "ignored", reason: expect.stringContaining("cannot be told") }]);
    const other = await open();
    await tell(other, { name: "ssh", began: other.behind.now });
    await post(other, "/v1/blocks", "writer", { ip, for: "2h" });
    expect(statuses(await tell(other, { name: "ssh", began: other.behind.now, status: "resolved" }))).toEqual(["lifted"]);
    await other.behind.advance(10 * minute);
    expect(other.behind.blocked(ip)).toBe(true);
  });

  test("keep: a range that is taken back does not end what stands on parts of it", async () => {
    const world = await open();
    const range = { name: "range", began: world.behind.now, address: "203.0.113.0/24" };
    await tell(world, range, { name: "host", began: world.behind.now });
    expect(await tell(world, { ...range, status: "resolved" })).toMatchObject([{ status: "ignored", reason: expect.stringContaining("parts of it") }]);
    expect(await isLeased(world)).toBe(true);
  });

  test("keep: what was never leased for this alert", async () => {
    const world = await open();
    expect(await tell(world, { name: "ssh", began: world.behind.now, status: "resolved" })).toMatchObject([
      { status: "ignored", reason: expect.stringContaining("holds no lease on it for this alert") },
    ]);
    expect(await liftsIn(world)).toBe(0);
  });
});

describe("the same word again", () => {
  test("repeat: ten at once and one later write one record, and end nothing that came after", async () => {
    const world = await open();
    const alert = { name: "ssh", began: world.behind.now };
    await tell(world, alert);
    await world.behind.advance(minute);
    const over = { ...alert, status: "resolved" as const };
    const answers = await Promise.all(Array.from({ length: 10 }, () => tell(world, over)));
    expect(new Set(answers.flatMap(statuses))).toContain("lifted");
    expect(await liftsIn(world)).toBe(1);
    await world.behind.advance(minute);
    expect(statuses(await tell(world, { ...alert, began: world.behind.now }))).toEqual(["created"]);
    expect(statuses(await tell(world, over))).toEqual(["ignored"]);
    await world.behind.advance(10 * minute);
    expect([world.behind.blocked(ip), await liftsIn(world)]).toEqual([true, 1]);
  });

  test("keep: with the memory of the coordinator gone the alerts of a lease are still told apart", async () => {
    const world = await open();
    const [first, second] = ["ssh", "rdp"].map((name) => ({ name, began: world.behind.now }));
    if (first === undefined || second === undefined) throw new Error("two alerts");
    await tell(world, first, second);
    await world.behind.advance(10 * minute);
    world.behind.evict();
    expect(statuses(await tell(world, { ...first, status: "resolved" }))).toEqual(["ignored"]);
    expect(await isLeased(world)).toBe(true);
  });
});
