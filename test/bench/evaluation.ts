// How long a module takes to evaluate in a running workerd: what a Worker pays at its start beyond workerd's own, without
// the noise of starting a process. Parsing is not in it: workerd has done that before (a module of 5 MB imports like an empty one).
import { readFile } from "node:fs/promises";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { type Summary, summarise } from "./figures.ts";

const harness = `export default { async fetch(request) {
  const name = new URL(request.url).pathname.slice(1);
  return new Response(String(Object.keys(await import("./" + name + ".js")).length));
} }`;

/** For each script, over that many copies of it, in turns: first import of a copy, less that of an empty module. */
export async function evaluationMs<Name extends string>(scripts: Readonly<Record<Name, string>>, copies: number): Promise<Record<Name, Summary>> {
  const names = Object.keys(scripts) as Name[];
  const texts = new Map<string, string>([["empty", "export default 1;"]]);
  for (const name of names) texts.set(name, await readFile(scripts[name], "utf8"));
  const indexes = Array.from({ length: copies }, (_, index) => index);
  const moduleOf = (path: string, contents: string) => ({ type: "ESModule" as const, path: `/bench/${path}.js`, contents });
  // Copies differ by a comment, so that no cache may answer for them.
  const copied = indexes.flatMap((index) => [...texts].map(([name, text]) => moduleOf(`${name}-${index}`, `${text}\n// copy ${index}\n`)));
  const modules = [moduleOf("main", harness), ...copied];
  const common = { name: "evaluation", compatibilityDate: "2026-10-01", host: "127.0.0.1", port: 0, cf: false } as const;
  const miniflare = new Miniflare(convertV4MiniflareOptions({ ...common, modules, modulesRoot: "/bench" }));
  try {
    const { href } = await miniflare.ready;
    const samples = new Map<string, number[]>([...texts.keys()].map((name) => [name, []]));
    for (const index of indexes) {
      for (const [name, times] of samples) {
        const start = performance.now();
        const response = await fetch(`${href}${name}-${index}`);
        await response.text();
        if (response.status !== 200) throw new Error(`${name} could not be evaluated: status ${response.status}`);
        // The first ones warm up the way to workerd.
        if (index >= 3) times.push(performance.now() - start);
      }
    }
    const empty = summarise(samples.get("empty") ?? []).median;
    const less = (name: Name) => summarise((samples.get(name) ?? []).map((ms) => ms - empty));
    return Object.fromEntries(names.map((name) => [name, less(name)])) as Record<Name, Summary>;
  } finally {
    await miniflare.dispose();
  }
}
