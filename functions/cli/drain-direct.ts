// Removes all of ours from one target, straight at the cloud: observe, compile, apply, look again, a bounded number of times.
// Refuses foreign entries by construction: only what the provider observed as ours is ever named in a change.
import { cidrText } from "../../shared/address/index.ts";
import type { Observation, Outcome, Step } from "../../shared/provider.ts";
import { type CommandIo, type ExitCode, exitCodes } from "./command.ts";
import type { BoundTarget } from "./config-in-use.ts";
import { plain } from "./function-client.ts";

const roundsMax = 10;
/** Longest a cloud may make us wait between two calls; a person is watching. */
const waitMaxMs = 60_000;

export interface DirectDrain {
  readonly io: CommandIo;
  readonly sleep: (ms: number) => Promise<void>;
  readonly dryRun: boolean;
  /** Also where no store's mark is: the entries may never have been ours. */
  readonly unclaimed: boolean;
}

type Verdict = "next" | "look" | "stop";

function refusalOf(observation: Observation, unclaimed: boolean): string | null {
  if (observation.terminal !== null) return observation.terminal;
  if (observation.storeId !== null || unclaimed || observation.ours.length === 0) return null;
  return `no store's mark is on it, so the ${observation.ours.length} entries in its place may be someone else's (${observation.ours
    .slice(0, 5)
    .map(({ cidr }) => cidrText(cidr))
    .join(", ")}${observation.ours.length > 5 ? ", …" : ""}); add --unclaimed if they are ours, as after stop --direct`;
}

async function take(outcome: Outcome, step: Step, target: BoundTarget, drain: DirectDrain): Promise<Verdict> {
  const { io, sleep } = drain;
  const say = (text: string) => io.out(plain(`${target.name}: ${step.summary}: ${text}`));
  switch (outcome.kind) {
    case "applied":
    case "already":
      say(outcome.kind === "applied" ? "done" : "was done already");
      return "next";
    case "throttled": {
      const waitMs = Math.max(1_000, outcome.retryAtMs - io.now());
      say(`the cloud asks to wait (${outcome.why})`);
      if (waitMs > waitMaxMs) return "stop";
      await sleep(waitMs);
      return "look";
    }
    case "pending":
    case "conflict":
    case "unknown":
      say(outcome.kind === "pending" ? `the cloud is still working (${outcome.operation})` : `not certain (${outcome.why}); looking again`);
      await sleep(Math.min(waitMaxMs, Math.max(1_000, target.definition.observeLagMs)));
      return "look";
    case "failed":
      io.err(plain(`${target.name}: ${step.summary}: ${outcome.error.code}: ${outcome.error.message}`));
      return "stop";
  }
}

/** One round: every step once, until one says to look again or to stop. */
async function round(observation: Observation, target: BoundTarget, drain: DirectDrain): Promise<Verdict> {
  const changes = observation.ours.map((entry) => ({ verb: "remove", entry }) as const);
  const steps = target.provider.compile({ changes, standing: [], frozen: new Set(), observation });
  if (steps.length === 0) {
    drain.io.err(plain(`${target.name}: ${observation.ours.length} entries stand, and the kind names no step that removes them`));
    return "stop";
  }
  for (const step of steps) {
    if (drain.dryRun) {
      drain.io.out(plain(`${target.name}: would: ${step.summary}`));
      continue;
    }
    const verdict = await take(await target.provider.apply(step), step, target, drain);
    if (verdict !== "next") return verdict;
  }
  return drain.dryRun ? "stop" : "look";
}

export async function drainDirect(target: BoundTarget, drain: DirectDrain): Promise<ExitCode> {
  const { io } = drain;
  for (let count = 0; count < roundsMax; count += 1) {
    const observed = await target.provider.observe();
    const refused = observed.ok ? refusalOf(observed.value, drain.unclaimed) : `${observed.error.code}: ${observed.error.message}`;
    if (!observed.ok || refused !== null) {
      io.err(plain(`${target.name}: ${refused}`));
      return exitCodes.failed;
    }
    if (observed.value.ours.length === 0) {
      io.out(plain(`${target.name}: empty; ${observed.value.foreign.length} foreign entries stand as they were`));
      return exitCodes.ok;
    }
    // The cloud may still show what is gone: looking again at once would only repeat the round.
    if (count > 1) await drain.sleep(Math.min(waitMaxMs, target.definition.observeLagMs));
    const verdict = await round(observed.value, target, drain);
    if (verdict === "stop") return drain.dryRun ? exitCodes.ok : exitCodes.failed;
  }
  io.err(
    plain(
      `${target.name}: entries still stand after ${roundsMax} rounds; is the function still writing? Run \`portcullis stop ${target.name} --direct\` first`,
    ),
  );
  return exitCodes.failed;
}
