// `stop`: no more writes, at once. Through the function, or at the clouds themselves when the function does not listen.
// Refuses to open anything: what stands, stands. Removing is `drain`.
import { type Command, CommandError, type ExitCode, exitCodes, type Invocation, isSet, UsageError } from "./command.ts";
import { bindTargets, configOptions, loadConfig } from "./config-in-use.ts";
import { createFunctionClient, functionHelp, functionOptions, plain } from "./function-client.ts";
import { readable } from "./readable.ts";
import { setupTargets } from "./setup.ts";

export type StopAction = "freeze" | "drain" | "resume" | "release";

/** Asks the function, and prints what is stopped from now on. */
export async function askStop({ values, positionals, io }: Invocation, action: StopAction): Promise<void> {
  const targets = action === "release" || positionals.length === 0 ? null : positionals;
  const answer = await createFunctionClient(values, io).post("/v1/stop", { type: "stop", action, ...(targets === null ? {} : { targets }) });
  for (const line of readable(answer)) io.out(plain(line));
}

async function stopDirect({ values, positionals, io }: Invocation): Promise<ExitCode> {
  const targets = bindTargets(await loadConfig(values), positionals, io);
  if (targets.length === 0) throw new CommandError("the configuration has no targets");
  const code = await setupTargets(targets, { action: "release" }, io);
  if (code === exitCodes.ok) io.out("No function can write there now. Reverse: portcullis setup TARGET --adopt");
  return code;
}

async function run(invocation: Invocation): Promise<ExitCode> {
  const { values, positionals } = invocation;
  const chosen = ["direct", "resume", "release"].filter((name) => isSet(values, name));
  if (chosen.length > 1) throw new UsageError(`${chosen.map((name) => `--${name}`).join(" and ")} cannot be combined`);
  if (isSet(values, "direct")) return await stopDirect(invocation);
  if (isSet(values, "release") && positionals.length > 0) throw new UsageError("--release is about the brake, not about targets; leave the names out");
  await askStop(invocation, isSet(values, "resume") ? "resume" : isSet(values, "release") ? "release" : "freeze");
  return exitCodes.ok;
}

export const stopCommand: Command = {
  name: "stop",
  summary: "stop all writes at targets, or let them go on",
  usage: "portcullis stop [TARGET…] [--resume | --release | --direct] [--config FILE] [--url URL]",
  help: [
    "Freezes the named targets, or all: from the next pass on nothing is added or removed there. What stands, stands, past the end",
    "of its lease too. Leases are still recorded.",
    "  --resume    the reverse: undo a freeze or a drain",
    "  --release   let go what the global brake holds",
    "  --direct    when the function does not answer: take its mark off the targets in the clouds, so that it can write no more.",
    "              Reverse: `portcullis setup TARGET --adopt`",
    "  --config FILE  another configuration (for --direct)",
    ...functionHelp,
    "With --direct, credentials are read from the environment by the names in the configuration.",
  ].join("\n"),
  options: { ...configOptions, ...functionOptions, resume: { type: "boolean" }, release: { type: "boolean" }, direct: { type: "boolean" } },
  positionalsMax: 16,
  run,
};
