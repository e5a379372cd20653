// `npm run supply [-- --out DIR]`: the supply chain judged, and written down: what ships (CycloneDX), under which licences, how much of it is
// in the Worker's bundle. Exits with 1 and says what to do when something is not as `policy.ts` wants it.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BundleCount, buildBundle, bundleFaults, bundleNames, countBundle, unlistedFaults } from "./bundle.ts";
import { dynamicCodeFaults } from "./dynamic-code.ts";
import { readInstalled } from "./installed.ts";
import { type Lockfile, lockedScripts, lockfileFaults, type Manifest, scriptFaults, toolLicenceFaults } from "./lockfile.ts";
import { type BundleName, bundleLimits, dynamicCodeExceptions } from "./policy.ts";
import { licenceFaults, licenceList, type Sbom, shippedSbom, wholeSbom } from "./sbom.ts";

const root = resolve(import.meta.dirname, "../..");

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(root, name), "utf8")) as T;
}

function judgeFiles(manifest: Manifest, lockfile: Lockfile): readonly string[] {
  const installed = readInstalled(root, lockfile);
  const withScripts = new Set([...lockedScripts(lockfile), ...installed.withScripts]);
  const places = Object.keys(lockfile.packages).length - 1;
  console.log(
    `lockfile: ${places} packages, ${installed.looked} of them installed here; ${withScripts.size} with install scripts: ${[...withScripts].join(", ")}`,
  );
  return [...lockfileFaults(manifest, lockfile), ...scriptFaults(manifest, [...withScripts]), ...toolLicenceFaults(lockfile), ...installed.faults];
}

function sayCount(name: BundleName, { packages, ownBytes, gzipBytes }: BundleCount): void {
  const { packages: packagesMax, gzipBytes: bytesMax } = bundleLimits[name];
  console.log(`bundle ${name}: ${packages.size} packages ship (limit ${packagesMax}), ${gzipBytes} bytes after gzip (limit ${bytesMax})`);
  const parts = [...packages].sort(([, a], [, b]) => b - a).map(([one, bytes]) => `${one} ${bytes}`);
  console.log(`  bytes before gzip: our own ${ownBytes}, ${parts.join(", ")}`);
}

async function judgeBundles(lockfile: Lockfile, sbom: Sbom): Promise<readonly string[]> {
  const listed = new Set(sbom.components.map(({ name, version }) => `${name}@${version}`));
  const folder = await mkdtemp(join(tmpdir(), "portcullis-supply-"));
  try {
    const faults: string[] = [];
    for (const name of bundleNames) {
      const bundle = await buildBundle(name, folder);
      const count = countBundle(bundle, lockfile);
      sayCount(name, count);
      const dynamic = dynamicCodeFaults(name, bundle.modules, dynamicCodeExceptions);
      console.log(`  places that make code from text: ${dynamic.found}`);
      faults.push(...bundleFaults(name, count, bundleLimits[name]), ...unlistedFaults(name, count, listed), ...dynamic.faults);
    }
    return faults;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "dist/supply") } } });
const manifest = await readJson<Manifest>("package.json");
const lockfile = await readJson<Lockfile>("package-lock.json");
const faults = [...judgeFiles(manifest, lockfile)];
const sbom = shippedSbom(await wholeSbom(root), lockfile, manifest.name);
faults.push(...licenceFaults(sbom), ...(await judgeBundles(lockfile, sbom)));

await mkdir(values.out, { recursive: true });
await writeFile(join(values.out, "sbom.cdx.json"), `${JSON.stringify(sbom, null, 2)}\n`);
await writeFile(join(values.out, "licences.txt"), licenceList(sbom));
console.log(`${sbom.components.length} packages may ship; their bill of materials and licences are in ${values.out}`);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
