// Each check of the supply chain on a sample that is right and on one that is spoiled; and the repository's own files, where that needs no build.
// The bundles themselves are judged by `npm run supply`.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundleFaults, countBundle, unlistedFaults } from "./bundle.ts";
import { readInstalled } from "./installed.ts";
import { type Lockfile, lockedScripts, lockfileFaults, type Manifest, scriptFaults, shippedPlaces, toolLicenceFaults } from "./lockfile.ts";
import { toolLicences } from "./policy.ts";
import { component, lockfile, manifest, sbomOf, withEntry } from "./samples.ts";
import { licenceFaults, licenceList, shippedSbom, wholeSbom } from "./sbom.ts";
import { isSatisfied } from "./spdx.ts";

const root = new URL("../../", import.meta.url).pathname;
const ours = {
  manifest: JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest,
  lockfile: JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lockfile,
};
const below = "node_modules/ships/node_modules/below";

describe("the lockfile", () => {
  test("pass: a right one, and the repository's own", () => {
    expect(lockfileFaults(manifest, lockfile)).toEqual([]);
    expect(lockfileFaults(ours.manifest, ours.lockfile)).toEqual([]);
  });

  test.each([
    ["a resolved address", { resolved: "https://registry.example/below.tgz" }, "has a resolved address"],
    ["no integrity", { integrity: undefined }, "has no SHA-512 integrity"],
    ["a weak integrity", { integrity: `sha1-${"A".repeat(27)}=` }, "has no SHA-512 integrity"],
    ["a link", { link: true }, "is a link to a folder"],
    ["a version from a repository", { version: "git+ssh://git@host.example/a.git#0123456" }, "is of version"],
    ["a version from a file", { version: "file:../below" }, "is of version"],
    ["another package's name", { name: "other" }, "stands for another package, other"],
    ["a need from a repository", { dependencies: { far: "github:someone/far" } }, 'wants far from "github:someone/far"'],
    ["a need from a short name", { dependencies: { far: "someone/far" } }, 'wants far from "someone/far"'],
    ["a need from an address", { optionalDependencies: { far: "https://host.example/far.tgz" } }, 'wants far from "https://host.example/far.tgz"'],
    ["a need from a file", { dependencies: { far: "file:../far" } }, 'wants far from "file:../far"'],
  ])("refuse: %s", (_name, change, message) => {
    expect(lockfileFaults(manifest, withEntry(below, change as never))).toEqual([expect.stringContaining(`${below} ${message}`)]);
  });

  test.each(["^1.0.0", "~1.0.0", "1.x", "latest", "*", "", ">=1.0.0", "1.0", "git+https://host.example/a.git", "file:../a", "npm:other@1.0.0"])(
    "refuse: %j as a version in package.json",
    (version) => {
      const spoiled = { ...manifest, dependencies: { ships: version } };
      const agreeing = withEntry("", { dependencies: { ships: version } });
      expect(lockfileFaults(spoiled, agreeing)).toEqual([expect.stringContaining("write the exact version")]);
    },
  );

  test("refuse: what package.json has and the lockfile has not, overrides, another format", () => {
    expect(lockfileFaults({ ...manifest, dependencies: { ships: "1.0.1" } }, lockfile)).toEqual([expect.stringContaining("does not know ships")]);
    expect(lockfileFaults({ ...manifest, overrides: { below: "3.0.0" } }, lockfile)).toEqual([expect.stringContaining("overrides")]);
    expect(lockfileFaults(manifest, { ...lockfile, lockfileVersion: 2 })).toEqual([expect.stringContaining("version 2")]);
  });
});

describe("install scripts", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-supply-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("pass: allowed by name, here and in the repository", () => {
    expect(scriptFaults(manifest, lockedScripts(lockfile))).toEqual([]);
    const found = new Set([...lockedScripts(ours.lockfile), ...readInstalled(root, ours.lockfile).withScripts]);
    expect(scriptFaults(ours.manifest, [...found])).toEqual([]);
  });

  test("refuse: one that is not allowed, is allowed as false, or is allowed only by an inherited name", () => {
    expect(scriptFaults(manifest, ["tool", "sly"])).toEqual([expect.stringContaining("sly runs a script")]);
    expect(scriptFaults({ ...manifest, allowScripts: { tool: false } }, ["tool"])).toEqual([expect.stringContaining("tool runs a script")]);
    expect(scriptFaults(manifest, ["tool", "constructor"])).toEqual([expect.stringContaining("constructor runs a script")]);
  });

  test("refuse: an allowed name that nothing has any more", () => {
    expect(scriptFaults(manifest, [])).toEqual([expect.stringContaining("allowScripts names tool")]);
  });

  test("find: a script that is installed though the lockfile does not say so, and another version than it says", () => {
    const put = (place: string, content: object) => {
      mkdirSync(join(folder, place), { recursive: true });
      writeFileSync(join(folder, place, "package.json"), JSON.stringify(content));
    };
    put("node_modules/ships", { version: "1.0.0", scripts: { postinstall: "node steal.js" } });
    put("node_modules/below", { version: "2.0.1" });
    put("node_modules/tool", { version: "2.0.0", scripts: { test: "true" } });
    writeFileSync(join(folder, "node_modules/tool/binding.gyp"), "{}");
    const { looked, withScripts, faults } = readInstalled(folder, lockfile);
    expect([looked, withScripts]).toEqual([3, ["ships", "tool"]]);
    expect(faults).toEqual([expect.stringContaining("node_modules/below: 2.0.1 is installed")]);
  });
});

describe("licences", () => {
  const listed = { MIT: "", "Apache-2.0": "", "GPL-2.0-only WITH Classpath-exception-2.0": "" };

  test.each([
    "MIT",
    "(MIT)",
    "MIT OR GPL-3.0-only",
    "GPL-3.0-only OR MIT",
    "MIT AND Apache-2.0",
    "(GPL-3.0-only OR MIT) AND Apache-2.0",
    "GPL-3.0-only AND X OR MIT",
  ])("pass: %s", (expression) => {
    expect(isSatisfied(expression, listed)).toBe(true);
  });

  test("pass: a licence with an exception that is listed as such", () => {
    expect(isSatisfied("GPL-2.0-only WITH Classpath-exception-2.0", listed)).toBe(true);
  });

  test.each([
    "",
    "UNLICENSED",
    "SEE LICENSE IN LICENSE.md",
    "GPL-3.0-only",
    "MIT AND GPL-3.0-only",
    "MIT OR",
    "OR MIT",
    "(MIT",
    "MIT)",
    "MIT MIT",
    "MIT WITH X",
    "toString",
  ])("refuse: %j", (expression) => {
    expect(isSatisfied(expression, listed)).toBe(false);
  });

  test("refuse: what ships under a licence that only tools may have, or under none", () => {
    const sbom = sbomOf(component("ships", "1.0.0", "MPL-2.0"), { ...component("below", "1.5.0", "MIT"), licenses: [] });
    expect(licenceFaults(sbom)).toEqual([expect.stringContaining('ships@1.0.0 ships and is under "MPL-2.0"'), expect.stringContaining('under ""')]);
    expect(licenceFaults(sbomOf(component("ships", "1.0.0", "MIT")))).toEqual([]);
  });

  test.each(["CC-BY-NC-4.0", "BUSL-1.1", "PolyForm-Noncommercial-1.0.0", "Hippocratic-2.1", "Elastic-2.0", "JSON", "UNLICENSED"])(
    "refuse: a tool under %s",
    (license) => {
      expect(Object.hasOwn(toolLicences, license)).toBe(false);
      expect(toolLicenceFaults(withEntry("node_modules/tool", { license }))).toEqual([expect.stringContaining(`under "${license}"`)]);
    },
  );

  test("pass: the repository's tools", () => {
    expect(toolLicenceFaults(ours.lockfile)).toEqual([]);
    expect(toolLicenceFaults(lockfile)).toEqual([]);
  });
});

describe("the bill of materials", () => {
  const whole = [
    component("ships", "1.0.0", "MIT"),
    component("below", "1.5.0", "ISC"),
    component("below", "2.0.0", "MIT"),
    component("tool", "2.0.0", "MPL-2.0"),
  ];

  test("hold: what dependencies reach, in the version that Node finds from there, and nothing else", () => {
    expect(shippedPlaces(lockfile)).toEqual(["node_modules/ships", below]);
    const sbom = shippedSbom(sbomOf(...whole), lockfile, "sample");
    expect(sbom.components.map((one) => one["bom-ref"])).toEqual(["ships@1.0.0", "below@1.5.0"]);
    expect(sbom.dependencies).toEqual([
      { ref: "folder@0.1.0", dependsOn: ["ships@1.0.0"] },
      { ref: "ships@1.0.0", dependsOn: ["below@1.5.0"] },
    ]);
    expect(sbom.metadata.component.name).toBe("sample");
    expect(licenceList(sbom)).toBe("ISC          below@1.5.0\nMIT          ships@1.0.0\n");
  });

  test("refuse: one from which npm left out what ships", () => {
    expect(() => shippedSbom(sbomOf(...whole.slice(0, 1)), lockfile, "sample")).toThrow("does not name below@1.5.0");
  });

  // `npm sbom --omit dev` leaves these two out, because tools need them too: npm 10.9 and 11.19.
  test("name: valibot and tslib, by the npm of this machine", async () => {
    const sbom = shippedSbom(await wholeSbom(root), ours.lockfile, ours.manifest.name);
    const names = sbom.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(ours.manifest.dependencies ?? {}), "tslib"]));
    expect(names).not.toContain("typescript");
    expect(licenceFaults(sbom)).toEqual([]);
  });
});

describe("the bundle", () => {
  const inputs = {
    "../../repo/functions/worker.ts": { bytesInOutput: 100 },
    "../../repo/node_modules/ships/index.js": { bytesInOutput: 50 },
    "../../repo/node_modules/ships/other.js": { bytesInOutput: 5 },
    "../../repo/node_modules/ships/node_modules/below/index.js": { bytesInOutput: 7 },
    "../../repo/node_modules/tool/index.js": { bytesInOutput: 0 },
  };
  const bundleOf = (more: Readonly<Record<string, { readonly bytesInOutput: number }>> = {}) => ({
    modules: new Map([["worker.js", "x".repeat(1_000)]]),
    metafile: { outputs: { "worker.js": { inputs: { ...inputs, ...more } } } },
  });
  const limit = { packages: 2, gzipBytes: 100, reason: "" };

  test("count: packages of which bytes are in it, each in its version", () => {
    const count = countBundle(bundleOf(), lockfile);
    expect([...count.packages]).toEqual([
      ["ships@1.0.0", 55],
      ["below@1.5.0", 7],
    ]);
    expect([count.ownBytes, count.gzipBytes < 100]).toEqual([100, true]);
    expect([...bundleFaults("sample", count, limit), ...unlistedFaults("sample", count, new Set(["ships@1.0.0", "below@1.5.0"]))]).toEqual([]);
  });

  test("refuse: one package or one byte too many", () => {
    const count = countBundle(bundleOf(), lockfile);
    expect(bundleFaults("sample", count, { ...limit, packages: 1 })).toEqual([expect.stringContaining("2 packages ship, limit 1: below@1.5.0, ships@1.0.0")]);
    expect(bundleFaults("sample", count, { ...limit, gzipBytes: count.gzipBytes - 1 })).toEqual([expect.stringContaining("after gzip, limit")]);
  });

  test("refuse: a tool's package that the bundler found by chance, and one that the lockfile does not know", () => {
    const chance = countBundle(bundleOf({ "../../repo/node_modules/tool/index.js": { bytesInOutput: 3 } }), lockfile);
    expect(unlistedFaults("sample", chance, new Set(["ships@1.0.0", "below@1.5.0"]))).toEqual([expect.stringContaining("holds tool@2.0.0")]);
    expect(() => countBundle(bundleOf({ "../node_modules/stray/index.js": { bytesInOutput: 3 } }), lockfile)).toThrow("does not know its package");
  });
});
