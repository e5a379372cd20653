// `drain`: opens every gate that Portcullis closed at a target. Through the function, or straight at the clouds.
// Refuses to drain everything by accident: name targets, or say --all. `--done` records in the lock that a target is empty.
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { lockDrained, lockText } from "../../shared/config-file/index.ts";
import { type Command, CommandError, type ExitCode, exitCodes, type Invocation, isSet, UsageError } from "./command.ts";
import { bindTargets, configOptions, loadConfig } from "./config-in-use.ts";
import { drainDirect } from "./drain-direct.ts";
import { readLockFile } from "./files.ts";
import { createFunctionClient, functionHelp, functionOptions, isJsonTable, type JsonTable, plain } from "./function-client.ts";
import { askStop } from "./stop.ts";

function targetsIn(answer: JsonTable): readonly JsonTable[] {
  return Array.isArray(answer.targets) ? answer.targets.filter(isJsonTable) : [];
}

/** Why the function's word on a target does not show that it is empty; null when it does. */
export function notEmpty(target: JsonTable | undefined): string | null {
  if (target === undefined) return "the function does not know the target; is another configuration deployed?";
  if (target.mode !== "drain") return `it runs with mode ${plain(target.mode)}; set \`mode: drain\` and deploy`;
  if (isJsonTable(target.error)) return `its last visit failed (${plain(target.error.code)})`;
  if (typeof target.observedAt !== "string") return "it was never observed";
  if (typeof target.ours !== "number") return "the function does not say how many entries of ours stand there";
  if (target.ours > 0) return `${target.ours} entries of ours still stand there; wait for the next pass`;
  return null;
}

async function done({ values, positionals, io }: Invocation): Promise<ExitCode> {
  const name = positionals[0];
  if (name === undefined || positionals.length > 1) throw new UsageError("--done is about one target; name it");
  const { lockPath } = await loadConfig(values);
  const lock = readLockFile(lockPath);
  if (lock === null) throw new CommandError(`there is no ${lockPath}, so nothing has to be recorded`);
  const drained = lockDrained(lock, name);
  if (drained === null) throw new CommandError(`the last build did not have ${name} with \`mode: drain\`; set it, run \`npm run gen\` and deploy`);
  // A pass now: what an older one saw may be from before the target drained.
  const answer = await createFunctionClient(values, io).post("/v1/reconcile", { type: "reconcile" });
  if (answer.done !== true) throw new CommandError("the pass that was asked for has not reported yet; run this again in a minute");
  const why = notEmpty(targetsIn(answer).find((target) => target.name === name));
  if (why !== null) throw new CommandError(`${name} is not known to be empty: ${why}`);
  writeFileSync(lockPath, lockText(drained));
  io.out(`${name} is empty: recorded in ${lockPath}. Commit it; the target may now be deleted from the configuration.`);
  return exitCodes.ok;
}

async function direct(invocation: Invocation): Promise<ExitCode> {
  const { values, positionals, io } = invocation;
  const targets = bindTargets(await loadConfig(values), positionals, io);
  const options = { io, sleep: (ms: number) => sleep(ms), dryRun: isSet(values, "dry-run"), unclaimed: isSet(values, "unclaimed") };
  let code: ExitCode = exitCodes.ok;
  for (const target of targets) {
    const one = await drainDirect(target, options);
    if (one !== exitCodes.ok) code = one;
  }
  return code;
}

async function run(invocation: Invocation): Promise<ExitCode> {
  const { values, positionals, io } = invocation;
  if (isSet(values, "done")) return await done(invocation);
  if (positionals.length === 0 && !isSet(values, "all")) throw new UsageError("name the targets to open, or say --all");
  if (positionals.length > 0 && isSet(values, "all")) throw new UsageError("either names or --all");
  if (isSet(values, "direct")) return await direct(invocation);
  if (isSet(values, "dry-run") || isSet(values, "unclaimed")) throw new UsageError("--dry-run and --unclaimed are for --direct");
  await askStop(invocation, "drain");
  io.out("Entries go with the next passes. Reverse: portcullis stop --resume");
  return exitCodes.ok;
}

export const drainCommand: Command = {
  name: "drain",
  summary: "remove all our entries from targets",
  usage: "portcullis drain (TARGET… | --all) [--direct [--dry-run] [--unclaimed]] | TARGET --done",
  help: [
    "Removes everything Portcullis put at the named targets, and keeps them empty. Entries of others are never touched.",
    "  --all        every target of the configuration",
    "  --direct     straight at the clouds, when the function does not answer. If it may still run, `stop --direct` it first,",
    "               or it closes the gates again",
    "  --dry-run    with --direct: say what would be removed",
    "  --unclaimed  with --direct: also where no store's mark is (after `stop --direct`)",
    "  --done       record in portcullis.lock.json that a target with `mode: drain` was seen empty, so that it may leave the configuration",
    "  --config FILE  another configuration (for --direct and --done)",
    ...functionHelp,
    "Reverse: `portcullis stop --resume`; live leases are then put back. After --direct: `portcullis setup TARGET`, and the next pass does.",
  ].join("\n"),
  options: {
    ...configOptions,
    ...functionOptions,
    all: { type: "boolean" },
    direct: { type: "boolean" },
    "dry-run": { type: "boolean" },
    unclaimed: { type: "boolean" },
    done: { type: "boolean" },
  },
  positionalsMax: 16,
  run,
};
