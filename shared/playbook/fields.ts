// What a condition can ask about an event: the one table from which conditions are checked, the view of an event is made, and the docs are held.
// Refuses to leave a field out: what a source does not say is an empty text, a zero or an empty list, so that no condition fails for want of it.
import { severities } from "../config.ts";
import { type DetectionEvent, eventCategories } from "../event/event.ts";

export interface FieldSpec {
  /** A CEL type, or the name of another table here. */
  readonly type: string;
  readonly note: string;
  /** The only values there are. */
  readonly words?: readonly string[];
}

const text = "string";
const addresses = "list<string>";

type Table = Readonly<Record<string, FieldSpec>>;

const tables = {
  Event: {
    id: { type: text, note: "the same for every delivery of the same event" },
    source: { type: text, note: "the adapter's name, such as `guardduty`" },
    type: { type: text, note: "the source's own name for what it found" },
    category: { type: text, note: "what kind of thing happened", words: eventCategories },
    title: { type: text, note: "one line for people" },
    severity: { type: text, note: "how bad the source finds it", words: severities },
    level: { type: "int", note: "the severity as a number: 0 low, 1 medium, 2 high, 3 critical" },
    at: { type: "int", note: "when it happened, in milliseconds since 1970; 0: the source does not say" },
    status: { type: text, note: "`resolved`: the source takes an earlier event back", words: ["firing", "resolved"] },
    sample: { type: "bool", note: "a test or sample of the source" },
    direction: { type: text, note: 'of the connection, seen from us; "": not known', words: ["inbound", "outbound", ""] },
    actor: { type: "Actor", note: "who acted" },
    victim: { type: "Victim", note: "what of ours was attacked or misused" },
    resources: { type: "list<Resource>", note: "what of ours the event is about" },
    forMs: { type: "int", note: "how long the source itself asks for, in milliseconds; 0: it does not say" },
    evidence: { type: "map<string, dyn>", note: 'facts by name; ask `has(event.evidence.NAME)` or `"a.b" in event.evidence` first' },
  },
  Actor: {
    addresses: { type: addresses, note: 'the attacker\'s addresses, such as "203.0.113.7/32"' },
    user: { type: text, note: 'the user that acted; "": not known' },
    process: { type: text, note: 'the process that acted; "": not known' },
  },
  Victim: { addresses: { type: addresses, note: "addresses of ours; never blocked" } },
  Resource: {
    kind: { type: text, note: "`instance`, `pod`, `container`, `bucket`, `access-key`, `user`, `host`, `zone`, or the source's own word" },
    id: { type: text, note: "its name or id" },
    account: { type: text, note: 'the cloud account; "": not known' },
    region: { type: text, note: 'the region; "": not known' },
    namespace: { type: text, note: 'the Kubernetes namespace; "": not known' },
  },
} satisfies Readonly<Record<string, Table>>;

export const fieldTables: Readonly<Record<string, Table>> = tables;
export const eventFields: Table = tables.Event;

/** An event as conditions see it. CEL's integers are `bigint`. */
export function viewOf(event: DetectionEvent): Readonly<Record<string, unknown>> {
  const { actor } = event;
  return {
    ...event,
    level: BigInt(severities.indexOf(event.severity)),
    at: BigInt(event.at ?? 0),
    forMs: BigInt(event.forMs ?? 0),
    direction: event.direction ?? "",
    actor: { addresses: actor.addresses, user: actor.user ?? "", process: actor.process ?? "" },
    resources: event.resources.map(({ kind, id, account = "", region = "", namespace = "" }) => ({ kind, id, account, region, namespace })),
    // A bare object: names like `constructor` are facts or nothing.
    evidence: new Map(Object.entries(event.evidence)),
  };
}
