// Laws of the store's keys: what is written is read back as it was, and whatever else stands there is named, never skipped
// and never taken for a record.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockOf, type Cidr } from "../../shared/address/index.ts";
import { severities } from "../../shared/config.ts";
import { asPortcullisError, fail, ok, PortcullisError } from "../../shared/errors.ts";
import { eventKey, keyPrefixes, leaseKey, leaseMetadata, liftKey, liftMetadata, readRecord, readStop, stopMetadata } from "../../shared/keys.ts";
import type { Lease, Lift, StopState } from "../../shared/lease/record.ts";
import { limits, settleMs } from "../../shared/limits.ts";
import type { Json, StoreKey } from "../../shared/ports.ts";

const cidr: fc.Arbitrary<Cidr> = fc
  .record({ value: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), length: fc.integer({ min: 0, max: 128 }), six: fc.boolean() })
  .map(({ value, length, six }) =>
    six ? blockOf(6, value.toString(16).padStart(32, "0"), length) : blockOf(4, (value & 0xffffffffn).toString(16).padStart(8, "0"), length >> 2),
  );
const time = fc.integer({ min: 0, max: 999_999_999_999_999 });
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/);
const names = fc.option(fc.array(name, { maxLength: 3 }), { nil: null });

const lease: fc.Arbitrary<Omit<Lease, "key">> = fc.record(
  {
    cidr,
    at: time,
    until: time,
    client: name,
    severity: fc.constantFrom(...severities),
    targets: names,
    held: fc.boolean(),
    offence: fc.integer({ min: 1, max: limits.offenceMax }),
  },
  { requiredKeys: ["cidr", "at", "until", "client", "severity", "targets", "held"] },
);
const stop: fc.Arbitrary<StopState> = fc.record({
  at: time,
  targets: fc.dictionary(fc.oneof(name, fc.constant("*")), fc.constantFrom<"freeze" | "drain">("freeze", "drain"), { maxKeys: 3, noNullPrototype: true }),
  releasedAt: time,
});

function keyOf(text: string, metadata: unknown): StoreKey {
  return { name: text, metadata: metadata as Json };
}

/** As a store hands metadata back. */
function stored(metadata: Json): Json {
  return JSON.parse(JSON.stringify(metadata)) as Json;
}

describe("keys", () => {
  test("read back: a lease, a lift, a stop, the store's id and the snapshot are what was written", () => {
    fc.assert(
      fc.property(lease, fc.option(time, { nil: null }), stop, (one, exemptUntil, halt) => {
        const key = leaseKey(one.cidr, one.until, one.client);
        expect(readRecord(keyOf(key, stored(leaseMetadata(one))))).toEqual({ kind: "lease", lease: { key, ...one } });
        for (const client of [one.client, "*"]) {
          const lift: Omit<Lift, "key"> = { cidr: one.cidr, at: one.at, client, exemptUntil };
          const other = liftKey(one.cidr, one.at, client);
          expect(readRecord(keyOf(other, stored(liftMetadata(lift))))).toEqual({ kind: "lift", lift: { key: other, ...lift } });
        }
        expect(readRecord(keyOf(keyPrefixes.stop, stored(stopMetadata(halt))))).toEqual({ kind: "stop", stop: halt });
      }),
      { numRuns: 1_000 },
    );
    const lift = { cidr: blockOf(4, "cb007107", 32), at: 1, client: "*", exemptUntil: 7 };
    const lifted = liftKey(lift.cidr, lift.at, lift.client);
    expect(liftMetadata({ exemptUntil: 7, by: "anna" })).toEqual({ x: 7, b: "anna" });
    expect(liftMetadata({ exemptUntil: null, by: "anna" })).toEqual({ b: "anna" });
    // Who did it is told to people and nothing else: what is no name is left out, what is too long is cut.
    for (const [b, by] of [
      ["anna", { by: "anna" }],
      ["n".repeat(99), { by: "n".repeat(32) }],
      [7, {}],
      [null, {}],
    ] as const) {
      expect(readRecord(keyOf(lifted, { x: 7, b }))).toStrictEqual({ kind: "lift", lift: { key: lifted, ...lift, ...by } });
    }
    expect(Object.keys(liftMetadata({ exemptUntil: 7 }) as object)).toEqual(["x"]);
    expect(readRecord(keyOf("snapshot", null))).toEqual({ kind: "snapshot" });
    for (const id of ["abcdefg8", "0".repeat(64)]) expect(readRecord(keyOf("meta:store", { id }))).toEqual({ kind: "store", id });
  });

  test("spelled: as the storage schema shows them", () => {
    const block = blockOf(4, "cb007107", 32);
    expect(leaseKey(block, 1_760_000_000_000, "elastalert")).toBe("lease:4:cb007107/32:1760000000000:elastalert");
    expect(liftKey(block, 1_760_000_000_000, "*")).toBe("lift:4:cb007107/32:1760000000000:*");
    const plain = { cidr: block, at: 5, until: 9, client: "a", severity: "high", targets: null, held: false } as const;
    expect(leaseMetadata(plain)).toEqual({ a: 5, s: 2 });
    expect(leaseMetadata({ ...plain, targets: ["web"], held: true })).toEqual({ a: 5, s: 2, t: ["web"], h: 1 });
    expect(leaseMetadata({ ...plain, offence: 3 })).toEqual({ a: 5, s: 2, o: 3 });
    expect([liftMetadata({ exemptUntil: null }), liftMetadata({ exemptUntil: 7 })]).toEqual([{}, { x: 7 }]);
    expect(keyPrefixes).toEqual({ lease: "lease:", lift: "lift:", store: "meta:store", snapshot: "snapshot", stop: "stop", event: "event:" });
  });

  test("event: its key, and what a listing tells of it; what is no event's key or has not its metadata is corrupt", () => {
    const id = "0123456789abcdef0123456789abcdef";
    const metadata = { a: 5, u: 7, s: 2, c: "falco", o: "falco", t: "Outbound", p: ["c2"], f: ["0a"] };
    const told = { id, receivedAt: 5, updatedAt: 7, state: "done", client: "falco", source: "falco", type: "Outbound", playbooks: ["c2"], firings: ["0a"] };
    expect(eventKey(id)).toBe(`event:${id}`);
    expect(readRecord({ name: eventKey(id), metadata })).toEqual({ kind: "event", event: told });
    for (const name of [`event:${id.slice(1)}`, `event:${id}0`, `event:x${id}`, `event:${id.toUpperCase()}`, "event:"]) {
      expect(readRecord({ name, metadata })).toEqual({ kind: "corrupt", why: `${JSON.stringify(name)} is no event's record` });
    }
    expect(readRecord({ name: eventKey(id), metadata: { ...metadata, s: 99 } }).kind).toBe("corrupt");
  });

  test("offence: the first is not spelled, it is bounded, and one that cannot be read spoils no listing", () => {
    const block = blockOf(4, "cb007107", 32);
    const plain = { cidr: block, at: 5, until: 9, client: "a", severity: "high", targets: null, held: false } as const;
    expect(leaseMetadata({ ...plain, offence: 0 })).toEqual({ a: 5, s: 2 });
    expect(leaseMetadata({ ...plain, offence: 1e6 })).toEqual({ a: 5, s: 2, o: limits.offenceMax });
    const named = leaseKey(block, 9, "a");
    for (const [o, offence] of [
      [1, { offence: 1 }],
      [1e9, { offence: limits.offenceMax }],
      ...[0, -1, 1.5, "2", null, {}].map((odd) => [odd, {}] as const),
    ] as const) {
      expect(readRecord(keyOf(named, { a: 5, s: 2, o }))).toStrictEqual({ kind: "lease", lease: { key: named, ...plain, ...offence } });
    }
  });

  const good = { a: 1, s: 0 };
  const leaseName = "lease:4:cb007107/32:9:web";
  const liftName = "lift:4:cb007107/32:9:web";
  test.each<[string, unknown]>([
    ["other", good],
    ["", good],
    ["Lease:4:cb007107/32:9:web", good],
    ["snapshots", null],
    ["a snapshot", null],
    ["stopped", { at: 1, targets: {}, releasedAt: 0 }],
    ["meta:store2", { id: "abcdefgh" }],
    [`x${leaseName}`, good],
    [` ${leaseName}`, good],
    [`${leaseName}:`, good],
    [`${leaseName} `, good],
    [`${leaseName}\n`, good],
    ["lease:x:4:cb007107/32:9:web", good],
    ["lease:4:cb007107/32:9:*", good],
    ["lease:4:cb007107/32:9:", good],
    ["lease:4:cb007107/32:9:1web", good],
    ["lease:4:cb007107/32:9:Web", good],
    [`lease:4:cb007107/32:9:${"a".repeat(33)}`, good],
    ["lease:4:cb007107/32::web", good],
    ["lease:4:cb007107/32:-9:web", good],
    ["lease:4:cb007107/32:1234567890123456:web", good],
    ["lease:4:cb007107/24:9:web", good],
    ["lease:4:cb007107/33:9:web", good],
    ["lease:4:CB007107/32:9:web", good],
    ["lease:4:cb0071070/32:9:web", good],
    ["lease:5:cb007107/32:9:web", good],
    ["lease:6:cb007107/32:9:web", good],
    ["lease:4:cb007107/:9:web", good],
    [leaseName, null],
    [leaseName, undefined],
    [leaseName, [1, 0]],
    [leaseName, "a"],
    [leaseName, {}],
    [leaseName, { s: 0 }],
    [leaseName, { a: "1", s: 0 }],
    [leaseName, { a: -1, s: 0 }],
    [leaseName, { a: 1.5, s: 0 }],
    [leaseName, { a: Number.NaN, s: 0 }],
    [leaseName, { a: 1 }],
    [leaseName, { a: 1, s: 4 }],
    [leaseName, { a: 1, s: -1 }],
    [leaseName, { a: 1, s: 0.5 }],
    [leaseName, { a: 1, s: 0, t: "web" }],
    [leaseName, { a: 1, s: 0, t: { web: 1 } }],
    [leaseName, { a: 1, s: 0, t: ["web", 1] }],
    [liftName, null],
    [liftName, undefined],
    [liftName, []],
    [liftName, "x"],
    [liftName, { x: "7" }],
    [liftName, { x: -7 }],
    [`x${liftName}`, {}],
    [`${liftName}:`, {}],
    ["lift:x:4:cb007107/32:9:web", {}],
    ["lift:4:cb007107/32:9:**", {}],
    ["lift:4:cb007107/32:9:web*", {}],
    ["lift:4:cb007107/33:9:web", {}],
    ["lift:4:cb007107/32:1234567890123456:web", {}],
    ["stop", null],
    ["stop", []],
    ["stop", { targets: {}, releasedAt: 0 }],
    ["stop", { at: -1, targets: {}, releasedAt: 0 }],
    ["stop", { at: 1, targets: {} }],
    ["stop", { at: 1, targets: {}, releasedAt: "0" }],
    ["stop", { at: 1, releasedAt: 0 }],
    ["stop", { at: 1, targets: ["freeze"], releasedAt: 0 }],
    ["stop", { at: 1, targets: { web: "halt" }, releasedAt: 0 }],
    ["stop", { at: 1, targets: { web: "freeze", hub: null }, releasedAt: 0 }],
    ["meta:store", null],
    ["meta:store", []],
    ["meta:store", {}],
    ["meta:store", { id: 12_345_678 }],
    ["meta:store", { id: "abcdefg" }],
    ["meta:store", { id: "a".repeat(65) }],
    ["meta:store", { id: "ABCDEFGH" }],
    ["meta:store", { id: "abcdefgh " }],
    ["meta:store", { id: " abcdefgh" }],
  ])("corrupt: %j with %j is named", (text, metadata) => {
    const read = readRecord(keyOf(text, metadata));
    expect(read.kind).toBe("corrupt");
    if (read.kind === "corrupt") expect(read.why.startsWith(JSON.stringify(text))).toBe(true);
  });

  test("named: with what is wrong, and no more of it than a line can bear", () => {
    const why = (text: string, metadata: unknown): string => {
      const read = readRecord(keyOf(text, metadata));
      return read.kind === "corrupt" ? read.why : read.kind;
    };
    expect(why("lease:?", good)).toMatch(/not a lease key$/);
    expect(why(leaseName, null)).toMatch(/no readable metadata$/);
    expect(why(leaseName, { a: 1 })).toMatch(/not a lease's$/);
    expect(why("lift:?", {})).toMatch(/not a lift key$/);
    expect(why("x".repeat(500), null)).toContain(`"${"x".repeat(120)}" is`);
  });

  test("stop: is read as it is, or not at all", () => {
    expect(readStop({ at: 1, targets: { web: "drain", "*": "freeze" }, releasedAt: 2, more: true })).toEqual({
      at: 1,
      targets: { web: "drain", "*": "freeze" },
      releasedAt: 2,
    });
    for (const bad of [null, 1, "stop", [], { at: 1 }]) expect(readStop(bad)).toBeNull();
  });
});

describe("results", () => {
  test("values: say which they are, and an error carries its code, its facts and its cause", () => {
    expect(ok(7)).toEqual({ ok: true, value: 7 });
    const cause = new Error("socket");
    const failed = fail("STORE_UNAVAILABLE", "no store", { target: "web" }, cause);
    expect(failed.ok).toBe(false);
    if (failed.ok) return;
    const { error } = failed;
    expect([error.name, error.code, error.message, error.context, error.cause]).toEqual([
      "PortcullisError",
      "STORE_UNAVAILABLE",
      "no store",
      { target: "web" },
      cause,
    ]);
    expect(error).toBeInstanceOf(Error);
    expect("cause" in new PortcullisError("INVARIANT", "odd")).toBe(false);
    expect(new PortcullisError("INVARIANT", "odd").context).toEqual({});
  });

  test("thrown: an error of ours stays what it is, anything else becomes the cause of one", () => {
    const own = new PortcullisError("PROVIDER_AUTH", "refused");
    expect(asPortcullisError(own, "INVARIANT", "odd")).toBe(own);
    for (const thrown of ["text", null, 7, new Error("x")]) {
      const made = asPortcullisError(thrown, "INVARIANT", "odd", { step: "s" });
      expect([made.code, made.message, made.context, made.cause]).toEqual(["INVARIANT", "odd", { step: "s" }, thrown]);
    }
  });
});

describe("times", () => {
  test("limits: are what the design says", () => {
    const minute = 60_000;
    expect([settleMs(0), settleMs(limits.workersKvStalenessMs)]).toEqual([5_000, 2 * minute]);
    expect(limits).toMatchObject({
      skewMs: 5_000,
      tickMs: minute,
      fullPassMs: 5 * minute,
      retainMs: 48 * 60 * minute,
      readyMs: 15 * minute,
      serverClockSkewMs: minute,
      signatureToleranceMs: 5 * minute,
      orphanMs: 15 * minute,
      callTimeoutMs: 10_000,
      passWallMs: 45_000,
      leaseShortestMs: minute,
      leaseLongestMs: 30 * 24 * 60 * minute,
      leaseDefaultMs: 4 * 60 * minute,
      exemptDefaultMs: 60 * minute,
      presetAgeMs: 180 * 24 * 60 * minute,
      bodyBytesMax: 262_144,
      responseBytesMax: 8_388_608,
    });
  });
});
