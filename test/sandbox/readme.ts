// Reads the README's shell blocks, each with what is promised about it. The sandbox prints them, a test runs them as printed.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

export interface ShellBlock {
  /** The nearest heading above. */
  readonly section: string;
  /** The last paragraph above the block. */
  readonly intro: string;
  /** From `<!-- expect: … -->` directly above the fence; null when there is none. */
  readonly expect: string | null;
  readonly script: string;
}

const root = resolve(import.meta.dirname, "../..");
const fence = "```";

export function shellBlocks(markdown: string): readonly ShellBlock[] {
  const blocks: ShellBlock[] = [];
  let section = "";
  let intro = "";
  let expect: string | null = null;
  let script: string[] | null = null;
  let other = false;
  let inText = false;
  for (const line of markdown.split("\n")) {
    if (script !== null) {
      if (line !== fence) script.push(line);
      else {
        blocks.push({ section, intro, expect, script: script.join("\n") });
        [script, expect] = [null, null];
      }
    } else if (other) other = line !== fence;
    else if (line === `${fence}sh`) script = [];
    else if (line.startsWith(fence)) other = true;
    else if (line.startsWith("#")) section = line.replace(/^#+ /, "");
    else if (line.startsWith("<!-- expect: ")) expect = line.slice("<!-- expect: ".length).replace(/ -->$/, "");
    else if (line !== "") intro = inText ? `${intro} ${line}` : line;
    inText = line !== "" && /^[^<#`]/.test(line);
  }
  return blocks;
}

export async function readmeBlocks(): Promise<readonly ShellBlock[]> {
  return shellBlocks(await readFile(join(root, "README.md"), "utf8"));
}
