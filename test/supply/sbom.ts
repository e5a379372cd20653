// The bill of materials of what ships (CycloneDX), and its licences. npm writes it; this takes out what does not ship.
// Refuses `npm sbom --omit dev`: npm 10.9 and 11.19 leave out valibot and tslib there, because tools need them too (tried 2026-11-20).
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Lockfile, nameAt, shippedPlaces } from "./lockfile.ts";
import { shippedLicences } from "./policy.ts";
import { isSatisfied } from "./spdx.ts";

const run = promisify(execFile);

interface LicenceEntry {
  readonly license?: { readonly id?: string; readonly name?: string };
  readonly expression?: string;
}

export interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly LicenceEntry[];
}

export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly "bom-ref": string; readonly name: string } };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** All packages of the lockfile, tools included, as npm describes them. Needs no installation and no network. */
export async function wholeSbom(root: string, npm = "npm"): Promise<Sbom> {
  const { stdout } = await run(npm, ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Sbom;
}

/** What ships, out of everything. */
export function shippedSbom(whole: Sbom, lockfile: Lockfile, name: string): Sbom {
  const shipped = new Set(shippedPlaces(lockfile).map((place) => `${nameAt(place)}@${lockfile.packages[place]?.version}`));
  const components = whole.components.filter((component) => shipped.has(`${component.name}@${component.version}`));
  const found = new Set(components.map((component) => `${component.name}@${component.version}`));
  const missing = [...shipped].filter((one) => !found.has(one));
  if (missing.length > 0) throw new Error(`npm sbom does not name ${missing.join(", ")}, which the lockfile ships`);
  const root = whole.metadata.component["bom-ref"];
  const refs = new Set([root, ...components.map((component) => component["bom-ref"])]);
  const dependencies = whole.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  // npm takes the name from the folder.
  return { ...whole, metadata: { ...whole.metadata, component: { ...whole.metadata.component, name } }, components, dependencies };
}

/** A component's licence as one expression; empty when it states none. */
export function licenceOf({ licenses = [] }: Component): string {
  return licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name ?? "").join(" AND ");
}

export function licenceFaults(sbom: Sbom): readonly string[] {
  return sbom.components.flatMap((component) => {
    const licence = licenceOf(component);
    if (isSatisfied(licence, shippedLicences)) return [];
    return [`${component.name}@${component.version} ships and is under "${licence}", which is not in shippedLicences (test/supply/policy.ts)`];
  });
}

/** One line per package, by licence. */
export function licenceList(sbom: Sbom): string {
  const lines = sbom.components.map((component) => `${licenceOf(component).padEnd(12)} ${component.name}@${component.version}`);
  return `${lines.sort().join("\n")}\n`;
}
