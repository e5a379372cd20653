// A thousand addresses at once, on a firewall with room for a few: nothing that was promised may be lost, every address
// without room is named, and the cloud is called hardly more often than there is room.
import type { TargetState } from "../../shared/lease/snapshot.ts";
import { addressOf } from "./counts.ts";
import { Deployment } from "./deployment.ts";
import { type Report, rounded } from "./figures.ts";
import { sendAll, signedBlock } from "./load.ts";
import { acl, type Product, startProduct } from "./product.ts";

interface BlockList {
  readonly total: number;
  readonly blocks: readonly { readonly ip: string; readonly targets: Readonly<Record<string, TargetState>> }[];
}

/** What became of the addresses that were answered with 2xx. */
export interface BurstEnd {
  readonly enforced: number;
  readonly shed: number;
  /** Neither enforced nor named as shed. */
  readonly lost: readonly string[];
}

export function judgeBurst(accepted: readonly string[], list: BlockList): BurstEnd {
  const states = new Map(list.blocks.map((block) => [block.ip.replace(/\/32$/, ""), Object.values(block.targets)]));
  const withState = (name: string) => accepted.filter((address) => states.get(address)?.every(({ state }) => state === name) === true);
  const [enforced, shed] = [withState("enforced"), withState("shed")];
  const told = new Set([...enforced, ...shed]);
  return { enforced: enforced.length, shed: shed.length, lost: accepted.filter((address) => !told.has(address)) };
}

/** The same promise at a small size, in one process, on a simulated clock: a count, the same on every machine. */
export async function countSmallBurst(
  count: number,
): Promise<BurstEnd & { readonly remoteCalls: number; readonly leastCalls: number; readonly stands: number }> {
  const deployment = await Deployment.start({ targetCount: 1 });
  await deployment.advanceMinutes(10);
  const callsBefore = deployment.aws.calls();
  const addresses = Array.from({ length: count }, (_, index) => addressOf(index));
  for (const ip of addresses) {
    const { status } = await deployment.post("/v1/blocks", { ip, for: "4h" });
    if (status !== 202) throw new Error(`${ip} was answered with ${status}`);
    await deployment.advance(5);
  }
  await deployment.advance(30_000);
  const { body } = await deployment.get("/v1/blocks?limit=1000");
  const stands = deployment.aws.writes - 1;
  return { ...judgeBurst(addresses, body as BlockList), remoteCalls: deployment.aws.calls() - callsBefore, leastCalls: stands + 1, stands };
}

async function listOf(product: Product): Promise<BlockList> {
  const headers = { authorization: `Bearer ${product.adminKey}` };
  const response = await fetch(`${product.stack.url}/v1/blocks?limit=1000`, { headers });
  if (response.status !== 200) return { total: 0, blocks: [] };
  return (await response.json()) as BlockList;
}

function standing(product: Product): number {
  return product.stack.aws.acl(acl).state.entries.filter((entry) => entry.action === "deny" && !entry.egress && entry.number < 32_767).length;
}

/** Asks until every address is told of, or for thirty seconds. */
async function settledEnd(product: Product, accepted: readonly string[]): Promise<BurstEnd> {
  let end = judgeBurst(accepted, await listOf(product));
  for (let tries = 0; tries < 150 && end.lost.length > 0; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    end = judgeBurst(accepted, await listOf(product));
  }
  return end;
}

export async function measureBurst(count = 1_000): Promise<Report> {
  const product = await startProduct();
  try {
    const { aws } = product.stack;
    await product.stack.worker.tick();
    const [callsBefore, passesBefore] = [aws.calls(), product.passes()];
    const requests = Array.from({ length: count }, (_, index) => signedBlock(product.stack.url, product.signingSecret, addressOf(index)));
    const start = performance.now();
    const sent = await sendAll(product.stack.url, requests);
    const end = await settledEnd(product, sent.accepted);
    const seconds = (performance.now() - start) / 1_000;
    const found = { end, seconds, calls: aws.calls() - callsBefore, passes: product.passes() - passesBefore, stands: standing(product) };
    return reportOf(count, sent, found);
  } finally {
    await product.stack.close();
  }
}

interface Found {
  readonly end: BurstEnd;
  readonly seconds: number;
  readonly calls: number;
  readonly passes: number;
  readonly stands: number;
}

function reportOf(count: number, sent: Awaited<ReturnType<typeof sendAll>>, { end, seconds, calls, passes, stands }: Found): Report {
  const least = stands + 1;
  const figure = (name: string, value: number, unit: string, baseline: string) => ({ name, value, unit, baseline, aim: "", met: null });
  const answered = `${sent.accepted.length} answered with 2xx`;
  return {
    figures: [
      { ...figure("burst.lost", end.lost.length, "", answered), aim: "= 0", met: end.lost.length === 0 && sent.accepted.length === count },
      figure("burst.passes", passes, "", "one pass a second at most"),
      { ...figure("burst.remoteCalls", calls, "", `the least: ${stands} adds and 1 look`), aim: `≤ ${2 * least}`, met: calls <= 2 * least },
      figure("burst.seconds", seconds, "s", "from the first request until every address is told of"),
      figure("burst.rate", sent.perSecond, "/s", "requests as fast as answers come, 20 connections"),
    ],
    notes: [
      `${count} different addresses: ${answered}${Object.keys(sent.refused).length === 0 ? "" : `, others ${JSON.stringify(sent.refused)}`}; ` +
        `${end.enforced} enforced, ${end.shed} shed by name, ${end.lost.length} lost; ${stands} entries stand in the ACL; ` +
        `answered within ${rounded(sent.seconds)} s.`,
    ],
  };
}
