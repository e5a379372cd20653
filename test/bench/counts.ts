// Figures that are counts, the same on every machine: store writes per block, and what a day without news costs.
import { Deployment } from "./deployment.ts";
import type { Figure, Report } from "./figures.ts";

/** Workers Free, per day and account (Cloudflare docs, workers-kv limits, 2026): writes and lists alike. */
const freePerDay = 1_000;
const minutesPerDay = 1_440;
const blockCount = 100;

/** Different public addresses, by their place in the sequence. */
export function addressOf(index: number): string {
  // No neighbours: those could share a rule.
  return `100.${20 + ((index >> 15) & 15)}.${(index >> 7) & 255}.${(2 * index) & 255}`;
}

function leaseWrites(puts: readonly string[]): number {
  return puts.filter((key) => key.startsWith("lease:")).length;
}

async function postAll(deployment: Deployment, status: number): Promise<void> {
  for (let index = 0; index < blockCount; index += 1) {
    const answer = await deployment.post("/v1/blocks", { ip: addressOf(index), for: "4h" });
    if (answer.status !== status) throw new Error(`block ${index} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
    await deployment.advance(50);
  }
}

function countFigure(name: string, value: number, baseline: string, aim: { readonly text: string; readonly met: boolean }): Figure {
  return { name, value, unit: "", baseline, aim: aim.text, met: aim.met };
}

/** Every write that one block causes when nothing else happens, its end included. */
async function countLoneBlock(): Promise<readonly string[]> {
  const deployment = await Deployment.start({ targetCount: 1 });
  await deployment.advanceMinutes(60);
  const before = deployment.calls.puts.length;
  await deployment.post("/v1/blocks", { ip: addressOf(0), for: "1h" });
  await deployment.advanceMinutes(120);
  return deployment.calls.puts.slice(before);
}

/** Blocks one by one, then the same again, with all the passes they wake. */
export async function countBlockWrites(): Promise<Report> {
  const deployment = await Deployment.start({ targetCount: 1 });
  await deployment.advanceMinutes(10);
  const before = deployment.calls.puts.length;
  await postAll(deployment, 202);
  await deployment.advance(5_000);
  const first = deployment.calls.puts.slice(before);
  await postAll(deployment, 202);
  await deployment.advance(5_000);
  const repeats = deployment.calls.puts.slice(before + first.length);
  const lone = await countLoneBlock();
  const perBlock = leaseWrites(first) / blockCount;
  const perRepeat = repeats.length / blockCount;
  return {
    figures: [
      countFigure("block.kvWrites", perBlock, `the least: 1; a lone block also causes ${lone.length - leaseWrites(lone)} writes of the snapshot`, {
        text: "= 1",
        met: perBlock === 1,
      }),
      countFigure("block.kvWritesRepeat", perRepeat, "the least: 0", { text: "= 0", met: perRepeat === 0 }),
    ],
    notes: [
      `${blockCount} blocks, then the same ${blockCount} again, through the HTTP application: ${leaseWrites(first)} lease records, ` +
        `${first.length - leaseWrites(first)} writes of the snapshot (at most one an hour, whatever the number of blocks), ${repeats.length} for the repeats.`,
      `A single one-hour block in a quiet day, from request to lifted: ${leaseWrites(lone)} lease record and ${lone.length - leaseWrites(lone)} writes of the snapshot.`,
    ],
  };
}

/** One day, a tick a minute, three ACLs, leases that outlast the day, nothing new. */
export async function countIdleDay(): Promise<Report> {
  const deployment = await Deployment.start({ targetCount: 3 });
  for (let index = 0; index < 5; index += 1) await deployment.post("/v1/blocks", { ip: addressOf(index), for: "3d" });
  await deployment.advanceMinutes(15);
  const before = { ...deployment.calls, puts: deployment.calls.puts.length, remote: deployment.aws.calls(), passes: deployment.passes };
  await deployment.advanceMinutes(minutesPerDay);
  const lists = deployment.calls.lists - before.lists;
  const writes = deployment.calls.puts.length - before.puts;
  const remote = deployment.aws.calls() - before.remote;
  const third = Math.floor(freePerDay / 3);
  const baseline = `free plan: ${freePerDay.toLocaleString("en")} a day`;
  const aim = (value: number) => ({ text: `≤ ${third}`, met: value <= third });
  return {
    figures: [
      countFigure("idleTick.kvLists", lists, baseline, aim(lists)),
      countFigure("idleTick.kvWrites", writes, baseline, aim(writes)),
      { name: "idleTick.remoteCalls", value: remote, unit: "", baseline: "3 targets, 1 look each per full pass", aim: "", met: null },
    ],
    notes: [
      `One simulated day: ${minutesPerDay.toLocaleString("en")} ticks, ${deployment.passes - before.passes} of them full passes, the others cost nothing; ` +
        `${deployment.calls.gets - before.gets} single reads of the store.`,
    ],
  };
}
