// The repository as the house rules see it: texts by path, and a syntax tree for each TypeScript file.
// Trees come from the compiler's own parser, reached over its API; nothing is type-checked here.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Node, SourceFile } from "typescript/unstable/ast";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API } from "typescript/unstable/sync";

export interface Repository {
  readonly files: ReadonlyMap<string, string>;
  readonly trees: ReadonlyMap<string, SourceFile>;
}

/** A broken rule: where, what is wrong, and what to do instead. */
export interface Finding {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

export interface Rule {
  readonly name: string;
  check(repository: Repository): readonly Finding[];
}

const compilerOptions = {
  noLib: true,
  noResolve: true,
  types: [],
  noEmit: true,
  allowImportingTsExtensions: true,
  module: "esnext",
  moduleResolution: "bundler",
};

/** Builds several repositories from texts with one run of the parser. */
export function createRepositories(contents: readonly Readonly<Record<string, string>>[]): readonly Repository[] {
  const virtual: Record<string, string> = { "/tsconfig.json": JSON.stringify({ compilerOptions, include: ["**/*.ts"] }) };
  contents.forEach((files, at) => {
    for (const [path, text] of Object.entries(files)) if (path.endsWith(".ts")) virtual[`/${at}/${path}`] = text;
  });
  const api = new API({ cwd: "/", fs: createVirtualFileSystem(virtual) });
  try {
    const program = api.updateSnapshot({ openProjects: ["/tsconfig.json"] }).getProjects()[0]?.program;
    return contents.map((files, at) => {
      const trees = new Map<string, SourceFile>();
      for (const path of Object.keys(files).filter((name) => name.endsWith(".ts"))) {
        const tree = program?.getSourceFile(`/${at}/${path}`);
        if (tree === undefined) throw new Error(`${path} was not parsed`);
        trees.set(path, tree);
      }
      return { files: new Map(Object.entries(files)), trees };
    });
  } finally {
    api.close();
  }
}

/** Every text file that git tracks or would track, as it stands in the working tree. */
export function readRepository(root: URL): Repository {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" });
  const files: Record<string, string> = {};
  for (const path of listed.split("\0").filter((name) => name !== "")) {
    const url = new URL(path, root);
    const text = existsSync(url) ? readFileSync(url, "utf8") : "\0";
    if (!text.includes("\0")) files[path] = text;
  }
  const [repository] = createRepositories([files]);
  if (repository === undefined) throw new Error("the repository was not read");
  return repository;
}

/** Calls `visit` for `node` and everything below it. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => {
    walk(child, visit);
  });
}

export function lineOf(tree: SourceFile, position: number): number {
  return tree.text.slice(0, position).split("\n").length;
}

export function lineOfNode(tree: SourceFile, node: Node): number {
  return lineOf(tree, node.getStart(tree));
}

export function isSource(path: string): boolean {
  return /^(?:functions|providers|shared)\//.test(path);
}

export function isOurs(path: string): boolean {
  return isSource(path) || path.startsWith("test/");
}

/** One finding for each line of `text` that matches. */
export function matchLines(path: string, text: string, pattern: RegExp, message: (match: string) => string): readonly Finding[] {
  return text.split("\n").flatMap((line, at) => {
    const match = pattern.exec(line);
    return match === null ? [] : [{ path, line: at + 1, message: message(match[0]) }];
  });
}
