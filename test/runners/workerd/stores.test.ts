// The store laws in workerd: the Workers KV driver over the local runtime's KV, a fresh namespace for each law.
/// <reference types="@cloudflare/vitest-plugin/types" />
import { env } from "cloudflare:test";
import type { KVNamespace } from "@cloudflare/workers-types";
import { afterEach, describe, test } from "vitest";
import { workersKvStore } from "../../../functions/stores/workers-kv.ts";
import { storeLaws } from "../../conformance/store-laws.ts";

const namespace = env.LAWS as KVNamespace;

async function empty(): Promise<void> {
  for (let page = await namespace.list(); page.keys.length > 0; page = await namespace.list()) {
    for (const { name } of page.keys) await namespace.delete(name);
  }
}

describe("Workers KV store", () => {
  afterEach(empty);

  for (const law of storeLaws) {
    test(`store: ${law.name}`, async () => {
      const nowMs = () => Date.now();
      await law.run({ store: workersKvStore(namespace, { now: nowMs }, 0), nowMs });
    });
  }
});
