// A Cloudflare Queue as an alarm clock: word that an event was recorded makes a tick come at once, and come again when it failed. The record in
// the store is what counts; a message says nothing but "wake". Without a queue, the coordinator's alarm and the cron tick do the same.
import type { Queue } from "@cloudflare/workers-types";
import type { Log } from "../../shared/ports.ts";
import type { CoordinatorApi } from "../coordinator/contract.ts";
import { traced } from "../log/traced.ts";

/** Sends a message for each request that brought new events. That it could not be sent is told, and changes no answer: the tick comes anyway. */
export function wakingBy(queue: Pick<Queue, "send">, coordinator: CoordinatorApi, log: Log): CoordinatorApi {
  return {
    ...coordinator,
    async take(request, trace) {
      const answer = await coordinator.take(request, trace);
      if (!answer.events.some(({ status }) => status === "accepted")) return answer;
      try {
        await queue.send({ wake: "events" });
      } catch (thrown) {
        traced(log, trace)({ level: "warn", event: "queue.unreachable", why: String(thrown) });
      }
      return answer;
    },
  };
}
