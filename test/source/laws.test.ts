// What every adapter keeps, whatever it is sent: real messages, spoilt ones and rubbish.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CidrSet, cidrOf, cidrText, parseCidr } from "../../shared/address/index.ts";
import { alertSources, mappedSources } from "../../shared/config.ts";
import { type DetectionEvent, eventCategories } from "../../shared/event/event.ts";
import { limits } from "../../shared/limits.ts";
import { cleanText, textLength } from "../../shared/request/text.ts";
import { sha256Hex } from "../../shared/source/digest.ts";
import { adapters, type SourceEntry } from "../../shared/source/index.ts";
import { another, pathsOf, reordered, replaced, spoilt, textless } from "./mutate.ts";
import { besideFiles, rules, samples, withSamples } from "./samples.ts";

const runs = Number(process.env.LAW_RUNS ?? 40);

function eventsOf(entries: readonly SourceEntry[]): readonly DetectionEvent[] {
  return entries.flatMap((entry) => (entry.kind === "event" ? [entry.event] : []));
}

/** Every address that any text of the payload is or holds, canonical; texts of JSON are looked into. */
function addressesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === "string") {
    for (const word of [value, ...value.split(/[^0-9a-fA-F.:/]+/), ...value.split(/[^0-9.]+/)]) {
      const read = parseCidr(word);
      if (read.ok) found.add(cidrText(read.value));
    }
  } else if (typeof value === "object" && value !== null) for (const member of Object.values(value)) addressesIn(member, found);
  return found;
}

function holdsLaws(payload: unknown, entries: readonly SourceEntry[]): void {
  const named = addressesIn(payload);
  let addresses = 0;
  for (const event of eventsOf(entries)) {
    addresses += event.actor.addresses.length;
    const victims = new CidrSet(event.victim.addresses.map((label) => ({ cidr: cidrOf(label), label })));
    for (const address of event.actor.addresses) {
      expect(named.has(address), `${address} is invented`).toBe(true);
      expect(victims.overlapping(cidrOf(address)), `${address} is a victim`).toBeNull();
    }
    for (const text of [event.id, event.type, event.title, ...Object.values(event.evidence)].map(String)) expect(cleanText(text)).toBe(text);
    expect(textLength(event.id)).toBeLessThanOrEqual(limits.alertIdCharsMax);
    expect(textLength(event.title)).toBeLessThanOrEqual(limits.reasonCharsMax);
    expect(event.type).not.toBe("");
    expect(eventCategories).toContain(event.category);
    expect(Object.keys(event.evidence).length).toBeLessThanOrEqual(limits.eventFactsMax);
    expect(event.resources.length).toBeLessThanOrEqual(limits.eventResourcesMax);
    expect(event.forMs ?? 1).toBeGreaterThan(0);
  }
  expect(addresses).toBeLessThanOrEqual(limits.alertItemsMax);
  expect(entries.length).toBeLessThanOrEqual(2 * limits.alertItemsMax + 1);
  for (const entry of entries) if (entry.kind !== "event") expect(textLength(entry.reason)).toBeLessThanOrEqual(limits.entryReasonCharsMax + 400);
}

const sns = (inner: unknown) => ({ Type: "Notification", MessageId: "m", TopicArn: "arn:aws:sns:eu-west-1:111122223333:t", Message: JSON.stringify(inner) });
const logs = (inner: unknown) => ({
  messageType: "DATA_MESSAGE",
  owner: "111122223333",
  logEvents: (Array.isArray(inner) ? inner : [inner]).map((one, at) => ({ id: `${at}`, timestamp: 1, message: JSON.stringify(one) })),
});
const event = (inner: unknown) => ({ version: "0", id: "e", "detail-type": "X", source: "x", time: "2026-05-01T10:05:00Z", detail: inner });

describe.each(alertSources)("%s", (source) => {
  const adapter = adapters[source];
  const own = samples.filter((sample) => sample.source === source);

  test("has samples, and reads an event from some", () => {
    expect(own.flatMap(({ payload }) => eventsOf(adapter.read(payload, withSamples))).length).toBeGreaterThan(0);
  });

  test("read: never throws, invents no address, blames no victim, bounds everything, on every sample and on spoilt ones", () => {
    for (const { payload } of own) holdsLaws(payload, adapter.read(payload, withSamples));
    const any = fc.oneof(...own.map(({ payload }) => spoilt(payload)));
    fc.assert(
      fc.property(any, (payload) => holdsLaws(payload, adapter.read(payload, withSamples))),
      { numRuns: runs * 5 },
    );
  });

  test("read: what cannot be made a text breaks nothing, wherever it stands", () => {
    for (const { name, payload } of own) {
      for (const path of pathsOf(payload)) {
        for (const by of [textless, [textless]])
          expect(() => adapter.read(replaced(payload, path, by), withSamples), `${name} ${path.join(".")}`).not.toThrow();
      }
    }
  });

  test("read: rubbish is named, one entry for each item at least", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (payload) => {
        const entries = adapter.read(payload, rules);
        holdsLaws(payload, entries);
        if (!Array.isArray(payload)) expect(entries.length).toBeGreaterThan(0);
      }),
      { numRuns: runs * 5 },
    );
  });

  test("read: the same again, in another order and through another channel, gives the same ids", () => {
    for (const { name, payload } of own) {
      const ids = (value: unknown) => eventsOf(adapter.read(value, withSamples)).map(({ id }) => id);
      const once = ids(payload);
      expect(new Set(once).size, name).toBe(once.length);
      expect(ids(JSON.parse(JSON.stringify(payload))), name).toEqual(once);
      expect(ids(reordered(payload)), name).toEqual(once);
      if (!Array.isArray(payload)) expect(ids([payload]), name).toEqual(once);
      // A mapping may lead through any member, so nothing is taken off there.
      if (mappedSources.some((mapped) => mapped === source)) continue;
      for (const wrapped of [sns(payload), event(payload), sns(event(payload)), logs(payload)]) expect(ids(wrapped), name).toEqual(once);
    }
  });

  test("read: two different samples have no id in common", () => {
    const seen = new Map<string, string>();
    for (const { payload } of own) {
      for (const { id, ...rest } of eventsOf(adapter.read(payload, withSamples))) {
        const { severity: _, ...told } = rest;
        const said = JSON.stringify([told.type, told.at, told.actor, told.evidence]);
        expect(seen.get(id) ?? said, id).toBe(said);
        seen.set(id, said);
      }
    }
  });

  test("read: another event of the same kind has another id", () => {
    for (const { name, payload } of own) {
      const ids = (value: unknown) => eventsOf(adapter.read(value, withSamples)).map(({ id }) => id);
      const known = new Set(ids(payload));
      for (const id of ids(another(payload))) expect(known.has(id), `${name}: ${id}`).toBe(false);
    }
  });

  test("read: tests and samples are ignored unless they are asked for, and nothing else depends on that", () => {
    for (const { name, payload } of own) {
      const asked = adapter.read(payload, withSamples);
      const told = adapter.read(payload, rules);
      expect(
        eventsOf(told).filter(({ sample }) => sample),
        name,
      ).toEqual([]);
      expect(eventsOf(told), name).toEqual(eventsOf(asked).filter(({ sample }) => !sample));
    }
  });

  test("read: every larger file that lies beside the repository keeps the laws too", () => {
    for (const { payloads } of besideFiles(source)) for (const payload of payloads) holdsLaws(payload, adapter.read(payload, withSamples));
  });

  test("read: more items than a request may hold are named, not dropped", () => {
    const [first] = own.filter(({ payload }) => !Array.isArray(payload) && eventsOf(adapter.read(payload, withSamples)).length > 0);
    const many = Array.from({ length: limits.alertItemsMax + 5 }, () => first?.payload ?? own[0]?.payload);
    const entries = adapter.read(many.flat(), withSamples);
    expect(entries.at(-1)).toMatchObject({ kind: "invalid", reason: expect.stringContaining("1000 addresses") });
    expect(entries.length).toBeLessThanOrEqual(2 * limits.alertItemsMax + 1);
  });
});

describe("names", () => {
  test("digest: SHA-256 as the platform's own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
        expect(sha256Hex(text)).toBe(createHash("sha256").update(text).digest("hex"));
      }),
    );
    expect(sha256Hex("\ud800")).not.toBe(sha256Hex("\ud801"));
  });
});
