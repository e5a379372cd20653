// Asks the running Worker, with a key that may only read, what is leased and how its targets are. The key stays here.
import { type Cidr, contains, parseCidr } from "../../../shared/address/index.ts";

export interface ReadBlock {
  readonly cidr: Cidr;
  readonly atMs: number;
  readonly untilMs: number;
  readonly targets: readonly string[];
}

export interface ReadTarget {
  readonly name: string;
  readonly mode: string;
  readonly stopped: string | null;
  readonly enforcing: { readonly yes: boolean; readonly why?: string } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly pools: readonly { readonly name: string; readonly limit: number; readonly used: number }[];
  readonly shed: readonly string[];
  readonly caveats: readonly string[];
}

export interface Reading {
  readonly blocks: readonly ReadBlock[];
  readonly targets: readonly ReadTarget[];
}

export interface WorkerAccess {
  /** A function, since a restarted Worker may listen elsewhere. */
  readonly url: () => string;
  readonly key: string;
}

interface BlockAnswer {
  readonly ip: string;
  readonly at: string;
  readonly until: string;
  readonly targets: Readonly<Record<string, unknown>>;
}

const patienceMs = 5_000;

async function ask(access: WorkerAccess, path: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${access.key}` };
  const response = await fetch(`${access.url()}${path}`, { headers, signal: AbortSignal.timeout(patienceMs) });
  if (response.status !== 200) throw new Error(`GET ${path} answered ${response.status}`);
  return response.json();
}

function blockOf({ ip, at, until, targets }: BlockAnswer): readonly ReadBlock[] {
  const cidr = parseCidr(ip);
  return cidr.ok ? [{ cidr: cidr.value, atMs: Date.parse(at), untilMs: Date.parse(until), targets: Object.keys(targets) }] : [];
}

/** A target that no pass has visited has fewer members. */
function targetOf(answer: Partial<ReadTarget> & { readonly name: string; readonly mode: string }): ReadTarget {
  const { name, mode, stopped = null, enforcing = null, error = null, pools = [], shed = [], caveats = [] } = answer;
  return { name, mode, stopped, enforcing, error, pools, shed, caveats };
}

/** Rejects when the Worker does not answer. */
export async function readWorker(access: WorkerAccess): Promise<Reading> {
  const { blocks } = (await ask(access, "/v1/blocks?limit=1000")) as { blocks: readonly BlockAnswer[] };
  const { targets } = (await ask(access, "/v1/targets")) as { targets: readonly Parameters<typeof targetOf>[0][] };
  return { blocks: blocks.flatMap(blockOf), targets: targets.map(targetOf) };
}

export interface ShownLease {
  readonly atMs: number;
  readonly untilMs: number;
}

/** The lease that an entry stands for: the latest end of all blocks inside it (an entry may be wider than what was asked). */
export function leaseOf(reading: Reading, target: string, cidrText: string): ShownLease | null {
  const cidr = parseCidr(cidrText);
  if (!cidr.ok) return null;
  const inside = reading.blocks.filter((block) => block.targets.includes(target) && contains(cidr.value, block.cidr));
  const last = inside.toSorted((a, b) => b.untilMs - a.untilMs)[0];
  return last === undefined ? null : { atMs: last.atMs, untilMs: last.untilMs };
}
