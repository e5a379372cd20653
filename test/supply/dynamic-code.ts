// Finds where a bundle could turn text into code: eval, Function, timers that are given text, modules that are named at run time.
// Reads the syntax tree, so strings and comments do not count. Refuses to follow values: a constructor that is fetched in two steps is
// caught where the bundle runs, because workerd makes no code from text at all.
import {
  isBinaryExpression,
  isCallExpression,
  isElementAccessExpression,
  isIdentifier,
  isNewExpression,
  isNoSubstitutionTemplateLiteral,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isStringLiteral,
  isTemplateExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from "typescript/unstable/ast";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API } from "typescript/unstable/sync";
import { walk } from "../tidy/repository.ts";
import type { DynamicCodeException } from "./policy.ts";

export interface DynamicCode {
  readonly what: string;
  /** Offset in the module's text. */
  readonly at: number;
  readonly excerpt: string;
}

const compilerOptions = { allowJs: true, checkJs: false, noLib: true, noResolve: true, types: [], noEmit: true, module: "esnext", moduleDetection: "force" };

/** One tree per text, by the compiler's own parser. */
export function parseScripts(texts: readonly string[]): readonly SourceFile[] {
  const files: Record<string, string> = { "/tsconfig.json": JSON.stringify({ compilerOptions, include: ["**/*.js"] }) };
  texts.forEach((text, at) => {
    files[`/${at}.js`] = text;
  });
  const api = new API({ cwd: "/", fs: createVirtualFileSystem(files) });
  try {
    const program = api.updateSnapshot({ openProjects: ["/tsconfig.json"] }).getProjects()[0]?.program;
    return texts.map((_, at) => {
      const tree = program?.getSourceFile(`/${at}.js`);
      if (tree === undefined) throw new Error(`module ${at} was not parsed`);
      return tree;
    });
  } finally {
    api.close();
  }
}

function textOf(node: Node | undefined): string | null {
  if (node === undefined) return null;
  return isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node) ? node.text : null;
}

/** The last name of `a.b.c`, `a["c"]` or `c`. */
function calleeName(node: Node): string | null {
  if (isIdentifier(node)) return node.text;
  if (isPropertyAccessExpression(node)) return node.name.text;
  return isElementAccessExpression(node) ? textOf(node.argumentExpression) : null;
}

const makers = new Set(["eval", "Function", "GeneratorFunction", "AsyncFunction", "AsyncGeneratorFunction"]);
const timers = new Set(["setTimeout", "setInterval", "setImmediate", "execScript"]);
const compilers = new Set(["compile", "compileStreaming", "instantiate", "instantiateStreaming", "Module"]);

/** Whether this identifier is a mere name: of a property, not of a value. */
function isMereName(node: Node): boolean {
  const { parent } = node;
  if (isPropertyAccessExpression(parent)) return parent.name === node;
  return isPropertyAssignment(parent) && parent.name === node;
}

/** `x instanceof Function` and `typeof Function` make nothing. */
function isHarmlessUse(node: Node): boolean {
  const { parent } = node;
  if (parent.kind === SyntaxKind.TypeOfExpression) return true;
  if (isPropertyAccessExpression(parent) && parent.expression === node) return parent.name.text === "prototype" || parent.name.text === "name";
  return isBinaryExpression(parent) && parent.operatorToken.kind === SyntaxKind.InstanceOfKeyword && parent.right === node;
}

function calledCode(callee: Node, first: Node | undefined): string | null {
  const name = calleeName(callee);
  if (callee.kind === SyntaxKind.ImportKeyword) return textOf(first) === null ? "import() of a computed name" : null;
  if (name === "require") return textOf(first) === null ? "require() of a computed name" : null;
  if (name === "constructor" && !isIdentifier(callee)) return "a call of .constructor";
  if (name !== null && timers.has(name) && first !== undefined && (textOf(first) !== null || isTemplateExpression(first))) return `${name} of text`;
  const isWasm = isPropertyAccessExpression(callee) && isIdentifier(callee.expression) && callee.expression.text === "WebAssembly";
  return isWasm && compilers.has(name ?? "") ? `WebAssembly.${name}` : null;
}

function codeAt(node: Node): string | null {
  if (isIdentifier(node) && makers.has(node.text) && !isMereName(node) && !isHarmlessUse(node)) return node.text;
  // globalThis.eval, self["Function"]: however it is reached.
  if ((isPropertyAccessExpression(node) || isElementAccessExpression(node)) && makers.has(calleeName(node) ?? "")) return calleeName(node);
  if (isCallExpression(node) || isNewExpression(node)) return calledCode(node.expression, node.arguments?.[0]);
  return null;
}

export function dynamicCodeIn(tree: SourceFile): readonly DynamicCode[] {
  const found: DynamicCode[] = [];
  walk(tree, (node) => {
    const what = codeAt(node);
    if (what === null) return;
    const at = node.getStart(tree);
    found.push({ what, at, excerpt: tree.text.slice(Math.max(0, at - 40), at + 60).replaceAll(/\s+/g, " ") });
  });
  return found;
}

/** What is left after the exceptions, and exceptions that nothing needs any more. */
export function dynamicCodeFaults(
  name: string,
  modules: ReadonlyMap<string, string>,
  exceptions: readonly DynamicCodeException[],
): { readonly faults: readonly string[]; readonly found: number } {
  const trees = parseScripts([...modules.values()]);
  const found = trees.flatMap((tree) => dynamicCodeIn(tree));
  const faults: string[] = [];
  for (const what of new Set([...found.map((one) => one.what), ...exceptions.map((one) => one.what)])) {
    const places = found.filter((one) => one.what === what);
    const allowed = exceptions.filter((one) => one.what === what).reduce((sum, one) => sum + one.count, 0);
    if (places.length > allowed)
      faults.push(`bundle ${name}: ${what}, ${places.length} times, ${allowed} excused: ${places.map((one) => one.excerpt).join(" | ")}`);
    if (places.length < allowed) faults.push(`bundle ${name}: ${what} is excused ${allowed} times and found ${places.length} times; remove the exception`);
  }
  return { faults, found: found.length };
}
