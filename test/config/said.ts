// Every problem of a configuration as "line:column path: message; remedy", with all kinds of targets that there are.
import { providers } from "../../functions/generated/providers.ts";
import { changed, digest, problemsOf, validText } from "./support.ts";

/** `@a` in a text stands for a digest of a key. */
const written = (text: string) => text.replaceAll(/@([a-d])/g, (_mark, digit: string) => digest(digit));

export function saidOf(text: string): readonly string[] {
  const problems = problemsOf(written(text), { definitions: providers });
  return problems.map(({ line, column, path, message, remedy }) => `${line}:${column} ${path === "" ? "" : `${path}: `}${message}; ${remedy}`);
}

/** A piece of the valid text, what stands in its place, and each problem; none: it is right. */
export type Row = readonly [from: string, to: string, ...problems: string[]];

/** The small valid configuration with one piece replaced. */
export function saidOfChange(from: string, to: string): readonly string[] {
  return saidOf(changed(written(from), written(to), validText));
}
