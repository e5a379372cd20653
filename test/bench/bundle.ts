// How large the Worker is and how long it takes to answer from a cold start, beside the bare Worker built in the same way.
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

export async function measureBundle(starts = 9): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-bench-"));
  try {
    const yaml = productYaml("http://127.0.0.1:9/", `sha256:${"0".repeat(64)}`);
    const { script } = await buildWorker({ folder, yaml });
    const bare = await buildBare(folder);
    const bindings = { AWS_WEB_ID: "id", AWS_WEB_SECRET: "secret", BENCH_SECRET: newSigningSecret(), PORTCULLIS_ALLOWED_HOSTS: "127.0.0.1:9" };
    const product: WorkerOptions = { script, bindings };
    const baseline: WorkerOptions = { script: bare.script, bindings, coordinator: "none" };
    const [products, baselines]: [number[], number[]] = [[], []];
    for (let start = 0; start <= starts; start += 1) {
      const [one, other] = [await startupMs(product, "/healthz"), await startupMs(baseline, "/")];
      if (start === 0) continue;
      products.push(one);
      baselines.push(other);
    }
    const sizes = { product: await gzipBytes(script), bare: await gzipBytes(bare.script), raw: (await stat(script)).size };
    const evaluation = await evaluationMs({ product: script, bare: bare.script }, 18);
    const report = reportOf(products, baselines, sizes);
    const note =
      `Evaluating the module alone, in a running workerd: product, ${shownSpread(evaluation.product, " ms")}; ` +
      `bare, ${shownSpread(evaluation.bare, " ms")}. Workers may take one second for it (Cloudflare docs, 2025-10).`;
    return { ...report, notes: [...report.notes, note] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reportOf(
  products: readonly number[],
  baselines: readonly number[],
  sizes: { readonly product: number; readonly bare: number; readonly raw: number },
): Report {
  const [product, bare] = [summarise(products), summarise(baselines)];
  const difference = summarise(products.map((ms, at) => ms - (baselines[at] ?? Number.NaN)));
  const figure = (name: string, value: number, unit: string, baseline: string) => ({ name, value: rounded(value), unit, baseline, aim: "", met: null });
  return {
    figures: [
      figure("bundle.gzipBytes", sizes.product, "bytes", `bare Worker × ${rounded(sizes.product / sizes.bare)}`),
      figure("bundle.startupMs", product.median, "ms", `bare Worker × ${rounded(product.median / bare.median)}`),
      figure("bundle.bareGzipBytes", sizes.bare, "bytes", "is the baseline"),
      figure("bundle.bareStartupMs", bare.median, "ms", "is the baseline"),
    ],
    notes: [
      `Both built by \`wrangler deploy --dry-run\` with the settings of wrangler.toml; gzip level 9. The product is ${rounded(sizes.raw / 1024)} KiB before gzip.`,
      `Start-up is from starting workerd until the first answer, most of it workerd's own. Product, ${shownSpread(product, " ms")}; ` +
        `bare, ${shownSpread(bare, " ms")}; difference of the pairs, ${shownSpread(difference, " ms")}.`,
    ],
  };
}
