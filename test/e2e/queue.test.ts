// A queue in place of cron: on KV alone, where nothing but a tick works events off, word of an event brings the tick. Nobody ticks here.
import { afterAll, beforeAll, expect, test } from "vitest";
import { everyCloud, PlaybookRig } from "./playbook-rig.ts";
import { falcoEvent, senderClients, ways } from "./ways-in.ts";

const controller = "203.0.113.77";
let rig: PlaybookRig;

beforeAll(async () => {
  rig = await PlaybookRig.start({
    clients: senderClients,
    playbooks: "  - { file: starter:c2-traffic, mode: enforce }\n",
    coordinator: "none",
    queue: "events",
  });
}, 120_000);
afterAll(() => rig?.close());

async function seen(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (holds()) return true;
    await new Promise((resume) => setTimeout(resume, 300));
  }
  return false;
}

test("queue: an event is worked off without a tick of cron", { timeout: 120_000 }, async () => {
  const sidekick = ways.find(({ name }) => name === "falcosidekick");
  if (sidekick === undefined) throw new Error("falcosidekick has no way in");
  const deliver = sidekick.deliveryOf(falcoEvent(controller));
  expect((await deliver(rig.url)).status).toBe(200);
  expect(await seen(() => rig.standing(controller).length === everyCloud.length)).toBe(true);
  expect(rig.standing(controller)).toEqual(everyCloud);
});
