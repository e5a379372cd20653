// Does one step of an event: a block as any lease of its client, a lift as any lift, a line of log. Says what came of it and never throws for what it
// came to: limits and a store that does not answer are failures to try again, protection and exemptions are the last word.
import { cidrKey, cidrOf, displayCidr } from "../../shared/address/index.ts";
import type { ClientConfig } from "../../shared/config.ts";
import { type ErrorCode, PortcullisError } from "../../shared/errors.ts";
import { attackedIn, nameOf } from "../../shared/event/about.ts";
import type { StepOutcome } from "../../shared/event/progress.ts";
import type { BlockAct, EventRecord, LiftAct, LogAct, StepRecord } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import { absoluteWidthProblems, type Judge, judgeBlock, widened } from "../../shared/request/judge.ts";
import { cutText } from "../../shared/request/text.ts";
import { isoTime } from "../../shared/time.ts";
import type { Trace } from "../../shared/trace.ts";
import type { AcceptedItem, AcceptItem } from "../coordinator/contract.ts";
import { traced } from "../log/traced.ts";
import { admissionProblems, targetFactsOf } from "../routes/admission.ts";
import { keyText } from "../routes/answer.ts";
import type { DeskParts } from "./contract.ts";

export interface StepWork {
  readonly record: EventRecord;
  readonly playbook: string;
  readonly step: StepRecord;
  readonly trace: Trace | undefined;
}

function failed(code: ErrorCode, message: string, said: readonly string[] = []): StepOutcome {
  return { kind: "failed", code, message, said };
}

/** The client as it is configured now, within what its way in allowed then: whichever is narrower. */
function boundClient({ client: name, bounds }: EventRecord, parts: DeskParts): ClientConfig {
  const { clients } = parts.world.config;
  const settings = Object.hasOwn(clients, name) ? clients[name] : undefined;
  if (settings === undefined) throw new PortcullisError("FORBIDDEN", `client ${name}, who sent the event, is not configured any more`);
  const widest = { ipv4: Math.max(settings.widest.ipv4, bounds.widest.ipv4), ipv6: Math.max(settings.widest.ipv6, bounds.widest.ipv6) };
  return { ...settings, widest, longestMs: Math.min(settings.longestMs, bounds.longestMs) };
}

function reasonOf({ event }: EventRecord, playbook: string): string {
  return cutText(`${playbook}: ${nameOf(event)}`, limits.reasonCharsMax).trim();
}

interface Judged {
  readonly items: readonly AcceptItem[];
  /** Addresses that may not be blocked, and why. */
  readonly refused: readonly string[];
}

function judgeAll(act: BlockAct, work: StepWork, parts: DeskParts): Judged {
  const { record, playbook } = work;
  const { config, protection, targets } = parts.world;
  const own = record.own === null ? null : cidrOf(record.own);
  const judge: Judge = { config, clientName: record.client, client: boundClient(record, parts), protection, own };
  const targetFacts = targetFactsOf(targets);
  const attacked = attackedIn(record.event);
  const items = new Map<string, AcceptItem>();
  const refused: string[] = [];
  const { at, until, severity, eventAt } = act;
  for (const text of act.addresses) {
    const asked = cidrOf(text);
    const judged = judgeBlock(asked, "addresses", judge);
    const problem = judged.problems[0] ?? admissionProblems({ config, targetFacts }, judged.cidr, "addresses", act.targets)[0];
    const key = cidrKey(judged.cidr);
    const near = attacked(judged.cidr);
    if (near !== null) refused.push(`${displayCidr(judged.cidr)} refused: it would hold ${displayCidr(near)}, which the event names as attacked or as ours`);
    else if (problem !== undefined) refused.push(`${displayCidr(judged.cidr)} refused: ${problem.reason}`);
    else {
      const happened = eventAt === undefined ? {} : { eventAt };
      const named = { reason: reasonOf(record, playbook), alerts: [record.event.id] };
      items.set(key, { key, asked: displayCidr(asked), at, until, severity, targets: act.targets, ...named, ...happened });
    }
  }
  return { items: [...items.values()], refused };
}

function itemText({ key, status, until, why }: AcceptedItem): string {
  if (status === "exempt" || status === "limited") return `${keyText(key)} ${status}: ${why ?? ""}`;
  return `${keyText(key)} ${status}, until ${isoTime(until)}`;
}

/** Addresses in a line of log; the event has them all. */
const loggedMax = 16;

const limitCodes = { live: "FORBIDDEN", newPerMinute: "RATE_LIMITED", store: "CAPACITY_EXCEEDED" } as const;

async function block(act: BlockAct, work: StepWork, parts: DeskParts): Promise<StepOutcome> {
  const { items, refused } = judgeAll(act, work, parts);
  if (items.length === 0) return { kind: "refused", said: refused };
  if (act.until <= parts.world.clock.now()) {
    const message = `its time was over at ${isoTime(act.until)}, before it could be done`;
    return { kind: "refused", said: [...refused, `nothing was blocked: ${message}`] };
  }
  const answer = await parts.accept({ client: work.record.client, items, allOrNothing: false, dryRun: false }, work.trace);
  const said = [...refused, ...answer.items.map(itemText)];
  const limited = answer.items.filter(({ status }) => status === "limited");
  const [first] = limited;
  if (first !== undefined) {
    const waits = limited.map(({ retryAfterSeconds }) => (retryAfterSeconds ?? 0) * 1_000);
    return { kind: "failed", code: limitCodes[first.limit ?? "live"], message: first.why ?? "a limit is reached", said, retryAfterMs: Math.max(...waits) };
  }
  return { kind: answer.items.every(({ status }) => status === "exempt") ? "refused" : "done", said };
}

/** Only with the scope `lift`, as everywhere: a key that may only send alerts opens no gate, not by a playbook either. */
async function lift(act: LiftAct, { record, trace }: StepWork, parts: DeskParts): Promise<StepOutcome> {
  if (!boundClient(record, parts).scopes.includes("lift")) {
    return { kind: "refused", said: [`client ${record.client} may lift nothing: it has not the scope lift (clients.${record.client}.scopes)`] };
  }
  const blocks = act.addresses.map((text) => widened(cidrOf(text), parts.world.config).cidr);
  const refused = blocks.flatMap((cidr) => absoluteWidthProblems(cidr, "addresses").map(({ reason }) => reason));
  const keys = [...new Set(blocks.filter((cidr) => absoluteWidthProblems(cidr, "addresses").length === 0).map(cidrKey))];
  if (keys.length === 0) return { kind: "refused", said: refused };
  const { client } = record;
  await parts.lift({ keys, client, at: act.at, exemptUntil: null, once: null, by: client }, trace);
  return { kind: "done", said: [...refused, ...keys.map((key) => `${keyText(key)}: what client ${client} had leased before the event is lifted`)] };
}

function logged(act: LogAct, { record, playbook, trace }: StepWork, parts: DeskParts): StepOutcome {
  const { id, client, event } = record;
  const { source, type, severity } = event;
  const write = traced(parts.world.log, trace);
  write({
    level: "info",
    event: "playbook.logged",
    playbook,
    message: act.message,
    id,
    client,
    source,
    type,
    severity,
    actor: event.actor.addresses.slice(0, loggedMax),
  });
  return { kind: "done", said: [] };
}

function outcomeOf(thrown: unknown): StepOutcome {
  if (!(thrown instanceof PortcullisError)) return failed("INVARIANT", "something unexpected went wrong inside Portcullis");
  const waits = thrown.context.retryAfterSeconds;
  const outcome = failed(thrown.code, thrown.message);
  return waits === undefined || outcome.kind !== "failed" ? outcome : { ...outcome, retryAfterMs: waits * 1_000 };
}

export async function carryOut(work: StepWork, parts: DeskParts): Promise<StepOutcome> {
  const { act } = work.step;
  try {
    if (act.action === "block") return await block(act, work, parts);
    if (act.action === "lift") return await lift(act, work, parts);
    return logged(act, work, parts);
  } catch (thrown) {
    return outcomeOf(thrown);
  }
}
