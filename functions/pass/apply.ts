// Carries out one target's steps, one remote call after the other, within the budget: what the cloud acknowledged is
// remembered, what nobody knows the outcome of rests, and what was sent by a life that died is never sent again blindly.

import { cidrKey, overlaps } from "../../shared/address/index.ts";
import { spillTargets } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { selects } from "../../shared/lease/live.ts";
import { limits } from "../../shared/limits.ts";
import type { Entry, Step } from "../../shared/provider.ts";
import type { TargetMemory } from "../coordinator/memory.ts";
import { acknowledge, freezeInFlight, noteLeaving } from "./observe.ts";
import { signalOf, type Target, type VisitRequest, type World } from "./world.ts";

export interface Applied {
  readonly changed: string[];
  readonly pending: string[];
  readonly error: PortcullisError | null;
  readonly more: "more" | "done";
}

function blocksOf(step: Step): string[] {
  return step.adds.map((entry) => cidrKey(entry.cidr));
}

function isFrozen(memory: TargetMemory, step: Step): boolean {
  return step.slots.some((slot) => Object.hasOwn(memory.frozen, slot));
}

/** What a cloud says of the add itself, and not of who asks or of itself. */
const refusals: ReadonlySet<string> = new Set(["PROVIDER_REJECTED", "CAPACITY_EXCEEDED"]);

/**
 * Adds that the cloud refused for what they are, in one visit. Nothing later relies on them, so they hold up no other block for as long as
 * somebody must put something right; what refuses a whole family (a quota that is lower than configured) is not asked for ever.
 */
class Rejected {
  readonly #blocks = new Set<string>();
  readonly #byFamily = new Map<4 | 6, number>();
  error: PortcullisError | null = null;

  /** With something refused, the next pass is soon enough. */
  get more(): "more" | "done" {
    return this.error === null ? "more" : "done";
  }

  /** Whether the step only adds, and the cloud refused that and nothing else. */
  takes(step: Step, error: PortcullisError): boolean {
    if (!refusals.has(error.code) || step.adds.length === 0 || step.removes.length > 0) return false;
    this.error ??= error;
    for (const block of blocksOf(step)) this.#blocks.add(block);
    for (const { cidr } of step.adds) this.#byFamily.set(cidr.family, (this.#byFamily.get(cidr.family) ?? 0) + 1);
    return true;
  }

  /** Whether it adds what was refused, the other half of it (which takes the first one's place), or more of a family that is refused again and again. */
  holdsUp(step: Step): boolean {
    const isRefused = step.adds.length > 0 && step.adds.every(({ cidr }) => this.#blocks.has(cidrKey(cidr)));
    const isHopeless = step.removes.length === 0 && step.adds.some(({ cidr }) => (this.#byFamily.get(cidr.family) ?? 0) >= limits.rejectedAddsMax);
    if (isRefused || isHopeless) for (const block of blocksOf(step)) this.#blocks.add(block);
    return isRefused || isHopeless;
  }
}

export class Application {
  readonly changed: string[] = [];
  readonly #world: World;
  readonly #target: Target;
  readonly #memory: TargetMemory;
  readonly #request: VisitRequest;
  readonly #callsAtStart: number;
  /** What stood when the steps were decided. */
  readonly #ours: readonly Entry[];

  constructor(world: World, target: Target, request: VisitRequest, callsAtStart: number, ours: readonly Entry[]) {
    this.#world = world;
    this.#target = target;
    this.#memory = world.memory.target(target.name);
    this.#request = request;
    this.#callsAtStart = callsAtStart;
    this.#ours = ours;
  }

  /** Steps in order until one does not settle, or the budget ends. An add that is refused holds up only itself. */
  async run(steps: readonly Step[]): Promise<Applied> {
    const pending: string[] = [];
    const rejected = new Rejected();
    for (const [index, step] of steps.entries()) {
      const rest = () => [...pending, ...steps.slice(index).map((left) => left.summary)];
      if (isFrozen(this.#memory, step) || rejected.holdsUp(step)) {
        pending.push(step.summary);
        continue;
      }
      // The next pass knows of it; this one would open a gate that has just been promised closed.
      if (this.#servesNews(step)) return { changed: this.changed, pending: rest(), error: rejected.error, more: "more" };
      // One step is always made: a look that costs the whole budget must not come back for ever.
      if ((this.changed.length > 0 || rejected.error !== null) && this.#spent())
        return { changed: this.changed, pending: rest(), error: rejected.error, more: rejected.more };
      const error = await this.#apply(step);
      if (error === "settled") continue;
      if (!rejected.takes(step, error)) return { changed: this.changed, pending: rest(), error: rejected.error ?? error, more: "done" };
      pending.push(step.summary);
    }
    return { changed: this.changed, pending, error: rejected.error, more: "done" };
  }

  /** Whether it takes away what a lease needs that was accepted after this pass had read its records. */
  #servesNews(step: Step): boolean {
    if (step.removes.length === 0) return false;
    const accepted = this.#world.memory.leasesSince(this.#request.now);
    if (accepted.length === 0) return false;
    const known = new Set(this.#request.records.leases.map((lease) => lease.key));
    const news = accepted.filter((lease) => !known.has(lease.key) && selects(lease, this.#target.name, spillTargets(this.#world.config)));
    const going = this.#ours.filter((entry) => step.removes.includes(entry.id));
    return going.some((entry) => news.some((lease) => overlaps(entry.cidr, lease.cidr)));
  }

  #spent(): boolean {
    return this.#target.calls.made - this.#callsAtStart >= this.#request.callsMax || this.#world.clock.now() >= this.#request.deadlineAt;
  }

  async #apply(step: Step): Promise<PortcullisError | "settled"> {
    this.#memory.inFlight = { slots: step.slots, blocks: blocksOf(step) };
    await this.#world.memory.saveTarget(this.#target.name);
    const outcome = await this.#target.provider.apply(step, signalOf(this.#world, "write"));
    const now = this.#world.clock.now();
    const where = { target: this.#target.name, step: step.id };
    const { counters } = this.#world.memory;
    counters.add("portcullis_steps_total", { target: this.#target.name, outcome: outcome.kind });
    if (outcome.kind === "throttled") counters.add("portcullis_target_throttles_total", { target: this.#target.name });
    const settled = outcome.kind === "applied" || outcome.kind === "already";
    if (settled) acknowledge(this.#memory, step, now);
    if (outcome.kind === "unknown" || outcome.kind === "conflict") {
      this.#memory.lastWriteAt = now;
      freezeInFlight(this.#memory, now + this.#target.definition.observeLagMs + limits.freezeMs);
    }
    // What was only accepted will still change the target: no look before it must be visible may count as the last one.
    if (outcome.kind === "pending") {
      this.#memory.lastWriteAt = now;
      this.#memory.lookAt = now + limits.pendingLookMs;
      noteLeaving(this.#memory, step, now + this.#target.definition.observeLagMs + limits.freezeMs);
    }
    if (outcome.kind === "throttled") this.#memory.throttledUntil = outcome.retryAtMs;
    this.#memory.inFlight = null;
    await this.#world.memory.saveTarget(this.#target.name);
    this.#world.log({ level: settled ? "info" : "warn", event: "step.applied", outcome: outcome.kind, summary: step.summary, ...where });
    if (settled) this.changed.push(outcome.kind === "applied" ? step.summary : `${step.summary} (already so)`);
    if (settled) return "settled";
    if (outcome.kind === "failed") return outcome.error;
    if (outcome.kind === "pending") return new PortcullisError("PROVIDER_PENDING", `${step.summary}: the cloud is still working on it`, where);
    if (outcome.kind === "throttled") return new PortcullisError("PROVIDER_THROTTLED", `${step.summary}: ${outcome.why}`, where);
    const code = outcome.kind === "unknown" ? "OUTCOME_UNKNOWN" : "PROVIDER_CONFLICT";
    return new PortcullisError(code, `${step.summary}: ${outcome.why}; its place rests until it was observed again`, where);
  }
}
