// The README's lines, run by bash as they are printed, against the very stack that `npm start` brings up.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Demo, startDemo } from "../sandbox/demo.ts";
import { otherClouds } from "../sandbox/other-clouds.ts";
import { readmeBlocks, type ShellBlock } from "../sandbox/readme.ts";

const root = resolve(import.meta.dirname, "../..");
const blocks = (await readmeBlocks()).filter(({ script }) => /\bcurl |npm run portcullis/.test(script));
let demo: Demo;
let home: string;

beforeAll(async () => {
  demo = await startDemo({ clouds: otherClouds });
  home = await mkdtemp(join(tmpdir(), "portcullis-curl-"));
  // The status beside the body, without a word in the printed line.
  await writeFile(join(home, ".curlrc"), 'write-out = "\\n%{http_code}"\n');
}, 60_000);

afterAll(async () => {
  await demo?.stack.close();
  await rm(home, { recursive: true, force: true });
});

function runBlock({ script }: ShellBlock): Promise<string> {
  // The configuration that `npm start` copies into `.sandbox/` is the one of this stack.
  const text = script.replaceAll(".sandbox/portcullis.yaml", demo.stack.configFile);
  const env = { ...process.env, ...demo.environment, CURL_HOME: home };
  return new Promise((answer, reject) => {
    execFile("bash", ["-euo", "pipefail", "-c", text], { cwd: root, env, timeout: 30_000 }, (error, stdout, stderr) =>
      error === null ? answer(stdout) : reject(new Error(`${error.message}\n${stdout}\n${stderr}`)),
    );
  });
}

/** Every name in `shown`, at any depth, that `actual` lacks at the same place. */
function missingNames(shown: unknown, actual: unknown, path = ""): readonly string[] {
  if (Array.isArray(shown)) return shown.flatMap((item, index) => missingNames(item, Array.isArray(actual) ? actual[index] : undefined, `${path}[${index}]`));
  if (typeof shown !== "object" || shown === null) return [];
  return Object.entries(shown).flatMap(([name, value]) => {
    const inner = typeof actual === "object" && actual !== null && Object.hasOwn(actual, name) ? (actual as Record<string, unknown>)[name] : undefined;
    return inner === undefined ? [`${path}.${name}`] : missingNames(value, inner, `${path}.${name}`);
  });
}

describe("the README", () => {
  test("has lines to try, and says of each what to expect", () => {
    expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.filter((block) => block.expect === null).map((block) => block.script)).toEqual([]);
  });

  test.each(blocks)("does what it says: $intro", async (block) => {
    const output = await runBlock(block);

    const [, status, fragment] = /^(?:([0-9]{3}) )?(.*)$/.exec(block.expect ?? "") ?? [];
    if (block.script.includes("curl ")) expect([output.split("\n").at(-1), output]).toEqual([status, expect.any(String)]);
    expect(output).toContain(fragment);
  });

  test("shows an answer that has the shape of the real one", async () => {
    const shown = /```json\n([\s\S]*?)```/.exec(await readFile(join(root, "README.md"), "utf8"))?.[1] ?? "";
    const first = blocks[0];
    if (first === undefined) throw new Error("the README has no lines");

    const output = await runBlock(first);

    expect(missingNames(JSON.parse(shown), JSON.parse(output.slice(0, output.lastIndexOf("\n"))))).toEqual([]);
  });
});
