// The reader of certificates against Node's own, over every root that Node trusts; and that nothing at all makes it throw.
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CertificateParts, pemBase64, readCertificate } from "../../shared/sns/certificate.ts";
import { certificateDer, pair, pemOf } from "./publisher.ts";

const bytesOf = (pem: string): Uint8Array => Uint8Array.from(Buffer.from(pemBase64(pem) ?? "", "base64"));

/** As Node reads it. */
function reference(pem: string): CertificateParts {
  const certificate = new X509Certificate(pem);
  const key = Uint8Array.from(certificate.publicKey.export({ type: "spki", format: "der" }));
  return { key, notBefore: Date.parse(certificate.validFrom), notAfter: Date.parse(certificate.validTo) };
}

const ours = certificateDer(pair, { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2060, 0, 1) });

describe("readCertificate", () => {
  test("agree: key and dates of every root certificate are what Node says", () => {
    expect(rootCertificates.length).toBeGreaterThan(100);
    for (const pem of rootCertificates) expect(readCertificate(bytesOf(pem))).toEqual(reference(pem));
  });

  test("agree: the tests' own certificate is one to Node as well, whatever its dates", () => {
    const time = fc.integer({ min: Date.UTC(1950, 0, 1) / 1_000, max: Date.UTC(2099, 0, 1) / 1_000 }).map((seconds) => seconds * 1_000);
    fc.assert(
      fc.property(time, time, (notBefore, notAfter) => {
        const pem = pemOf(certificateDer(pair, { notBefore, notAfter }));
        expect(readCertificate(bytesOf(pem))).toEqual(reference(pem));
        expect(readCertificate(bytesOf(pem))).toMatchObject({ notBefore, notAfter });
      }),
      { numRuns: 30 },
    );
  });

  test("survive: any bytes, and any change of a certificate, are read or refused, and what is read lies within them", () => {
    const changed = fc.tuple(fc.array(fc.tuple(fc.nat(ours.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(ours.length)).map(([changes, length]) => {
      const bytes = Uint8Array.from(ours);
      for (const [at, value] of changes) bytes[at] = value;
      return length % 2 === 0 ? bytes : bytes.slice(0, length);
    });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const read = readCertificate(bytes);
        if (read !== null) expect(Buffer.from(bytes).includes(Buffer.from(read.key))).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test("refuse: a certificate cut short anywhere, or with a byte too many", () => {
    for (let length = 0; length < ours.length; length += 1) expect(readCertificate(ours.subarray(0, length))).toBeNull();
    expect(readCertificate(Buffer.concat([ours, Buffer.from([0])]))).toBeNull();
  });

  test("refuse: lengths without end, longer than need be, or longer than any file", () => {
    for (const hex of ["3080", "308100", "30820001ff", "3084ffffffff", "30ff", "30", ""]) expect(readCertificate(Buffer.from(hex, "hex"))).toBeNull();
  });
});

describe("pemBase64", () => {
  test("read: what stands between the first two marks, under either line ending, whatever is around", () => {
    const pem = pemOf(ours);
    for (const text of [pem, pem.replaceAll("\n", "\r\n"), `Bag Attributes\n${pem}${pem}`]) expect(Buffer.from(pemBase64(text) ?? "", "base64")).toEqual(ours);
  });

  test("refuse: any text without both marks, and what is not base64 between them", () => {
    fc.assert(fc.property(fc.string(), (text) => pemBase64(text) === null));
    expect(pemBase64("-----BEGIN CERTIFICATE-----\n<html>\n-----END CERTIFICATE-----")).toBeNull();
    expect(pemBase64("-----END CERTIFICATE-----AAAA-----BEGIN CERTIFICATE-----")).toBeNull();
  });

  test("refuse: one mark alone, wherever the letters stand", () => {
    const letters = "A".repeat(40);
    for (const text of [`${letters}-----END CERTIFICATE-----`, `-----BEGIN CERTIFICATE-----${letters}`, `-----BEGIN CERTIFICATE-----${letters}-`, letters])
      expect([text, pemBase64(text)]).toEqual([text, null]);
  });

  test("read: with one character, or one line, before the first mark", () => {
    for (const before of ["x", "\n", "subject=CN\n"]) expect(pemBase64(`${before}${pemOf(ours)}`)).toBe(Buffer.from(ours).toString("base64"));
  });

  test("refuse: base64 with something else before it, behind it, or in it", () => {
    for (const text of ["<AAAA", "AAAA<", "AA<A", "AAAA===", "=AAA", " AAAA", "AAAA ", ""])
      expect([text, pemBase64(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`)]).toEqual([text, null]);
    for (const text of ["AAAA", "AAA=", "AA==", "+/09az"]) expect(pemBase64(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`)).toBe(text);
  });
});
