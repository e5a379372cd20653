// Leaves prose alone. Rule: a text literal that has a blank between two words is a sentence for people, and emptying it
// proves nothing about what the code does; so is a template of such words with plain values in it. Everything else is
// mutated: codes, states, keys, separators, patterns, and every template that decides something inside.

const reason = "prose for people";
const sentence = /\p{L}[\p{L},;:'’)]* [\p{L}$(]/u;

interface Literal {
  readonly type: string;
  readonly value?: unknown;
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
  readonly expressions?: readonly { readonly type: string }[];
}

const plain: readonly string[] = ["Identifier", "MemberExpression"];

function isPlain(expression: Literal & { readonly object?: Literal; readonly callee?: Literal; readonly arguments?: readonly Literal[] }): boolean {
  if (expression.type === "CallExpression") return isPlain(expression.callee ?? expression) && (expression.arguments ?? []).every(isPlain);
  if (expression.type === "StringLiteral") return true;
  return plain.includes(expression.type) && (expression.object === undefined || expression.object.type === "ThisExpression" || isPlain(expression.object));
}

/** Why the node is left as it is; undefined: mutate it. */
export function proseReason(node: Literal): string | undefined {
  if (node.type === "StringLiteral") return typeof node.value === "string" && sentence.test(node.value) ? reason : undefined;
  if (node.type !== "TemplateLiteral") return undefined;
  // A blank stands for each value, as a word would.
  const text = (node.quasis ?? []).map((quasi) => quasi.value.raw).join("x");
  return sentence.test(text) && (node.expressions ?? []).every(isPlain) ? reason : undefined;
}

/** As Stryker finds a plugin: by this name of the export. */
export const strykerPlugins = [{ kind: "Ignore", name: "prose", value: { shouldIgnore: (path: { readonly node: Literal }) => proseReason(path.node) } }];
