// A strict stand-in for the coordinator: keeps the contract's promises in memory and throws at anything a route must
// not send (unwidened keys, over-long reasons, ends before beginnings). Keeps a log of what was asked, for the tests.

import type {
  AcceptAnswer,
  AcceptedItem,
  AcceptItem,
  AcceptRequest,
  CoordinatorApi,
  Escalated,
  Explanation,
  LiftAnswer,
  LiftRequest,
  PlanAnswer,
  SettledItem,
  StopAnswer,
  StopRequest,
  TargetEvidence,
} from "../../functions/coordinator/contract.ts";
import type {
  ApproveAnswer,
  EventsAnswer,
  EventsRequest,
  ReplayAnswer,
  ReplayRequest,
  TakeAnswer,
  TakenEvent,
  TakeRequest,
} from "../../functions/events/contract.ts";
import { cidrFromKey, contains, overlaps } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { approved } from "../../shared/event/approval.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { replay } from "../../shared/event/progress.ts";
import { type EventRecord, summaryOf } from "../../shared/event/record.ts";
import type { BlockState, Snapshot, TargetState } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { Clock } from "../../shared/ports.ts";

function demand(condition: boolean, what: string): void {
  if (!condition) throw new PortcullisError("INVARIANT", `a route sent what the contract forbids: ${what}`);
}

function checkKey(key: string): void {
  const cidr = cidrFromKey(key);
  demand(cidr !== null, `key ${key}`);
  demand(cidr?.family !== 6 || cidr.length <= 64, `IPv6 key ${key} was not widened`);
}

function checkItem(item: AcceptItem, now: number): void {
  checkKey(item.key);
  demand(Number.isSafeInteger(item.at) && Number.isSafeInteger(item.until), "times must be whole milliseconds");
  demand(item.at <= now && item.until > now && item.until > item.at, "a lease must begin by now and end later");
  demand([...item.reason].length <= limits.reasonCharsMax && !/[\p{Cc}\p{Cf}]/u.test(item.reason), "reason");
  demand(item.alerts.length <= limits.alertIdsMax && item.alerts.every((id) => id.length <= limits.alertIdCharsMax), "alerts");
  demand(item.asked.length <= limits.addressCharsMax, "asked");
}

interface Held {
  readonly client: string;
  readonly item: AcceptItem;
}

export class FakeCoordinator implements CoordinatorApi {
  /** By block key: the leases that stand. */
  readonly leases = new Map<string, Held[]>();
  readonly exemptions = new Map<string, number>();
  readonly asked: { readonly verb: string; readonly with: unknown }[] = [];
  /** Refuse these keys so. */
  readonly refusals = new Map<string, Pick<AcceptedItem, "status" | "limit" | "why" | "retryAfterSeconds">>();
  /** Make new leases of these keys longer so. */
  readonly returns = new Map<string, Escalated>();
  state: BlockState = "pending";
  settledState: BlockState = "enforced";
  settles = true;
  snapshotNow: Snapshot | null = null;
  /** Thrown by every verb when set. */
  failure: unknown = null;
  id: string | null = null;
  /** What becomes of an event that is taken. */
  takes: (event: DetectionEvent, request: TakeRequest) => TakenEvent = () => ({
    status: "ignored",
    id: null,
    state: null,
    why: "no playbook fires",
    playbooks: [],
  });
  /** Events on record. */
  readonly known = new Map<string, EventRecord>();
  noted = 0;
  readonly #once = new Set<string>();
  readonly #clock: Clock;
  readonly #targets: readonly string[];

  constructor(clock: Clock, targets: readonly string[]) {
    this.#clock = clock;
    this.#targets = targets;
  }

  #hear(verb: string, input: unknown): void {
    // What crosses an RPC boundary must be cloneable.
    this.asked.push({ verb, with: structuredClone(input) });
    if (this.failure !== null) throw this.failure;
  }

  #states(item: { readonly targets: readonly string[] | null }, state: BlockState): Record<string, TargetState> {
    const why = state === "enforced" ? {} : { why: `fake ${state}` };
    return Object.fromEntries((item.targets ?? this.#targets).map((target) => [target, { state, ...why }]));
  }

  #until(key: string): number {
    return Math.max(0, ...(this.leases.get(key) ?? []).map((held) => held.item.until));
  }

  #acceptOne(item: AcceptItem, client: string): AcceptedItem {
    const states = this.#states(item, this.state);
    const refusal = this.refusals.get(item.key);
    const known = this.#until(item.key);
    if (refusal !== undefined && refusal.status !== "held") return { key: item.key, until: known, states: {}, ...refusal };
    const cidr = cidrFromKey(item.key);
    for (const [key, until] of this.exemptions) {
      const exempt = cidrFromKey(key);
      if (cidr !== null && exempt !== null && overlaps(cidr, exempt) && until > this.#clock.now())
        return { key: item.key, status: "exempt", until: known, why: "exempt", states: {} };
    }
    const mine = Math.max(0, ...(this.leases.get(item.key) ?? []).filter((held) => held.client === client).map((held) => held.item.until));
    if (mine >= item.until - limits.renewalGainMin * (item.until - item.at) && mine > 0)
      return { key: item.key, status: "unchanged", until: Math.max(known, mine), states };
    const status = refusal?.status ?? (mine > 0 ? "renewed" : "created");
    const escalated = this.returns.get(item.key);
    const until = escalated === undefined ? item.until : item.at + escalated.forMs;
    return { key: item.key, status, until: Math.max(known, until), ...(escalated === undefined ? {} : { escalated }), states };
  }

  async accept(request: AcceptRequest): Promise<AcceptAnswer> {
    this.#hear("accept", request);
    const now = this.#clock.now();
    for (const item of request.items) checkItem(item, now);
    demand(new Set(request.items.map((item) => item.key)).size === request.items.length, "the same block twice");
    const items = request.items.map((item) => this.#acceptOne(item, request.client));
    const refused = items.some((item) => item.status === "exempt" || item.status === "limited");
    if (!request.dryRun && !(request.allOrNothing && refused)) {
      for (const [at, answer] of items.entries()) {
        const item = request.items[at];
        if (item === undefined || !["created", "renewed", "held"].includes(answer.status)) continue;
        this.leases.set(item.key, [...(this.leases.get(item.key) ?? []), { client: request.client, item }]);
      }
    }
    return { items, ticket: this.asked.length };
  }

  async settle(ticket: number, keys: readonly string[], waitMs: number): Promise<{ readonly done: boolean; readonly items: readonly SettledItem[] }> {
    this.#hear("settle", { ticket, keys, waitMs });
    demand(waitMs <= limits.waitMaxSeconds * 1_000, "wait too long");
    const state = this.settles ? this.settledState : this.state;
    const items = keys.map((key) => ({ key, until: this.#until(key), states: this.#states(this.leases.get(key)?.[0]?.item ?? { targets: null }, state) }));
    return { done: this.settles, items };
  }

  async lift(request: LiftRequest): Promise<LiftAnswer> {
    this.#hear("lift", request);
    for (const key of request.keys) checkKey(key);
    demand(request.at <= this.#clock.now(), "a lift from the future");
    const repeated = request.once !== null && this.#once.has(request.once);
    if (request.once !== null) this.#once.add(request.once);
    const items = request.keys.map((key) => {
      const outer = cidrFromKey(key);
      let lifted = 0;
      for (const [other, helds] of repeated ? [] : [...this.leases]) {
        const inner = cidrFromKey(other);
        if (outer === null || inner === null || !contains(outer, inner)) continue;
        const kept = helds.filter((held) => held.item.at > request.at || (request.client !== "*" && held.client !== request.client));
        lifted += helds.length - kept.length;
        this.leases.set(other, kept);
      }
      if (request.exemptUntil !== null) this.exemptions.set(key, request.exemptUntil);
      return { key, lifted, exemptUntil: request.exemptUntil, stillCoveredBy: [] };
    });
    return { items, repeated, ticket: this.asked.length };
  }

  async stop(request: StopRequest): Promise<StopAnswer> {
    this.#hear("stop", request);
    const targets =
      request.action === "freeze" || request.action === "drain"
        ? Object.fromEntries((request.targets ?? ["*"]).map((name) => [name, request.action as "freeze"]))
        : {};
    return { targets, releasedAt: request.action === "release" ? request.at : 0, repeated: false };
  }

  async reconcile(confirm: { readonly target: string; readonly digest: string } | null): Promise<Snapshot | null> {
    this.#hear("reconcile", confirm);
    return this.snapshotNow;
  }

  async plan(target: string): Promise<PlanAnswer> {
    this.#hear("plan", target);
    return { target, error: null, steps: ["add 203.0.113.7/32 as rule 1"], add: ["203.0.113.7/32"], remove: [], keep: [], shed: [], notes: [] };
  }

  async explain(key: string): Promise<Explanation> {
    this.#hear("explain", key);
    checkKey(key);
    const helds = this.leases.get(key) ?? [];
    const leases = helds.map(({ client, item }) => ({
      client,
      at: item.at,
      until: item.until,
      severity: item.severity,
      reason: item.reason,
      alerts: item.alerts,
      asked: item.asked,
    }));
    const exact = helds.length === 0 ? null : { key, until: this.#until(key), states: this.#states(helds[0]?.item ?? { targets: null }, this.state) };
    const exemptions = [...this.exemptions].map(([exempt, until]) => ({ key: exempt, until }));
    const targets = this.#targets.map((target): TargetEvidence => {
      const state = exact?.states[target];
      const common = { target, observedAt: this.#clock.now() };
      const exempt = exemptions[0]?.until;
      if (state === undefined && exempt !== undefined)
        return { ...common, blocked: "no", cause: "exempt", why: `new blocks are refused until ${new Date(exempt).toISOString()}`, entry: null };
      if (state === undefined) return { ...common, blocked: "no", cause: "never", why: "no lease on it is on record", entry: null };
      const stands = state.state === "enforced";
      const entry = stands ? { id: "1", cidr: "203.0.113.7/32", seenAt: this.#clock.now() } : null;
      return { ...common, blocked: stands ? "yes" : "no", cause: state.state, why: state.why ?? "", entry };
    });
    const nothing = { wider: [], narrower: [], ended: [], endedWhole: true, refusals: [] };
    return { exact, leases, exemptions, targets, ...nothing, asOf: this.#clock.now() };
  }

  async snapshot(): Promise<Snapshot | null> {
    this.#hear("snapshot", null);
    return this.snapshotNow;
  }

  async storeId(mint: boolean): Promise<{ readonly storeId: string | null; readonly minted: boolean }> {
    this.#hear("storeId", mint);
    const minted = mint && this.id === null;
    if (minted) this.id = "store-1";
    return { storeId: this.id, minted };
  }

  async take(request: TakeRequest): Promise<TakeAnswer> {
    this.#hear("take", request);
    demand(request.receipt <= this.#clock.now(), "a receipt from the future");
    return { events: request.events.map((event) => this.takes(event, request)) };
  }

  async events(request: EventsRequest): Promise<EventsAnswer> {
    this.#hear("events", request);
    demand(request.rows >= 1 && request.rows <= limits.eventRowsMax, "rows");
    const events = [...this.known.values()].map(summaryOf).filter(({ state }) => request.state === null || state === request.state);
    return { total: events.length, next: null, events: events.slice(0, request.rows), whole: true };
  }

  async event(id: string): Promise<EventRecord | null> {
    this.#hear("event", id);
    return this.known.get(id) ?? null;
  }

  async replay(request: ReplayRequest): Promise<ReplayAnswer | null> {
    this.#hear("replay", request);
    const { id } = request;
    const event = this.known.get(id);
    if (event === undefined) return null;
    const again = replay(event, this.#clock.now());
    if (again !== null) this.known.set(id, again);
    return { event: again ?? event, replayed: again !== null };
  }

  async approve(request: Parameters<CoordinatorApi["approve"]>[0]): Promise<ApproveAnswer | null> {
    this.#hear("approve", request);
    const event = this.known.get(request.id);
    if (event === undefined) return null;
    const agreed = approved(event, request, this.#clock.now());
    if (agreed !== null) this.known.set(request.id, agreed);
    return { event: agreed ?? event, agreed: agreed !== null };
  }

  async vitals(): Promise<null> {
    this.#hear("vitals", null);
    return null;
  }

  /** Not among what was asked: it changes nothing and is answered to nobody. */
  async note(unauthenticated: number): Promise<void> {
    this.noted += unauthenticated;
  }

  async tick(): Promise<{ readonly failed: Readonly<Record<string, string>>; readonly quiet: boolean }> {
    this.#hear("tick", null);
    return { failed: {}, quiet: true };
  }
}
