// For each rule: small repositories that break it, and near misses that do not. A rule that cannot fail holds nothing.
import { errorTraits } from "../../shared/errors.ts";
import { keyPrefixes } from "../../shared/keys.ts";
import { bannedCalls, fileLength, fileNames, firstComment, functionLength, silencers, skippedTests, typeLoopholes } from "./code-rules.ts";
import { completeKinds, documentedErrors, documentedKeys, documentLinks, lockfile, machineTraces } from "./document-rules.ts";
import { importDirection, workerBundle } from "./import-rules.ts";
import type { Rule } from "./repository.ts";

export interface Sample {
  readonly rule: Rule;
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  /** Expected findings as `path:line`, in any order; empty for a near miss. */
  readonly found: readonly string[];
}

const manifest = JSON.stringify({
  dependencies: { hono: "1" },
  devDependencies: { yaml: "1", "@cloudflare/workers-types": "1" },
  imports: {
    "#config": "./functions/generated/config.json",
    "#providers": "./functions/generated/providers.ts",
    "#playbooks": "./functions/generated/playbooks.ts",
  },
});

function direction(title: string, path: string, text: string, broken: boolean): Sample {
  return { rule: importDirection, title, files: { "package.json": manifest, [path]: text }, found: broken ? [`${path}:1`] : [] };
}

function inFile(rule: Rule, title: string, path: string, text: string, ...lines: readonly number[]): Sample {
  return { rule, title, files: { [path]: text }, found: lines.map((line) => `${path}:${line}`) };
}

function longFunction(lines: number): string {
  return `// Owns nothing.\nexport function long(): void {\n${"  work();\n".repeat(lines - 2)}}\n`;
}

const directions: readonly Sample[] = [
  direction("shared imports a provider", "shared/a.ts", 'import { x } from "../providers/index.ts";', true),
  direction("shared imports functions, type only", "shared/a.ts", 'import type { X } from "../functions/app.ts";', true),
  direction("shared imports shared", "shared/a.ts", 'import { x } from "./plan/b.ts";', false),
  direction("shared imports node", "shared/a.ts", 'import { isIP } from "node:net";', true),
  direction("shared imports a runtime dependency", "shared/a.ts", 'import { x } from "hono";', false),
  direction("shared imports platform types", "shared/a.ts", 'import type { KVNamespace } from "@cloudflare/workers-types";', true),
  direction("functions import platform types", "functions/stores/a.ts", 'import type { KVNamespace } from "@cloudflare/workers-types";', false),
  direction("functions import a development dependency", "functions/app.ts", 'import { parse } from "yaml";', true),
  direction("the CLI imports a development dependency", "functions/cli/gen.ts", 'import { parse } from "yaml";', false),
  direction("an undeclared package", "functions/cli/gen.ts", 'import { x } from "left-pad";', true),
  direction("a provider imports another", "providers/a/index.ts", 'import { x } from "../b/api.ts";', true),
  direction("a provider imports functions", "providers/a/index.ts", 'import { x } from "../../functions/app.ts";', true),
  direction(
    "a provider imports internal and shared",
    "providers/a/index.ts",
    'import { x } from "../internal/b.ts"; import { y } from "../../shared/c.ts";',
    false,
  ),
  direction("internal imports a provider", "providers/internal/a.ts", 'import { x } from "../b/api.ts";', true),
  direction("a provider whose name begins like another", "providers/a/index.ts", 'import { x } from "../a-b/api.ts";', true),
  direction("the table of providers imports them", "providers/index.ts", 'import { x } from "./b/index.ts";', false),
  direction("functions import test", "functions/app.ts", 'export { x } from "../test/x.ts";', true),
  direction("a dynamic import", "functions/app.ts", 'const x = await import("../test/x.ts");', true),
  direction("a computed import", "functions/app.ts", "const x = await import(name);", true),
  direction("a computed import in the CLI", "functions/cli/gen.ts", "const x = await import(name);", false),
  direction("the configuration file's reader imports YAML", "shared/config-file/a.ts", 'import { parse } from "yaml";', false),
  direction("the rest of shared imports YAML", "shared/config.ts", 'import { parse } from "yaml";', true),
  direction("an import type", "shared/a.ts", 'type X = import("../functions/app.ts").X;', true),
  direction("functions import an alias", "functions/app.ts", 'import { x } from "#config";', false),
  direction("shared imports an alias of functions", "shared/a.ts", 'import { x } from "#config";', true),
  direction("an unknown alias", "functions/app.ts", 'import { x } from "#other";', true),
  direction("no file extension", "shared/a.ts", 'import { x } from "./b";', true),
  direction("test imports everything", "test/a.test.ts", 'import { x } from "../functions/app.ts"; import "node:net"; import "yaml";', false),
  direction("an import in a comment", "shared/a.ts", '// import { x } from "../functions/app.ts";', false),
];

const banned: readonly Sample[] = [
  inFile(bannedCalls, "clock", "shared/a.ts", "//\nconst t = Date.now();", 2),
  inFile(bannedCalls, "clock by new Date", "providers/a/b.ts", "//\nconst t = new Date();", 2),
  inFile(bannedCalls, "clock by Date()", "providers/a/b.ts", "//\nconst t = Date();", 2),
  inFile(bannedCalls, "a date from a value", "shared/a.ts", "//\nconst t = new Date(0);"),
  inFile(bannedCalls, "randomness", "functions/routes/a.ts", "//\nconst t = Math.random();\nconst u = crypto.randomUUID();", 2, 3),
  inFile(bannedCalls, "console", "functions/app.ts", '//\nconsole.log("x");', 2),
  inFile(bannedCalls, "console as a value", "functions/app.ts", "//\nconst sink = { console };", 2),
  inFile(bannedCalls, "bare fetch", "functions/app.ts", '//\nawait fetch("https://example.org");', 2),
  inFile(bannedCalls, "fetch over globalThis", "functions/app.ts", '//\nawait globalThis.fetch("https://example.org");', 2),
  inFile(bannedCalls, "fetch handed on", "functions/app.ts", "//\nserve({ send: fetch });", 2),
  inFile(bannedCalls, "a method of that name", "functions/app.ts", "//\nexport const app = { fetch(request: Request) { return env.assets.fetch(request); } };"),
  inFile(bannedCalls, "the environment", "functions/routes/a.ts", "//\nconst x = process.env.KEY;", 2),
  inFile(bannedCalls, "sleeping", "providers/a/b.ts", "//\nsetTimeout(go, 5);\nsetInterval(go, 5);", 2, 3),
  inFile(bannedCalls, "in a comment or a string", "shared/a.ts", '// Date.now()\nconst x = "process.env console.log";'),
  inFile(bannedCalls, "at home in the entry", "functions/worker.ts", "//\nconst clock = { now: () => Date.now() };"),
  inFile(bannedCalls, "at home in the CLI and the runtime", "functions/cli/main.ts", "//\nconsole.log(process.argv);"),
  inFile(bannedCalls, "at home in tests", "test/a.test.ts", "//\nsetTimeout(go, Math.random());"),
  inFile(bannedCalls, "a file that only sounds like home", "functions/client/a.ts", "//\nconsole.log(1);", 2),
];

const code: readonly Sample[] = [
  inFile(fileLength, "401 lines", "shared/a.ts", "//\n".repeat(401), 401),
  inFile(fileLength, "400 lines", "shared/a.ts", "//\n".repeat(400)),
  inFile(fileLength, "601 lines of test", "test/a.test.ts", "//\n".repeat(601), 601),
  inFile(fileLength, "600 lines of test", "test/a.test.ts", "//\n".repeat(600)),
  inFile(functionLength, "71 lines", "functions/a.ts", longFunction(71), 2),
  inFile(functionLength, "70 lines", "functions/a.ts", longFunction(70)),
  inFile(functionLength, "a long arrow", "functions/a.ts", `//\nconst f = () => {\n${"  g();\n".repeat(80)}};`, 2),
  inFile(functionLength, "a long method", "functions/a.ts", `//\nclass A {\n  m() {\n${"    g();\n".repeat(80)}  }\n}`, 3),
  inFile(functionLength, "a long test", "test/a.test.ts", `//\nit("x", () => {\n${"  g();\n".repeat(80)}});`, 2),
  inFile(functionLength, "a long list of tests", "test/a.test.ts", `//\ndescribe("x", () => {\n${"  g();\n".repeat(80)}});`),
  inFile(typeLoopholes, "any", "shared/a.ts", "//\nconst x: any = 1;\nconst y = z as any;", 2, 3),
  inFile(typeLoopholes, "non-null", "test/a.test.ts", "//\nconst x = y!;", 2),
  inFile(typeLoopholes, "enum and namespace", "shared/a.ts", "//\nenum A { B }\nnamespace C {}", 2, 3),
  inFile(typeLoopholes, "decorator", "shared/a.ts", "//\n@sealed class A {}", 2),
  inFile(typeLoopholes, "words that look alike", "shared/a.ts", '// any enum!\nconst any = !x, many = "any";\nconst f = (a?: unknown) => a !== any;'),
  inFile(silencers, "ts-ignore and biome-ignore", "test/a.test.ts", "// @ts-ignore\n// biome-ignore lint: no", 1, 2),
  inFile(silencers, "leftovers in any file", "README.md", "FIXME later\nTODO: now", 1, 2),
  inFile(silencers, "ts-expect-error in source", "shared/a.ts", "// @ts-expect-error", 1),
  inFile(silencers, "ts-expect-error in a type test", "test/a.test.ts", "// @ts-expect-error"),
  inFile(silencers, "a word that holds one", "README.md", "AUTODOC, methodTODOs"),
  inFile(
    skippedTests,
    "skip, only, todo",
    "test/a.test.ts",
    '//\nit.skip("x", f);\ndescribe.only("y", f);\ntest.todo("z");\nit.concurrent.skip("x", f);',
    2,
    3,
    4,
    5,
  ),
  inFile(skippedTests, "each, and other objects", "test/a.test.ts", '//\nit.each([1])("x", f);\nlist.skip(1);'),
  inFile(firstComment, "none", "shared/a.ts", "const x = 1;", 1),
  inFile(firstComment, "after a shebang", "functions/cli/main.ts", "#!/usr/bin/env node\n// Owns the command line."),
  inFile(fileNames, "camel case", "shared/planNeed.ts", "//", 1),
  inFile(fileNames, "kebab case", "test/plan-need.test.ts", "//"),
];

const everyError = Object.keys(errorTraits)
  .map((code) => `| \`${code}\` |`)
  .join("\n");
const everyKey = Object.values(keyPrefixes)
  .map((prefix) => `| \`${prefix}\` |`)
  .join("\n");
const wholeKind = {
  "providers/index.ts": 'import { a } from "./a-b/index.ts";',
  "providers/a-b/index.ts": "//",
  "providers/a-b/README.md": "A",
  "providers/a-b/policy.json": "{}",
  "test/providers/a-b.test.ts": "//",
  "test/simulators/a-b/index.ts": "//",
};

function without(path: keyof typeof wholeKind): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(wholeKind).filter(([name]) => name !== path));
}

const documents: readonly Sample[] = [
  { rule: documentedErrors, title: "no document", files: {}, found: ["functions/README.md:1"] },
  { rule: documentedErrors, title: "all but one", files: { "functions/README.md": everyError.replace("INVARIANT", "") }, found: ["functions/README.md:1"] },
  { rule: documentedErrors, title: "all", files: { "functions/README.md": everyError }, found: [] },
  { rule: documentedKeys, title: "no document", files: {}, found: ["functions/stores/README.md:1"] },
  {
    rule: documentedKeys,
    title: "all but one",
    files: { "functions/stores/README.md": everyKey.replace("`stop`", "stop") },
    found: ["functions/stores/README.md:1"],
  },
  { rule: documentedKeys, title: "all", files: { "functions/stores/README.md": everyKey }, found: [] },
  { rule: completeKinds, title: "a whole kind", files: wholeKind, found: [] },
  { rule: completeKinds, title: "no README", files: without("providers/a-b/README.md"), found: ["providers/a-b/README.md:1"] },
  { rule: completeKinds, title: "no policy", files: without("providers/a-b/policy.json"), found: ["providers/a-b/policy.json:1"] },
  { rule: completeKinds, title: "no test", files: without("test/providers/a-b.test.ts"), found: ["test/providers/a-b.test.ts:1"] },
  { rule: completeKinds, title: "no simulator", files: without("test/simulators/a-b/index.ts"), found: ["test/simulators/a-b.ts:1"] },
  { rule: completeKinds, title: "not listed", files: without("providers/index.ts"), found: ["providers/index.ts:1"] },
  {
    rule: completeKinds,
    title: "its vendor's simulator",
    files: { ...without("test/simulators/a-b/index.ts"), "test/simulators/a/x.ts": "//" },
    found: [],
  },
  { rule: completeKinds, title: "internal is no kind", files: { "providers/internal/x.ts": "//" }, found: [] },
  inFile(documentLinks, "a missing file", "docs/README.md", "See\n[x](../shared/none.md).", 2),
  inFile(documentLinks, "a missing heading", "README.md", "# One thing\n[x](#one-thing) [y](#two-things)", 2),
  inFile(documentLinks, "a missing reference", "README.md", "[x]: none.md", 1),
  inFile(
    documentLinks,
    "links that hold, and code",
    "README.md",
    "# One\n[a](README.md) [b](https://example.org/none) [c](#one)\n`[d](none)`\n```\n[e](none)\n```",
  ),
  inFile(
    machineTraces,
    "paths of a machine",
    "README.md",
    `cd ${["", "work", "main"].join("/")}\nls ~\nsee \`${["", "root", ".npmrc"].join("/")}\` and /home/ann/x`,
    1,
    3,
  ),
  inFile(machineTraces, "registry hosts", ".npmrc", "registry=https://registry.npmjs.org/\n//proxy.artifactory.example.com", 1, 2),
  inFile(machineTraces, "paths that look alike", "README.md", "https://example.org/work/x, providers/work/x, /workers, ./root/x, /v1/root"),
  { rule: lockfile, title: "none", files: {}, found: ["package-lock.json:1"] },
  inFile(lockfile, "a resolved address", "package-lock.json", '{\n"resolved": "https://example.org/x.tgz"\n}', 2),
  inFile(lockfile, "no address", "package-lock.json", '{\n"integrity": "sha512-x"\n}'),
];

const entry = '//\nimport { x } from "./app.ts";';
const bundles: readonly Sample[] = [
  { rule: workerBundle, title: "no entry", files: {}, found: ["functions/worker.ts:1"] },
  {
    rule: workerBundle,
    title: "node far below",
    files: { "functions/worker.ts": entry, "functions/app.ts": '//\nexport * from "../shared/a.ts";', "shared/a.ts": '//\nimport "node:fs";' },
    found: ["shared/a.ts:2"],
  },
  {
    rule: workerBundle,
    title: "Deno's entry, which reaches what the Worker does not",
    files: { "functions/worker.ts": "//", "functions/deno.ts": '//\nimport "./runtime/deno.ts";', "functions/runtime/deno.ts": '//\nimport "node:fs";' },
    found: ["functions/runtime/deno.ts:2"],
  },
  {
    rule: workerBundle,
    title: "test code, the CLI and YAML",
    files: {
      "functions/worker.ts": '//\nimport "../test/x.ts";\nimport "./cli/main.ts";\nimport "yaml";',
      "test/x.ts": "//",
      "functions/cli/main.ts": "//",
    },
    found: ["test/x.ts:1", "functions/cli/main.ts:1", "functions/worker.ts:4"],
  },
  {
    rule: workerBundle,
    title: "the configuration file's reader",
    files: { "functions/worker.ts": '//\nimport "../shared/config-file/a.ts";', "shared/config-file/a.ts": "//" },
    found: ["shared/config-file/a.ts:1"],
  },
  {
    rule: workerBundle,
    title: "packages for production, for development, and undeclared",
    files: { "package.json": manifest, "functions/worker.ts": '//\nimport "hono/tiny";\nimport "cloudflare:workers";\nimport "yaml";\nimport "left-pad";' },
    found: ["functions/worker.ts:4", "functions/worker.ts:5"],
  },
  { rule: workerBundle, title: "a missing file", files: { "functions/worker.ts": entry }, found: ["functions/worker.ts:2"] },
  {
    rule: workerBundle,
    title: "types, JSON and generated files",
    files: {
      "functions/worker.ts": '//\nimport type { X } from "node:fs";\nimport c from "./generated/config.json";\nimport { y } from "./generated/kinds.ts";',
    },
    found: [],
  },
];

export const samples: readonly Sample[] = [...directions, ...banned, ...code, ...documents, ...bundles];
