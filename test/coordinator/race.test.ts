// What is accepted while a pass is under way: the pass does not know of it, and must not undo it. Found by simulation.
import { describe, expect, test } from "vitest";
import type { Transport } from "../../shared/ports.ts";
import { CoordinatedWorld, newWorld, settle, startMs } from "./world.ts";

const minute = 60_000;
const ip = "203.0.113.1";

/** A world in which something happens while the cloud is being looked at. */
class Interrupted extends CoordinatedWorld {
  meanwhile: (() => Promise<unknown>) | null = null;

  override readonly send: Transport = async (request, signal) => {
    const { meanwhile } = this;
    this.meanwhile = null;
    if (meanwhile !== null) await meanwhile();
    const url = new URL(request.url);
    const reply = this.aws.respond({ method: request.method, target: url.pathname, headers: { ...request.headers, host: url.host }, body: request.body ?? "" });
    if (reply === null) throw new Error(`no answer to ${String(signal)}`);
    return { status: reply.status, headers: reply.headers, body: reply.body };
  };
}

async function interrupted(): Promise<Interrupted> {
  const world = new Interrupted();
  await world.setUp();
  world.now = startMs;
  await world.advance(settle + minute);
  return world;
}

describe("accepted during a pass", () => {
  test("lease: a new one keeps the gate that the pass was about to open, and the next pass is content", async () => {
    const world = await interrupted();
    await world.block(ip, 20 * minute);
    await world.advance(minute);
    expect(world.blocked(ip)).toBe(true);
    world.now += 1_000;
    await world.lift(ip);
    world.now += 1_000;
    world.meanwhile = async () => {
      world.now += 1_000;
      await world.block(ip, 10 * minute);
    };
    const opened: boolean[] = [];
    world.aws.onChange(() => opened.push(!world.blocked(ip)));
    await world.advance(3 * minute);
    expect(opened).not.toContain(true);
    expect(world.blocked(ip)).toBe(true);
    await world.advance(10 * minute + 2 * settle);
    expect(world.blocked(ip)).toBe(false);
  });

  test("lease: one for other addresses holds nothing up", async () => {
    const world = await newWorld();
    await world.advance(settle + minute);
    await world.block(ip, 2 * minute);
    await world.advance(minute);
    for (let at = 0; at < 5; at += 1) {
      await world.block(`203.0.113.${10 + at}`, 20 * minute);
      await world.advance(minute);
    }
    expect(world.blocked(ip)).toBe(false);
  });
});
