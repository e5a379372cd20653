// Reads YAML text into plain data, and remembers where each value stands.
// Refuses what reads differently from what it looks like: YAML 1.1 words, octal numbers, tags, directives, tabs, duplicate keys.
import { isAlias, isCollection, isMap, isNode, isPair, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument, visit } from "yaml";
import { type Finding, finding, type Path, type Problem, pathText } from "./problem.ts";

const charactersMax = 262_144;
const depthMax = 20;
/** Aliases may repeat a list of addresses a few times; a file that multiplies itself is an attack or a mistake. */
const aliasesMax = 100;

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlFile {
  readonly file: string;
  readonly value: unknown;
  /** Where the key or value of a path stands; of the nearest parent when it is absent. */
  locate(path: Path, at: Finding["at"]): Place;
}

export type ReadYaml = { readonly file: YamlFile; readonly problems: readonly Problem[] } | { readonly file: null; readonly problems: readonly Problem[] };

type Document = ReturnType<typeof parseDocument>;

const syntaxRemedies: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "keep one of the two and delete the other",
  TAB_AS_INDENT: "indent with spaces",
  MULTIPLE_DOCS: "keep one document; delete the `---` line and what follows it",
  NON_STRING_KEY: "write a plain name as the key",
  BAD_ALIAS: "define the anchor (&name) before the alias (*name), or write the value out",
  TAG_RESOLVE_FAILED: "remove the tag (!…)",
  BAD_INDENT: "align the line with its siblings, using spaces",
  MISSING_CHAR: "close the quote or bracket",
};

function syntaxProblems(document: Document, file: string, lines: LineCounter): Problem[] {
  return [...document.errors, ...document.warnings].map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    // Messages of the parser may quote the file; the first line of one never quotes a value.
    const message = (error.message.split("\n")[0] ?? "").replace(/[;,] please use YAML\.\w+\(\)/, "");
    return {
      file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path: "",
      message: `YAML: ${message}`,
      remedy: syntaxRemedies[error.code] ?? "correct the syntax here",
    };
  });
}

const oddScalars: readonly { readonly pattern: RegExp; readonly message: string; readonly remedy: string }[] = [
  { pattern: /^[-+]?0[0-9_]+$/, message: "a number with leading zeros, which some readers take as octal", remedy: "write it without the zeros" },
  { pattern: /^[-+]?0[ox][0-9a-f]+$/i, message: "an octal or hexadecimal number", remedy: "write it in decimal" },
  { pattern: /^[-+]?\.(?:nan|inf)$/i, message: "not a finite number", remedy: "write a whole number" },
  { pattern: /^(?:y|n|yes|no|on|off)$/i, message: "a word that some YAML readers take as true or false", remedy: "write true or false, or quote the word" },
  { pattern: /^(?:~|null)$/i, message: "an empty value", remedy: "write a value, or leave the key out" },
];

/** Paths of plain scalars that mean different things to different readers. */
function oddFindings(document: Document): Finding[] {
  const findings: Finding[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === "key" || node.type !== "PLAIN" || typeof node.source !== "string") return;
      const odd = oddScalars.find(({ pattern }) => pattern.test(node.source ?? ""));
      if (odd === undefined) return;
      findings.push(finding(pathOf(key, ancestors), odd.message, odd.remedy));
    },
  });
  return findings;
}

function pathOf(key: unknown, ancestors: readonly unknown[]): Path {
  const path: (string | number)[] = [];
  for (const [index, ancestor] of ancestors.entries()) {
    const next = ancestors[index + 1];
    if (isPair(ancestor) && isScalar(ancestor.key)) path.push(String(ancestor.key.value));
    if (isSeq(ancestor)) path.push(next === undefined ? Number(key) : ancestor.items.indexOf(next));
  }
  return path;
}

function depthOf(node: unknown): number {
  if (!isCollection(node)) return 0;
  let deepest = 0;
  for (const item of node.items) deepest = Math.max(deepest, depthOf(isPair(item) ? item.value : item));
  return deepest + 1;
}

type Located = { readonly key: ParsedNode | null; readonly value: ParsedNode | null };

function childOf(node: unknown, part: string | number, document: Document): Located | null {
  const parent = isAlias(node) ? node.resolve(document) : node;
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
    return pair === undefined ? null : { key: pair.key as ParsedNode, value: pair.value as ParsedNode | null };
  }
  if (isSeq(parent) && typeof part === "number") {
    const item = parent.items[part];
    return isNode(item) ? { key: item as ParsedNode, value: item as ParsedNode } : null;
  }
  return null;
}

function locator(document: Document, lines: LineCounter): YamlFile["locate"] {
  return (path, at) => {
    let located: Located = { key: null, value: document.contents as ParsedNode | null };
    for (const part of path) {
      const child = childOf(located.value, part, document);
      // What is absent is reported at the key of what should have held it.
      if (child === null) {
        at = "key";
        break;
      }
      located = child;
    }
    const node = at === "key" ? (located.key ?? located.value) : (located.value ?? located.key);
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
}

/** Findings become problems with a line and a column. */
export function placed(findings: readonly Finding[], file: YamlFile): Problem[] {
  return findings.map(({ path, at, message, remedy }) => ({ file: file.file, ...file.locate(path, at), path: pathText(path), message, remedy }));
}

function whole(file: string, message: string, remedy: string): ReadYaml {
  return { file: null, problems: [{ file, line: 1, column: 1, path: "", message, remedy }] };
}

/** What to do about a file that holds nothing, or no map. */
interface StartHints {
  readonly empty: string;
  readonly noMap: string;
}

const configHints: StartHints = { empty: "copy portcullis.example.yaml and change it", noMap: "start with `owner: …` at the left margin" };

/** `file` is the name to show. With syntax errors `file: null` comes back: nothing can be said about the content. */
export function readYaml(text: string, file: string, hints: StartHints = configHints): ReadYaml {
  if (text.length > charactersMax) return whole(file, `the file has ${text.length} characters`, `a file has at most ${charactersMax}`);
  const lines = new LineCounter();
  // With logLevel "silent" the library would also keep quiet about a second document (yaml 2.9.1, src/public-api.ts).
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true, version: "1.2", logLevel: "error" });
  const broken = syntaxProblems(document, file, lines);
  if (document.directives?.yaml.explicit === true)
    broken.push({ file, line: 1, column: 1, path: "", message: "a %YAML directive", remedy: "delete the line; the file is read as YAML 1.2" });
  if (broken.length > 0) return { file: null, problems: broken };
  if (document.contents === null) return whole(file, "the file is empty", hints.empty);
  if (depthOf(document.contents) > depthMax) return whole(file, `nested deeper than ${depthMax} levels`, "write it flatter");
  if (!isMap(document.contents)) return whole(file, "the file is not a map of keys", hints.noMap);
  try {
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
    const read: YamlFile = { file, value, locate: locator(document, lines) };
    return { file: read, problems: placed(oddFindings(document), read) };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "cannot be read";
    return whole(file, `YAML: ${message}`, "write repeated values out instead of using aliases (*name)");
  }
}
