// As many leases as the store takes fit into an isolate's memory: whoever accepted them would else be ended in the middle of each pass.
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { leasesMax } from "../../functions/coordinator/ledger.ts";

/**
 * An isolate has 128 MB (Cloudflare docs, workers/platform/limits, 2026), and workerd compresses pointers, which Node does not: an object of four
 * numbers and its place in a list take 28 bytes there and 64 here (workerd of wrangler 4.155, Node 24, 2026-11-26). So 224 MB here are less than 128 there.
 */
const heapMb = 224;

describe("memory", () => {
  test(`hold: ${leasesMax} leases, three targets, passes and the ledger, in ${heapMb} MB of heap`, { timeout: 600_000 }, async () => {
    const flags = [`--max-old-space-size=${heapMb}`, "--max-semi-space-size=4"];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, resolve(import.meta.dirname, "most-leases.ts")], { maxBuffer: 1024 * 1024 });
    expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "null")).toEqual({ blocks: leasesMax, complete: true, hot: 18 });
  });
});
