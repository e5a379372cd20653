// A copy of the sources outside the tree, whole or with a mutant's edits. The tree itself is never touched.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Edit } from "./mutant.ts";

const root = resolve(import.meta.dirname, "../../..");
/** What the simulation runs on; of the tests only what it imports. */
const copied = ["functions", "providers", "shared", "test/simulation", "test/simulators", "test/coordinator", "package.json", "tsconfig.json"];

/** The text with the edit made. Throws unless `find` stands in it exactly once: a mutant that no longer fits proves nothing. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined) throw new Error(`${file} does not hold ${JSON.stringify(find)}: the code has changed, change the mutant`);
  if (more.length > 0) throw new Error(`${file} holds ${JSON.stringify(find)} ${more.length + 1} times: name more of what stands around it`);
  return `${before}${replace}${after}`;
}

export function sourceOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

export interface Copy {
  readonly folder: string;
  remove(): void;
}

/** `from`: the tree, or a copy of it, so that all mutants of one run are of the same sources, whoever edits the tree meanwhile. */
export function copyWith(edits: readonly Edit[], from: string = root): Copy {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-mutant-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const path of copied) cpSync(join(from, path), join(folder, path), { recursive: true, filter: (file) => !file.endsWith(".test.ts") });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "dir");
    for (const edit of edits) writeFileSync(join(folder, edit.file), edited(readFileSync(join(folder, edit.file), "utf8"), edit));
    return { folder, remove };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}
