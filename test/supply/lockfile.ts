// package.json and package-lock.json as they are committed: what they may say, and which packages a deployment is made of.
// Pure: texts come in, faults go out as sentences. Refuses to believe npm's own flags about what is for development only.
import { toolLicences } from "./policy.ts";
import { isSatisfied } from "./spdx.ts";

type Names = Readonly<Record<string, string>>;

export interface Manifest {
  readonly name: string;
  readonly dependencies?: Names;
  readonly devDependencies?: Names;
  readonly optionalDependencies?: Names;
  readonly peerDependencies?: Names;
  readonly overrides?: Readonly<Record<string, unknown>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

export interface LockEntry {
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Names;
  readonly devDependencies?: Names;
  readonly optionalDependencies?: Names;
  readonly peerDependencies?: Names;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface Lockfile {
  readonly lockfileVersion: number;
  /** By place, such as `node_modules/a/node_modules/b`; the repository itself is ''. */
  readonly packages: Readonly<Record<string, LockEntry>>;
}

/** The name of the package at a place in the tree. */
export function nameAt(place: string): string {
  return place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
}

/** A released version and nothing else: no range, tag, file, link, alias, repository or address. */
function isExact(version: string): boolean {
  return /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.test(version);
}

const groups = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] as const;

function manifestFaults(manifest: Manifest, lockfile: Lockfile): string[] {
  const faults: string[] = [];
  for (const group of groups) {
    for (const [name, version] of Object.entries(manifest[group] ?? {})) {
      if (!isExact(version)) faults.push(`package.json: ${group} has ${name} as "${version}"; write the exact version`);
      if (lockfile.packages[""]?.[group]?.[name] !== version) faults.push(`package-lock.json: does not know ${name} as package.json has it; run npm install`);
    }
  }
  if (Object.keys(manifest.overrides ?? {}).length > 0) faults.push("package.json: has overrides, which this check cannot follow; do without");
  return faults;
}

/** Any way of naming a place that is not the registry: git, a file, a folder, an address. */
function isElsewhere(version: string): boolean {
  return /^(?:git|github:|gitlab:|bitbucket:|file:|link:|portal:|workspace:|https?:|\.|\/|~\/)|\//.test(version.replace(/^npm:(?:@[^/]+\/)?/, ""));
}

function entryFaults(place: string, entry: LockEntry): string[] {
  const faults: string[] = [];
  const say = (what: string) => faults.push(`package-lock.json: ${place} ${what}`);
  if (entry.resolved !== undefined) say("has a resolved address; install with omit-lockfile-registry-resolved=true");
  if (entry.link === true) say("is a link to a folder; publish it, or make it a part of this repository");
  if (entry.version === undefined || !isExact(entry.version)) say(`is of version "${entry.version}"; only released versions come in`);
  if (!/^sha512-[0-9A-Za-z+/]{86}==$/.test(entry.integrity ?? "")) say("has no SHA-512 integrity; remove it and run npm install");
  if (entry.name !== undefined && entry.name !== nameAt(place)) say(`stands for another package, ${entry.name}; use its own name`);
  const wanted = { ...entry.dependencies, ...entry.optionalDependencies };
  for (const [name, version] of Object.entries(wanted)) if (isElsewhere(version)) say(`wants ${name} from "${version}", which is not the registry`);
  return faults;
}

/** Faults of the two files in themselves. */
export function lockfileFaults(manifest: Manifest, lockfile: Lockfile): readonly string[] {
  if (lockfile.lockfileVersion !== 3) return [`package-lock.json: is of version ${lockfile.lockfileVersion}; this check reads 3`];
  const entries = Object.entries(lockfile.packages).filter(([place]) => place !== "");
  return [...manifestFaults(manifest, lockfile), ...entries.flatMap(([place, entry]) => entryFaults(place, entry))];
}

/** A package with an install script runs code on each machine that installs it: each is allowed by name, and no name outlives its need. */
export function scriptFaults(manifest: Manifest, withScripts: readonly string[]): readonly string[] {
  const allowed = manifest.allowScripts ?? {};
  const isAllowed = (name: string) => Object.hasOwn(allowed, name) && allowed[name] === true;
  const missing = [...new Set(withScripts)].filter((name) => !isAllowed(name));
  const stale = Object.keys(allowed).filter((name) => !withScripts.includes(name));
  return [
    ...missing.map(
      (name) => `package.json: ${name} runs a script when it is installed and is not in allowScripts; read the script, then allow it or do without`,
    ),
    ...stale.map((name) => `package.json: allowScripts names ${name}, which has no install script (any more); remove the name`),
  ];
}

export function lockedScripts(lockfile: Lockfile): readonly string[] {
  return Object.entries(lockfile.packages).flatMap(([place, entry]) => (place !== "" && entry.hasInstallScript === true ? [nameAt(place)] : []));
}

/** Where Node finds `name` from `place`; null when it is not installed. */
function resolvePlace(lockfile: Lockfile, place: string, name: string): string | null {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const candidate = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (Object.hasOwn(lockfile.packages, candidate)) return candidate;
    if (folder === "") return null;
    if (!folder.includes("/node_modules/")) folder = "";
  }
}

function neededBy(entry: LockEntry): readonly string[] {
  const peers = Object.keys(entry.peerDependencies ?? {}).filter((name) => entry.peerDependenciesMeta?.[name]?.optional !== true);
  return [...Object.keys(entry.dependencies ?? {}), ...Object.keys(entry.optionalDependencies ?? {}), ...peers];
}

/** Places of all packages that a deployment may be made of: what `dependencies` reach. An optional peer is nobody's need. */
export function shippedPlaces(lockfile: Lockfile): readonly string[] {
  const reached = new Set<string>([""]);
  for (const place of reached) {
    for (const name of neededBy(lockfile.packages[place] ?? {})) {
      const found = resolvePlace(lockfile, place, name);
      if (found !== null) reached.add(found);
    }
  }
  reached.delete("");
  return [...reached].sort();
}

/** Packages that only tools need, with a licence under which not everybody may run them. */
export function toolLicenceFaults(lockfile: Lockfile): readonly string[] {
  const shipped = new Set(["", ...shippedPlaces(lockfile)]);
  const tools = Object.entries(lockfile.packages).filter(([place]) => !shipped.has(place));
  return tools.flatMap(([place, { license = "" }]) =>
    isSatisfied(license, toolLicences)
      ? []
      : [`package-lock.json: ${place} is under "${license}", which is not in toolLicences; read it against the rule in test/supply/policy.ts`],
  );
}
