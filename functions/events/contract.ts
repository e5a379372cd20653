// What the routes may ask about events, and what the coordinator needs of the playbooks. Everything that is asked crosses an RPC boundary, so it is
// plain cloneable data.

import type { Approval } from "../../shared/event/approval.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import type { EventRecord, EventState, EventSummary } from "../../shared/event/record.ts";
import type { Decision, History } from "../../shared/playbook/decide.ts";
import type { Playbook } from "../../shared/playbook/playbook.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Trace } from "../../shared/trace.ts";
import type { AcceptAnswer, AcceptRequest, LiftRequest } from "../coordinator/contract.ts";
import type { World } from "../pass/world.ts";
import type { EventPages } from "../routes/call.ts";

export interface TakeRequest {
  readonly client: string;
  /** As in EventRecord. */
  readonly own: string | null;
  readonly bounds: EventRecord["bounds"];
  /** The time that the request counts from. */
  readonly receipt: EpochMs;
  readonly events: readonly DetectionEvent[];
}

export type TakeStatus =
  /** Recorded: what was decided is done soon, or waits for a person. */
  | "accepted"
  /** Recorded: what would be done is said, and nothing is. */
  | "observed"
  /** It was recorded before; nothing was written. */
  | "unchanged"
  /** No playbook fired; nothing was recorded. */
  | "ignored"
  /** Refused: too many at once, or no room for records. */
  | "limited";

export interface TakenEvent {
  readonly status: TakeStatus;
  /** Null where nothing is recorded. */
  readonly id: string | null;
  readonly state: EventState | null;
  /** Why it was not taken. */
  readonly why: string | null;
  readonly limit?: "newPerMinute" | "store";
  readonly retryAfterSeconds?: number;
  /** What fired, and what it does, a line for each step. Of an event that is over only the names are known. */
  readonly playbooks: readonly { readonly playbook: string; readonly outcome: string; readonly actions: readonly string[] }[];
  /** What a person is asked about it; told to operators, never to the sender. */
  readonly questions?: readonly (Approval & { readonly playbook: string })[];
}

export interface TakeAnswer {
  /** In the order of the request. */
  readonly events: readonly TakenEvent[];
}

export interface EventsRequest {
  /** null: any. */
  readonly state: EventState | null;
  readonly rows: number;
  /** As an answer's `next` said; null: from the newest. */
  readonly after: string | null;
}

export interface EventsAnswer {
  readonly total: number;
  readonly next: string | null;
  readonly events: readonly EventSummary[];
  /** False: not all that is stored was read yet. */
  readonly whole: boolean;
}

export interface ReplayRequest {
  readonly id: string;
  /** Which client asks for it. */
  readonly by: string;
  /** As in LiftRequest. */
  readonly once: string | null;
}

export interface ReplayAnswer {
  readonly event: EventRecord;
  /** False: it was no dead letter (any more), and nothing was changed. */
  readonly replayed: boolean;
}

export interface ApproveAnswer {
  readonly event: EventRecord;
  /** False: it had been agreed to before, or the time was over; nothing was changed. */
  readonly agreed: boolean;
}

/** The verbs about events that the coordinator has; without playbooks each of them throws NOT_FOUND. */
export interface EventVerbs {
  take(request: TakeRequest, trace?: Trace): Promise<TakeAnswer>;
  events(request: EventsRequest): Promise<EventsAnswer>;
  /** Null: nothing is known of it. */
  event(id: string): Promise<EventRecord | null>;
  replay(request: ReplayRequest, trace?: Trace): Promise<ReplayAnswer | null>;
  /** A person agrees. Null: nothing is known of the event. */
  approve(request: Pick<Approval, "id" | "run" | "plan">, trace?: Trace): Promise<ApproveAnswer | null>;
}

/** What the desk has done to what it was built over. */
export interface DeskParts {
  readonly world: World;
  /** As the coordinator's own verbs, but for the pass they ask for: the caller of `work` runs one. */
  accept(request: AcceptRequest, trace: Trace | undefined): Promise<Pick<AcceptAnswer, "items">>;
  lift(request: LiftRequest, trace: Trace | undefined): Promise<unknown>;
  /** Calls `work` at about that moment. */
  schedule(at: EpochMs): Promise<void>;
  randomBytes(count: number): Uint8Array;
}

export interface Desk extends EventVerbs {
  /** Works off what is due. Never throws for what an event came to. */
  work(): Promise<void>;
  /** When there is work; null: never. */
  nextDueAt(): EpochMs | null;
  /** What a pass's listing named. */
  listed(events: readonly EventSummary[], listing: { readonly whole: boolean; readonly beganAt: EpochMs }): Promise<void>;
}

/** The playbooks of a deployment, ready to be asked. Made by `functions/events/engine.ts`, which is compiled in only where there are some. */
export interface PlaybookEngine {
  decide(event: DetectionEvent, history: History): readonly Decision[];
  playbook(name: string): Playbook | null;
  desk(parts: DeskParts): Desk;
  readonly pages: EventPages;
}

export type EngineMaker = (playbooks: readonly Playbook[]) => PlaybookEngine;
