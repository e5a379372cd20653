// An event that a playbook decided something about, as it is recorded: what came in, what was decided, how far that has come. Plain data; what a
// step is to do is fixed when the event comes in, its times included, so that doing it twice does the same thing.
import type { Severity } from "../config.ts";
import type { EpochMs, Json } from "../ports.ts";
import { sha256Hex } from "../source/digest.ts";
import { isoTime, isTime } from "../time.ts";
import type { Trace } from "../trace.ts";
import type { DetectionEvent } from "./event.ts";

/**
 * `open`: steps are left. `asking`: a person has to agree first. `done`: nothing is left. `observed`: it was said what would be done, and nothing
 * was. `dead`: a step failed for good, and a person has to look. `lapsed`: nobody agreed in time.
 */
export const eventStates = ["open", "asking", "done", "observed", "dead", "lapsed"] as const;
export type EventState = (typeof eventStates)[number];

/** `refused`: it may not be done, and trying again would not help. `skipped`: an earlier step failed. */
export type StepState = "waiting" | "done" | "refused" | "failed" | "skipped";

export interface BlockAct {
  readonly action: "block";
  /** Canonical text, as wide as the step says; what the core makes of it is decided when it is done. */
  readonly addresses: readonly string[];
  readonly at: EpochMs;
  readonly until: EpochMs;
  /** As in AcceptItem. */
  readonly eventAt?: EpochMs;
  readonly severity: Severity;
  readonly targets: readonly string[] | null;
}

export interface LiftAct {
  readonly action: "lift";
  readonly addresses: readonly string[];
  readonly at: EpochMs;
}

export interface LogAct {
  readonly action: "log";
  readonly message: string;
}

export type StepAct = BlockAct | LiftAct | LogAct;

export interface StepRecord {
  /** In the playbook, such as `do[1].together[0]`. */
  readonly path: string;
  /** Those of one stage are done side by side, one stage after the other. */
  readonly stage: number;
  readonly act: StepAct;
  /** How often it is tried again after a failure, and how long to wait before the first time. */
  readonly retry: { readonly times: number; readonly waitMs: number };
  readonly continueOnError: boolean;
  readonly state: StepState;
  /** Tries that have ended. */
  readonly tries: number;
  /** Tries in a row whose end nobody noted: a life ended in each. */
  readonly begun: number;
  /** Not before then; null: nothing more is tried. */
  readonly nextAt: EpochMs | null;
  /** Of the last try that failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What came of it, or will not: a line for each address. */
  readonly said: readonly string[];
}

export interface RunRecord {
  readonly playbook: string;
  readonly title: string;
  readonly outcome: "acts" | "asks" | "observes";
  readonly why: string;
  readonly state: EventState;
  /** Until when a person may agree; null: nobody is asked. */
  readonly askUntil: EpochMs | null;
  /** Names the plan that a person is asked about; null: nobody is asked. */
  readonly plan: string | null;
  /** When a person agreed. */
  readonly agreedAt: EpochMs | null;
  readonly steps: readonly StepRecord[];
}

export interface EventRecord {
  readonly version: 1;
  readonly id: string;
  readonly client: string;
  /** The caller's own address, which is never blocked; null: not known. */
  readonly own: string | null;
  /** What its sender may do beyond what the configuration says of the client: a way in may allow less. */
  readonly bounds: { readonly longestMs: number; readonly widest: { readonly ipv4: number; readonly ipv6: number } };
  readonly receivedAt: EpochMs;
  readonly updatedAt: EpochMs;
  readonly event: DetectionEvent;
  readonly runs: readonly RunRecord[];
  readonly state: EventState;
  /** When a dead letter was last put back to work; null: never. */
  readonly replayedAt: EpochMs | null;
  /** Names under which its firings are counted. */
  readonly firings: readonly string[];
  /** Of the request it came in with, for the log; it decides nothing. */
  readonly trace?: Trace;
}

/** What a listing tells of an event, without reading it. */
export interface EventSummary {
  readonly id: string;
  readonly receivedAt: EpochMs;
  readonly updatedAt: EpochMs;
  readonly state: EventState;
  readonly client: string;
  readonly source: string;
  readonly type: string;
  readonly playbooks: readonly string[];
  readonly firings: readonly string[];
}

/** Playbooks and firings that a summary names: far below the 1,024 bytes of metadata, whatever they are called. */
const namedMax = 8;
const typeCharsMax = 48;

/**
 * The same for every delivery of the same event by the same client. Whose it is counts, so that nobody can take another's event away by naming it
 * first; when it happened and who did it count too, since some sources keep one identifier while an attack goes on from elsewhere.
 */
export function eventIdOf(client: string, { source, id, status, at, actor }: DetectionEvent): string {
  return sha256Hex(JSON.stringify([client, source, id, status, at, actor.addresses.toSorted()])).slice(0, 32);
}

/** A short name for what firings are counted under: it holds addresses and users, and metadata is small. */
export function firingName(key: string): string {
  return sha256Hex(key).slice(0, 12);
}

export function summaryOf(record: EventRecord): EventSummary {
  const { id, receivedAt, updatedAt, state, client, event, runs, firings } = record;
  const playbooks = runs.map(({ playbook }) => playbook).slice(0, namedMax);
  return { id, receivedAt, updatedAt, state, client, source: event.source, type: event.type, playbooks, firings: firings.slice(0, namedMax) };
}

/** ASCII only, so that its length in characters is its length in bytes. */
function short(text: string): string {
  return text.replace(/[^ -~]/g, "?").slice(0, typeCharsMax);
}

export function eventMetadata(summary: EventSummary): Json {
  const { receivedAt, updatedAt, state, client, source, type, playbooks, firings } = summary;
  return { a: receivedAt, u: updatedAt, s: eventStates.indexOf(state), c: client, o: source, t: short(type), p: [...playbooks], f: [...firings] };
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === "string").slice(0, namedMax) : [];
}

/** Null for what is no event's metadata. */
export function readEventSummary(id: string, metadata: unknown): EventSummary | null {
  if (metadata === null || typeof metadata !== "object") return null;
  const { a, u, s, c, o, t, p, f } = metadata as Readonly<Record<string, unknown>>;
  const state = eventStates[Number(s)];
  if (!isTime(a) || !isTime(u) || state === undefined || typeof c !== "string" || typeof o !== "string" || typeof t !== "string") return null;
  return { id, receivedAt: a, updatedAt: u, state, client: c, source: o, type: t, playbooks: textsIn(p), firings: textsIn(f) };
}

/** Null for what another version wrote, or nobody can read. */
export function readEventRecord(text: string): EventRecord | null {
  try {
    const record = JSON.parse(text) as EventRecord;
    return record.version === 1 && Array.isArray(record.runs) ? record : null;
  } catch {
    return null;
  }
}

/** What a step does, in a few words. */
export function actText(act: StepAct): string {
  if (act.action === "log") return `log ${JSON.stringify(act.message)}`;
  const addresses = act.addresses.length === 0 ? "nobody" : act.addresses.join(", ");
  if (act.action === "lift") return `lift ${addresses}`;
  const targets = act.targets === null ? "" : ` at ${act.targets.join(", ")}`;
  return `block ${addresses}${targets} until ${isoTime(act.until)}, severity ${act.severity}`;
}
