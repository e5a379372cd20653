// GET /blacklistip?accessToken=&ip=: drop-in for the 2017 API, off unless configured. Its token travels in a URL and so ends
// up in logs: it opens this route only, for single addresses, for an hour at most, from the client's `from` ranges.
// Says `blocked` only when that is true, and answers only after the lease is durable.
import { type Cidr, cidrKey, displayCidr, isHost, parseCidr } from "../../shared/address/index.ts";
import { type ErrorContext, fail, PortcullisError, type Result } from "../../shared/errors.ts";
import type { TargetState } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import { judgeBlock, longestMs } from "../../shared/request/judge.ts";
import { refusalOf } from "../../shared/request/problem.ts";
import type { AcceptedItem, AcceptItem } from "../coordinator/contract.ts";
import { admissionProblems } from "./admission.ts";
import { jsonResponse, timeText } from "./answer.ts";
import { type Call, judgeOf, type TokenRoute } from "./call.ts";
import { problemResponse, refusalResponse } from "./problem.ts";

/** The 2017 API's own words, so that what greps for them keeps working. */
type Reply = "blocked" | "expiryextended" | "rulelimitreached" | "accepted" | "observed";

const nothingWritten = "Nothing was written.";

function badRequest(message: string): Result<never> {
  const context: ErrorContext = { field: "ip", facts: { reply: "badrequest" } };
  return fail("INVALID_INPUT", message, context);
}

function readAddress(call: Call): Result<Cidr> {
  const values = call.url.searchParams.getAll("ip");
  const text = values[0];
  if (text === undefined || text === "") return badRequest("The parameter ip is missing; give one address.");
  if (values.length > 1) return badRequest(`The parameter ip is given ${values.length} times; this API takes one address at a time.`);
  const parsed = parseCidr(text);
  if (!parsed.ok) return badRequest(parsed.error.message);
  return isHost(parsed.value) ? parsed : badRequest(`${displayCidr(parsed.value)} is a range; this API takes single addresses, POST /v1/blocks takes ranges.`);
}

function leaseOf(asked: Cidr, cidr: Cidr, call: Call): AcceptItem {
  const { config } = call.deps;
  const forMs = Math.min(config.defaults.forMs, longestMs(call.caller.client), limits.blacklistipLongestMs);
  return {
    key: cidrKey(cidr),
    asked: displayCidr(asked),
    at: call.now,
    until: call.now + forMs,
    severity: config.defaults.severity,
    targets: call.caller.client.targets,
    reason: "blacklistip",
    alerts: [],
  };
}

/** What is true, in the old words where they fit. `settled` is false when the pass was not over in time. */
function replyOf(item: AcceptedItem, states: readonly TargetState[], settled: boolean): Reply {
  const stands = states.length > 0 && states.every(({ state }) => state === "enforced" || state === "covered");
  if (settled && stands) return item.status === "renewed" ? "expiryextended" : "blocked";
  return settled && states.length > 0 && states.every(({ state }) => state === "shed") ? "rulelimitreached" : "accepted";
}

function refusedByCoordinator(item: AcceptedItem): PortcullisError | null {
  const context: ErrorContext = {
    facts: { reply: "rulelimitreached", limit: item.limit ?? "live" },
    ...(item.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: item.retryAfterSeconds }),
  };
  if (item.status === "exempt") return new PortcullisError("EXEMPT", `${item.why ?? "A person exempted this address for now"}. ${nothingWritten}`);
  if (item.status !== "limited") return null;
  const code = item.limit === "newPerMinute" ? "RATE_LIMITED" : item.limit === "store" ? "CAPACITY_EXCEEDED" : "FORBIDDEN";
  return new PortcullisError(code, `${item.why ?? `The limit ${item.limit ?? "live"} of this client is reached`}. ${nothingWritten}`, context);
}

async function settledStates(call: Call, ticket: number, item: AcceptedItem): Promise<{ readonly done: boolean; readonly states: AcceptedItem["states"] }> {
  try {
    const { done, items } = await call.coordinator.settle(ticket, [item.key], limits.waitMaxSeconds * 1_000);
    return { done, states: items.find((candidate) => candidate.key === item.key)?.states ?? item.states };
  } catch {
    // The lease is recorded; only what came of it is not known.
    return { done: false, states: item.states };
  }
}

async function block(call: Call): Promise<Response> {
  const asked = readAddress(call);
  if (!asked.ok) return problemResponse(asked.error);
  const judged = judgeBlock(asked.value, "ip", judgeOf(call));
  const { client } = call.caller;
  const refusal = refusalOf([...judged.problems, ...admissionProblems(call.deps, judged.cidr, "ip", client.targets)], nothingWritten);
  if (refusal !== null) return refusalResponse(refusal);
  const dryRun = client.mode === "observe";
  const answer = await call.coordinator.accept({ client: call.caller.name, items: [leaseOf(asked.value, judged.cidr, call)], allOrNothing: true, dryRun });
  const item = answer.items[0];
  if (item === undefined) throw new PortcullisError("INVARIANT", "The coordinator answered nothing for one block.");
  const refused = refusedByCoordinator(item);
  if (refused !== null) return problemResponse(refused);
  call.passage.items = { [dryRun ? "checked" : item.status]: 1 };
  const ip = displayCidr(judged.cidr);
  if (dryRun) return jsonResponse(200, { status: "observed" satisfies Reply, ip, recorded: false });
  const { done, states } = await settledStates(call, answer.ticket, item);
  const reply = replyOf(item, Object.values(states), done);
  const stands = reply === "blocked" || reply === "expiryextended";
  return jsonResponse(stands ? 200 : 202, { status: reply, ip, until: timeText(item.until), recorded: true, targets: states });
}

export const blacklistip: TokenRoute = { method: "GET", path: "/blacklistip", access: "token", scope: "block", handle: block };
