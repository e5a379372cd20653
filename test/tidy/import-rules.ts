// House rules about who may import whom, and what may reach what is deployed.
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isStringLiteral,
  type Node,
  type SourceFile,
  SyntaxKind,
} from "typescript/unstable/ast";
import { type Finding, isOurs, lineOfNode, type Repository, type Rule, walk } from "./repository.ts";

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased at run time. */
  readonly typeOnly: boolean;
}

function literal(node: Node | undefined): string | null {
  if (node === undefined) return null;
  if (isLiteralTypeNode(node)) return literal(node.literal);
  return isStringLiteral(node) ? node.text : null;
}

/** The specifier that `node` imports; null when it imports nothing. */
function specifierOf(node: Node): { readonly specifier: string; readonly typeOnly: boolean } | null {
  let specifier: string | null = null;
  let typeOnly = false;
  if (isImportDeclaration(node)) {
    specifier = literal(node.moduleSpecifier);
    typeOnly = node.importClause?.phaseModifier === SyntaxKind.TypeKeyword;
  } else if (isExportDeclaration(node)) {
    specifier = literal(node.moduleSpecifier);
    typeOnly = node.isTypeOnly;
  } else if (isImportTypeNode(node)) {
    specifier = literal(node.argument);
    typeOnly = true;
  } else if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    specifier = literal(node.arguments[0]) ?? "(computed)";
  }
  return specifier === null ? null : { specifier, typeOnly };
}

export function importsOf(tree: SourceFile): readonly Import[] {
  const imports: Import[] = [];
  walk(tree, (node) => {
    const found = specifierOf(node);
    if (found !== null) imports.push({ ...found, line: lineOfNode(tree, node) });
  });
  return imports;
}

/** Path of a relative import from the root of the repository. */
export function resolvePath(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** What is wrong with one of our files importing another; null when nothing is. */
function directionFault(from: string, to: string): string | null {
  const layer = to.split("/")[0];
  if (from.startsWith("test/")) return null;
  if (layer === "test") return "nothing outside test/ imports test/; move what is shared to its room";
  if (from.startsWith("shared/")) return layer === "shared" ? null : "shared/ imports only shared/; take it as an argument";
  if (from.startsWith("functions/"))
    return ["functions", "providers", "shared"].includes(layer ?? "") ? null : "functions/ imports functions/, providers/ and shared/";
  if (layer === "shared" || from === "providers/index.ts")
    return layer === "shared" || layer === "providers" ? null : "providers/ imports providers/ and shared/";
  const own = from.split("/").slice(0, 2).join("/");
  if (to.startsWith(`${own}/`) || to.startsWith("providers/internal/")) return null;
  return `a provider imports its own folder, providers/internal/ and shared/ only; move what both need to providers/internal/`;
}

interface Packages {
  readonly runtime: ReadonlySet<string>;
  readonly development: ReadonlySet<string>;
  /** Names like `#config` to paths, as `imports` in package.json says. */
  readonly aliases: ReadonlyMap<string, string>;
}

function packagesOf(repository: Repository): Packages {
  const manifest: unknown = JSON.parse(repository.files.get("package.json") ?? "{}");
  const entries = (field: string): readonly [string, unknown][] => {
    const value: unknown = typeof manifest === "object" && manifest !== null && field in manifest ? Reflect.get(manifest, field) : {};
    return Object.entries(value ?? {});
  };
  return {
    runtime: new Set(entries("dependencies").map(([name]) => name)),
    development: new Set(entries("devDependencies").map(([name]) => name)),
    aliases: new Map(entries("imports").map(([name, path]) => [name, String(path).replace(/^\.\//, "")])),
  };
}

/** Path of our file that `specifier` names; null when it names a package. */
function ownPath(from: string, specifier: string, packages: Packages): string | null {
  return specifier.startsWith(".") ? resolvePath(from, specifier) : (packages.aliases.get(specifier) ?? null);
}

/** Runs on people's machines only, in Node. */
function mayUseNode(from: string): boolean {
  return from.startsWith("test/") || from.startsWith("functions/cli/");
}

/** Runs before a deployment, never inside one: `workerBundle` holds that it is not reached from there. */
function isBuildTime(path: string): boolean {
  return mayUseNode(path) || path.startsWith("shared/config-file/");
}

function packageFault(from: string, found: Import, packages: Packages): string | null {
  const name = packageOf(found.specifier);
  if (name.startsWith("node:")) return mayUseNode(from) ? null : "Node's modules are for functions/cli/ and test/; take what you need as an argument";
  if (name.startsWith("cloudflare:")) return from.startsWith("shared/") || from.startsWith("providers/") ? "platforms are reached from functions/ only" : null;
  if (packages.runtime.has(name)) return null;
  if (!packages.development.has(name)) return `${name} is not in package.json`;
  return isBuildTime(from) || (found.typeOnly && from.startsWith("functions/"))
    ? null
    : `${name} is a development dependency; it would be missing in production`;
}

function importFault(from: string, found: Import, packages: Packages): string | null {
  if (found.specifier === "(computed)") return mayUseNode(from) ? null : "imports a computed path, which no bundler can follow; list what can be imported";
  const path = ownPath(from, found.specifier, packages);
  if (path === null) return packageFault(from, found, packages);
  return /\.(?:ts|json)$/.test(path) ? directionFault(from, path) : "leaves out the file extension; write .ts";
}

export const importDirection: Rule = {
  name: "import direction",
  check: (repository) => {
    const packages = packagesOf(repository);
    return [...repository.trees].flatMap(([path, tree]) => {
      if (!isOurs(path)) return [];
      return importsOf(tree).flatMap((found) => {
        const fault = importFault(path, found, packages);
        return fault === null ? [] : [{ path, line: found.line, message: `imports ${found.specifier}: ${fault}` }];
      });
    });
  },
};

/** What stands in for a file that the build generates: the generated table of providers is a part of the written one. */
function sourceOf(path: string): string {
  if (path === "functions/generated/playbooks.ts") return "functions/events/engine.ts";
  return path === "functions/generated/providers.ts" ? "providers/index.ts" : path;
}

function isJudged(path: string): boolean {
  return !path.startsWith("functions/generated/") && !path.endsWith(".json");
}

/** Everything that `entry` pulls in at run time. */
function graphOf(
  repository: Repository,
  packages: Packages,
  entry: string,
): { readonly reached: ReadonlyMap<string, readonly Import[]>; readonly missing: readonly Finding[] } {
  const reached = new Map<string, readonly Import[]>();
  const missing: Finding[] = [];
  const queue = [{ path: entry, from: entry, line: 1 }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { path, from, line } = next;
    if (reached.has(path) || !isJudged(path)) continue;
    const tree = repository.trees.get(path);
    if (tree === undefined) {
      missing.push({ path: from, line, message: `${path} does not exist, so the Worker's bundle cannot be judged` });
      continue;
    }
    const imports = importsOf(tree).filter((found) => !found.typeOnly);
    reached.set(path, imports);
    for (const found of imports) {
      const own = ownPath(path, found.specifier, packages);
      if (own !== null) queue.push({ path: sourceOf(own), from: path, line: found.line });
    }
  }
  return { reached, missing };
}

/** What a bundled file may not import: Node's modules, and packages that are there for development only. */
function bundleFault(found: Import, packages: Packages, entry: string): string | null {
  const name = packageOf(found.specifier);
  if (found.specifier.startsWith(".") || packages.aliases.has(found.specifier) || name.startsWith("cloudflare:") || packages.runtime.has(name)) return null;
  return `imports ${found.specifier} and is reached from ${entry}; cut the import`;
}

function entryFindings(repository: Repository, packages: Packages, entry: string): readonly Finding[] {
  const { reached, missing } = graphOf(repository, packages, entry);
  const found = [...reached].flatMap(([path, imports]) => {
    const inside = isBuildTime(path) ? [{ path, line: 1, message: `is reached from ${entry}; cut the import` }] : [];
    const outside = imports.flatMap((one) => {
      const message = bundleFault(one, packages, entry);
      return message === null ? [] : [{ path, line: one.line, message }];
    });
    return [...inside, ...outside];
  });
  return [...missing, ...found];
}

/** The Worker, and Deno's entry where there is one: it takes the same files, and no others that a Worker could not. */
export const workerBundle: Rule = {
  name: "Worker bundle",
  check: (repository) => {
    const packages = packagesOf(repository);
    const deno = repository.trees.has("functions/deno.ts") ? entryFindings(repository, packages, "functions/deno.ts") : [];
    const worker = entryFindings(repository, packages, "functions/worker.ts");
    const known = new Set(worker.map(({ path, line }) => `${path}:${line}`));
    return [...worker, ...deno.filter(({ path, line }) => !known.has(`${path}:${line}`))];
  },
};
