// The shapes that requests and answers have, as JSON Schema for the API's description. Used by the generator only;
// what is enforced is in `shared/request/`, and the tests hold the two together.
import { severities } from "../../shared/config.ts";
import { errorTraits } from "../../shared/errors.ts";
import { eventStates } from "../../shared/event/record.ts";
import { blockStates } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { Json } from "../../shared/ports.ts";
import { stopActions } from "../../shared/request/operations.ts";
import type { Cause } from "../coordinator/contract.ts";

type Schema = { readonly [key: string]: Json };

const text = { type: "string" } as const;
const count = { type: "integer", minimum: 0 } as const;
const flag = { type: "boolean" } as const;
const time = { type: "string", format: "date-time" } as const;
const timeOrNull = { type: ["string", "null"], format: "date-time" } as const;
const texts = { type: "array", items: text } as const;
const address = {
  type: "string",
  maxLength: limits.addressCharsMax,
  description: "An IPv4 or IPv6 address or CIDR.",
  examples: ["203.0.113.7", "2001:db8::/64"],
} as const;
const duration = { type: "string", pattern: "^[1-9][0-9]{0,8}[smhd]$", examples: ["90s", "15m", "4h", "7d"] } as const;

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function list(items: Json): Schema {
  return { type: "array", items };
}

/** An object of answers: more members may come, so none is forbidden. */
function answer(properties: Schema, required: readonly string[] = []): Schema {
  return { type: "object", properties, ...(required.length === 0 ? {} : { required }) };
}

const alertAnswer = {
  source: text,
  recorded: flag,
  mode: text,
  adjustments: texts,
  counts: { type: "object", additionalProperties: count },
  items: list(ref("AlertItem")),
} as const;

/** An object of requests: unknown members are refused. */
function request(properties: Schema, required: readonly string[] = []): Schema {
  return { ...answer(properties, required), additionalProperties: false };
}

const oneOrMany: Schema = {
  ip: { ...address, description: "One address or CIDR; either this or ips." },
  ips: { ...list(address), minItems: 1, maxItems: limits.ipsPerRequestMax },
};

function operation(name: string): Schema {
  return { const: name, description: "Required when signed." };
}

const states = { type: "object", additionalProperties: { $ref: "#/components/schemas/TargetState" }, description: "By target name." } as const;
const accepted = ["created", "renewed", "unchanged", "held"] as const;
const offence = { ...count, description: "How often this client had leased it before it came back; absent: never, or its leases do not grow." } as const;
const escalated = {
  ...answer({ offence: { type: "integer", minimum: 1 }, asked: duration, for: duration }, ["offence", "asked", "for"]),
  description: "The lease is longer than asked, because the address came back.",
} as const;
const targetNames = { ...texts, minItems: 1, maxItems: limits.targetsMax };

const requests: Readonly<Record<string, Schema>> = {
  BlockRequest: request({
    ...oneOrMany,
    for: duration,
    reason: { type: "string", description: `At most ${limits.reasonCharsMax} characters once control and bidirectional ones are dropped.` },
    severity: { enum: [...severities] },
    targets: targetNames,
    dryRun: flag,
    type: operation("block"),
  }),
  LiftRequest: request({
    ...oneOrMany,
    client: { type: "string", description: "Whose leases; everyone's when left out." },
    exempt: { oneOf: [duration, { const: "none" }, { const: 0 }] },
    type: operation("lift"),
  }),
  ExemptionRequest: request({ ...oneOrMany, for: duration, type: operation("exempt") }),
  ReconcileRequest: request({ confirm: request({ target: text, digest: text }, ["target", "digest"]), type: operation("reconcile") }),
  StopRequest: request({ action: { enum: [...stopActions] }, targets: targetNames, type: operation("stop") }, ["action"]),
  StoreRequest: request({ type: operation("store") }),
  ReplayRequest: request({ event: { ...text, description: "As in the path; required when signed." }, type: operation("replay") }),
};

const otherCauses = ["unselected", "ended", "lifted", "exempt", "orphan", "never"] as const satisfies readonly Cause[];

const answers: Readonly<Record<string, Schema>> = {
  TargetState: answer({ state: { enum: [...blockStates] }, why: text, by: text }, ["state"]),
  BlockItem: answer(
    { ip: address, asked: address, status: { enum: [...accepted] }, until: timeOrNull, escalated, why: text, targets: states, adjustments: texts },
    ["ip", "asked", "status", "until", "targets"],
  ),
  BlockAnswer: answer(
    { recorded: flag, dryRun: flag, mode: text, settled: flag, items: list(ref("BlockItem")), caveats: { type: "object", additionalProperties: texts } },
    ["recorded", "settled", "items"],
  ),
  AlertItem: answer(
    {
      item: count,
      ip: address,
      status: { enum: [...accepted, "exempt", "limited", "refused", "invalid", "observed", "ignored", "lifted", "accepted"] },
      event: { ...text, description: "Its name at GET /v1/events/{id}; only where there are playbooks." },
      state: { enum: [...eventStates] },
      playbooks: list(answer({ playbook: text, outcome: text, actions: texts }, ["playbook", "actions"])),
      field: text,
      reason: text,
      limit: text,
      retryAfterSeconds: count,
      until: timeOrNull,
      escalated,
      adjustments: texts,
    },
    ["item", "status"],
  ),
  AlertAnswer: answer(alertAnswer, ["source", "recorded", "counts", "items"]),
  SnsAnswer: answer({ ...alertAnswer, confirmed: flag, topic: text }),
  FirehoseRequest: { type: "object", properties: { requestId: text, timestamp: count, records: list(answer({ data: text })) }, required: ["records"] },
  FirehoseAnswer: answer({ requestId: text, timestamp: count, errorMessage: text }, ["requestId", "timestamp"]),
  Block: answer(
    {
      ip: address,
      at: time,
      until: time,
      severity: { enum: [...severities] },
      leases: list(answer({ client: text, at: time, until: time, offence })),
      targets: states,
    },
    ["ip", "until", "targets"],
  ),
  BlockList: answer({ asOf: timeOrNull, complete: flag, incompleteWhy: text, total: count, next: { type: ["string", "null"] }, blocks: list(ref("Block")) }, [
    "asOf",
    "complete",
    "total",
    "next",
    "blocks",
  ]),
  Evidence: answer(
    {
      blocked: { enum: ["yes", "no", "unknown"], description: "Whether an entry of ours that the target enforces stands over all of it, as last seen." },
      cause: { enum: [...blockStates, ...otherCauses] },
      why: text,
      entry: { oneOf: [{ type: "null" }, answer({ id: text, cidr: text, seenAt: timeOrNull }, ["id", "cidr", "seenAt"])] },
      observedAt: timeOrNull,
    },
    ["blocked", "cause", "why", "entry", "observedAt"],
  ),
  Explanation: answer(
    {
      ip: address,
      asked: address,
      adjustments: texts,
      summary: { ...text, description: "One sentence for a person; the rest is its evidence." },
      asOf: timeOrNull,
      protected: { oneOf: [{ type: "null" }, answer({ range: text, source: text })] },
      block: { type: ["object", "null"] },
      leases: list({ type: "object" }),
      wider: list({ type: "object" }),
      narrower: list({ type: "object" }),
      exemptions: list(answer({ ip: address, until: timeOrNull, at: timeOrNull, by: text })),
      targets: { type: "object", additionalProperties: ref("Evidence"), description: "By target name." },
      ended: list(answer({ ip: address, client: text, at: timeOrNull, until: timeOrNull, liftedAt: timeOrNull, liftedBy: text, offence, held: flag })),
      endedWhole: flag,
      refusals: list(answer({ at: timeOrNull, client: text, why: text })),
    },
    ["ip", "asked", "summary", "targets", "ended", "endedWhole", "refusals", "asOf", "protected", "block", "leases", "wider", "narrower", "exemptions"],
  ),
  EventRow: answer(
    { id: text, receivedAt: time, updatedAt: time, state: { enum: [...eventStates] }, client: text, source: text, type: text, playbooks: texts },
    ["id", "receivedAt", "state", "client", "source", "type", "playbooks"],
  ),
  EventList: answer({ total: count, complete: flag, next: { type: ["string", "null"] }, events: list(ref("EventRow")) }, [
    "total",
    "complete",
    "next",
    "events",
  ]),
  EventStep: answer(
    {
      step: text,
      stage: count,
      does: text,
      state: { enum: ["waiting", "done", "refused", "failed", "skipped"] },
      tries: count,
      triesMax: count,
      nextTry: timeOrNull,
      error: { oneOf: [{ type: "null" }, answer({ code: { enum: Object.keys(errorTraits) }, message: text }, ["code", "message"])] },
      said: texts,
    },
    ["step", "does", "state", "tries", "nextTry", "error", "said"],
  ),
  Event: answer(
    {
      id: text,
      client: text,
      state: { enum: [...eventStates] },
      receivedAt: time,
      updatedAt: time,
      replayedAt: timeOrNull,
      event: { type: "object" },
      questions: list(answer({ playbook: text, until: timeOrNull, link: { type: ["string", "null"] } }, ["playbook", "until", "link"])),
      playbooks: list(answer({ playbook: text, title: text, outcome: text, why: text, state: { enum: [...eventStates] }, steps: list(ref("EventStep")) })),
    },
    ["id", "client", "state", "receivedAt", "event", "playbooks"],
  ),
  ReplayAnswer: answer({ replayed: flag, why: text, event: ref("Event") }, ["replayed", "event"]),
  LiftAnswer: answer(
    {
      recorded: flag,
      mode: text,
      repeated: flag,
      settled: flag,
      items: list(answer({ ip: address, status: text, why: text, lifted: count, exemptUntil: timeOrNull, stillCoveredBy: texts, adjustments: texts }, ["ip"])),
    },
    ["recorded", "items"],
  ),
  Target: answer(
    {
      name: text,
      kind: text,
      mode: { enum: ["observe", "enforce", "drain"] },
      observedAt: timeOrNull,
      error: { oneOf: [{ type: "null" }, answer({ code: { enum: Object.keys(errorTraits) }, message: text, remedy: text, help: text }, ["code", "message"])] },
      caveats: texts,
    },
    ["name", "kind", "mode", "observedAt"],
  ),
  TargetList: answer(
    { asOf: timeOrNull, fullAt: timeOrNull, storeId: { type: ["string", "null"] }, complete: flag, held: count, targets: list(ref("Target")) },
    ["asOf", "complete", "targets"],
  ),
  Plan: answer({ target: text, steps: texts, add: texts, remove: list(answer({ cidr: text, proof: text })), keep: texts, shed: texts, notes: texts }, [
    "target",
    "steps",
  ]),
  ReconcileAnswer: answer({ done: flag, why: text, asOf: timeOrNull, targets: list(ref("Target")) }, ["done"]),
  StopAnswer: answer(
    { action: text, stopped: { type: "object", additionalProperties: { enum: ["freeze", "drain"] } }, releasedAt: timeOrNull, repeated: flag },
    ["action", "stopped"],
  ),
  StoreAnswer: answer({ storeId: { type: ["string", "null"] }, minted: flag }, ["storeId", "minted"]),
  LegacyAnswer: answer(
    {
      status: { enum: ["blocked", "expiryextended", "rulelimitreached", "accepted", "observed"] },
      ip: address,
      until: timeOrNull,
      recorded: flag,
      targets: states,
    },
    ["status", "ip", "recorded"],
  ),
  Problem: answer(
    {
      type: { type: "string", format: "uri" },
      title: text,
      status: { type: "integer" },
      code: { enum: Object.keys(errorTraits) },
      detail: text,
      remedy: text,
      help: { ...text, description: "The runbook's entry: a path and heading of the repository." },
      target: text,
      field: text,
      facts: { type: "object" },
      retryAfterSeconds: count,
      errors: list(answer({ field: text, code: text, reason: text, facts: { type: "object" } }, ["field", "code", "reason"])),
    },
    ["type", "title", "status", "code", "detail", "remedy", "help"],
  ),
};

export const schemas: Readonly<Record<string, Schema>> = { ...requests, ...answers };
