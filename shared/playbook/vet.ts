// Walks a parsed condition and says everything that is wrong with it at once: unknown fields, functions and words, and what could take long.
// Refuses what the library would only notice when an event comes.
import type { ASTNode } from "@marcbachmann/cel-js";
import { severities } from "../config.ts";
import { limits } from "../limits.ts";
import { eventFields, type FieldSpec, fieldTables } from "./fields.ts";
import { nearest, shown } from "./shown.ts";

/** Something wrong with a condition, at a character of its text. */
export interface ConditionFault {
  readonly offset: number;
  readonly message: string;
  readonly remedy: string;
}

interface Typed {
  readonly type: string;
  readonly words?: readonly string[];
}

type Scope = ReadonlyMap<string, string>;

const functions = ["has", "size", "int", "double", "string"];
const macros = ["exists", "all", "exists_one", "filter"];
const methods = ["startsWith", "endsWith", "contains", "matches", "lowerAscii", "size", ...macros];

/** What people write who come from another language. */
const insteadOf: ReadonlyMap<string, string> = new Map([
  ["includes", 'write TEXT.contains("…"), or "…" in LIST'],
  ["indexOf", 'write TEXT.contains("…")'],
  ["toLowerCase", "write TEXT.lowerAscii()"],
  ["lower", "write TEXT.lowerAscii()"],
  ["any", "write LIST.exists(x, …)"],
  ["some", "write LIST.exists(x, …)"],
  ["every", "write LIST.all(x, …)"],
  ["length", "write size(…)"],
  ["len", "write size(…)"],
  ["count", "write size(LIST.filter(x, …))"],
  ["map", "write LIST.exists(x, …) on the list itself"],
  ["match", 'write TEXT.matches("…")'],
  ["test", 'write TEXT.matches("…")'],
  ["regex", 'write TEXT.matches("…")'],
]);

/** Every value that some field of few words has. */
const allWords: ReadonlySet<string> = new Set(Object.values(fieldTables).flatMap((table) => Object.values(table).flatMap(({ words = [] }) => words)));

const unknown: Typed = { type: "dyn" };
/** What a name in `event.evidence` stands for: a text, a number, true or false, and nothing inside of it. */
const fact: Typed = { type: "fact" };
const insideOfFact = 'write its whole name, dots and all: event.evidence["a.b"]';
const orders = ["<", "<=", ">", ">="];

/** How many `of` there are. */
function count(text: string, of: RegExp): number {
  return text.match(of)?.length ?? 0;
}

/** Whether every match begins at the start of the text, so that the matcher has one start to try and not one for each character. */
function isAnchored(bare: string): boolean {
  return bare.startsWith("^") && !bare.replaceAll(/\([^()]*\)/g, "_").includes("|");
}

/**
 * What a pattern has that could take long; null: nothing. JavaScript's matcher tries every way a pattern could be meant, so the ways are counted: with these
 * bounds the worst that was found takes some 20 ms on the longest text (2026-11-26), where thirty times `a?` takes longer than anyone waits.
 */
export function patternFault(pattern: string): string | null {
  if (pattern.length > limits.patternCharsMax) return `longer than ${limits.patternCharsMax} characters`;
  if (/\(\?(?!:)/.test(pattern)) return "a group that looks around or has a name";
  if (/\\[1-9k]/.test(pattern)) return "a reference back to a group";
  const bare = pattern
    .replaceAll(/\\./g, "_")
    .replaceAll(/\[[^\]]*\]/g, "_")
    .replaceAll("(?:", "(");
  if (/\)(?:[*+]|\{)/.test(bare)) return "a group that repeats";
  const repeats = isAnchored(bare) ? limits.patternRepeatsMax : limits.patternRepeatsMax - 1;
  if (count(bare, /[*+]|\{\d*,\d*\}/g) > repeats) return `more than ${repeats} ${repeats === 1 ? "repeat" : "repeats"}`;
  if (count(bare, /[?(]/g) > limits.patternChoicesMax) return `more than ${limits.patternChoicesMax} groups and question marks`;
  if (count(bare, /\|/g) > limits.patternBarsMax) return `more than ${limits.patternBarsMax} alternatives`;
  if ((bare.match(/\{\d+/g) ?? []).some((repeat) => Number(repeat.slice(1)) > limits.patternCharsMax)) return "a repeat that is too long";
  try {
    return pattern === "" || new RegExp(pattern).test("") ? "nothing that must be there, so every text has it" : null;
  } catch {
    return "something that is no pattern";
  }
}

class Vetting {
  readonly faults: ConditionFault[] = [];
  /** Where patterns begin. */
  readonly patterns: number[] = [];

  fault(node: ASTNode, message: string, remedy: string): Typed {
    this.faults.push({ offset: node.start, message, remedy });
    return unknown;
  }

  walk(node: ASTNode, scope: Scope): Typed {
    switch (node.op) {
      case "value":
        return { type: typeof node.args };
      case "id":
        return this.variable(node, node.args, scope);
      case ".":
        return this.member(node, this.walk(node.args[0], scope), node.args[1]);
      case "[]":
        return this.index(node.args[0], node.args[1], scope);
      case "call":
        return this.call(node, node.args[0], node.args[1], scope);
      case "rcall":
        return this.method(node, node.args[0], node.args[1], node.args[2], scope);
      case "list":
        for (const item of node.args) this.walk(item, scope);
        return { type: "list<dyn>" };
      case "!_":
      case "-_":
        this.walk(node.args, scope);
        return unknown;
      case "?:":
        for (const part of node.args) this.walk(part, scope);
        return unknown;
      case "map":
      case ".?":
      case "[?]":
        return this.fault(node, "a form of CEL that conditions do not have", "write it with ==, in, && and ||");
      default:
        return this.pair(node.op, node.args[0], node.args[1], scope);
    }
  }

  variable(node: ASTNode, name: string, scope: Scope): Typed {
    const type = scope.get(name);
    if (type !== undefined) return { type };
    const field = Object.hasOwn(eventFields, name) ? name : nearest(name, Object.keys(eventFields));
    if (allWords.has(name)) return this.fault(node, `unknown name ${shown(name)}`, `write it in quotes: ${JSON.stringify(name)}`);
    return this.fault(node, `unknown name ${shown(name)}`, field === null ? "write event.FIELD, or a text in quotes" : `write event.${field}`);
  }

  member(node: ASTNode, left: Typed, name: string): Typed {
    const table = fieldTables[left.type];
    if (left.type.startsWith("map<")) return fact;
    if (left.type === fact.type) return this.fault(node, `a fact has no field ${shown(name)}`, insideOfFact);
    if (table === undefined) {
      if (left.type.startsWith("list<")) return this.fault(node, `a list has no field ${shown(name)}`, `write LIST.exists(x, x.${name} == …)`);
      return left.type === "string" ? this.fault(node, `a text has no field ${shown(name)}`, "compare the text itself") : unknown;
    }
    const spec: FieldSpec | undefined = Object.hasOwn(table, name) ? table[name] : undefined;
    if (spec !== undefined) return spec.words === undefined ? { type: spec.type } : { type: spec.type, words: spec.words };
    const near = nearest(name, Object.keys(table));
    const what = left.type === "Event" ? "an event" : `${left.type.toLowerCase()}`;
    return this.fault(
      node,
      `${what} has no field ${shown(name)}`,
      near === null ? `write one of: ${Object.keys(table).join(", ")}; facts of the source are under event.evidence` : `did you mean ${JSON.stringify(near)}?`,
    );
  }

  index(left: ASTNode, key: ASTNode, scope: Scope): Typed {
    const { type } = this.walk(left, scope);
    if (type === fact.type) return this.fault(key, "a fact has nothing inside of it", insideOfFact);
    const written = key.op === "value" ? key.args : null;
    if (type.startsWith("map<") && typeof written === "string") return fact;
    if (type.startsWith("list<") && typeof written === "bigint") return { type: type.slice(5, -1) };
    if (Object.hasOwn(fieldTables, type) && typeof written === "string") return this.fault(key, `${shown(written)} in brackets`, `write a dot: .${written}`);
    return this.fault(key, "an index that is not a name in quotes", 'write event.evidence["name"], or LIST.exists(x, …)');
  }

  call(node: ASTNode, name: string, args: readonly ASTNode[], scope: Scope): Typed {
    if (!functions.includes(name)) return this.noFunction(node, name, functions);
    if (name === "has") return this.has(node, args[0], scope);
    for (const arg of args) this.walk(arg, scope);
    return unknown;
  }

  noFunction(node: ASTNode, name: string, known: readonly string[]): Typed {
    const near = nearest(name, known);
    const remedy = insteadOf.get(name) ?? (near === null ? `write one of: ${known.join(", ")}` : `did you mean ${JSON.stringify(near)}?`);
    return this.fault(node, `there is no function ${shown(name)}`, remedy);
  }

  has(node: ASTNode, arg: ASTNode | undefined, scope: Scope): Typed {
    const before = this.faults.length;
    if (arg?.op !== ".") return this.fault(node, "has() takes a field", 'write has(event.evidence.NAME), or "NAME" in event.evidence');
    const left = this.walk(arg.args[0], scope);
    if (left.type.startsWith("map<")) return unknown;
    this.member(arg, left, arg.args[1]);
    if (this.faults.length > before) return unknown;
    return this.fault(node, `${shown(arg.args[1])} is always there: what a source does not say is ""`, `write event.… != "" instead of has(…)`);
  }

  method(node: ASTNode, name: string, receiver: ASTNode, args: readonly ASTNode[], scope: Scope): Typed {
    const left = this.walk(receiver, scope);
    if (!methods.includes(name)) return this.noFunction(node, name, methods);
    if (macros.includes(name)) return this.macro(node, name, left, args, scope);
    for (const arg of args) this.walk(arg, scope);
    if (name === "matches") this.pattern(node, args[0], scope);
    return { type: name === "lowerAscii" ? "string" : "dyn" };
  }

  macro(node: ASTNode, name: string, left: Typed, args: readonly ASTNode[], scope: Scope): Typed {
    const [variable, body] = args;
    if (variable?.op !== "id" || body === undefined) return this.fault(node, `${name} takes a name and a condition`, `write LIST.${name}(x, x == …)`);
    if (scope.size > 1) return this.fault(node, `${name} inside another walk over a list`, "join the two with && instead of nesting them");
    if (Object.hasOwn(eventFields, variable.args) || scope.has(variable.args))
      return this.fault(variable, `${shown(variable.args)} is the name of a field`, `choose another name: ${name}(x, …)`);
    const type = left.type.startsWith("list<") ? left.type.slice(5, -1) : "dyn";
    this.walk(body, new Map([...scope, [variable.args, type]]));
    return { type: name === "filter" ? left.type : "dyn" };
  }

  pattern(node: ASTNode, arg: ASTNode | undefined, scope: Scope): void {
    if (arg !== undefined) this.patterns.push(arg.start);
    if (this.patterns.length > limits.conditionPatternsMax)
      this.fault(node, `more than ${limits.conditionPatternsMax} times matches()`, "write startsWith, endsWith or contains, joined by ||");
    if (scope.size > 1) this.fault(node, "matches() for each item of a list", "write startsWith, endsWith or contains, joined by ||");
    if (arg?.op !== "value" || typeof arg.args !== "string") {
      this.fault(node, "matches() with a pattern that is not written out", 'write the pattern in quotes: TEXT.matches("^Recon:")');
      return;
    }
    const fault = patternFault(arg.args);
    if (fault !== null)
      this.fault(arg, `the pattern has ${fault}, which could take very long or say nothing`, "write startsWith, endsWith or contains, joined by ||");
  }

  pair(op: string, a: ASTNode, b: ASTNode, scope: Scope): Typed {
    const [left, right] = [this.walk(a, scope), this.walk(b, scope)];
    if (op === "==" || op === "!=") {
      this.word(left, b);
      this.word(right, a);
    }
    if (op === "in" && b.op === "list") for (const item of b.args) this.word(left, item);
    if (orders.includes(op)) {
      this.order(left, a);
      this.order(right, b);
    }
    return unknown;
  }

  /** Words are ordered by their letters: of the severities "critical" would come first. */
  order(side: Typed, node: ASTNode): void {
    if (side.words === undefined) return;
    const remedy = side.words === severities ? "compare event.level: 0 low, 1 medium, 2 high, 3 critical" : "write == or in";
    this.fault(node, "words have no order", remedy);
  }

  /** A field with few words is compared with one of them, or the condition never holds. */
  word(side: Typed, other: ASTNode): void {
    if (side.words === undefined || other.op !== "value" || typeof other.args !== "string" || side.words.includes(other.args)) return;
    const near = nearest(
      other.args,
      side.words.filter((word) => word !== ""),
    );
    const list = side.words.map((word) => JSON.stringify(word)).join(", ");
    this.fault(
      other,
      `${shown(other.args)} is never the value of this field`,
      near === null ? `write one of: ${list}` : `did you mean ${JSON.stringify(near)}?`,
    );
  }
}

export function vetCondition(ast: ASTNode): { readonly faults: readonly ConditionFault[]; readonly patterns: readonly number[] } {
  const vetting = new Vetting();
  vetting.walk(ast, new Map([["event", "Event"]]));
  return { faults: vetting.faults, patterns: vetting.patterns };
}
