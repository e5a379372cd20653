// What the playbooks are for, end to end in each runtime: what falcosidekick posts about a connection to a controller blocks it at three clouds,
// once, however often and however many at once it is delivered, and though the worker is killed after each answer.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newKey, runtimes } from "../sandbox/stack.ts";
import { everyCloud, PlaybookRig } from "./playbook-rig.ts";
import { falcoEvent, type SnsHost, senderClients, startSns, ways } from "./ways-in.ts";

const falco = newKey();
const clients = `  falco:
    keys: ["${falco.digest}"]
    scopes: ["alert:falco"]
    longest: 7d
`;
let rig: PlaybookRig;
let sns: SnsHost;
let folder = "";

/** As falcosidekick's webhook output sends it (types/types.go at 8807ab7); its `uuid` is new with every delivery. */
function alert(uuid: string, controller: string): string {
  return JSON.stringify({
    uuid,
    output: `12:00:00.123456789: Warning Outbound connection to C2 server (command=curl connection=10.0.1.12:44321->${controller}:443 user=app container_id=0a1b2c3d4e5f)`,
    priority: "Critical",
    rule: "Outbound Connection to C2 Servers",
    time: sentAt,
    source: "syscall",
    output_fields: {
      "container.id": "0a1b2c3d4e5f",
      "evt.type": "connect",
      "fd.name": `10.0.1.12:44321->${controller}:443`,
      "fd.cip": "10.0.1.12",
      "fd.sip": controller,
      "fd.rport": 443,
      "proc.cmdline": "curl https://update.invalid",
      "user.name": "app",
    },
    hostname: "node-1",
    tags: ["network", "mitre_command_and_control"],
  });
}
let sentAt = "";

async function deliver(uuid: string, controller: string): Promise<{ readonly status: string; readonly event?: string }> {
  const headers = { authorization: `Bearer ${falco.key}`, "content-type": "application/json" };
  const response = await fetch(`${rig.url}/v1/alerts/falco`, { method: "POST", headers, body: alert(uuid, controller) });
  expect(response.status).toBe(200);
  const [item] = ((await response.json()) as { items: { status: string; event?: string }[] }).items;
  if (item === undefined) throw new Error("the answer names nothing");
  return item;
}

describe.each(runtimes)("playbooks in %s", (runtime) => {
  beforeAll(async () => {
    sns = await startSns();
    sentAt = new Date().toISOString().replace("Z", "456789Z");
    folder = mkdtempSync(join(tmpdir(), "portcullis-playbooks-"));
    rig = await PlaybookRig.start({
      runtime,
      clients: `${clients}${senderClients}`,
      played: sns.played,
      persistTo: folder,
      playbooks: "  - { file: starter:c2-traffic, mode: enforce }\n  - starter:web-scanner\n",
    });
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
    sns?.server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("c2: the worker ends right after each answer, and the event is done all the same, once", { timeout: 240_000 }, async () => {
    const controller = "203.0.113.67";
    const ids = new Set<string | undefined>();
    for (let at = 0; at < 3; at += 1) {
      for (const { event } of await Promise.all([deliver(`a-${at}`, controller), deliver(`b-${at}`, controller)])) ids.add(event);
      await rig.demo.stack.restart();
    }
    await rig.until("the controller is blocked everywhere", () => rig.standing(controller).length === everyCloud.length);
    const mine = async () => (await rig.events()).filter(({ id }) => ids.has(id));
    await rig.until("the event is over", async () => (await mine()).every(({ state }) => state === "done"));
    expect([ids.size, (await mine()).length, rig.standing(controller), await rig.leases(controller)]).toEqual([1, 1, everyCloud, ["falco"]]);
  });

  test("c2: ten deliveries at once are one event, one lease and one entry at each of three clouds", { timeout: 240_000 }, async () => {
    const controller = "203.0.113.66";
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => deliver(`first-${at}`, controller)));
    expect(answers.map(({ status }) => status).sort()).toEqual(["accepted", ...Array.from({ length: 9 }, () => "unchanged")]);
    const [id = ""] = new Set(answers.map(({ event }) => event));
    const mine = async () => (await rig.events()).filter((row) => row.id === id);
    await rig.until("the controller is blocked everywhere", () => rig.standing(controller).length === everyCloud.length);
    expect(rig.standing(controller)).toEqual(everyCloud);
    await rig.until("the event is over", async () => (await mine())[0]?.state === "done");

    const again = await Promise.all(Array.from({ length: 10 }, (_, at) => deliver(`second-${at}`, controller)));
    expect(new Set(again.map(({ status, event }) => `${status} ${event}`))).toEqual(new Set([`unchanged ${id}`]));
    await rig.demo.stack.worker.tick();
    expect(await mine()).toEqual([expect.objectContaining({ id, state: "done", client: "falco", source: "falco", playbooks: ["c2-traffic"] })]);
    expect([rig.standing(controller), await rig.leases(controller)]).toEqual([everyCloud, ["falco"]]);

    const told = await rig.get<{ playbooks: { steps: { state: string; does: string; said: string[] }[] }[] }>(`/v1/events/${id}`);
    expect(told.playbooks.map(({ steps }) => steps.map(({ state }) => state))).toEqual([["done", "done"]]);
    expect(told.playbooks[0]?.steps[0]).toMatchObject({
      does: expect.stringContaining(`block ${controller}/32`),
      said: [expect.stringContaining(`${controller} created`)],
    });
  });

  test.each(ways.map((way, at) => [way.name, way, `203.0.113.${80 + 2 * at}`] as const))(
    "%s: ten deliveries at once, the worker killed after them, and ten more: one event, one lease, one entry at each of three clouds",
    { timeout: 240_000 },
    async (_name, { client, deliveryOf }, controller) => {
      const deliver = deliveryOf(falcoEvent(controller));
      const ten = async () => new Set((await Promise.all(Array.from({ length: 10 }, () => deliver(rig.url)))).map(({ status }) => status));
      const mine = async () => (await rig.events()).filter((row) => row.client === client);
      expect(await ten()).toEqual(new Set([200]));
      await rig.demo.stack.restart();
      await rig.until("the controller is blocked everywhere", () => rig.standing(controller).length === everyCloud.length);
      await rig.until("the event is over", async () => (await mine()).every(({ state }) => state === "done"));
      expect(await ten()).toEqual(new Set([200]));
      await rig.demo.stack.worker.tick();
      expect(await mine()).toEqual([expect.objectContaining({ state: "done", client, source: "falco", playbooks: ["c2-traffic"] })]);
      expect([rig.standing(controller), await rig.leases(controller)]).toEqual([everyCloud, [client]]);
    },
  );
});
