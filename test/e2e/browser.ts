// A real headless Chromium for the tests of pages: the binary of an installed package, else the system's own. Says null
// where neither runs. Each start has a profile of its own; nothing is left behind.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import packaged from "@sparticuz/chromium";
import { type BrowserContext, chromium } from "playwright-core";

const systemBinaries = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** No sandbox, since CI runs as root; the rest keeps it from asking anybody anything. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** Unpacks into `folder`: the package writes to the temporary folder, and takes a half-written binary there for a whole one. */
async function unpack(folder: string): Promise<string> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  try {
    return await packaged.executablePath();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

async function runs(binary: string): Promise<boolean> {
  return promisify(execFile)(binary, ["--version", "--no-sandbox"], { timeout: 20_000 }).then(
    () => true,
    () => false,
  );
}

async function findBinary(folder: string): Promise<string | null> {
  const unpacked = await unpack(folder).catch(() => null);
  for (const binary of [...(unpacked === null ? [] : [unpacked]), ...systemBinaries]) if (await runs(binary)) return binary;
  return null;
}

/** Null: no Chromium runs on this machine. */
export async function startBrowser(): Promise<Browser | null> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-browser-"));
  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  const executablePath = await findBinary(folder);
  if (executablePath === null) {
    await removeFolder();
    return null;
  }
  const context = await chromium.launchPersistentContext(join(folder, "profile"), { executablePath, headless: true, args: flags });
  return {
    context,
    async close() {
      await context.close();
      await removeFolder();
    },
  };
}
