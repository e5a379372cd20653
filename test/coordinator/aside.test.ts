// What was recorded without the coordinator is in no pass of its own: whoever waits for it is told so, and not what the coordinator knows of
// the block besides.
import { expect, test } from "vitest";
import type { AcceptRequest, CoordinatorApi } from "../../functions/coordinator/contract.ts";
import { CoordinatorUnreachable, withFallback } from "../../functions/coordinator/rpc.ts";
import { newWorld } from "./world.ts";

const key = "4:cb007107/32";
const until = Date.UTC(2026, 10, 20, 16);
const older = Date.UTC(2026, 10, 20, 12);
const request: AcceptRequest = { client: "detector", items: [], allOrNothing: true, dryRun: false };

function recorded(accept: () => Promise<never>): { readonly api: CoordinatorApi; readonly settled: number[] } {
  const settled: number[] = [];
  const coordinator = {
    accept,
    settle: async (ticket: number) => {
      settled.push(ticket);
      return { done: true, items: [{ key, until: older, states: { web: { state: "enforced" } } }] };
    },
  } as unknown as CoordinatorApi;
  const fallback: Pick<CoordinatorApi, "accept" | "take"> = {
    accept: async () => ({ ticket: 1, items: [{ key, status: "created", until, states: { web: { state: "enforced" } } }] }),
    take: async () => ({ events: [] }),
  };
  return { api: withFallback(coordinator, fallback), settled };
}

test("aside: to wait for it ends at once, undone, and says nothing of an older lease", async () => {
  const { api, settled } = recorded(async () => {
    throw new CoordinatorUnreachable("reset");
  });
  const answer = await api.accept(request);
  expect(answer.items).toMatchObject([{ key, status: "created", until, states: { web: { state: "pending" } } }]);
  expect(await api.settle(answer.ticket, [key], 10_000)).toEqual({ done: false, items: [] });
  expect(settled).toEqual([]);
});

test("aside: what the coordinator took in, it is asked about", async () => {
  const { api, settled } = recorded(async () => {
    throw new Error("not asked for here");
  });
  expect(await api.settle(7, [key], 10_000)).toMatchObject({ done: true });
  expect(settled).toEqual([7]);
});

test("wait: a life that knows nothing of the lease does not call it lifted, and one that knows of a lift does", async () => {
  const world = await newWorld();
  await world.block("203.0.113.7", 600_000);
  world.wipe();
  const lost = await world.survive((coordinator) => coordinator.settle(1, [key], 0));
  expect(lost?.items).toMatchObject([{ key, until: 0 }]);
  expect(lost?.items[0]).not.toHaveProperty("lifted");
  await world.block("203.0.113.7", 600_000);
  await world.lift("203.0.113.7");
  const lifted = await world.survive((coordinator) => coordinator.settle(1, [key], 0));
  expect(lifted?.items).toMatchObject([{ key, until: 0, lifted: true }]);
  await world.advance(60_000);
  await world.block("203.0.113.7", 600_000);
  expect((await world.survive((coordinator) => coordinator.settle(1, [key], 0)))?.items[0]).not.toHaveProperty("lifted");
});
