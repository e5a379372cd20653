// The whole simulated world: clouds, a platform that runs the product, callers, people, time, and the oracle that watches. Carries out
// scripts; everything that happens goes through one scheduler, so the same script is the same history.
import type { Config } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { storeId, testConfig } from "../coordinator/world.ts";
import { alertForMs, Callers, clients, signingSecret } from "./callers.ts";
import { Chain, type Spills } from "./chain.ts";
import type { CloudUnderTest, PlatformUnderTest } from "./contract.ts";
import { Ledger } from "./ledger.ts";
import { Oracle } from "./oracle.ts";
import { Patience } from "./patience.ts";
import type { PlatformParts } from "./platform/parts.ts";
import { type Life, Scheduler } from "./scheduler.ts";
import { Serial } from "./serial.ts";
import { Watch } from "./watch.ts";

export const startMs = Date.UTC(2026, 10, 20, 12, 0, 0);
/** After trouble of a life: what it left open rests, and is looked at. */
export const recoveryMs = limits.freezeMs + 30_000 + 3 * limits.tickMs;

/** What a world is made of; the seed chooses. */
export interface WorldParts {
  readonly seed: number;
  makeClouds(scheduler: Scheduler): readonly CloudUnderTest[];
  makePlatform(parts: PlatformParts): PlatformUnderTest;
  readonly stalenessMs: number;
  /** Which target spills into which. */
  readonly spills: Spills;
}

function timeout(): DOMException {
  return new DOMException("The operation was aborted due to timeout", "TimeoutError");
}

export class World {
  readonly scheduler: Scheduler;
  readonly clouds: readonly CloudUnderTest[];
  readonly watches: readonly Watch[];
  readonly ledger: Ledger;
  readonly oracle: Oracle;
  readonly callers: Callers;
  readonly #serial: Serial;
  readonly #patience = new Patience();
  readonly platform: PlatformUnderTest;
  config: Config;
  /** How long, at most, a cloud thinks before it takes up a call, and then answers rightly. */
  slowMs = 0;
  /** What else is put right when trouble stops. */
  readonly onCalm: (() => void)[] = [];
  #ticksSkippedUntil = 0;
  /** Callers that still wait for an answer. */
  #waiting = 0;

  constructor(parts: WorldParts) {
    this.scheduler = new Scheduler(parts.seed, startMs);
    this.clouds = parts.makeClouds(this.scheduler);
    const { spills } = parts;
    const spillOf = (name: string) => (spills[name] === undefined ? {} : { spill: spills[name] });
    const targets = Object.fromEntries(this.clouds.map(({ name, target }) => [name, { ...target, mode: "enforce" as const, ...spillOf(name) }]));
    this.ledger = new Ledger(new Chain(spills));
    const base = testConfig({ store: { stalenessMs: parts.stalenessMs }, clients, targets });
    const generic = { ...base.alerts.generic, forMs: alertForMs, mapping: { ...base.alerts.generic.mapping, severity: ["severity"] } };
    this.config = { ...base, alerts: { ...base.alerts, generic } };
    const secrets = Object.assign({ SCRIPT_SECRET: signingSecret }, ...this.clouds.map((cloud) => cloud.secrets)) as Record<string, string>;
    const definitions = Object.fromEntries(this.clouds.map(({ definition }) => [definition.kind, definition]));
    this.platform = parts.makePlatform({
      scheduler: this.scheduler,
      config: this.config,
      definitions,
      secrets,
      cloudFetch: (...call) => this.#cloudFetch(...call),
      tellsLog: true,
    });
    this.watches = this.clouds.map((cloud) => new Watch(cloud, { at: startMs, mode: "enforce", maxEntries: null }, startMs));
    const { scheduler, ledger, watches, platform } = this;
    const strictness = platform.kind === "workers-tick-only" ? "by-staleness" : "strict";
    this.oracle = new Oracle({
      scheduler,
      ledger,
      watches,
      stalenessMs: platform.stalenessMs,
      strictness,
      killedAt: () => platform.killedAt,
      keepsWishes: platform.kind === "workers",
    });
    this.#serial = new Serial(platform.kind === "deno" ? "among lives" : "within a life");
    this.oracle.deployed(this.config.protect.ranges);
    this.callers = new Callers({ scheduler, platform, ledger, oracle: this.oracle, targetNames: this.clouds.map(({ name }) => name) });
    this.platform.seed("meta:store", storeId, { id: storeId });
    scheduler.onStep = () => {
      for (const cloud of this.clouds) cloud.poll();
      for (const watch of this.watches) watch.poll(scheduler.now);
      this.oracle.check();
    };
  }

  // --- the way to the clouds ---

  async #cloudFetch(life: Life, url: string, init: RequestInit): Promise<Response> {
    const { scheduler } = this;
    const { host, pathname, search } = new URL(url);
    const cloud = this.clouds.find((candidate) => candidate.isHost(host));
    if (cloud === undefined) throw new TypeError(`fetch failed: the simulation has no ${host}`);
    const began = scheduler.now;
    const headers = { ...Object.fromEntries(new Headers(init.headers)), host };
    const request = {
      method: init.method ?? "GET",
      target: `${pathname}${search}`,
      headers,
      body: typeof init.body === "string" ? init.body : "",
      caller: life.name,
    };
    const call = this.#serial.sent(cloud.name, life, began);
    const haste = this.#patience.asks(cloud.name, life, began);
    // Without a coordinator each tick knows what the store shows it.
    if (haste !== null && this.platform.kind !== "workers-tick-only") this.oracle.found("P6", haste);
    if (this.slowMs > 0) await this.#wait(cloud.name, life);
    const reply = await scheduler.exchange(life, `call to ${cloud.name}`, () => {
      const writes = cloud.writes();
      const answer = cloud.respond(request);
      const met = cloud.writes() > writes ? this.#serial.wrote(cloud.name, call) : null;
      if (met !== null) this.oracle.found("P7", met);
      if (typeof cloud.overlooked === "string") this.oracle.found("P5", `${cloud.name}: ${cloud.overlooked}`);
      return answer;
    });
    const lateMs = began + limits.callTimeoutMs - scheduler.now;
    if (reply === "hang" || lateMs <= 0) {
      scheduler.note(`${cloud.name}: no answer in time`);
      await scheduler.sleep(lateMs, life);
      this.#serial.ended(cloud.name, call);
      throw timeout();
    }
    this.#serial.ended(cloud.name, call);
    if (reply?.status === 429 || reply?.status === 503) this.#patience.told(cloud.name, life, reply.headers["retry-after"], scheduler.now);
    if (reply === null) throw new TypeError("fetch failed", { cause: new Error("other side closed") });
    const empty = reply.status === 204 || reply.status === 304 || reply.body === "";
    return new Response(empty ? null : reply.body, { status: reply.status, headers: reply.headers });
  }

  async #wait(cloud: string, life: Life): Promise<void> {
    this.scheduler.note(`${cloud}: slow`);
    await this.scheduler.sleep(this.scheduler.dice.between("a slow cloud", this.slowMs * 0.8, this.slowMs), life);
  }

  // --- time ---

  /** The cron job, once a minute unless the platform skips it. */
  startTicks(): void {
    const next = (at: number): void =>
      this.scheduler.at(at, "tick", () => {
        if (this.scheduler.now >= this.#ticksSkippedUntil) this.platform.tick();
        else this.scheduler.note("tick skipped");
        next(at + limits.tickMs);
      });
    next(this.scheduler.now + limits.tickMs);
  }

  async advance(ms: number): Promise<void> {
    await this.scheduler.runUntil(this.scheduler.now + ms);
  }

  start(work: Promise<unknown>): void {
    this.#waiting += 1;
    const failed = (thrown: unknown) =>
      this.oracle.found("P9", `a caller could not make sense of an answer: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
    void work.catch(failed).finally(() => {
      this.#waiting -= 1;
    });
  }

  /** Nobody ticks until then. */
  skipTicks(until: EpochMs): void {
    this.#ticksSkippedUntil = Math.max(this.#ticksSkippedUntil, until);
  }

  deploy(changes: Partial<Config>): void {
    this.config = { ...this.config, ...changes };
    this.platform.deploy(this.config);
    this.ledger.forget(this.scheduler.now + recoveryMs);
    this.oracle.deployed(this.config.protect.ranges);
    this.oracle.disturbAll(recoveryMs + limits.fullPassMs, "deployment");
  }

  // --- the end ---

  /** No more trouble from now on. */
  calm(): void {
    this.#ticksSkippedUntil = 0;
    this.platform.setSkew(0);
    for (const putRight of this.onCalm) putRight();
    for (const watch of this.watches) {
      watch.cloud.calm();
      watch.estrangedSince = null;
      watch.narrowedUntil = this.scheduler.now + recoveryMs + limits.fullPassMs;
      watch.calm(this.scheduler.now + recoveryMs + limits.fullPassMs);
    }
  }

  /** What is still open: callers without an answer, wishes and marks that are not taken back, recoveries under way. */
  unsettled(): readonly string[] {
    const disturbed = this.watches.filter((watch) => watch.disturbedUntil >= this.scheduler.now).map((watch) => `${watch.name} recovers`);
    const stopped = this.watches.filter((watch) => watch.wish.mode !== "enforce").map((watch) => `${watch.name} is in ${watch.wish.mode}`);
    return [...(this.#waiting > 0 ? [`${this.#waiting} callers wait`] : []), ...disturbed, ...stopped];
  }

  isUnsettled(): boolean {
    return this.unsettled().length > 0;
  }
}
