// Word to the queue: once for a request that brought something new, never for a repeat, and its failure changes no answer.
import { expect, test } from "vitest";
import type { CoordinatorApi } from "../../functions/coordinator/contract.ts";
import type { TakenEvent } from "../../functions/events/contract.ts";
import { wakingBy } from "../../functions/runtime/waking.ts";
import type { LogRecord } from "../../shared/ports.ts";

function rig(statuses: readonly TakenEvent["status"][], send: (message: unknown) => Promise<unknown>) {
  const events = statuses.map((status) => ({ status }) as TakenEvent);
  const logs: LogRecord[] = [];
  const coordinator = { take: async () => ({ events }) } as unknown as CoordinatorApi;
  const waking = wakingBy({ send: send as never }, coordinator, (record) => void logs.push(record));
  return { take: () => waking.take({} as never), events, logs };
}

test.each([
  [["accepted", "accepted", "unchanged"], 1],
  [["unchanged"], 0],
  [["ignored"], 0],
  [[], 0],
] as const)("wake: events that were %j send %i messages", async (statuses, count) => {
  const sent: unknown[] = [];
  const { take, events } = rig(statuses, async (message) => void sent.push(message));
  expect(await take()).toEqual({ events });
  expect(sent).toEqual(Array.from({ length: count }, () => ({ wake: "events" })));
});

test("wake: a queue that does not answer is told of, and the event is taken all the same", async () => {
  const { take, events, logs } = rig(["accepted"], async () => {
    throw new Error("no");
  });
  expect(await take()).toEqual({ events });
  expect(logs).toMatchObject([{ level: "warn", event: "queue.unreachable" }]);
});
