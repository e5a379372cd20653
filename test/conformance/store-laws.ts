// Laws of every store driver. The harness gives an empty store and the clock that it lives by.

import { listRecords } from "../../functions/pass/records.ts";
import { cidrOf } from "../../shared/address/index.ts";
import { type Severity, severities } from "../../shared/config.ts";
import { keyPrefixes, leaseKey, leaseMetadata, liftKey, liftMetadata, readRecord, stopMetadata } from "../../shared/keys.ts";
import type { Json, Store } from "../../shared/ports.ts";
import { type Law, mustThrow } from "./law.ts";
import { mustEqual } from "./must.ts";

export interface StoreHarness {
  readonly store: Store;
  readonly nowMs: () => number;
}

const hourMs = 3_600_000;

async function fill(store: Store, count: number, nowMs: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => leaseKey(cidrOf(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`), nowMs + hourMs, "law"));
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => store.put(name, "{}", { metadata: { a: nowMs, s: 1 }, expiresAtMs: nowMs + hourMs })));
  }
  return names;
}

async function listAll(store: Store, prefix?: string): Promise<{ name: string; metadata: unknown }[]> {
  const found: { name: string; metadata: unknown }[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.list(cursor, prefix);
    if (page.keys.length > 1000) throw new Error(`a page of ${page.keys.length} keys`);
    found.push(...page.keys);
    cursor = page.cursor;
  } while (cursor !== null);
  return found;
}

export const storeLaws: readonly Law<StoreHarness>[] = [
  {
    name: "an empty store lists nothing, in one page",
    run: async ({ store }) => mustEqual(await store.list(null), { keys: [], cursor: null }, "the first page"),
  },
  {
    name: "what is put is got back, value and metadata alike",
    run: async ({ store, nowMs }) => {
      const metadata: Json = { a: nowMs(), s: 2, t: ["aws-web", "edge"], h: 1 };
      await store.put("lease:4:cb007107/32:1:law", '{"reason":"ü \u{1f512}"}', { metadata, expiresAtMs: nowMs() + hourMs });
      const found = await store.get("lease:4:cb007107/32:1:law");
      mustEqual([found?.value, found?.metadata], ['{"reason":"ü \u{1f512}"}', metadata], "the record");
    },
  },
  { name: "what was never put is null, not an error", run: async ({ store }) => mustEqual(await store.get("nothing"), null, "the record") },
  {
    name: "a listing is complete over pages, sorted, and carries metadata",
    run: async ({ store, nowMs }) => {
      const names = await fill(store, 1_234, nowMs());
      const found = await listAll(store);
      mustEqual(
        found.map((key) => key.name),
        [...names].sort(),
        "the names",
      );
      mustEqual(
        found.every((key) => JSON.stringify(key.metadata) === JSON.stringify(found[0]?.metadata)),
        true,
        "all metadata alike",
      );
    },
  },
  {
    name: "a prefix lists only what starts with it",
    run: async ({ store, nowMs }) => {
      await fill(store, 3, nowMs());
      await store.put("stop", "{}", { metadata: { at: 1 }, expiresAtMs: null });
      mustEqual(
        (await listAll(store, "stop")).map((key) => key.name),
        ["stop"],
        "the names",
      );
    },
  },
  {
    name: "a deleted key is gone, and deleting it again is no error",
    run: async ({ store }) => {
      await store.put("stop", "{}", { metadata: {}, expiresAtMs: null });
      await store.delete("stop");
      await store.delete("stop");
      mustEqual([await store.get("stop"), await listAll(store)], [null, []], "what is left");
    },
  },
  {
    name: "an expiry nearer than declared is refused, never silently moved",
    run: async ({ store, nowMs }) => {
      const tooSoon = nowMs() + store.capabilities.ttlMinSeconds * 1000 - 5_000;
      await mustThrow(() => store.put("stop", "{}", { metadata: {}, expiresAtMs: tooSoon }), "an expiry that is too near");
      mustEqual(await store.get("stop"), null, "the record");
    },
  },
  {
    name: "metadata larger than declared is refused",
    run: async ({ store }) => {
      const metadata = { text: "x".repeat(store.capabilities.metadataBytesMax) };
      await mustThrow(() => store.put("stop", "{}", { metadata, expiresAtMs: null }), "metadata that is too large");
    },
  },
  {
    name: "the largest lease that the configuration allows fits in the metadata",
    run: async ({ store, nowMs }) => {
      const targets = Array.from({ length: 16 }, (_, index) => `t${"x".repeat(29)}${String(index).padStart(2, "0")}`);
      const cidr = cidrOf("2001:db8:ffff:ffff::/64");
      const lease = { cidr, at: nowMs(), until: nowMs() + hourMs, client: "c".repeat(32), severity: "critical" as Severity, targets, held: true };
      const key = leaseKey(cidr, lease.until, lease.client);
      await store.put(key, "{}", { metadata: leaseMetadata(lease), expiresAtMs: nowMs() + hourMs });
      const record = readRecord((await listAll(store))[0] ?? { name: "", metadata: null });
      mustEqual(record, { kind: "lease", lease: { key, ...lease } }, "the record read back");
    },
  },
  {
    name: "every kind of record is read back as it was written, and one unreadable key makes the listing incomplete",
    run: async ({ store, nowMs }) => {
      const cidr = cidrOf("203.0.113.0/24");
      const at = nowMs();
      const lease = { cidr, at, until: at + hourMs, client: "law", severity: severities[3], targets: null, held: false };
      await store.put(keyPrefixes.store, "abcdef0123456789", { metadata: { id: "abcdef0123456789" }, expiresAtMs: null });
      await store.put(leaseKey(cidr, lease.until, "law"), "{}", { metadata: leaseMetadata(lease), expiresAtMs: at + hourMs });
      await store.put(liftKey(cidr, at, "*"), "{}", { metadata: liftMetadata({ exemptUntil: at + 1 }), expiresAtMs: at + hourMs });
      await store.put(keyPrefixes.stop, "{}", { metadata: stopMetadata({ at, targets: { "*": "freeze" }, releasedAt: 3 }), expiresAtMs: null });
      const whole = await listRecords(store);
      const seen = [whole.complete, whole.storeId, whole.leases.length, whole.lifts[0]?.exemptUntil, whole.stop.targets];
      mustEqual(seen, [true, "abcdef0123456789", 1, at + 1, { "*": "freeze" }], "the records");
      await store.put("lease:4:cb007107/33:1:law", "{}", { metadata: { a: 1, s: 0 }, expiresAtMs: at + hourMs });
      mustEqual((await listRecords(store)).complete, false, "complete");
    },
  },
];
