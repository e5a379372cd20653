// House rules about one file at a time: size, names, banned calls, loopholes in the types.
import {
  isCallExpression,
  isFunctionLikeDeclaration,
  isIdentifier,
  isNewExpression,
  isPropertyAccessExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from "typescript/unstable/ast";
import { type Finding, isOurs, isSource, lineOf, lineOfNode, matchLines, type Repository, type Rule, walk } from "./repository.ts";

const sourceLinesMax = 400;
const testLinesMax = 600;
const functionLinesMax = 70;

/** Where clocks, randomness, the network, the console and the process may be reached. */
const homes = [/^functions\/(?:worker|deno)\.ts$/, /^functions\/(?:cli|runtime)\//, /^functions\/coordinator\/durable-object\.ts$/, /^test\//];

/** Files whose text is about the rules themselves. */
const aboutRules = /^test\/tidy\//;

function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/** A finding for each node that `judge` has words for. */
function findNodes(
  repository: Repository,
  inScope: (path: string) => boolean,
  judge: (node: Node, tree: SourceFile, path: string) => string | null,
): Finding[] {
  const findings: Finding[] = [];
  for (const [path, tree] of repository.trees) {
    if (!inScope(path)) continue;
    walk(tree, (node) => {
      const message = judge(node, tree, path);
      if (message !== null) findings.push({ path, line: lineOfNode(tree, node), message });
    });
  }
  return findings;
}

export const fileLength: Rule = {
  name: "file length",
  check: (repository) =>
    [...repository.trees.keys()].filter(isOurs).flatMap((path) => {
      const lines = lineCount(repository.files.get(path) ?? "");
      const limit = path.startsWith("test/") ? testLinesMax : sourceLinesMax;
      return lines <= limit ? [] : [{ path, line: limit + 1, message: `has ${lines} lines, more than ${limit}; split it by what its parts own` }];
    }),
};

/** `describe` bodies are lists of tests, not functions that do something. */
function isDescribeBody(node: Node): boolean {
  const call = node.parent;
  if (call === undefined || !isCallExpression(call)) return false;
  const callee = isCallExpression(call.expression) ? call.expression.expression : call.expression;
  return /^describe\b/.test(callee.getText());
}

export const functionLength: Rule = {
  name: "function length",
  check: (repository) =>
    findNodes(repository, isOurs, (node, tree) => {
      if (!isFunctionLikeDeclaration(node) || isDescribeBody(node)) return null;
      const lines = lineOf(tree, node.end) - lineOfNode(tree, node) + 1;
      return lines <= functionLinesMax ? null : `is a function of ${lines} lines, more than ${functionLinesMax}; name its parts`;
    }),
};

const clock = "take a Clock (shared/ports.ts) as an argument";
const random = "take a Random (shared/ports.ts) as an argument";
const log = "take a Log (shared/ports.ts) as an argument";
const sleep = "return when to come back instead; sleeping belongs to the entry points";

/** Banned names, with what to use instead. A `Map`, so that names like `constructor` find nothing. */
const bannedMembers = new Map([
  ["Date.now", clock],
  ["performance.now", clock],
  ["Math.random", random],
  ["crypto.randomUUID", random],
  ["crypto.getRandomValues", random],
]);
const bannedGlobals = new Map([
  ["console", log],
  ["fetch", "take a Transport (shared/ports.ts) as an argument"],
  ["process", "take the value as an argument; only entry points read the environment"],
  ["setTimeout", sleep],
  ["setInterval", sleep],
  ["eval", "do without"],
]);

/** Whether the identifier is a use of the global of that name, not a member, a key, a declaration or a type. */
function isGlobalUse(node: Node): boolean {
  const { parent } = node;
  if (isPropertyAccessExpression(parent)) return parent.expression === node || parent.expression.getText() === "globalThis";
  const named = "name" in parent && parent.name === node;
  const kinds: readonly SyntaxKind[] = [
    SyntaxKind.TypeQuery,
    SyntaxKind.TypeReference,
    SyntaxKind.QualifiedName,
    SyntaxKind.ImportSpecifier,
    SyntaxKind.ExportSpecifier,
  ];
  return !(named && parent.kind !== SyntaxKind.ShorthandPropertyAssignment) && !kinds.includes(parent.kind);
}

function bannedUse(node: Node): string | null {
  if (isPropertyAccessExpression(node)) {
    const text = node.getText().replace(/^globalThis\./, "");
    const instead = bannedMembers.get(text);
    return instead === undefined ? null : `uses ${text}; ${instead}`;
  }
  if ((isNewExpression(node) || isCallExpression(node)) && node.expression.getText() === "Date" && (node.arguments ?? []).length === 0) {
    return `reads the clock with ${node.getText()}; ${clock}`;
  }
  if (!isIdentifier(node)) return null;
  const instead = bannedGlobals.get(node.text);
  return instead !== undefined && isGlobalUse(node) ? `uses ${node.text}; ${instead}` : null;
}

export const bannedCalls: Rule = {
  name: "banned calls",
  check: (repository) =>
    findNodes(
      repository,
      (path) => isOurs(path) && !homes.some((home) => home.test(path)),
      (node) => bannedUse(node),
    ),
};

const loopholes = new Map<SyntaxKind, string>([
  [SyntaxKind.AnyKeyword, "uses any; write unknown and narrow it"],
  [SyntaxKind.NonNullExpression, "asserts with !; handle the missing value"],
  [SyntaxKind.EnumDeclaration, "declares an enum; write an `as const satisfies` table"],
  [SyntaxKind.ModuleDeclaration, "declares a namespace or module; write a file"],
  [SyntaxKind.Decorator, "uses a decorator; write a function call"],
]);

export const typeLoopholes: Rule = {
  name: "type loopholes",
  check: (repository) => findNodes(repository, isOurs, (node) => loopholes.get(node.kind) ?? null),
};

export const silencers: Rule = {
  name: "silencers and leftovers",
  check: (repository) =>
    [...repository.files].flatMap(([path, text]) => {
      if (aboutRules.test(path) || path === "package-lock.json") return [];
      const never = matchLines(path, text, /@ts-(?:ignore|nocheck)|biome-ignore|eslint-disable|\b(?:FIXME|TODO|XXX)\b/, (match) => {
        return `has ${match}; fix the cause, or write an issue`;
      });
      const inSource = isSource(path) ? matchLines(path, text, /@ts-expect-error/, () => "has @ts-expect-error, which is for type tests only") : [];
      return [...never, ...inSource];
    }),
};

export const skippedTests: Rule = {
  name: "skipped and focused tests",
  check: (repository) =>
    findNodes(
      repository,
      (path) => path.startsWith("test/"),
      (node) => {
        const match = isPropertyAccessExpression(node) ? /^(?:it|test|describe)(?:\.\w+)*\.(?:skip|only|todo|skipIf|fails)$/.exec(node.getText()) : null;
        return match === null ? null : `has ${match[0]}; make the test pass or remove it`;
      },
    ),
};

export const firstComment: Rule = {
  name: "first comment",
  check: (repository) =>
    [...repository.trees.keys()].filter(isOurs).flatMap((path) => {
      const text = (repository.files.get(path) ?? "").replace(/^#!.*\n/, "");
      return /^(?:\/\/|\/\*)/.test(text) ? [] : [{ path, line: 1, message: "starts without a comment; say what the file owns and what it refuses to do" }];
    }),
};

export const fileNames: Rule = {
  name: "file names",
  check: (repository) =>
    [...repository.trees.keys()].filter(isOurs).flatMap((path) => {
      const name = path.split("/").at(-1) ?? "";
      return /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d|\.config)?\.ts$/.test(name) ? [] : [{ path, line: 1, message: "is not in kebab-case; rename it" }];
    }),
};
