// The simulated platforms run the product: a block through the real routes stands and leaves by itself, whatever is done to the platform;
// and the same seed gives the same history.
import { afterEach, describe, expect, test } from "vitest";
import type { PlatformUnderTest } from "./contract.ts";
import type { PlatformParts } from "./platform/parts.ts";
import { workersPlatform } from "./platform/workers.ts";
import { PlatformWorld } from "./platform-world.ts";

const makers: Readonly<Record<string, (parts: PlatformParts) => PlatformUnderTest>> = {
  workers: (parts) => workersPlatform(parts, "workers"),
  "workers-tick-only": (parts) => workersPlatform(parts, "workers-tick-only"),
};

let world: PlatformWorld | null = null;

function begin(seed: number, kind: string): PlatformWorld {
  const make = makers[kind];
  if (make === undefined) throw new Error(`no platform ${kind}`);
  world = new PlatformWorld(seed, make);
  return world;
}

afterEach(() => {
  world?.platform.end();
  world?.release();
  world = null;
});

const kinds = Object.keys(makers);
const minute = 60_000;

describe.each(kinds)("%s", (kind) => {
  test("block: stands after a pass and leaves by itself after its lease", async () => {
    const { run, post, standing } = bound(begin(1, kind));
    const answered = await post("/v1/blocks", { ip: "203.0.113.7", for: "10m" });
    expect([200, 202]).toContain(answered.status);
    await run(4 * minute);
    expect(standing()).toEqual(["203.0.113.7/32"]);
    await run(12 * minute);
    expect(standing()).toEqual([]);
  });
});

function bound(of: PlatformWorld) {
  return { run: of.run.bind(of), post: of.post.bind(of), standing: of.standing.bind(of) };
}
