// What an isolate of Workers answers by itself when the coordinator object does not: it knows an hour-old copy of the snapshot at best.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeWorker, type WorkerEnv, WorkersRuntime } from "../../functions/runtime/workers.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import { startMs, testConfig } from "../coordinator/world.ts";

const minute = 60_000;
const address = "203.0.113.7/32";
const base = testConfig();
const keys = [createHash("sha256").update("key-of-detector").digest("hex")];
const detector = base.clients.detector;

/** The store's copy of a snapshot in which the address is leased for two more hours; that it was lifted since is known to nobody here. */
const stored: Snapshot = {
  version: 1,
  at: startMs - 30 * minute,
  fullAt: startMs - 30 * minute,
  storeId: null,
  complete: true,
  incompleteWhy: null,
  stop: { at: 0, targets: {}, releasedAt: 0 },
  states: [],
  blocks: [
    {
      key: cidrKey(cidrOf(address)),
      at: startMs - 60 * minute,
      until: startMs + 120 * minute,
      severity: "medium",
      records: [{ client: "detector", at: startMs - 60 * minute, until: startMs + 120 * minute, severity: "medium", targets: null, held: false }],
      states: {},
    },
  ],
  exemptions: [],
  lifts: [],
  ended: [],
  endedWhole: true,
  held: 0,
  targets: {},
};

async function post(coordinator: "absent" | "unreachable") {
  const puts: string[] = [];
  const kv = {
    getWithMetadata: async (key: string) => (key === "snapshot" ? { value: JSON.stringify(stored), metadata: null } : { value: null, metadata: null }),
    put: async (key: string) => void puts.push(key),
  };
  const lost = { idFromName: () => "id", get: () => ({ fetch: () => Promise.reject(new Error("Network connection lost.")) }) };
  const env = { PORTCULLIS_KV: kv, ...(coordinator === "absent" ? {} : { PORTCULLIS_COORDINATOR: lost }) } as unknown as WorkerEnv;
  if (detector === undefined) throw new Error("the configuration has a detector");
  const platform = {
    clock: { now: () => startMs },
    random: { bytes: (count: number) => new Uint8Array(count).fill(1) },
    fetch: () => Promise.reject(new Error("nobody is called")),
    log: () => undefined,
    sleep: async () => undefined,
    later: () => undefined,
  };
  const config = { ...base, clients: { detector: { ...detector, keys } }, targets: {} };
  const worker = makeWorker(new WorkersRuntime({ platform, config, definitions: {} }));
  const headers = { authorization: "Bearer key-of-detector", "content-type": "application/json" };
  const request = new Request("https://portcullis.example/v1/blocks", { method: "POST", headers, body: JSON.stringify({ ip: address, for: "1h" }) });
  const response = await worker.fetch(request, env, { waitUntil: () => undefined } as never);
  const { items } = (await response.json()) as { readonly items: readonly { readonly status: string; readonly until: string }[] };
  const forMs = Date.parse(items[0]?.until ?? "") - startMs;
  return { status: response.status, item: items[0]?.status, forMs, leases: puts.filter((key) => key.startsWith("lease:")).length };
}

describe("a repeat without the coordinator", () => {
  test("record: where it does not answer, one of the leases known may have been lifted since; the repeat is recorded, and promised no longer than that", async () => {
    expect(await post("unreachable")).toEqual({ status: 202, item: "renewed", forMs: 60 * minute, leases: 1 });
  });

  test("write nothing: where there never was one, what the last tick left is all there is", async () => {
    expect(await post("absent")).toEqual({ status: 202, item: "unchanged", forMs: 120 * minute, leases: 0 });
  });
});
