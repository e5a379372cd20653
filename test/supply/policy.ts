// What may come in, as data: licences, with the reason for each, and how much may ship. Decides nothing.

/** A licence by its SPDX identifier, and why it is accepted. */
export type Licences = Readonly<Record<string, string>>;

/** Of packages whose code ends up in a deployment. All of them permissive: nothing to publish, nothing to ask for. */
export const shippedLicences: Licences = {
  MIT: "use for any purpose; keep the notice",
  "0BSD": "use for any purpose; no condition",
  ISC: "use for any purpose; keep the notice",
  "BSD-2-Clause": "use for any purpose; keep the notice",
  "BSD-3-Clause": "use for any purpose; keep the notice, and do not advertise with the authors' names",
  "Apache-2.0": "use for any purpose; keep the notice, and patents are granted; our own licence",
};

/**
 * The rule for tools: whoever clones this repository must be free to run them for any purpose, a business included. They are run, never
 * handed on, so copyleft asks nothing of us. A licence that limits who may use it or for what (non-commercial, ethical, source-available,
 * evaluation only), or none at all, forbids use. What is not listed counts as forbidding until somebody has read it and writes it here.
 */
export const toolLicences: Licences = {
  ...shippedLicences,
  "BlueOak-1.0.0": "use for any purpose; keep the notice",
  Unlicense: "given to the public",
  "CC0-1.0": "given to the public",
  Zlib: "use for any purpose; do not claim to have written it",
  "MPL-2.0": "running it asks nothing; changed files would have to be published, and we change none",
  "LGPL-3.0-or-later": "running it asks nothing; it is a library inside a tool that nobody gets from us",
  "CC-BY-4.0": "data that a tool reads; naming the authors is asked for where the data is handed on, and we do not",
};

export interface BundleLimit {
  /** npm packages with at least one byte in the bundle. */
  readonly packages: number;
  /** All of the bundle's modules, each after gzip at level 9. */
  readonly gzipBytes: number;
  readonly reason: string;
}

/** How much may ship, per configuration that `bundle.ts` builds. The one place: raise a number here, with the reason, in the change that needs it. */
export const bundleLimits = {
  example: {
    packages: 11,
    gzipBytes: 168 * 1024,
    reason:
      "hono, valibot, ip-address, aws4fetch, and fast-xml-parser with the six packages that it is split into. " +
      "Bytes: 161 KiB in November 2026, of which 13 read twelve detectors' formats and describe their routes, and 3 name and describe events; " +
      "a tenth of what Workers Free takes would be 300 KiB",
  },
  playbooks: {
    packages: 12,
    gzipBytes: 216 * 1024,
    reason:
      "the example, and @marcbachmann/cel-js, which conditions are written in, with what asks playbooks and works events off: 44 KiB more, 205 in November 2026. " +
      "Compiled in only where a configuration names playbooks",
  },
  everyKind: {
    packages: 21,
    gzipBytes: 384 * 1024,
    reason: "the same, and @azure/arm-network with the Azure core packages that it is split into (305 KiB in November 2026); Workers Free takes 3 MiB",
  },
} as const satisfies Readonly<Record<string, BundleLimit>>;

export type BundleName = keyof typeof bundleLimits;

export interface DynamicCodeException {
  readonly package: string;
  /** As the scan names it. */
  readonly what: string;
  readonly count: number;
  /** Why it cannot run, and which test proves it. */
  readonly reason: string;
}

/** Places in the bundle that turn text into code. None. */
export const dynamicCodeExceptions: readonly DynamicCodeException[] = [];
