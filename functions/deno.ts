// The entry on Deno Deploy: ticks in, HTTP in, nothing else. Cron jobs are found by evaluating this file, so theirs comes first and
// unconditionally (Deno docs, deploy/reference/cron, 2026).
import generated from "#config" with { type: "json" };
import { engineMaker } from "#playbooks";
import { providers } from "#providers";
import type { Config } from "../shared/config.ts";
import { makeDeno } from "./runtime/deno.ts";
import { denoApi } from "./runtime/deno-api.ts";
import { platform } from "./runtime/platform.ts";

const deno = denoApi();
const portcullis = makeDeno({ deno, platform, config: generated as unknown as Config, definitions: providers, engineMaker });

void deno.cron("portcullis tick", "* * * * *", () => portcullis.tick());

await portcullis.ready();

const server = deno.serve({}, (request, info) => portcullis.handle(request, info));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  deno.addSignalListener(signal, async () => {
    await Promise.all([server.shutdown(), portcullis.shutDown()]);
    deno.exit(0);
  });
}
