// A person's agreement: bound to one question, once, in time; asked by a link that nobody else can make.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linkKey, readLink, signLink } from "../../functions/auth/link.ts";
import { approved, planName, questionsOf } from "../../shared/event/approval.ts";
import { lapse } from "../../shared/event/progress.ts";
import { startMs } from "../coordinator/world.ts";
import { callHome, recorded } from "./support.ts";
import { EventWorld } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;
const asking = callHome("approve: { within: 1h }\n");
const secret = "a secret of the platform, long enough";

async function keyOf(text: string): Promise<CryptoKey> {
  const key = await linkKey(text);
  if (key === null) throw new Error("no key");
  return key;
}

describe("agreement", () => {
  const record = recorded([asking]);
  const [question] = questionsOf(record);
  if (question === undefined) throw new Error("nothing is asked");

  test("agree: the run goes to work, its block counts from then for as long as it was meant", () => {
    const agreed = approved(record, question, startMs + 30 * minute);
    expect(agreed).toMatchObject({ state: "open", runs: [{ state: "open", agreedAt: startMs + 30 * minute, outcome: "asks" }] });
    expect(agreed?.runs[0]?.steps[0]?.act).toMatchObject({ at: startMs + 30 * minute, until: startMs + 90 * minute, eventAt: startMs - 1_000 });
    expect(agreed === null ? null : questionsOf(agreed)).toEqual([]);
  });

  test.each([
    ["twice", (one: typeof record) => approved(approved(one, question, startMs) ?? one, question, startMs + 1)],
    ["when its time is over", (one: typeof record) => approved(one, question, question.until)],
    ["when it has lapsed", (one: typeof record) => approved(lapse(one, question.until), question, startMs)],
    ["to another plan", (one: typeof record) => approved(one, { ...question, plan: "0".repeat(32) }, startMs)],
    ["to another run", (one: typeof record) => approved(one, { ...question, run: 1 }, startMs)],
  ])("refuse: %s", (_name, agree) => {
    expect(agree(record)).toBeNull();
  });

  test("plan: another name for any other step, target, address, order or end of the question", () => {
    const steps = record.runs[0]?.steps ?? [];
    const other = recorded([asking], { event: { actor: { addresses: ["203.0.113.9/32"] } } }).runs[0]?.steps ?? [];
    const names = [
      planName("calls-home", 1, steps),
      planName("calls-home", 2, steps),
      planName("another", 1, steps),
      planName("calls-home", 1, steps.toReversed()),
      planName("calls-home", 1, steps.slice(1)),
      planName("calls-home", 1, other),
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("links", () => {
  const approval = { id: "a".repeat(32), run: 0, until: startMs, plan: "b".repeat(32) };

  test("sign: reads back as it was, by this secret only", async () => {
    const link = await signLink(await keyOf(secret), approval);
    expect(await readLink(await keyOf(secret), link)).toEqual(approval);
    expect(await readLink(await keyOf(`${secret}!`), link)).toBeNull();
    expect(await linkKey("too short to be one")).toBeNull();
  });

  test("tamper: any character changed, dropped or added makes it none", async () => {
    const key = await keyOf(secret);
    const link = await signLink(key, approval);
    await fc.assert(
      fc.asyncProperty(fc.nat(link.length - 1), fc.constantFrom("0", "1", "f", ".", "x", ""), async (at, character) => {
        const changed = link.slice(0, at) + character + link.slice(at + 1);
        expect(await readLink(key, changed)).toEqual(changed === link ? approval : null);
      }),
    );
    for (const text of ["", ".", link.toUpperCase(), `${link}0`, `0${link}`, `${link}\n`, link.slice(0, -64)]) expect(await readLink(key, text)).toBeNull();
  });
});

describe("asked", () => {
  test("approve: nothing is done before it; twice at once it is done once, and its lease counts from then", async () => {
    const events = await EventWorld.start([asking]);
    const taken = await events.send();
    expect(taken).toMatchObject({ status: "accepted", state: "asking", playbooks: [{ outcome: "asks" }] });
    await events.world.advance(10 * minute);
    expect([await events.leases(), events.logged("playbook.logged")]).toEqual([[], []]);
    const [question] = taken.questions ?? [];
    if (question === undefined) throw new Error("nothing is asked");
    const { coordinator } = await events.world.life();
    const agreedAt = events.world.now;
    const answers = await Promise.all([coordinator.approve(question), coordinator.approve(question)]);
    expect(answers.map((answer) => answer?.agreed)).toEqual([true, false]);
    events.world.wipe();
    await events.world.advance(10 * minute);
    expect([(await events.event(taken.id)).state, await events.leases()]).toEqual(["done", [expect.stringContaining(`:${agreedAt + hour}:detector`)]]);
    expect((await (await events.world.life()).coordinator.approve(question))?.agreed).toBe(false);
    expect(events.logged("event.agreed")).toHaveLength(1);
  });

  test("lapse: nobody agreed in time; nothing is done, then or later", async () => {
    const events = await EventWorld.start([asking]);
    const taken = await events.send();
    await events.world.advance(hour + 2 * minute);
    expect((await events.event(taken.id)).state).toBe("lapsed");
    const [question] = taken.questions ?? [];
    const { coordinator } = await events.world.life();
    expect(question === undefined ? null : await coordinator.approve(question)).toMatchObject({ agreed: false });
    expect(await events.leases()).toEqual([]);
    expect(await coordinator.approve({ id: "0".repeat(32), run: 0, plan: "" })).toBeNull();
  });

  test("redelivery: asks nobody twice", async () => {
    const events = await EventWorld.start([asking]);
    const at = events.world.now;
    const first = await events.send({ at });
    const again = await events.send({ at });
    expect([first.questions?.length, again.status, again.questions]).toEqual([1, "unchanged", undefined]);
  });
});
