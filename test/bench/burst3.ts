// The same thousand addresses at three clouds at once: a network ACL with room for a few, an NSG and a Cloudflare list with room for all,
// the latter two working on a change for seconds. Ticks come every minute, as deployed. Nothing may be lost at any of them.
import type { TargetState } from "../../shared/lease/snapshot.ts";
import { azureNames, cloudflareNames } from "../sandbox/other-clouds.ts";
import { addressOf } from "./counts.ts";
import { type Report, rounded } from "./figures.ts";
import { sendAll, signedBlock } from "./load.ts";
import { type Product, startProduct } from "./product.ts";

const targets = ["aws-web", "azure-hub", "edge"] as const;
type Target = (typeof targets)[number];

/** Azure's own time for a change of an NSG; a choice, as in the provider's tests. */
const provisioningMs = 4_000;
const tickMs = 60_000;
const patienceMs = 180_000;

type TargetStates = Readonly<Record<string, TargetState>>;

interface BlockList {
  readonly blocks: readonly { readonly ip: string; readonly targets: TargetStates }[];
}

export interface Burst3End {
  /** Per target: state to how many of the accepted. */
  readonly states: Readonly<Record<Target, Readonly<Record<string, number>>>>;
  /** Accepted, and at some target neither enforced nor named as shed. */
  readonly lost: readonly string[];
}

export function judgeBurst3(accepted: readonly string[], list: BlockList): Burst3End {
  const found = new Map<string, TargetStates>(list.blocks.map((block) => [block.ip.replace(/\/32$/, ""), block.targets]));
  const stateAt = (address: string, target: Target): string => found.get(address)?.[target]?.state ?? "unknown";
  const tally = (target: Target): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const address of accepted) counts[stateAt(address, target)] = (counts[stateAt(address, target)] ?? 0) + 1;
    return counts;
  };
  const isTold = (state: string): boolean => state === "enforced" || state === "shed";
  const lost = accepted.filter((address) => !targets.every((target) => isTold(stateAt(address, target))));
  return { states: { "aws-web": tally("aws-web"), "azure-hub": tally("azure-hub"), edge: tally("edge") }, lost };
}

async function listOf(product: Product): Promise<BlockList> {
  const response = await fetch(`${product.stack.url}/v1/blocks?limit=1000`, { headers: { authorization: `Bearer ${product.adminKey}` } });
  return response.status === 200 ? ((await response.json()) as BlockList) : { blocks: [] };
}

async function settledEnd(product: Product, accepted: readonly string[]): Promise<Burst3End> {
  const giveUpAt = performance.now() + patienceMs;
  let end = judgeBurst3(accepted, await listOf(product));
  while (end.lost.length > 0 && performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    end = judgeBurst3(accepted, await listOf(product));
  }
  return end;
}

/** Names of the calls that each cloud was asked, oldest first. */
function callsOf({ stack }: Product): Readonly<Record<Target, readonly string[]>> {
  return {
    "aws-web": stack.aws.log.map((entry) => entry.action),
    "azure-hub": stack.others.azure?.log.map((entry) => entry.call) ?? [],
    edge: stack.others.cloudflare?.log.map((entry) => entry.route ?? "?") ?? [],
  };
}

/** What stands in the clouds, for comparison with what was said. */
function standing({ stack }: Product): Readonly<Record<Target, number>> {
  const { azure, cloudflare } = stack.others;
  const denies = (entry: { readonly action: string; readonly egress: boolean; readonly number: number }) =>
    entry.action === "deny" && !entry.egress && entry.number < 32_767;
  return {
    "aws-web": stack.aws.aclIds.flatMap((id) => stack.aws.acl(id).state.entries.filter(denies)).length,
    "azure-hub": azure?.group(azureNames.nsg).rule("portcullis-deny")?.properties.sourceAddressPrefixes.length ?? 0,
    edge: cloudflare?.account(cloudflareNames.account).list("portcullis").items.size ?? 0,
  };
}

interface Found {
  readonly end: Burst3End;
  readonly seconds: number;
  readonly passes: number;
  readonly calls: Readonly<Record<Target, readonly string[]>>;
  readonly stands: Readonly<Record<Target, number>>;
  readonly sent: Awaited<ReturnType<typeof sendAll>>;
}

export async function measureBurst3(count = 1_000): Promise<Report> {
  const product = await startProduct(["azure", "cloudflare"]);
  const { worker, others, url } = product.stack;
  if (others.azure !== null) others.azure.faults.provisioningMs = provisioningMs;
  await worker.tick();
  const ticks = setInterval(() => worker.tick().catch(() => undefined), tickMs);
  try {
    const [before, passesBefore] = [callsOf(product), product.passes()];
    const requests = Array.from({ length: count }, (_, index) => signedBlock(url, product.signingSecret, addressOf(index)));
    const start = performance.now();
    const sent = await sendAll(url, requests);
    const end = await settledEnd(product, sent.accepted);
    const seconds = (performance.now() - start) / 1_000;
    const after = callsOf(product);
    const since = (target: Target) => after[target].slice(before[target].length);
    const calls = { "aws-web": since("aws-web"), "azure-hub": since("azure-hub"), edge: since("edge") };
    return reportOf(count, { end, seconds, passes: product.passes() - passesBefore, calls, stands: standing(product), sent });
  } finally {
    clearInterval(ticks);
    await product.stack.close();
  }
}

function tally(calls: readonly string[]): string {
  const names = [...new Set(calls)];
  return names.map((name) => `${name} ${calls.filter((call) => call === name).length}`).join(", ");
}

function reportOf(count: number, { end, seconds, passes, calls, stands, sent }: Found): Report {
  const figure = (name: string, value: number, baseline: string) => ({ name, value, unit: "", baseline, aim: "", met: null });
  const total = targets.reduce((sum, target) => sum + calls[target].length, 0);
  // If all were known at once: a look and the adds; two looks and a PUT; lists, one page, a look, the operation, its end (zones were read just before).
  const least = 1 + stands["aws-web"] + 3 + 5;
  const answered = `${sent.accepted.length} answered with 2xx`;
  const shown = (target: Target) => `${target} ${JSON.stringify(end.states[target])}, ${stands[target]} stand, calls: ${tally(calls[target])}`;
  return {
    figures: [
      { ...figure("burst3.lost", end.lost.length, `${answered}, three clouds`), aim: "= 0", met: end.lost.length === 0 && sent.accepted.length === count },
      figure("burst3.passes", passes, "one pass a second at most, and what asynchronous clouds ask for"),
      figure("burst3.remoteCalls", total, `the least, were all known at once: ${least}`),
    ],
    notes: [
      `${answered}${Object.keys(sent.refused).length === 0 ? "" : `, others ${JSON.stringify(sent.refused)}`} within ${rounded(sent.seconds)} s; ` +
        `told of at every cloud after ${rounded(seconds)} s, ticks every ${tickMs / 1_000} s.`,
      ...targets.map(shown),
    ],
  };
}
