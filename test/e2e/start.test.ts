// `npm start` itself: it comes up without a question, tells what happens at the firewall, and ends cleanly at Ctrl-C.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
let folder: string;
let sandbox: ChildProcess;
let output = "";

async function says(fragment: string, from = 0): Promise<void> {
  for (let tries = 0; tries < 400 && !output.includes(fragment, from); tries += 1) await new Promise((wake) => setTimeout(wake, 100));
  expect(output.slice(from)).toContain(fragment);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "portcullis-start-"));
  sandbox = spawn(join(root, "node_modules/.bin/node"), ["test/sandbox/main.ts", "--seconds", "110", "--folder", join(folder, "sandbox")], { cwd: root });
  for (const stream of [sandbox.stdout, sandbox.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
});

afterAll(async () => {
  sandbox.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

test("start: says where and with which keys, shows a rule come and go, leaves nothing behind", async () => {
  await says("Ctrl-C ends it");
  expect(output).toMatch(/admin key +portcullis_[\w-]{43}\n/);
  expect(output).toMatch(/signing secret +whsec_[\w+/=]{44}\n/);
  const told = output.length;
  const page = /^Watch the firewalls at +(http:\/\/127\.0\.0\.1:[0-9]+\/)$/m.exec(output)?.[1] ?? "";
  expect(await (await fetch(page)).text()).toContain(`. &#39;${join(folder, "sandbox/env")}&#39;`);

  const line = `. '${join(folder, "sandbox/env")}' && curl -sS -H "Authorization: Bearer $KEY" -d ip=203.0.113.7 -d for=5s "$URL/v1/blocks"`;
  const { stdout } = await promisify(execFile)("bash", ["-c", line]);

  expect(stdout).toContain('"status":"created"');
  await says("rule 1 deny 203.0.113.7/32 in appears", told);
  await says("rule 1 deny 203.0.113.7/32 in is gone", told);
  expect(output.slice(told)).not.toContain('{"level"');

  sandbox.kill("SIGINT");
  expect(await new Promise((end) => sandbox.once("exit", end))).toBe(0);
  expect(output).toContain("nothing is left behind");
  expect(existsSync(join(folder, "sandbox"))).toBe(false);
  expect(await readdir(folder)).toEqual([]);
}, 110_000);
