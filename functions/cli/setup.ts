// `setup`: makes store and firewall know each other. The running function names its store; each target is marked with it.
// Refuses what the provider refuses: a place that another store holds, a place that is not empty unless adopted.
import { setTimeout as sleep } from "node:timers/promises";
import type { Result } from "../../shared/errors.ts";
import type { Provider, SetupAction, SetupReport } from "../../shared/provider.ts";
import { type Command, CommandError, type ExitCode, exitCodes, type Invocation, isSet, UsageError } from "./command.ts";
import { type BoundTarget, bindTargets, configOptions, loadConfig } from "./config-in-use.ts";
import { createFunctionClient, functionHelp, functionOptions, plain } from "./function-client.ts";

/** A claim of several writes at a cloud that takes one a second ends within this many tries. */
const triesMax = 10;
/** Longest a cloud may make us wait between two of them; a person is watching. */
const waitMaxSeconds = 60;

/** One setup action at one target: it may not sleep itself, so a cloud that asks to wait is asked again here. */
async function setupTarget(provider: Provider, action: SetupAction, say: (text: string) => void): Promise<Result<SetupReport>> {
  for (let tries = 1; ; tries += 1) {
    const report = await provider.setup(action);
    const waitSeconds = !report.ok && report.error.code === "PROVIDER_THROTTLED" ? report.error.context.retryAfterSeconds : undefined;
    if (report.ok || waitSeconds === undefined || waitSeconds > waitMaxSeconds || tries === triesMax) return report;
    say(`the cloud asks to wait ${waitSeconds} s (${report.error.message})`);
    await sleep(waitSeconds * 1_000);
  }
}

/** Runs one setup action at every target; one failing holds up no other. */
export async function setupTargets(targets: readonly BoundTarget[], action: SetupAction, io: Invocation["io"]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  for (const { name, provider } of targets) {
    const report = await setupTarget(provider, action, (text) => io.out(plain(`${name}: ${text}`)));
    if (report.ok) {
      for (const line of report.value.lines) io.out(plain(`${name}: ${line}`));
      continue;
    }
    io.err(plain(`${name}: ${report.error.code}: ${report.error.message}`));
    code = exitCodes.failed;
  }
  return code;
}

async function storeIdOf(invocation: Invocation): Promise<string> {
  const answer = await createFunctionClient(invocation.values, invocation.io).post("/v1/store", {});
  const { storeId } = answer;
  if (typeof storeId !== "string" || storeId === "") throw new CommandError("the function answered without a store id; is its version older than this CLI?");
  invocation.io.out(plain(`store ${storeId}${answer.minted === true ? " (new)" : ""}`));
  return storeId;
}

async function run(invocation: Invocation): Promise<ExitCode> {
  const { values, positionals, io } = invocation;
  const release = isSet(values, "release");
  const adopt = isSet(values, "adopt");
  if (release && adopt) throw new UsageError("--adopt and --release are opposites; choose one");
  const targets = bindTargets(await loadConfig(values), positionals, io);
  if (targets.length === 0) throw new CommandError("the configuration has no targets");
  if (release) return await setupTargets(targets, { action: "release" }, io);
  const code = await setupTargets(targets, { action: "claim", storeId: await storeIdOf(invocation), adopt }, io);
  await lookNow(invocation);
  return code;
}

/** Lets the function see the claim now rather than with its next tick; without it the claim stands all the same. */
async function lookNow({ values, io }: Invocation): Promise<void> {
  try {
    await createFunctionClient(values, io).post("/v1/reconcile", {});
    io.out("the function has looked at its targets again");
  } catch (thrown) {
    io.err(plain(`the function could not be asked to look now (${thrown instanceof Error ? thrown.message : "no answer"}); its next tick will`));
  }
}

export const setupCommand: Command = {
  name: "setup",
  summary: "claim each target for the deployment's store",
  usage: "portcullis setup [TARGET…] [--adopt | --release] [--config FILE] [--url URL]",
  help: [
    "Gets the store id from the running function (POST /v1/store) and writes it on each target, named or all. May be repeated.",
    "Nothing is blocked or opened by it; entries are not touched.",
    "  --adopt     also claim a place that already holds entries of our shape: from then on they are ours, and end as leases end",
    "  --release   the reverse: take the mark away; the function then writes nothing there, and what stands, stands",
    "  --config FILE  another configuration",
    ...functionHelp,
    "Credentials of the targets are read from the environment by the names in the configuration; claiming needs the kind's setup permissions.",
  ].join("\n"),
  options: { ...configOptions, ...functionOptions, adopt: { type: "boolean" }, release: { type: "boolean" } },
  positionalsMax: 16,
  run,
};
