// `gen`: checks `portcullis.yaml` and writes what the function is built from, and the committed files that describe it.
// Refuses to write anything when anything is wrong. The same input gives the same bytes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { lockText, problemText, readConfigFile } from "../../shared/config-file/index.ts";
import { presetNames } from "../../shared/protect/index.ts";
import { type Command, type ExitCode, exitCodes, type Invocation, isSet, textOption, textOptions, UsageError } from "./command.ts";
import { definitionsOf, type FoundKind, findKinds, repositoryRoot } from "./definitions.ts";
import { committedFiles } from "./documents.ts";
import { lockPathOf, playbookTextFor, readConfigText, readLockFile } from "./files.ts";
import { playbooksModule } from "./playbooks-module.ts";
import { providersModule } from "./providers-module.ts";

type Kinds = Readonly<Record<string, FoundKind>>;

interface Output {
  readonly path: string;
  readonly text: string;
  /** Committed files are compared by `--check`; the rest is built anew each time. */
  readonly committed: boolean;
}

function isCurrent({ path, text }: Output): boolean {
  return existsSync(path) && readFileSync(path, "utf8") === text;
}

function write(outputs: readonly Output[], io: Invocation["io"]): void {
  for (const output of outputs) {
    if (isCurrent(output)) continue;
    mkdirSync(dirname(output.path), { recursive: true });
    writeFileSync(output.path, output.text);
    io.out(`wrote ${relative(process.cwd(), output.path)}${output.path.endsWith(".lock.json") ? "; commit it with the configuration" : ""}`);
  }
}

function stale(outputs: readonly Output[], io: Invocation["io"]): ExitCode {
  const old = outputs.filter((output) => output.committed && !isCurrent(output));
  for (const { path } of old) io.err(`${relative(process.cwd(), path)} is not up to date; run \`npm run gen\` and commit it`);
  return old.length === 0 ? exitCodes.ok : exitCodes.failed;
}

interface Paths {
  readonly config: string;
  readonly out: string;
  readonly lock: string | null;
}

function pathsOf(values: Invocation["values"]): Paths {
  const config = resolve(textOption(values, "config") ?? "portcullis.yaml");
  const out = textOption(values, "out");
  const lock = textOption(values, "lock");
  const beside = out === undefined ? lockPathOf(config) : null;
  return { config, out: resolve(out ?? join(repositoryRoot, "functions/generated")), lock: lock === undefined ? beside : resolve(lock) };
}

function configOutputs(paths: Paths, kinds: Kinds, values: Invocation["values"], io: Invocation["io"]): readonly Output[] | null {
  const read = readConfigFile({
    text: readConfigText(paths.config),
    file: textOption(values, "config") ?? "portcullis.yaml",
    definitions: definitionsOf(kinds),
    presetNames,
    lock: paths.lock === null ? null : readLockFile(paths.lock),
    forget: textOptions(values, "forget"),
    playbookText: playbookTextFor(paths.config),
  });
  if (!read.ok) {
    for (const problem of read.problems) io.err(problemText(problem));
    io.err(`${read.problems.length} ${read.problems.length === 1 ? "problem" : "problems"}; nothing was written`);
    return null;
  }
  return [
    { path: join(paths.out, "config.json"), text: `${JSON.stringify(read.config, null, 2)}\n`, committed: false },
    { path: join(paths.out, "providers.ts"), text: providersModule(read.config, kinds, paths.out), committed: false },
    { path: join(paths.out, "playbooks.ts"), text: playbooksModule(read.config, paths.out), committed: false },
    ...(paths.lock === null ? [] : [{ path: paths.lock, text: lockText(read.lock), committed: true }]),
  ];
}

async function run({ values, io }: Invocation): Promise<ExitCode> {
  const check = isSet(values, "check");
  if (check && isSet(values, "frozen")) throw new UsageError("--check writes nothing, --frozen writes all but the lock; choose one");
  const kinds = await findKinds();
  const paths = pathsOf(values);
  // In the product's own repository there is no portcullis.yaml: only its described files can then be made or checked.
  const documentsOnly = isSet(values, "docs");
  const outputs = documentsOnly ? [] : configOutputs(paths, kinds, values, io);
  if (outputs === null) return exitCodes.failed;
  const documents = textOption(values, "out") !== undefined && !documentsOnly ? [] : committedFiles(kinds, repositoryRoot);
  const all = [...outputs, ...documents.map((file) => ({ ...file, committed: true }))];
  if (check) return stale(all, io);
  if (isSet(values, "frozen") && stale(outputs, io) !== exitCodes.ok) return exitCodes.failed;
  write(all, io);
  return exitCodes.ok;
}

export const genCommand: Command = {
  name: "gen",
  summary: "check portcullis.yaml and write what the function is built from",
  usage: "npm run gen -- [--config FILE] [--out DIR] [--lock FILE] [--docs] [--check | --frozen] [--forget TARGET]",
  help: [
    "Reads portcullis.yaml, lists every problem at once, and when there is none writes config.json, providers.ts and playbooks.ts to",
    "functions/generated/, portcullis.lock.json beside the configuration (commit it), and the described files of the repository.",
    "  --config FILE    another configuration",
    "  --out DIR        another folder for those three; then no lock is read or written without --lock,",
    "                   and the described files are left alone (for tests and the sandbox)",
    "  --lock FILE      another lock file",
    "  --docs           only the described files (portcullis.schema.json, playbook.schema.json, openapi.json, log/README.md,",
    "                   providers/README.md); needs no configuration",
    "  --check          write nothing; fail when a committed file, the lock included, would change",
    "  --frozen         write, but fail when the lock would change (for builds in CI, which cannot commit it)",
    "  --forget TARGET  give up a target that may still hold entries, because its firewall is gone; may be repeated",
    "A target that was built with `mode: enforce` cannot be dropped, renamed or moved before `drain TARGET --done` saw it empty.",
  ].join("\n"),
  options: {
    config: { type: "string" },
    out: { type: "string" },
    lock: { type: "string" },
    docs: { type: "boolean" },
    check: { type: "boolean" },
    frozen: { type: "boolean" },
    forget: { type: "string", multiple: true },
  },
  positionalsMax: 0,
  run,
};
