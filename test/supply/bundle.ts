// The Worker's bundle as a deployment would build it, for three configurations: the example, the example with
// playbooks, and one with a target of every kind.
// Counts what really lands in it, by the bundler's own account; judges against `policy.ts`.
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { providerKinds } from "../../providers/index.ts";
import { productYaml } from "../bench/product.ts";
import { type Build, buildWorker } from "../sandbox/build.ts";
import { type Lockfile, nameAt } from "./lockfile.ts";
import { type BundleLimit, type BundleName, bundleLimits } from "./policy.ts";

const root = resolve(import.meta.dirname, "../..");

/** The part of esbuild's metafile that is used (esbuild docs, api/#metafile, 2026-11). */
export interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>>;
}

export interface Bundle {
  readonly name: BundleName;
  /** Module name to text. */
  readonly modules: ReadonlyMap<string, string>;
  readonly metafile: Metafile;
}

export interface BundleCount {
  /** `name@version` to bytes before gzip. */
  readonly packages: ReadonlyMap<string, number>;
  readonly ownBytes: number;
  readonly gzipBytes: number;
}

async function exampleYaml(): Promise<string> {
  return readFile(join(root, "portcullis.example.yaml"), "utf8");
}

async function playbooksYaml(): Promise<string> {
  return `${await exampleYaml()}\nplaybooks:\n  - starter:c2-traffic\n`;
}

async function everyKindYaml(): Promise<string> {
  const nowhere = "http://127.0.0.1:9/";
  const rules = `  rules: { kind: cloudflare-access-rules, account: ${"a".repeat(32)}, endpoint: "${nowhere}", credentials: { token: CF_TOKEN } }\n`;
  const arn = "arn:aws:wafv2:eu-west-1:111122223333:regional";
  const waf = `  waf:
    kind: aws-waf
    ipv4: ${arn}/ipset/blocked-v4/11111111-2222-4333-8444-000000000004
    webAcl: ${arn}/webacl/edge/11111111-2222-4333-8444-00000000000a
    endpoint: "${nowhere}"
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
`;
  return `${productYaml(nowhere, `sha256:${"0".repeat(64)}`, { azure: nowhere, cloudflare: nowhere })}${rules}${waf}`;
}

const yamls: Readonly<Record<BundleName, () => Promise<string>>> = { example: exampleYaml, playbooks: playbooksYaml, everyKind: everyKindYaml };

function holdsEveryKind({ config }: Build): void {
  const kinds = new Set(Object.values(config.targets).map(({ kind }) => kind));
  const missing = providerKinds.filter((kind) => !kinds.has(kind));
  if (missing.length > 0) throw new Error(`the configuration with every kind lacks ${missing.join(", ")}; add a target to everyKindYaml`);
}

export async function buildBundle(name: BundleName, folder: string): Promise<Bundle> {
  const build = await buildWorker({ folder: join(folder, name), yaml: await yamls[name]() });
  if (name === "everyKind") holdsEveryKind(build);
  const out = dirname(build.script);
  const files = (await readdir(out)).filter((file) => /\.(?:js|mjs|cjs|wasm)$/.test(file));
  const modules = new Map<string, string>();
  for (const file of files) modules.set(file, await readFile(join(out, file), "utf8"));
  return { name, modules, metafile: JSON.parse(await readFile(build.metafile, "utf8")) as Metafile };
}

/** The lockfile's place for a bundled file; null for one of ours. */
function placeOf(path: string, lockfile: Lockfile): string | null {
  const start = path.indexOf("node_modules/");
  if (start < 0) return null;
  const inside = path.slice(start);
  const places = Object.keys(lockfile.packages).filter((place) => place !== "" && inside.startsWith(`${place}/`));
  const place = places.sort((a, b) => b.length - a.length)[0];
  if (place === undefined) throw new Error(`${path} is in the bundle, and the lockfile does not know its package`);
  return place;
}

export function countBundle({ modules, metafile }: Pick<Bundle, "modules" | "metafile">, lockfile: Lockfile): BundleCount {
  const packages = new Map<string, number>();
  let ownBytes = 0;
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      if (bytesInOutput === 0) continue;
      const place = placeOf(path, lockfile);
      if (place === null) ownBytes += bytesInOutput;
      else {
        const name = `${nameAt(place)}@${lockfile.packages[place]?.version}`;
        packages.set(name, (packages.get(name) ?? 0) + bytesInOutput);
      }
    }
  }
  const gzipBytes = [...modules.values()].reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
  return { packages, ownBytes, gzipBytes };
}

export function bundleFaults(name: string, { packages, gzipBytes }: BundleCount, limit: BundleLimit): readonly string[] {
  const raise = "if it must be so, raise the limit in test/supply/policy.ts with the reason";
  const named = [...packages.keys()].sort().join(", ");
  return [
    ...(packages.size > limit.packages ? [`bundle ${name}: ${packages.size} packages ship, limit ${limit.packages}: ${named}; ${raise}`] : []),
    ...(gzipBytes > limit.gzipBytes ? [`bundle ${name}: ${gzipBytes} bytes after gzip, limit ${limit.gzipBytes}; ${raise}`] : []),
  ];
}

/** What is in the bundle must be in the bill of materials, or that is none. */
export function unlistedFaults(name: string, { packages }: BundleCount, listed: ReadonlySet<string>): readonly string[] {
  return [...packages.keys()].filter((one) => !listed.has(one)).map((one) => `bundle ${name}: holds ${one}, which the bill of materials does not name`);
}

export const bundleNames = Object.keys(bundleLimits) as readonly BundleName[];
