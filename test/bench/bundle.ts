// How large the Worker is and how long it takes to answer from a cold start, beside the bare Worker built in the same way; and the same
// with an azure-nsg target, because its client is compiled in only when a configuration has one.
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { buildWorker } from "../sandbox/build.ts";
import { startWorker, type WorkerOptions } from "../sandbox/worker.ts";
import { buildBare } from "./bare.ts";
import { evaluationMs } from "./evaluation.ts";
import { type Report, rounded, shownSpread, summarise } from "./figures.ts";
import { newSigningSecret } from "./load.ts";
import { productYaml } from "./product.ts";

const zip = promisify(gzip);

async function gzipBytes(script: string): Promise<number> {
  return (await zip(await readFile(script), { level: 9 })).length;
}

/** From starting workerd until the first request is answered. */
async function startupMs(options: WorkerOptions, path: string): Promise<number> {
  const start = performance.now();
  const worker = await startWorker(options);
  const response = await fetch(`${worker.url}${path}`);
  await response.text();
  const ms = performance.now() - start;
  await worker.close();
  if (response.status !== 200) throw new Error(`the first request was answered with ${response.status}`);
  return ms;
}

const names = ["product", "azure", "bare"] as const;
type Name = (typeof names)[number];

interface Subject {
  readonly script: string;
  readonly options: WorkerOptions;
  /** Answers with 200 as soon as the Worker runs. */
  readonly path: string;
}

/** Two configurations of the product and the bare Worker, built alike. */
async function buildAll(folder: string): Promise<Readonly<Record<Name, Subject>>> {
  const [nowhere, digest] = ["http://127.0.0.1:9/", `sha256:${"0".repeat(64)}`];
  const product = await buildWorker({ folder: join(folder, "product"), yaml: productYaml(nowhere, digest) });
  const azure = await buildWorker({ folder: join(folder, "azure"), yaml: productYaml(nowhere, digest, { azure: nowhere, cloudflare: "" }) });
  const bare = await buildBare(folder);
  const secrets = { AWS_WEB_ID: "id", AWS_WEB_SECRET: "secret", AZURE_HUB_ID: "id", AZURE_HUB_SECRET: "secret", BENCH_SECRET: newSigningSecret() };
  const bindings = { ...secrets, PORTCULLIS_ALLOWED_HOSTS: "127.0.0.1:9" };
  const subject = ({ script }: { readonly script: string }): Subject => ({ script, options: { script, bindings }, path: "/healthz" });
  return {
    product: subject(product),
    azure: subject(azure),
    bare: { ...subject(bare), options: { script: bare.script, bindings, coordinator: "none" }, path: "/" },
  };
}

export async function measureBundle(starts = 9): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-bench-"));
  try {
    const subjects = await buildAll(folder);
    const times: Record<Name, number[]> = { product: [], azure: [], bare: [] };
    for (let start = 0; start <= starts; start += 1) {
      for (const name of names) {
        const ms = await startupMs(subjects[name].options, subjects[name].path);
        // The first ones fill caches.
        if (start > 0) times[name].push(ms);
      }
    }
    const scripts = { product: subjects.product.script, azure: subjects.azure.script, bare: subjects.bare.script };
    const zipped = { product: await gzipBytes(scripts.product), azure: await gzipBytes(scripts.azure), bare: await gzipBytes(scripts.bare) };
    const rawBytes = { product: (await stat(scripts.product)).size, azure: (await stat(scripts.azure)).size };
    const evaluation = await evaluationMs(scripts, 18);
    const report = reportOf(times, zipped, rawBytes);
    const note =
      `Evaluating the module alone, in a running workerd: product, ${shownSpread(evaluation.product, " ms")}; ` +
      `with Azure, ${shownSpread(evaluation.azure, " ms")}; bare, ${shownSpread(evaluation.bare, " ms")}. ` +
      "Workers may take one second for it (Cloudflare docs, 2025-10).";
    return { ...report, notes: [...report.notes, note] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** By how much one is slower than the other, pair by pair. */
function differenceOf(samples: readonly number[], others: readonly number[]): string {
  return shownSpread(summarise(samples.map((ms, at) => ms - (others[at] ?? Number.NaN))), " ms");
}

function reportOf(
  times: Readonly<Record<Name, readonly number[]>>,
  zipped: Readonly<Record<Name, number>>,
  rawBytes: { readonly product: number; readonly azure: number },
): Report {
  const [product, azure, bare] = [summarise(times.product), summarise(times.azure), summarise(times.bare)];
  const figure = (name: string, value: number, unit: string, baseline: string) => ({ name, value: rounded(value), unit, baseline, aim: "", met: null });
  return {
    figures: [
      figure("bundle.gzipBytes", zipped.product, "bytes", `bare Worker × ${rounded(zipped.product / zipped.bare)}`),
      figure("bundle.startupMs", product.median, "ms", `bare Worker × ${rounded(product.median / bare.median)}`),
      figure("bundle.gzipBytesAzure", zipped.azure, "bytes", `without an azure-nsg target × ${rounded(zipped.azure / zipped.product)}`),
      figure("bundle.startupMsAzure", azure.median, "ms", `without an azure-nsg target × ${rounded(azure.median / product.median)}`),
      figure("bundle.bareGzipBytes", zipped.bare, "bytes", "is the baseline"),
      figure("bundle.bareStartupMs", bare.median, "ms", "is the baseline"),
    ],
    notes: [
      "All built by `wrangler deploy --dry-run` with the settings of wrangler.toml; gzip level 9. " +
        `Before gzip the product is ${rounded(rawBytes.product / 1024)} KiB, with an azure-nsg target ${rounded(rawBytes.azure / 1024)} KiB.`,
      `Start-up is from starting workerd until the first answer, most of it workerd's own. Product, ${shownSpread(product, " ms")}; ` +
        `with Azure, ${shownSpread(azure, " ms")}; bare, ${shownSpread(bare, " ms")}; product less bare, pair by pair, ${differenceOf(times.product, times.bare)}; ` +
        `with Azure less without, ${differenceOf(times.azure, times.product)}.`,
    ],
  };
}
