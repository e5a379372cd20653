// The scan for code made from text: what it must find, and what it must not take for it.
import { expect, test } from "vitest";
import { dynamicCodeFaults, dynamicCodeIn, parseScripts } from "./dynamic-code.ts";

const found: readonly (readonly [string, string])[] = [
  ["eval('1')", "eval"],
  ["(0, eval)('1')", "eval"],
  ["const run = eval; run('1')", "eval"],
  ["globalThis.eval('1')", "eval"],
  ["self['eval']('1')", "eval"],
  ["new Function('a', 'return a')", "Function"],
  ["Function('return this')()", "Function"],
  ["globalThis[`Function`]('1')", "Function"],
  ["const { make = Function } = {}; make('1')", "Function"],
  ["Reflect.construct(Function, ['1'])", "Function"],
  ["(() => {}).constructor('return 1')()", "a call of .constructor"],
  ["new (async () => {}).constructor('1')", "a call of .constructor"],
  ["x['constructor']('1')", "a call of .constructor"],
  ["setTimeout('run()', 1)", "setTimeout of text"],
  ["window.setInterval(`run(1)`, 1)", "setInterval of text"],
  ["import(name)", "import() of a computed name"],
  ["import('./' + name)", "import() of a computed name"],
  ["require(name)", "require() of a computed name"],
  ["WebAssembly.instantiate(bytes)", "WebAssembly.instantiate"],
  ["new WebAssembly.Module(bytes)", "WebAssembly.Module"],
];

const harmless: readonly string[] = [
  "'eval(1)'; `new Function(1)`; // eval(1)",
  "/* new Function('1') */ const a = { eval: 1, Function: 2 };",
  "x instanceof Function; typeof Function; Function.prototype.call; Function.name",
  "setTimeout(() => {}, 1); setInterval(run, 1); setTimeout(run)",
  "import('./known.js'); require('known')",
  "class A { constructor() { this.b = x.constructor.name; } }",
  "if (a<b>(c)) d(/eval(1)/)",
];

test("find: every way from text to code that can be read off the text", () => {
  const trees = parseScripts(found.map(([text]) => text));
  expect(trees.map((tree) => dynamicCodeIn(tree)[0]?.what)).toEqual(found.map(([, what]) => what));
});

test("pass: strings, comments, names, and calls of what is known", () => {
  for (const tree of parseScripts(harmless)) expect([tree.text, dynamicCodeIn(tree)]).toEqual([tree.text, []]);
});

test("excuse: by name and number; more than that is a fault, and less is an exception to remove", () => {
  const modules = new Map([["worker.js", "eval(a); eval(b)"]]);
  const exception = (count: number) => [{ package: "p", what: "eval", count, reason: "" }];
  expect(dynamicCodeFaults("b", modules, [])).toMatchObject({ found: 2, faults: [expect.stringContaining("eval, 2 times, 0 excused")] });
  expect(dynamicCodeFaults("b", modules, exception(2)).faults).toEqual([]);
  expect(dynamicCodeFaults("b", modules, exception(3)).faults).toEqual([expect.stringContaining("remove the exception")]);
  expect(dynamicCodeFaults("b", new Map(), exception(1)).faults).toEqual([expect.stringContaining("remove the exception")]);
});
