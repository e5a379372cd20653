// POST /v1/lifts and POST /v1/exemptions: end leases, and refuse new ones for a while so that the detector's next alert
// does not undo a person's decision. An exemption ends the leases on its address too: both at once cannot be true.
import { type Cidr, cidrKey, displayCidr } from "../../shared/address/index.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { durationText } from "../../shared/request/duration.ts";
import type { AskedAddress } from "../../shared/request/fields.ts";
import { absoluteWidthProblems, widened, widthProblems } from "../../shared/request/judge.ts";
import { readExemption, readLift } from "../../shared/request/operations.ts";
import { type Problem, refusalOf } from "../../shared/request/problem.ts";
import type { LiftAnswer } from "../coordinator/contract.ts";
import { jsonResponse, keyText, timeText } from "./answer.ts";
import { parseFields } from "./body.ts";
import { type Call, type GuardedRoute, judgeOf, requestTime } from "./call.ts";
import { waitPreference } from "./prefer.ts";
import { problemResponse, refusalResponse } from "./problem.ts";

const nothingChanged = "Nothing was changed.";

interface Wanted {
  readonly addresses: readonly AskedAddress[];
  readonly client: string;
  readonly exemptMs: number | null;
  readonly problems: readonly Problem[];
}

interface Placed {
  readonly adjustments: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly Problem[];
}

/**
 * Refusing new blocks is bound to the client's own width, as blocking is. Merely ending leases is not: whoever may lift can
 * lift them one by one, and undoing a mistake must not wait for a deployment.
 */
function liftWidthProblems(cidr: Cidr, field: string, exemptMs: number | null, call: Call): readonly Problem[] {
  if (exemptMs === null) return absoluteWidthProblems(cidr, field);
  return widthProblems(cidr, field, judgeOf(call)).map((problem) => ({ ...problem, reason: `${problem.reason}, or lift it with exempt: none` }));
}

/** The blocks that the addresses stand for, widened as leases are, each once. */
function place({ addresses, exemptMs }: Wanted, call: Call): Placed {
  const adjustments = new Map<string, readonly string[]>();
  const problems: Problem[] = [];
  for (const { field, asked } of addresses) {
    const block = widened(asked, call.deps.config);
    problems.push(...liftWidthProblems(block.cidr, field, exemptMs, call));
    const earlier = adjustments.get(cidrKey(block.cidr));
    adjustments.set(
      cidrKey(block.cidr),
      earlier === undefined ? block.adjustments : [...earlier, `${field} (${displayCidr(asked)}) is the same block and counted once`],
    );
  }
  return { adjustments, problems };
}

function shownItem(item: LiftAnswer["items"][number], adjustments: readonly string[]): Record<string, unknown> {
  return {
    ip: keyText(item.key),
    lifted: item.lifted,
    exemptUntil: timeText(item.exemptUntil),
    ...(item.stillCoveredBy.length === 0 ? {} : { stillCoveredBy: item.stillCoveredBy.map(keyText) }),
    ...(adjustments.length === 0 ? {} : { adjustments }),
  };
}

/** True when the pass that opens the gates was over before time ran out; the lift itself is recorded either way. */
async function opened(call: Call, answer: LiftAnswer, waitSeconds: number): Promise<boolean> {
  const keys = answer.items.map((item) => item.key);
  try {
    return (await call.coordinator.settle(answer.ticket, keys, waitSeconds * 1_000)).done;
  } catch {
    call.deps.log({ level: "warn", event: "lifts.settle_failed", client: call.caller.name });
    return false;
  }
}

async function lift(wanted: Wanted, call: Call): Promise<Response> {
  const { adjustments, problems } = place(wanted, call);
  const refusal = refusalOf([...wanted.problems, ...problems], nothingChanged);
  if (refusal !== null) return refusalResponse(refusal);
  const keys = [...adjustments.keys()];
  if (call.caller.client.mode === "observe") {
    const items = keys.map((key) => ({ ip: keyText(key), status: "observed", why: `client ${call.caller.name} is in observe mode: nothing was recorded` }));
    return jsonResponse(200, { recorded: false, mode: "observe", items });
  }
  const at: EpochMs = requestTime(call);
  const exemptUntil = wanted.exemptMs === null ? null : at + wanted.exemptMs;
  const answer = await call.coordinator.lift({ keys, client: wanted.client, at, exemptUntil, once: call.caller.signed?.id ?? null, by: call.caller.name });
  call.passage.items = { lifted: answer.items.reduce((sum, { lifted }) => sum + lifted, 0) };
  const wait = waitPreference(call.request.headers);
  const settled = wait !== null && (await opened(call, answer, wait));
  const items = answer.items.map((item) => shownItem(item, adjustments.get(item.key) ?? []));
  const applied: Record<string, string> = wait === null ? {} : { "preference-applied": `wait=${wait}` };
  return jsonResponse(settled ? 200 : 202, { recorded: true, repeated: answer.repeated, settled, items }, applied);
}

/** Longer exemptions than the default are a power of their own. */
function exemptionProblems(exemptMs: number | null, call: Call): readonly Problem[] {
  const usual = call.deps.config.defaults.exemptForMs;
  if (exemptMs === null || exemptMs <= usual || call.caller.client.scopes.includes("exempt")) return [];
  const reason = `an exemption of ${durationText(exemptMs)} is longer than the default ${durationText(usual)}, which takes the scope exempt`;
  return [{ code: "FORBIDDEN", field: "exempt", reason, facts: { scope: "exempt", allowed: durationText(usual) } }];
}

export const createLifts: GuardedRoute = {
  method: "POST",
  path: "/v1/lifts",
  access: "lift",
  operation: "lift",
  async handle(call) {
    const fields = parseFields(call.request.headers, call.body, { form: false, signed: call.caller.signed !== null });
    if (!fields.ok) return problemResponse(fields.error);
    const { request, problems } = readLift(fields.value);
    const exemptMs = request.exemptMs === undefined ? call.deps.config.defaults.exemptForMs : request.exemptMs;
    return lift({ ...request, exemptMs, problems: [...problems, ...exemptionProblems(exemptMs, call)] }, call);
  },
};

export const createExemptions: GuardedRoute = {
  method: "POST",
  path: "/v1/exemptions",
  access: "exempt",
  operation: "exempt",
  async handle(call) {
    const fields = parseFields(call.request.headers, call.body, { form: false, signed: call.caller.signed !== null });
    if (!fields.ok) return problemResponse(fields.error);
    const { request, problems } = readExemption(fields.value);
    return lift({ addresses: request.addresses, client: "*", exemptMs: request.forMs ?? call.deps.config.defaults.exemptForMs, problems }, call);
  },
};
