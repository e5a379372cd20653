// A small lockfile with nothing wrong in it, and the means to spoil one thing at a time. For the tests of the supply chain's checks.
import type { LockEntry, Lockfile, Manifest } from "./lockfile.ts";
import type { Component, Sbom } from "./sbom.ts";

const integrity = `sha512-${"A".repeat(86)}==`;

export const manifest: Manifest = {
  name: "sample",
  dependencies: { ships: "1.0.0" },
  devDependencies: { tool: "2.0.0" },
  allowScripts: { tool: true },
};

/** `below` ships through `ships`, and `tool` needs it too. */
export const lockfile: Lockfile = {
  lockfileVersion: 3,
  packages: {
    "": { dependencies: { ships: "1.0.0" }, devDependencies: { tool: "2.0.0" } },
    "node_modules/ships": { version: "1.0.0", license: "MIT", integrity, dependencies: { below: "^1.0.0" } },
    "node_modules/ships/node_modules/below": {
      version: "1.5.0",
      license: "ISC",
      integrity,
      peerDependencies: { tool: "*" },
      peerDependenciesMeta: { tool: { optional: true } },
    },
    "node_modules/below": { version: "2.0.0", license: "MIT", integrity },
    "node_modules/tool": { version: "2.0.0", license: "MPL-2.0", integrity, hasInstallScript: true, dependencies: { below: "2.0.0" } },
  },
};

export function withEntry(place: string, change: Partial<LockEntry>): Lockfile {
  return { ...lockfile, packages: { ...lockfile.packages, [place]: { ...lockfile.packages[place], ...change } } };
}

export function component(name: string, version: string, licence: string): Component {
  return { "bom-ref": `${name}@${version}`, name, version, licenses: [{ license: { id: licence } }] };
}

/** What npm would write for it, tools included. */
export function sbomOf(...components: readonly Component[]): Sbom {
  const ref = "folder@0.1.0";
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    metadata: { component: { "bom-ref": ref, name: "folder" } },
    components,
    dependencies: [
      { ref, dependsOn: ["ships@1.0.0", "tool@2.0.0"] },
      { ref: "ships@1.0.0", dependsOn: ["below@1.5.0"] },
      { ref: "tool@2.0.0", dependsOn: ["below@2.0.0"] },
    ],
  };
}
