// What the reader of certificates refuses, element by element: each certificate here differs in one place from one that is read.
import { describe, expect, test } from "vitest";
import { readCertificate } from "../../shared/sns/certificate.ts";

type Bytes = readonly number[];

/** An element in DER, its length as short as can be. */
function der(tag: number, ...contents: readonly Bytes[]): Bytes {
  const content = contents.flat();
  if (content.length < 0x80) return [tag, content.length, ...content];
  return content.length < 0x100 ? [tag, 0x81, content.length, ...content] : [tag, 0x82, content.length >> 8, content.length & 0xff, ...content];
}

const sequence = (...contents: readonly Bytes[]): Bytes => der(0x30, ...contents);
const text = (tag: number, value: string): Bytes => der(tag, [...Buffer.from(value, "latin1")]);
const utc = (value: string) => text(0x17, value);
const general = (value: string) => text(0x18, value);
const zeros = (count: number): Bytes => new Array<number>(count).fill(0);

const fields = {
  version: der(0xa0, der(0x02, [2])),
  serial: der(0x02, [1]),
  algorithm: sequence(),
  issuer: sequence(),
  validity: sequence(utc("260101000000Z"), general("20600101000000Z")),
  subject: sequence(),
  key: sequence([5, 0]),
};
const whole = { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2060, 0, 1), key: Uint8Array.from(fields.key) };

function certificate(change: Partial<Record<keyof typeof fields, Bytes>> = {}, more: readonly Bytes[] = []): Uint8Array {
  return Uint8Array.from(sequence(sequence(...Object.values({ ...fields, ...change }), ...more), sequence(), der(0x03, [0])));
}

/** A header that says more than there is, or says it otherwise, in the place of the subject. */
const subject = (...bytes: Bytes) => readCertificate(certificate({ subject: bytes }));

describe("a certificate, element by element", () => {
  test("read: with its version and without, and whatever follows the key", () => {
    expect(readCertificate(certificate())).toEqual(whole);
    expect(readCertificate(certificate({ version: [] }))).toEqual(whole);
    expect(readCertificate(certificate({}, [der(0xa3, [1])]))).toEqual(whole);
  });

  test("read: lengths of one byte and of two, where they are needed", () => {
    for (const count of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x101, 0xffff - 400])
      expect([count, readCertificate(certificate({ subject: sequence(zeros(count)) }))]).toEqual([count, whole]);
  });

  test("refuse: the same with a length that has no end, or is longer than need be", () => {
    expect(subject(0x30, 0x80, ...zeros(128))).toBeNull();
    expect(subject(0x30, 0x81, 0x7f, ...zeros(0x7f))).toBeNull();
    expect(subject(0x30, 0x81, 0x80, ...zeros(0x80))).toEqual(whole);
    expect(subject(0x30, 0x82, 0, 0xff, ...zeros(0xff))).toBeNull();
    expect(subject(0x30, 0x82, 1, 0, ...zeros(0x100))).toEqual(whole);
    expect(subject(0x30, 0x83, 0, 1, 0, ...zeros(0x100))).toBeNull();
    expect(subject(0x30, 0x84, 0, 0, 1, 0, ...zeros(0x100))).toBeNull();
    expect(subject(0x30, 0x81)).toBeNull();
  });

  test("read: a length of three bytes, where it is needed, and none of four", () => {
    const count = 0x10000;
    const big = (...length: Bytes) => [0x30, ...length, ...zeros(count)];
    const wrapped = (...length: Bytes) => {
      const body = [
        ...Object.values({ ...fields, subject: [] })
          .flat()
          .slice(0, -fields.key.length),
        ...big(...length),
        ...fields.key,
      ];
      const three = (tag: number, content: Bytes) => [tag, 0x83, content.length >> 16, (content.length >> 8) & 0xff, content.length & 0xff, ...content];
      return readCertificate(Uint8Array.from(three(0x30, three(0x30, body))));
    };
    expect(wrapped(0x83, 1, 0, 0)).toEqual(whole);
    expect(wrapped(0x84, 0, 1, 0, 0)).toBeNull();
  });

  test("refuse: an element that ends beyond the one that holds it, though not beyond the file", () => {
    expect(readCertificate(certificate({ key: [0x30, 4, 5, 0] }))).toBeNull();
    expect(readCertificate(certificate({ key: [0x30, 2, 5, 0] }))).toEqual(whole);
  });

  test.each<[string, Partial<Record<keyof typeof fields, Bytes>>]>([
    ["a serial that is no number", { serial: der(0x04, [1]) }],
    ["no serial", { serial: [] }],
    ["a key that is no sequence", { key: der(0x31, [5, 0]) }],
    ["no key", { key: [] }],
    ["dates that are no sequence", { validity: der(0x31, utc("260101000000Z"), utc("360101000000Z")) }],
    ["no dates", { validity: sequence() }],
    ["one date", { validity: sequence(utc("260101000000Z")) }],
    ["a first date that is none", { validity: sequence(utc("x"), utc("360101000000Z")) }],
    ["a second date that is none", { validity: sequence(utc("260101000000Z"), utc("x")) }],
    ["a date of another kind", { validity: sequence(utc("260101000000Z"), text(0x16, "20360101000000Z")) }],
    ["a short date where a long one belongs", { validity: sequence(utc("260101000000Z"), general("360101000000Z")) }],
    ["a long date where a short one belongs", { validity: sequence(utc("260101000000Z"), utc("20360101000000Z")) }],
    ["something before a short date", { validity: sequence(utc("260101000000Z"), utc("0360101000000Z")) }],
    ["something behind a short date", { validity: sequence(utc("260101000000Z"), utc("360101000000Z0")) }],
    ["something behind a long date", { validity: sequence(utc("260101000000Z"), general("20360101000000Z0")) }],
    ["something before a long date", { validity: sequence(utc("260101000000Z"), general("120360101000000Z")) }],
    ["a mark of the order of bytes before a date", { validity: sequence(utc("260101000000Z"), utc("\u00ef\u00bb\u00bf360101000000Z")) }],
    ["a fraction of a second", { validity: sequence(utc("260101000000Z"), general("20360101000000.5Z")) }],
    ["a month that there is not", { validity: sequence(utc("260101000000Z"), utc("361301000000Z")) }],
    ["no time zone", { validity: sequence(utc("260101000000Z"), utc("360101000000")) }],
  ])("refuse: %s", (_what, change) => {
    expect(readCertificate(certificate(change))).toBeNull();
  });

  test("refuse: a body of nothing, of its version alone, and a date as long as a file, without a fault", () => {
    const around = (...body: readonly Bytes[]) => readCertificate(Uint8Array.from(sequence(sequence(...body), sequence(), der(0x03, [0]))));
    expect(around()).toBeNull();
    expect(around(fields.version)).toBeNull();
    // A tag without a length, as the last byte of all.
    expect(readCertificate(Uint8Array.from(sequence(sequence(...Object.values(fields)), sequence(), [5])))).toBeNull();
    // More than a call takes as arguments.
    const long = (tag: number, count: number) => [tag, 0x83, count >> 16, (count >> 8) & 0xff, count & 0xff, ...zeros(count)];
    const validity = long(0x30, 200_005 + 15);
    const date = long(0x17, 200_000);
    const dates = [...validity.slice(0, 5), ...date, ...utc("260101000000Z")];
    const body = [...fields.version, ...fields.serial, ...fields.algorithm, ...fields.issuer, ...dates, ...fields.subject, ...fields.key];
    const filled = (content: Bytes) => [0x30, 0x83, content.length >> 16, (content.length >> 8) & 0xff, content.length & 0xff].concat(content);
    expect(readCertificate(Uint8Array.from(filled(filled(body))))).toBeNull();
  });

  test("refuse: what is no sequence, or has more elements than a certificate", () => {
    const bytes = certificate();
    expect(readCertificate(Uint8Array.from([0x31, ...bytes.subarray(1)]))).toBeNull();
    expect(readCertificate(Uint8Array.from(sequence(der(0x31, ...Object.values(fields)), sequence())))).toBeNull();
    const extra = (count: number) => readCertificate(certificate({}, new Array<Bytes>(count).fill([5, 0])));
    expect(extra(17 - 7)).toEqual(whole);
    expect(extra(18 - 7)).toBeNull();
  });
});
