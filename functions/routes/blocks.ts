// POST /v1/blocks: strict, all or nothing. Every problem of every address is named at once, and then nothing was written.
import { cidrKey, displayCidr } from "../../shared/address/index.ts";
import type { TargetState } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import { type BlockRequest, readBlockRequest } from "../../shared/request/block.ts";
import { durationText } from "../../shared/request/duration.ts";
import { durationProblems, judgeBlock, longestMs, selectTargets } from "../../shared/request/judge.ts";
import { type Problem, refusalOf } from "../../shared/request/problem.ts";
import type { AcceptAnswer, AcceptedItem, AcceptItem, SettledItem } from "../coordinator/contract.ts";
import { admissionNotes, admissionProblems, caveatsOf } from "./admission.ts";
import { escalatedView, jsonResponse, keyText, timeText } from "./answer.ts";
import { parseFields } from "./body.ts";
import { type Call, type GuardedRoute, judgeOf, requestTime } from "./call.ts";
import { countByStatus } from "./passage.ts";
import { waitPreference } from "./prefer.ts";
import { problemResponse, refusalResponse } from "./problem.ts";

const nothingWritten = "Nothing was written.";

interface Prepared {
  readonly items: readonly AcceptItem[];
  /** By key: what was changed from what was asked. */
  readonly adjustments: ReadonlyMap<string, readonly string[]>;
  readonly targets: readonly string[] | null;
  readonly problems: readonly Problem[];
}

function leaseLength(request: BlockRequest, call: Call): { readonly forMs: number; readonly notes: readonly string[] } {
  if (request.forMs !== null) return { forMs: request.forMs, notes: [] };
  const { forMs } = call.deps.config.defaults;
  const longest = longestMs(call.caller.client);
  if (forMs <= longest) return { forMs, notes: [] };
  return { forMs: longest, notes: [`for ${durationText(longest)}, the longest for client ${call.caller.name}, instead of the default ${durationText(forMs)}`] };
}

/** Judges every address and brings those that mean the same block together. */
function prepare(request: BlockRequest, call: Call): Prepared {
  const judge = judgeOf(call);
  const { forMs, notes } = leaseLength(request, call);
  const at = requestTime(call);
  const selected = selectTargets(request.targets, judge);
  const problems: Problem[] = [...durationProblems(forMs, judge), ...selected.problems];
  if (problems.length === 0 && at + forMs <= call.now) {
    problems.push({
      code: "INVALID_INPUT",
      field: "for",
      reason: `a lease of ${durationText(forMs)} counted from the signed time is over already; sign it anew`,
    });
  }
  const items = new Map<string, AcceptItem>();
  const adjustments = new Map<string, readonly string[]>();
  for (const { field, asked } of request.addresses) {
    const judged = judgeBlock(asked, field, judge);
    problems.push(...judged.problems);
    if (judged.problems.length === 0 && selected.problems.length === 0) problems.push(...admissionProblems(call.deps, judged.cidr, field, selected.targets));
    const key = cidrKey(judged.cidr);
    const earlier = adjustments.get(key);
    if (earlier !== undefined) {
      adjustments.set(key, [...earlier, `${field} (${displayCidr(asked)}) is the same block and counted once`]);
      continue;
    }
    adjustments.set(key, [...judged.adjustments, ...notes, ...admissionNotes(call.deps, judged.cidr, selected.targets)]);
    items.set(key, {
      key,
      asked: displayCidr(asked),
      at,
      until: at + forMs,
      severity: request.severity ?? call.deps.config.defaults.severity,
      targets: selected.targets,
      reason: request.reason,
      alerts: [],
    });
  }
  return { items: [...items.values()], adjustments, targets: selected.targets, problems };
}

const limitCodes = { live: "FORBIDDEN", newPerMinute: "RATE_LIMITED", store: "CAPACITY_EXCEEDED" } as const;

/** What the coordinator refused, as problems; empty when it took everything. */
function refusedItems(answer: AcceptAnswer, call: Call): readonly Problem[] {
  const { name, client } = call.caller;
  const problems: Problem[] = [];
  for (const item of answer.items) {
    const field = keyText(item.key);
    if (item.status === "exempt") {
      problems.push({ code: "EXEMPT", field, reason: item.why ?? "a person exempted this address for now" });
    } else if (item.status === "limited") {
      const limit = item.limit ?? "live";
      const allowed = limit === "store" ? {} : { allowed: client[limit] };
      problems.push({
        code: limitCodes[limit],
        field,
        reason: item.why ?? `the limit ${limit} of client ${name} is reached`,
        facts: { limit, ...allowed },
        ...(item.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: item.retryAfterSeconds }),
      });
    }
  }
  return problems;
}

/** In observe mode nothing stands anywhere, so that is what every target's state says. */
function observedStates(states: Readonly<Record<string, TargetState>>, call: Call): Readonly<Record<string, TargetState>> {
  const why = `client ${call.caller.name} is in observe mode: nothing was recorded`;
  return Object.fromEntries(Object.keys(states).map((target) => [target, { state: "observed" as const, why }]));
}

interface Outcome {
  readonly call: Call;
  readonly prepared: Prepared;
  readonly answer: AcceptAnswer;
  readonly settled: readonly SettledItem[] | null;
}

function shownItem(item: AcceptedItem, { call, prepared, settled }: Outcome): Record<string, unknown> {
  const late = settled?.find((candidate) => candidate.key === item.key);
  const states = late?.states ?? item.states;
  // The wait may end in another life, whose memory may be lost: less than was promised is true only where a person made it so.
  const left = late?.lifted === true ? Math.min(late.until, item.until) : item.until;
  const adjustments = prepared.adjustments.get(item.key) ?? [];
  return {
    ip: keyText(item.key),
    asked: prepared.items.find((candidate) => candidate.key === item.key)?.asked ?? keyText(item.key),
    status: item.status,
    // After the wait it may be less (a lift), and more at other targets than were asked for.
    until: timeText(left),
    ...escalatedView(item.escalated),
    ...(left === 0 ? { why: "it was lifted while this answer waited" } : item.why === undefined ? {} : { why: item.why }),
    targets: call.caller.client.mode === "observe" ? observedStates(states, call) : states,
    ...(adjustments.length === 0 ? {} : { adjustments }),
  };
}

async function accept(request: BlockRequest, call: Call): Promise<Response> {
  const prepared = prepare(request, call);
  const refusal = refusalOf(prepared.problems, nothingWritten);
  if (refusal !== null) return refusalResponse(refusal);
  const observing = call.caller.client.mode === "observe";
  const dryRun = request.dryRun || observing;
  const answer = await call.coordinator.accept({ client: call.caller.name, items: prepared.items, allOrNothing: true, dryRun });
  const refused = refusalOf(refusedItems(answer, call), nothingWritten);
  if (refused !== null) return refusalResponse(refused);
  call.passage.items = dryRun ? { checked: answer.items.length } : countByStatus(answer.items);
  const wait = dryRun ? null : waitPreference(call.request.headers);
  const settled = wait === null ? null : await settle(call, answer, wait);
  const outcome = { call, prepared, answer, settled: settled?.items ?? null };
  const body = {
    recorded: !dryRun,
    ...(request.dryRun ? { dryRun: true } : {}),
    ...(observing ? { mode: "observe" } : {}),
    settled: settled?.done ?? false,
    items: answer.items.map((item) => shownItem(item, outcome)),
    ...caveatsOf(call.deps, prepared.targets),
  };
  const applied: Record<string, string> = wait === null ? {} : { "preference-applied": `wait=${wait}` };
  return jsonResponse(dryRun || settled?.done === true ? 200 : 202, body, applied);
}

async function settle(call: Call, answer: AcceptAnswer, waitSeconds: number): Promise<{ readonly done: boolean; readonly items: readonly SettledItem[] }> {
  const keys = answer.items.map((item) => item.key);
  try {
    return await call.coordinator.settle(answer.ticket, keys, Math.min(waitSeconds, limits.waitMaxSeconds) * 1_000);
  } catch {
    // The leases are recorded: whatever went wrong while waiting must not look like a refusal.
    call.deps.log({ level: "warn", event: "blocks.settle_failed", client: call.caller.name });
    return { done: false, items: [] };
  }
}

export const createBlocks: GuardedRoute = {
  method: "POST",
  path: "/v1/blocks",
  access: "block",
  operation: "block",
  async handle(call) {
    const fields = parseFields(call.request.headers, call.body, { form: true, signed: call.caller.signed !== null });
    if (!fields.ok) return problemResponse(fields.error);
    const { request, problems } = readBlockRequest(fields.value);
    const refusal = refusalOf(problems, nothingWritten);
    return refusal === null ? accept(request, call) : refusalResponse(refusal);
  },
};
