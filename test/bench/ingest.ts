// How fast signed blocks are taken in, durable before the answer, against the least a Worker could do: one KV put.
// Both in workerd, side by side, in turns, so that a slow moment of the machine meets both.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningWorker, startWorker } from "../sandbox/worker.ts";
import { buildBare } from "./bare.ts";
import { addressOf } from "./counts.ts";
import { type Report, rounded, shownSpread, summarise } from "./figures.ts";
import { type LoadResult, plainBlock, sendAll, signedBlock } from "./load.ts";
import { type Product, startProduct } from "./product.ts";

export interface IngestOptions {
  /** At most so many, and at least five whatever the time. */
  readonly pairsMax: number;
  readonly requestsPerRound: number;
  /** No new pair begins after this. */
  readonly secondsMax: number;
}

const pairsMin = 5;

interface Round {
  readonly product: LoadResult;
  readonly bare: LoadResult;
}

class Rig {
  readonly #product: Product;
  readonly #bare: RunningWorker;
  #next = 0;

  constructor(product: Product, bare: RunningWorker) {
    this.#product = product;
    this.#bare = bare;
  }

  #addresses(count: number): string[] {
    const first = this.#next;
    this.#next += count;
    return Array.from({ length: count }, (_, index) => addressOf(first + index));
  }

  async #send(url: string, requests: Parameters<typeof sendAll>[1]): Promise<LoadResult> {
    const result = await sendAll(url, requests);
    if (result.accepted.length !== requests.length) throw new Error(`some requests were refused: ${JSON.stringify(result.refused)}`);
    return result;
  }

  async round(count: number): Promise<Round> {
    const { stack, signingSecret } = this.#product;
    const signed = this.#addresses(count).map((address) => signedBlock(stack.url, signingSecret, address));
    const product = await this.#send(stack.url, signed);
    const plain = this.#addresses(count).map((address) => plainBlock(this.#bare.url, address));
    return { product, bare: await this.#send(this.#bare.url, plain) };
  }

  /** How fast the generator can go: answers without any work behind them. */
  async generator(count: number): Promise<LoadResult> {
    return this.#send(
      this.#bare.url,
      this.#addresses(count).map((address) => plainBlock(this.#bare.url, address, "/empty")),
    );
  }

  /** Whether every block that was answered with 2xx is in KV, by its key. */
  async missing(count: number): Promise<number> {
    const keys = await this.#product.stack.worker.keys();
    return count - keys.filter(({ name }) => name.startsWith("lease:")).length;
  }
}

export async function measureIngest(options: IngestOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-bench-"));
  const bare = await startWorker({ script: (await buildBare(folder)).script, bindings: {}, coordinator: "none" });
  const product = await startProduct();
  try {
    const rig = new Rig(product, bare);
    await rig.round(options.requestsPerRound);
    const rounds: Round[] = [];
    const start = performance.now();
    const isTime = () => rounds.length < pairsMin || performance.now() - start < options.secondsMax * 1_000;
    while (rounds.length < options.pairsMax && isTime()) rounds.push(await rig.round(options.requestsPerRound));
    const top = await rig.generator(options.requestsPerRound * 2);
    const missing = await rig.missing((rounds.length + 1) * options.requestsPerRound);
    return reportOf(rounds, top, missing, options);
  } finally {
    await product.stack.close();
    await bare.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function reportOf(rounds: readonly Round[], top: LoadResult, missing: number, options: IngestOptions): Report {
  const ratios = summarise(rounds.map((round) => round.product.perSecond / round.bare.perSecond));
  const product = summarise(rounds.map((round) => round.product.perSecond));
  const bare = summarise(rounds.map((round) => round.bare.perSecond));
  const cpu = Math.max(...rounds.flatMap((round) => [round.product.generatorCpu, round.bare.generatorCpu]));
  return {
    figures: [
      {
        name: "ingest.ratio",
        value: ratios.median,
        unit: "×",
        baseline: `bare Hono Worker, one KV put per request: ${rounded(bare.median)}/s`,
        aim: "≥ 0.5",
        met: ratios.median >= 0.5,
      },
    ],
    notes: [
      `${rounds.length} pairs of ${options.requestsPerRound} requests over 20 connections after one pair to warm up; ratio, ${shownSpread(ratios)}.`,
      `Product, ${shownSpread(product, "/s")}; bare Worker, ${shownSpread(bare, "/s")}. Records missing in KV afterwards: ${missing}.`,
      `The load generator reached ${rounded(top.perSecond)}/s where the Worker does nothing, and used at most ${rounded(cpu * 100)} % of a core: it is not the limit.`,
    ],
  };
}
