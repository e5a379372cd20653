// What events of a detector with a format of its own come to: blocks for the attackers they name, lifts where they are taken back.
// The detector's word is bounded by the client's limits as everybody's is. Refuses to know any format.
import { type Cidr, CidrSet, cidrFromKey, cidrKey, cidrOf, cidrText, displayCidr } from "../../shared/address/index.ts";
import type { EventSource, EventSourceConfig } from "../../shared/config.ts";
import { attackedIn, nameOf } from "../../shared/event/about.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { limits } from "../../shared/limits.ts";
import { absoluteWidthProblems, longestMs, widened } from "../../shared/request/judge.ts";
import { leaseLength } from "../../shared/request/lease-time.ts";
import { cutText } from "../../shared/request/text.ts";
import { adapters, type SourceEntry } from "../../shared/source/index.ts";
import { addAddress, type Batch, type Line, saidOnly } from "./alert-batch.ts";
import { type Ending, endingsOf } from "./alert-lifts.ts";
import type { Call } from "./call.ts";
import type { Payload } from "./payload.ts";

/** An address of an event that its source takes back. */
export interface Resolved {
  readonly item: number;
  readonly cidr: Cidr;
  /** Of the event. */
  readonly id: string;
}

export function settingsOf(call: Call, source: EventSource): EventSourceConfig {
  const { alerts, defaults } = call.deps.config;
  return alerts[source] ?? { forMs: null, severity: defaults.severity, samples: false };
}

export function readEventEntries(call: Call, source: EventSource, payload: Payload): readonly SourceEntry[] {
  if (!payload.ok) return [{ kind: "invalid", item: 0, field: "body", reason: payload.reason }];
  const { severity, samples } = settingsOf(call, source);
  return adapters[source].read(payload.value, { severity, samples, mapping: call.deps.config.alerts.generic.mapping });
}

/** What an item that is no event is answered with; no field where it is the item as a whole. */
export function saidOfNoEvent(entry: Exclude<SourceEntry, { readonly kind: "event" }>): { readonly reason: string; readonly field?: string } {
  if (entry.kind === "ignored") return { reason: `${entry.because}: ${entry.reason}` };
  return { reason: entry.reason, ...(entry.field === "" ? {} : { field: entry.field }) };
}

/** What the source asks for, else what the configuration says, within what this client may ask for. */
function leaseOf(event: DetectionEvent, settings: EventSourceConfig, call: Call): { readonly forMs: number; readonly said: readonly string[] } {
  const { defaults } = call.deps.config;
  return leaseLength(event.forMs ?? settings.forMs ?? defaults.forMs, defaults, longestMs(call.caller.client), call.caller.name);
}

function addEvent(item: number, event: DetectionEvent, call: Call, source: EventSource, batch: Batch): readonly Resolved[] {
  const attackers = event.actor.addresses.map(cidrOf);
  if (attackers.length === 0) {
    batch.lines.push(saidOnly(item, "ignored", `${event.type} names no attacker's address, so there is nothing to block`));
    return [];
  }
  if (event.status === "resolved") return attackers.map((cidr) => ({ item, cidr, id: event.id }));
  const lease = leaseOf(event, settingsOf(call, source), call);
  const alert = { at: event.at, reason: cutText(nameOf(event), limits.reasonCharsMax).trim(), severity: event.severity, ids: [event.id] };
  const attacked = attackedIn(event);
  for (const asked of attackers) {
    const { cidr } = widened(asked, call.deps.config);
    const near = attacked(cidr);
    if (near === null) addAddress({ item, asked, event: alert }, lease, call, batch);
    else batch.lines.push(saidOnly(item, "ignored", `the block would hold ${cidrText(near)}, which the event names as attacked or as ours`, displayCidr(cidr)));
  }
  return [];
}

/** Puts every item of the body into the batch, but for what is taken back: that is returned. */
export function addEvents(call: Call, source: EventSource, payload: Payload, batch: Batch): readonly Resolved[] {
  return readEventEntries(call, source, payload).flatMap((entry) => {
    if (entry.kind === "event") return addEvent(entry.item, entry.event, call, source, batch);
    const { reason, ...field } = saidOfNoEvent(entry);
    batch.lines.push({ ...saidOnly(entry.item, entry.kind, reason), ...field });
    return [];
  });
}

interface Lifts {
  readonly lines: Line[];
  /** Block to the items that take it back, and the ids of their events. */
  readonly byKey: Map<string, { readonly items: number[]; readonly ids: Set<string> }>;
}

function sortOut(call: Call, resolved: readonly Resolved[], batch: Batch): Lifts {
  const { name, client } = call.caller;
  const lifts: Lifts = { lines: [], byKey: new Map() };
  const firing = new CidrSet([...batch.accepted.keys()].flatMap((label) => ((cidr) => (cidr === null ? [] : [{ cidr, label }]))(cidrFromKey(label))));
  const say = (item: number, status: Line["status"] & string, reason: string, cidr: Cidr) =>
    lifts.lines.push(saidOnly(item, status, reason, displayCidr(cidr)));
  for (const { item, cidr: asked, id } of resolved) {
    const { cidr } = widened(asked, call.deps.config);
    const key = cidrKey(cidr);
    const wide = absoluteWidthProblems(cidr, "ip")[0];
    if (wide !== undefined) say(item, "refused", wide.reason, cidr);
    else if (!client.scopes.includes("lift")) say(item, "ignored", `resolved, and client ${name} may not lift: it lacks the scope lift`, cidr);
    else if (firing.overlapping(cidr) !== null) say(item, "ignored", "resolved, and another item of this request blocks it", cidr);
    else if (client.mode === "observe") say(item, "observed", `resolved, and client ${name} is in observe mode: nothing was lifted`, cidr);
    else if (lifts.byKey.has(key) || lifts.byKey.size < limits.ipsPerRequestMax) {
      const known = lifts.byKey.get(key);
      known?.items.push(item);
      known?.ids.add(id);
      if (known === undefined) lifts.byKey.set(key, { items: [item], ids: new Set([id]) });
    } else say(item, "ignored", `resolved, and one request may lift ${limits.ipsPerRequestMax} addresses; this one stays until its lease ends`, cidr);
  }
  return lifts;
}

interface Ended {
  readonly key: string;
  readonly ending: Ending;
}

/** How many leases were ended of each block. One question for each moment: leases that began later are another event's. */
async function endLeases(call: Call, ended: readonly Ended[]): Promise<ReadonlyMap<string, number>> {
  const { name } = call.caller;
  const lifted = new Map<string, number>();
  for (const at of new Set(ended.flatMap(({ ending }) => ending.upTo ?? []))) {
    const keys = ended.filter(({ ending }) => ending.upTo === at).map(({ key }) => key);
    // Bound to a moment, so that the same message again ends nothing more: no id needs to be remembered.
    const answer = await call.coordinator.lift({ keys, client: name, at, exemptUntil: null, once: null, by: name });
    for (const item of answer.items) lifted.set(item.key, item.lifted);
  }
  return lifted;
}

/** Ends this client's own leases on what its detector takes back, and says what came of it. No exemption: the detector may name it again. */
export async function endResolved(call: Call, resolved: readonly Resolved[], batch: Batch): Promise<readonly Line[]> {
  const { lines, byKey } = sortOut(call, resolved, batch);
  const asked = [...byKey].map(([key, { items, ids }]) => ({ key, items, ids }));
  const endings = await endingsOf(asked, call);
  const ended = asked.flatMap((one, at) => ((ending) => (ending === undefined ? [] : [{ ...one, ending }]))(endings[at]));
  const lifted = await endLeases(call, ended);
  const told = ended.flatMap(({ key, items, ending }) => {
    const cidr = cidrFromKey(key);
    const isOpen = ending.stands === null && (lifted.get(key) ?? 0) > 0;
    const why = ending.stands ?? (isOpen ? null : `client ${call.caller.name} holds no lease on it for this alert`);
    const reason = why === null ? "resolved" : `resolved, and ${why}`;
    return items.map((item) => saidOnly(item, isOpen ? "lifted" : "ignored", reason, cidr === null ? undefined : displayCidr(cidr)));
  });
  return [...lines, ...told];
}
