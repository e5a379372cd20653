// GET /v1/blocks/{ip}: everything known about one address: why it is blocked, why not, where, and whether it ever can be.
import { cidrKey, displayCidr, parseCidr } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { widened } from "../../shared/request/judge.ts";
import type { Explanation, SettledItem, TargetEvidence } from "../coordinator/contract.ts";
import { jsonResponse, keyText, timeText } from "./answer.ts";
import type { Call, GuardedRoute } from "./call.ts";
import { decodedPart } from "./path.ts";
import { problemResponse } from "./problem.ts";

interface Protected {
  readonly range: string;
  readonly source: string;
}

function shownBlock(item: SettledItem): Record<string, unknown> {
  return { ip: keyText(item.key), until: timeText(item.until), weight: item.weight ?? null, targets: item.states };
}

function shownEvidence({ target, entry, observedAt, ...said }: TargetEvidence): [string, Record<string, unknown>] {
  const seen = entry === null ? null : { ...entry, seenAt: timeText(entry.seenAt) };
  return [target, { ...said, entry: seen, observedAt: timeText(observedAt) }];
}

function named(evidence: readonly TargetEvidence[]): string {
  return evidence.map(({ target }) => target).join(", ");
}

/** Targets with the same reason together: `web, edge: no room …`. */
function reasons(evidence: readonly TargetEvidence[]): string {
  const byWhy = new Map<string, TargetEvidence[]>();
  for (const one of evidence) {
    const text = one.why === "" ? one.cause : `${one.cause}, ${one.why}`;
    byWhy.set(text, [...(byWhy.get(text) ?? []), one]);
  }
  return [...byWhy].map(([text, targets]) => `${named(targets)}: ${text}`).join("; ");
}

/** One sentence for a person in a hurry; the rest of the answer is the evidence. */
function summaryOf(ip: string, { targets, narrower, asOf }: Explanation, protectedBy: Protected | null): string {
  const stopped = targets.filter(({ blocked }) => blocked === "yes");
  const open = targets.filter(({ blocked }) => blocked === "no");
  const unknown = targets.filter(({ blocked }) => blocked === "unknown");
  const still = stopped.length === 0 ? "" : `; an entry that still stands at ${named(stopped)} goes with the next pass`;
  if (protectedBy !== null) return `${ip} is never blocked: it touches ${protectedBy.range}, protected by ${protectedBy.source}${still}.`;
  if (targets.length === 0) return `${ip} is not blocked: no target is configured.`;
  if (asOf <= 0) return `${ip} is not known to be blocked or not: no pass has reported yet (${reasons(targets)}).`;
  const inside = narrower.length === 0 ? "" : `; ${narrower.length} narrower ${narrower.length === 1 ? "block is" : "blocks are"} inside it`;
  const parts = [
    stopped.length === 0 ? "" : `blocked at ${reasons(stopped)}`,
    open.length === 0 ? "" : `not blocked at ${reasons(open)}`,
    unknown.length === 0 ? "" : `not known at ${reasons(unknown)}`,
  ].filter((part) => part !== "");
  return `${ip} is ${parts.join("; ")}${inside}.`;
}

async function explain(text: string, call: Call): Promise<Response> {
  const asked = parseCidr(text);
  if (!asked.ok) return problemResponse(asked.error);
  const { cidr, adjustments } = widened(asked.value, call.deps.config);
  const explanation = await call.coordinator.explain(cidrKey(cidr));
  const protectedBy = call.deps.protection.find(cidr);
  return jsonResponse(200, {
    ip: displayCidr(cidr),
    asked: displayCidr(asked.value),
    ...(adjustments.length === 0 ? {} : { adjustments }),
    summary: summaryOf(displayCidr(cidr), explanation, protectedBy),
    asOf: timeText(explanation.asOf),
    protected: protectedBy,
    targets: Object.fromEntries(explanation.targets.map(shownEvidence)),
    block: explanation.exact === null ? null : shownBlock(explanation.exact),
    leases: explanation.leases.map((lease) => ({ ...lease, at: timeText(lease.at), until: timeText(lease.until) })),
    wider: explanation.wider.map(shownBlock),
    narrower: explanation.narrower.map(shownBlock),
    exemptions: explanation.exemptions.map(({ key, until, at, by }) => ({
      ip: keyText(key),
      until: timeText(until),
      ...(at === undefined ? {} : { at: timeText(at) }),
      ...(by === undefined ? {} : { by }),
    })),
    ended: explanation.ended.map(({ key, at, until, liftedAt, ...rest }) => ({
      ip: keyText(key),
      ...rest,
      at: timeText(at),
      until: timeText(until),
      liftedAt: timeText(liftedAt),
    })),
    endedWhole: explanation.endedWhole,
    refusals: explanation.refusals.map((refusal) => ({ ...refusal, at: timeText(refusal.at) })),
  });
}

export const explainBlock: GuardedRoute = {
  method: "GET",
  path: "/v1/blocks/:ip{.+}",
  access: "read",
  operation: null,
  async handle(call) {
    const text = decodedPart(call.url.pathname, "/v1/blocks/", "");
    if (text !== null) return explain(text, call);
    const message = "The address in the path cannot be read; write it as in /v1/blocks/203.0.113.7 or /v1/blocks/203.0.113.0/24.";
    return problemResponse(new PortcullisError("INVALID_INPUT", message, { field: "ip" }));
  },
};
