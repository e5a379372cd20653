// GET and POST /v1/approve/{link}: a person looks at what a playbook would do, and has it done. The link is the credential: signed, for one question about
// one event, until its time is over, once. GET does nothing, so that whatever fetches links ahead of people does no harm.
import { actText, type EventRecord, type RunRecord, type StepAct } from "../../shared/event/record.ts";
import { durationText } from "../../shared/request/duration.ts";
import { timeText } from "./answer.ts";
import type { PublicCall } from "./call.ts";
import { approvalOf, approvePrefix } from "./links.ts";
import { decodedPart } from "./path.ts";
import { securityHeaders, unauthenticatedResponse } from "./problem.ts";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}

/** No script, no style, no picture; its one form leads back here. */
function page(status: number, title: string, body: string): Response {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${escaped(title)}</title></head>
<body><main><h1>${escaped(title)}</h1>
${body}</main></body></html>
`;
  const policy = `${securityHeaders["content-security-policy"]}; form-action 'self'; base-uri 'none'`;
  return new Response(html, { status, headers: { ...securityHeaders, "content-security-policy": policy, "content-type": "text/html; charset=utf-8" } });
}

/** A block counts from the moment of the agreement, which is not known yet. */
function doesText(act: StepAct): string {
  if (act.action !== "block") return actText(act);
  return actText(act).replace(/ until .*?Z/, ` for ${durationText(act.until - act.at)} from now`);
}

function facts({ event, client }: EventRecord): string {
  const rows: readonly (readonly [string, string])[] = [
    ["What", event.title],
    ["Seen by", `${event.source} (client ${client}), as ${event.type}, severity ${event.severity}`],
    ["When", timeText(event.at) ?? "it does not say"],
    ["By whom", event.actor.addresses.join(", ") || "it does not say"],
  ];
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join("")}</dl>`;
}

function steps(run: RunRecord): string {
  return `<ol>${run.steps.map(({ act, said }) => `<li>${escaped([doesText(act), ...said].join("; "))}</li>`).join("")}</ol>`;
}

const endings: Readonly<Record<RunRecord["state"], string>> = {
  asking: "It waits for an answer.",
  open: "It was agreed to, and is being done.",
  done: "It was agreed to, and is done.",
  dead: "It was agreed to, and a step failed; an operator can put it back to work.",
  lapsed: "Nobody agreed in time, so nothing was done.",
  observed: "It is only observed; nothing is done.",
};

function gone(): Response {
  return page(410, "The time for this is over", "<p>Nobody agreed in time, so nothing was done.</p>\n");
}

function question(run: RunRecord, record: EventRecord): Response {
  const until = timeText(run.askUntil) ?? "";
  const form = `<form method="post"><button type="submit">Do it</button></form>\n<p>Until ${until}, once. Whoever does nothing lets it pass.</p>\n`;
  return page(200, `${run.title}: shall this be done?`, `${facts(record)}<h2>What will be done</h2>${steps(run)}${form}`);
}

function ending(run: RunRecord, record: EventRecord): Response {
  return page(200, run.title, `<p>${endings[run.state]}</p>${facts(record)}`);
}

/** What the link is for; a response where it is for nothing (any more). */
async function opened(call: PublicCall): Promise<{ readonly id: string; readonly run: number; readonly plan: string } | Response> {
  const approval = await approvalOf(call.deps, decodedPart(call.url.pathname, approvePrefix, "") ?? "");
  if (approval === null) return unauthenticatedResponse();
  return approval.until <= call.now ? gone() : approval;
}

export async function showApproval(call: PublicCall): Promise<Response> {
  const approval = await opened(call);
  if (approval instanceof Response) return approval;
  const record = await call.coordinator.event(approval.id);
  const run = record?.runs[approval.run];
  if (record === null || run === undefined || run.plan !== approval.plan) return gone();
  return run.state === "asking" ? question(run, record) : ending(run, record);
}

export async function agreeToApproval(call: PublicCall): Promise<Response> {
  const approval = await opened(call);
  if (approval instanceof Response) return approval;
  const answer = await call.coordinator.approve(approval);
  const run = answer?.event.runs[approval.run];
  if (answer === null || run === undefined) return gone();
  return ending(run, answer.event);
}
