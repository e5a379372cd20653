// The one writer of leases and the one that touches clouds. Makes accepting strict and passes serial; holds no truth:
// the store does. Platform-free: a Durable Object, a lock, or a plain process gives it storage and wakes it.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import type { EventRecord } from "../../shared/event/record.ts";
import { keyPrefixes, readStop, stopMetadata } from "../../shared/keys.ts";
import { noStop, type StopState } from "../../shared/lease/record.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { isoTime } from "../../shared/time.ts";
import type { Trace } from "../../shared/trace.ts";
import type { ApproveAnswer, Desk, DeskParts, EventsAnswer, EventsRequest, ReplayAnswer, ReplayRequest, TakeAnswer, TakeRequest } from "../events/contract.ts";
import { traced } from "../log/traced.ts";
import { settleOf, type World } from "../pass/world.ts";
import { type PassReport, pass, type Wake } from "../reconcile.ts";
import { Acceptance } from "./acceptance.ts";
import type * as contract from "./contract.ts";
import { explain } from "./explaining.ts";
import { KnownStates, putRecord } from "./known.ts";
import { Ledger, leasesMax } from "./ledger.ts";
import { recordLifts, redoLifts } from "./lift-records.ts";
import { liftOne, liveRecords } from "./lifting.ts";
import { planTarget } from "./questions.ts";
import { storeSnapshot } from "./snapshot-copy.ts";
import { applyStop } from "./stopping.ts";
import { mintStoreId } from "./store-id.ts";

/** What the platform around the coordinator does for it. */
export interface Host {
  /** Calls `wake()` at about that moment, also after a crash. An earlier wish wins over a later one. */
  schedule(at: EpochMs): Promise<void>;
  sleep(ms: number): Promise<void>;
  randomBytes(count: number): Uint8Array;
  /** Calls the operator's heartbeat URL; resolves with what came of it, or nothing when there is none. */
  heartbeat(): Promise<"sent" | "failed" | undefined>;
}

export class Coordinator implements contract.CoordinatorApi {
  readonly #world: World;
  readonly #host: Host;
  readonly #ledger: Ledger;
  readonly #states: KnownStates;
  readonly #acceptance: Acceptance;
  /** Null: there are no playbooks. */
  readonly #desk: Desk | null;
  #accepted = 0;
  #passed = 0;
  #running: Promise<PassReport> | null = null;
  #stopping: Promise<unknown> = Promise.resolve();
  #lastPassAt: EpochMs = 0;
  /** When the last pass wished for the next. */
  #againAt: EpochMs | null = null;
  /** Whether something other than new leases asks for the next pass; after a restart that is not known, so it is assumed. */
  #fullWanted = true;
  /** Whether somebody asks for it, and not only what the last pass left over. */
  #isAsked = true;
  #waiters: (() => void)[] = [];

  constructor(bare: World, host: Host) {
    const desk = bare.engine === undefined ? null : bare.engine.desk(this.#deskParts(bare, host));
    const world: World = desk === null ? bare : { ...bare, onListed: (events, listing) => desk.listed(events, listing) };
    this.#desk = desk;
    this.#world = world;
    this.#host = host;
    this.#ledger = new Ledger(world);
    this.#states = new KnownStates(world);
    this.#acceptance = new Acceptance(world, this.#ledger, this.#states);
  }

  async accept(request: contract.AcceptRequest, trace?: Trace): Promise<contract.AcceptAnswer> {
    const before = this.#accepted;
    try {
      const items = await this.#accept(request, trace);
      return { ticket: this.#accepted, items };
    } finally {
      // Also when a part of a batch failed: what did become durable is enforced.
      if (this.#accepted > before) await this.#wakeForAccepted();
    }
  }

  #accept(request: contract.AcceptRequest, trace: Trace | undefined): Promise<readonly contract.AcceptedItem[]> {
    const onWritten = () => {
      this.#accepted += 1;
    };
    return this.#acceptance.accept(request, onWritten, trace);
  }

  async settle(ticket: number, keys: readonly string[], waitMs: number): Promise<{ done: boolean; items: contract.SettledItem[] }> {
    const began = this.#world.clock.now();
    const deadline = began + waitMs;
    while (this.#passed < ticket && this.#world.clock.now() < deadline) {
      const passed = new Promise<void>((resolve) => this.#waiters.push(resolve));
      await Promise.race([passed, this.#host.sleep(deadline - this.#world.clock.now())]);
    }
    const now = this.#world.clock.now();
    this.#ledger.refresh(now);
    const items = keys.map((key) => ({
      key,
      until: this.#ledger.untilOf(key, now),
      // Since it was taken in, which was just before.
      ...(this.#ledger.liftedSince(key, began - limits.callTimeoutMs) ? { lifted: true as const } : {}),
      states: this.#states.ofBlock(key, this.#selections(key)),
    }));
    return { done: this.#passed >= ticket, items };
  }

  #selections(key: string): readonly (readonly string[] | null)[] {
    return this.#ledger.leasesAt(key).map((lease) => lease.targets);
  }

  // --- undoing and stopping ---

  async lift(asked: contract.LiftRequest, trace?: Trace): Promise<contract.LiftAnswer> {
    const answer = await this.#lift(asked, trace);
    if (!answer.repeated) await this.#host.schedule(this.#world.clock.now());
    return answer;
  }

  async #lift(asked: contract.LiftRequest, trace: Trace | undefined): Promise<contract.LiftAnswer> {
    const { memory, clock } = this.#world;
    const now = clock.now();
    // Stamped by a clock that runs ahead, it would cancel what is leased after it.
    const request = { ...asked, at: Math.min(asked.at, now) };
    const repeated = memory.wasUsed(request.once);
    this.#ledger.refresh(now);
    const live = liveRecords(this.#world.memory, now);
    const items = request.keys.map((key) => liftOne(key, request, live));
    if (!repeated) {
      // Whatever comes of the puts: from here on no answer leans on what this lift may have ended.
      this.#ledger.invalidate();
      await recordLifts(
        this.#world,
        items.map((item) => item.key),
        request,
        trace,
      );
      await memory.markUsed(request.once, now);
      memory.counters.add(
        "portcullis_lifted_leases_total",
        {},
        items.reduce((sum, { answer }) => sum + answer.lifted, 0),
      );
      this.#accepted += 1;
      this.#ledger.invalidate();
      this.#fullWanted = true;
      this.#isAsked = true;
      this.#tellLift(
        request,
        items.map((item) => item.answer.lifted),
        trace,
      );
    }
    return { items: items.map((item) => item.answer), repeated, ticket: this.#accepted };
  }

  #tellLift(request: contract.LiftRequest, lifted: readonly number[], trace: Trace | undefined): void {
    const leases = lifted.reduce((sum, count) => sum + count, 0);
    const exempt = request.exemptUntil === null ? null : isoTime(request.exemptUntil);
    traced(this.#world.log, trace)({ level: "info", event: "leases.lifted", client: request.client, blocks: lifted.length, leases, exempt_until: exempt });
  }

  /** One after the other: each builds on what the one before has made. */
  stop(request: contract.StopRequest, trace?: Trace): Promise<contract.StopAnswer> {
    const turn = this.#stopping.then(() => this.#stop(request, trace));
    this.#stopping = turn.catch(() => undefined);
    return turn;
  }

  async #stop(request: contract.StopRequest, trace: Trace | undefined): Promise<contract.StopAnswer> {
    const { memory, clock } = this.#world;
    const now = clock.now();
    const current = await this.#stopNow();
    if (memory.wasUsed(request.once)) return { targets: current.targets, releasedAt: current.releasedAt, repeated: true };
    const next: StopState = { ...applyStop(current, request, Object.keys(this.#world.config.targets)), at: Math.max(now, current.at + 1) };
    await putRecord(this.#world, keyPrefixes.stop, "{}", { metadata: stopMetadata(next), expiresAtMs: null }, trace);
    await memory.markUsed(request.once, now);
    this.#accepted += 1;
    await this.#wakeForChange();
    const targets = request.targets === null ? null : [...request.targets];
    traced(this.#world.log, trace)({ level: "warn", event: "stop.changed", action: request.action, targets });
    return { targets: next.targets, releasedAt: next.releasedAt, repeated: false };
  }

  /** The newest that memory or the store knows: a stop builds on the one before, and memory may be lost. */
  async #stopNow(): Promise<StopState> {
    const { memory, store } = this.#world;
    try {
      const found = await store.get(keyPrefixes.stop);
      const states = [memory.recentStop(), memory.snapshot?.stop ?? noStop, readStop(found?.metadata) ?? noStop];
      return states.reduce((newest, state) => (state.at > newest.at ? state : newest));
    } catch (thrown) {
      throw asPortcullisError(thrown, "STORE_UNAVAILABLE", "the stop in force could not be read; nothing was changed, send it again", { retryAfterSeconds: 5 });
    }
  }

  // --- events ---

  #deskParts(world: World, host: Host): DeskParts {
    return {
      world,
      accept: async (request, trace) => ({ items: await this.#accept(request, trace) }),
      lift: (request, trace) => this.#lift(request, trace),
      schedule: (at) => host.schedule(at),
      randomBytes: (count) => host.randomBytes(count),
    };
  }

  #events(): Desk {
    if (this.#desk === null) throw new PortcullisError("NOT_FOUND", "This deployment has no playbooks, so no events are recorded.");
    return this.#desk;
  }

  async take(request: TakeRequest, trace?: Trace): Promise<TakeAnswer> {
    return this.#events().take(request, trace);
  }

  async events(request: EventsRequest): Promise<EventsAnswer> {
    return this.#events().events(request);
  }

  async event(id: string): Promise<EventRecord | null> {
    return this.#events().event(id);
  }

  async replay(request: ReplayRequest, trace?: Trace): Promise<ReplayAnswer | null> {
    return this.#events().replay(request, trace);
  }

  async approve(request: Parameters<Desk["approve"]>[0], trace?: Trace): Promise<ApproveAnswer | null> {
    return this.#events().approve(request, trace);
  }

  /** Before a pass, which then takes in what came of it. Trouble with events never holds up the pass. */
  async #workEvents(): Promise<void> {
    try {
      await this.#desk?.work();
    } catch (thrown) {
      const error = asPortcullisError(thrown, "INVARIANT", String(thrown));
      this.#world.log({ level: "error", event: "events.failed", code: error.code, message: error.message });
    }
  }

  // --- passes ---

  async #wakeForAccepted(): Promise<void> {
    await this.#host.schedule(Math.max(this.#world.clock.now(), this.#lastPassAt + limits.passSpacingMs));
  }

  async #wakeForChange(): Promise<void> {
    this.#fullWanted = true;
    this.#isAsked = true;
    await this.#host.schedule(this.#world.clock.now());
  }

  /** Called by the host at the scheduled moment. */
  async wake(): Promise<void> {
    await this.#workEvents();
    const due = this.#world.memory.core.nextDueAt;
    const isDue = due !== null && due <= this.#world.clock.now();
    const isIdle = !isDue && !this.#isAsked && this.#accepted === this.#passed;
    // Woken for events alone, of which nothing came that a pass could take in.
    if (isIdle && this.#againAt === null && this.#desk !== null) return this.#wishFor(null);
    if (isIdle && this.#againAt !== null && this.#world.clock.now() < this.#againAt) {
      // An alarm that comes before its moment (two clocks that do not agree) would come again at once, and again: no pass for it.
      await this.#host.sleep(limits.passSpacingMs);
      return this.#wishFor(this.#againAt);
    }
    const wake: Wake = isDue ? "due" : this.#fullWanted ? "asked" : "accepted";
    await this.#run(wake);
  }

  async tick(trace?: Trace): Promise<contract.TickAnswer> {
    await this.#workEvents();
    const report = await this.#run("tick", trace);
    // A quiet tick between two tries of a failing target names the failure too, and does not reassure anyone.
    if (Object.keys(report.failed).length === 0) this.#noteHeartbeat(await this.#host.heartbeat());
    return { failed: report.failed, quiet: report.quiet };
  }

  /** In memory; saved with the next pass. */
  #noteHeartbeat(outcome: "sent" | "failed" | undefined): void {
    if (outcome === undefined) return;
    const { core, counters } = this.#world.memory;
    core.heartbeatFailures = outcome === "failed" ? core.heartbeatFailures + 1 : 0;
    counters.add("portcullis_heartbeats_total", { outcome });
  }

  /** Passes are serial: whoever comes while one runs waits for it, then runs his own. */
  async #run(wake: Wake, asked?: Trace): Promise<PassReport> {
    while (this.#running !== null) await this.#running.catch(() => undefined);
    // The end of a pass is part of it: a waiter on a promise that has settled before would spin, and starve what it waits for.
    const running = this.#runOne(wake, asked);
    this.#running = running;
    return running;
  }

  async #runOne(wake: Wake, asked: Trace | undefined): Promise<PassReport> {
    const covers = this.#accepted;
    const fullWanted = this.#fullWanted;
    const isAsked = this.#isAsked;
    let isDone = false;
    if (wake !== "accepted") {
      this.#fullWanted = false;
      this.#isAsked = false;
    }
    try {
      if (await redoLifts(this.#world)) this.#ledger.invalidate();
      const cause = this.#world.memory.traces.causeOf(asked, { bytes: (count) => this.#host.randomBytes(count) });
      const report = await pass({ ...this.#world, log: traced(this.#world.log, cause.trace), cause }, wake);
      isDone = !report.quiet;
      if (isDone) this.#passed = Math.max(this.#passed, covers);
      // What is left over may be removals, and those need a listing of their own.
      if (wake !== "accepted" && (report.more === "more" || this.#removalsWait(report))) this.#fullWanted = true;
      await this.#afterPass(report);
      return report;
    } finally {
      if (!isDone) this.#fullWanted ||= fullWanted;
      if (!isDone) this.#isAsked ||= isAsked;
      this.#running = null;
      this.#lastPassAt = this.#world.clock.now();
      for (const waiter of this.#waiters.splice(0)) waiter();
    }
  }

  /** Whether a cloud is at work while removals are left: the next look must be allowed to go on with them. */
  #removalsWait(report: PassReport): boolean {
    return report.visits.some(({ error, target }) => error?.code === "PROVIDER_PENDING" && this.#world.memory.target(target.name).leftovers.length > 0);
  }

  /** Asks to be woken then, or earlier when an event is due. */
  async #wishFor(passAt: EpochMs | null): Promise<void> {
    const wishes = [passAt, this.#desk?.nextDueAt() ?? null].filter((at) => at !== null);
    if (wishes.length > 0) await this.#host.schedule(Math.min(...wishes));
  }

  async #afterPass(report: PassReport): Promise<void> {
    const { memory, clock, config } = this.#world;
    this.#againAt = report.againAt;
    await this.#wishFor(report.againAt);
    await storeSnapshot(this.#world, report.visits.length);
    const now = clock.now();
    const keepMs = Math.max(2 * settleOf(this.#world), config.brake.perMs);
    await memory.forget(now - keepMs, now - 2 * limits.signatureToleranceMs);
  }

  async reconcile(confirm: { readonly target: string; readonly digest: string } | null, trace?: Trace): Promise<Snapshot | null> {
    if (confirm !== null) {
      this.#world.memory.target(confirm.target).confirmedOrphans = confirm.digest;
      await this.#world.memory.saveTarget(confirm.target);
    }
    await this.#run("asked", trace);
    return this.#world.memory.snapshot;
  }

  // --- questions ---

  async plan(target: string, trace?: Trace): Promise<contract.PlanAnswer> {
    return planTarget(
      { ...this.#world, log: traced(this.#world.log, trace), ...(trace === undefined ? {} : { cause: { trace, links: [], linksTotal: 0 } }) },
      target,
    );
  }

  async explain(key: string): Promise<contract.Explanation> {
    return explain(this.#world, this.#states, key);
  }

  async vitals(): Promise<contract.Vitals> {
    const { memory, config } = this.#world;
    const targets = Object.keys(config.targets).map((name) => {
      const { frozen, throttledUntil } = memory.target(name);
      return [name, { frozenPlaces: Object.keys(frozen).length, throttledUntil }] as const;
    });
    return {
      memorySince: memory.core.since,
      passFailures: memory.core.failures,
      heartbeatFailures: memory.core.heartbeatFailures,
      records: memory.recordsMax(),
      recordsMax: leasesMax,
      counters: memory.counters.read(),
      targets: Object.fromEntries(targets),
      ...(this.#desk === null ? {} : { events: memory.events.vitals() }),
    };
  }

  async note(unauthenticated: number): Promise<void> {
    this.#world.memory.counters.add("portcullis_unauthenticated_requests_total", {}, Math.floor(unauthenticated));
  }

  async snapshot(): Promise<Snapshot | null> {
    return this.#world.memory.snapshot;
  }

  async storeId(mint: boolean): Promise<{ readonly storeId: string | null; readonly minted: boolean }> {
    return mintStoreId(this.#world.store, mint ? this.#host.randomBytes(16) : null);
  }
}
