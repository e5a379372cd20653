// What is done to the simulated world, action by action: requests go out, lives end, clouds and people make trouble, operators deploy and
// stop. Each deed tells the oracle for how long it may excuse what is not right. Owns the undoing of what ends by itself.
import { limits } from "../../shared/limits.ts";
import type { CloudTrouble } from "./contract.ts";
import { deedMsMax } from "./platform/ambush.ts";
import type { Action, Deployment } from "./script.ts";
import { StoreDeeds } from "./store-deeds.ts";
import type { Watch } from "./watch.ts";
import { recoveryMs, type World } from "./world.ts";

const minute = 60_000;
/** How long a suspended or cut-off life, or one that should be gone, goes on. */
const lingersMs = 90_000;

type StoreAction = Extract<Action, { readonly do: "spoil-record" | "lose-records" | "unname-store" }>;
type PlatformAction = Extract<Action, { readonly do: "platform" | "skip-ticks" | "double-tick" | "break-store" | "skew" }>;

function namedTrouble(trouble: CloudTrouble): string {
  if (trouble.kind === "throttle") return trouble.retryAfterSeconds === null ? "throttle" : "throttle with Retry-After";
  return "committed" in trouble ? `${trouble.kind} ${trouble.committed ? "after" : "before"} the effect` : trouble.kind;
}

export class Deeds {
  readonly #world: World;
  readonly #store: StoreDeeds;
  /** Skews of clocks whose effects are not over. */
  #skews = 0;

  constructor(world: World) {
    this.#world = world;
    this.#store = new StoreDeeds(world);
  }

  #later(ms: number, label: string, undo: () => void): void {
    this.#world.scheduler.after(ms, label, () => {
      this.#world.oracle.steadiness.cause();
      undo();
    });
  }

  #watch(index: number): Watch {
    const watch = this.#world.watches[index % this.#world.watches.length];
    if (watch === undefined) throw new Error("a world has a cloud");
    return watch;
  }

  async perform(action: Action): Promise<void> {
    await this.#world.advance(action.afterMs);
    this.#world.scheduler.tell(`— ${action.do} ${JSON.stringify({ ...action, do: undefined, afterMs: undefined })}`);
    this.#world.scheduler.note(`did: ${action.do}`);
    this.#world.oracle.steadiness.cause();
    this.#perform(action);
    await this.#world.scheduler.still();
  }

  #perform(action: Action): void {
    const { callers } = this.#world;
    if (action.do === "block" || action.do === "alerts") this.#world.start(callers.block(action));
    else if (action.do === "repeat") this.#world.start(callers.repeat());
    else if (action.do === "lift") this.#world.start(callers.lift(action.ip, action.exemptMs));
    else if (action.do === "read") this.#world.start(callers.read(action.ip));
    else if (action.do === "feed") this.#world.start(callers.feed());
    else if (action.do === "hostile") this.#world.start(callers.hostile(action.how));
    else if (action.do === "stop") this.#world.start(this.#stop(action));
    else if (action.do === "deploy") this.#deploy(action.change);
    else if ("cloud" in action) this.#toCloud(action);
    else if (action.do === "spoil-record" || action.do === "lose-records" || action.do === "unname-store") this.#toStore(action);
    else this.#toPlatform(action);
  }

  #toStore(action: StoreAction): void {
    if (action.do === "spoil-record") this.#store.spoil(action.ms);
    else if (action.do === "lose-records") this.#store.lose(action.most);
    else this.#store.unname(action.ms);
  }

  #toPlatform(action: PlatformAction): void {
    const { scheduler, platform, oracle } = this.#world;
    if (action.do === "platform") {
      const done = platform.deed(action.deed);
      if (done !== null) {
        scheduler.note(`platform: ${action.deed}`);
        scheduler.tell(`platform: ${done}`);
        const settleMs = platform.stalenessMs + limits.skewMs;
        // Whoever is not reached is stood in for, and an alert's answer does not say by whom.
        this.#world.ledger.forget(scheduler.now + deedMsMax + lingersMs + (action.deed === "wipe" ? settleMs + 2 * minute : 0));
        oracle.disturbAll(
          deedMsMax + lingersMs + recoveryMs + (action.deed === "wipe" ? settleMs : 0) + (action.deed === "unreachable" ? limits.fullPassMs + 2 * minute : 0),
          action.deed === "kill" ? "kill" : "other",
        );
      }
    } else if (action.do === "skip-ticks") {
      this.#world.skipTicks(scheduler.now + action.ms);
      oracle.disturbAll(action.ms + recoveryMs + limits.fullPassMs, "ticks");
    } else if (action.do === "double-tick") {
      platform.tick();
      platform.tick();
    } else if (action.do === "break-store") {
      platform.breakStore(action.ms);
      oracle.disturbAll(action.ms + recoveryMs + limits.fullPassMs);
    } else if (action.do === "skew") {
      this.#skew(action.offsetMs, action.ms);
      oracle.disturbAll(Number.POSITIVE_INFINITY);
    }
  }

  #skew(offsetMs: number, ms: number): void {
    const { platform, ledger } = this.#world;
    platform.setSkew(offsetMs);
    this.#skews += 1;
    ledger.clocksOffMs = Math.max(ledger.clocksOffMs, Math.abs(offsetMs));
    this.#later(ms, "clocks are right again", () => platform.setSkew(0));
    // What was recorded by a wrong clock may be answered, or given up, a while later.
    this.#later(ms + 2 * minute, "what wrong clocks recorded is answered", () => {
      this.#skews -= 1;
      if (this.#skews === 0) ledger.clocksOffMs = 0;
    });
  }

  #toCloud(action: Extract<Action, { readonly cloud: number }>): void {
    const watch = this.#watch(action.cloud);
    const { cloud } = watch;
    const { scheduler } = this.#world;
    const disturb = (ms: number) => watch.disturb(scheduler.now + ms + watch.operationMs);
    if (action.do === "spoil")
      this.#spoil(watch, action.call === null ? null : (cloud.callNames[action.call % cloud.callNames.length] ?? null), action.trouble);
    else if (action.do === "storm") for (let call = 0; call < action.calls; call += 1) this.#spoil(watch, null, this.#stormy());
    else if (action.do === "lag") cloud.setReadLag(Math.floor(action.share * cloud.definition.observeLagMs));
    else if (action.do === "operation") {
      cloud.setOperationMs(action.ms);
      watch.operationMs = Math.max(watch.operationMs, action.ms * 3);
    } else if (action.do === "revoke") {
      cloud.revoke();
      this.#later(action.ms, "credentials are restored", () => cloud.restore());
      disturb(action.ms + recoveryMs + limits.fullPassMs);
    } else if (action.do === "quota") {
      this.#noteMeanwhile("the quota changed");
      const places = () => Object.values(cloud.room()).reduce((sum: number, most) => sum + Number(most), 0);
      const had = places();
      cloud.setQuota(action.entries);
      if (places() !== had) scheduler.note(`quota: ${places() < had ? "lowered" : "raised"}`);
      watch.narrowedUntil = Math.max(watch.narrowedUntil, scheduler.now + limits.fullPassMs + recoveryMs);
      disturb(limits.fullPassMs + recoveryMs);
    } else if (action.do === "human") this.#human(watch, action.deed);
    else if (action.do === "foreign-store") this.#estrange(watch, action.ms);
  }

  /** What happens while something stands below the target that has no room for it. */
  #noteMeanwhile(what: string): void {
    const { oracle, scheduler } = this.#world;
    if (oracle.spilling.isSpilling) scheduler.note(`spill: ${what} meanwhile`);
  }

  #stormy(): CloudTrouble {
    const { dice } = this.#world.scheduler;
    const kind = dice.pick("storm", ["throttle", "error", "drop", "garbage"] as const);
    return kind === "throttle"
      ? { kind, retryAfterSeconds: dice.pick("storm's retry after", [null, 2, 10]) }
      : { kind, committed: dice.chance("storm's effect", 0.5) };
  }

  #spoil(watch: Watch, call: string | null, trouble: CloudTrouble): void {
    watch.cloud.spoil(call, trouble);
    this.#world.scheduler.note(`${watch.name}: ${namedTrouble(trouble)}`);
    // It waits for its call, and disturbs when it happens: until then it could happen at any time.
    watch.trouble(
      recoveryMs + limits.fullPassMs + (trouble.kind === "busy" ? trouble.ms : 90_000),
      call !== null && call === watch.cloud.addingCall ? "adding" : "other",
    );
  }

  #human(watch: Watch, deed: Extract<Action, { readonly do: "human" }>["deed"]): void {
    const { scheduler } = this.#world;
    const done = watch.cloud.deed(deed, (what) => scheduler.dice.roll(`human ${what}`));
    if (done === null) return;
    scheduler.note(`human: ${deed}`);
    this.#noteMeanwhile(deed);
    scheduler.tell(`human at ${watch.name}: ${done}`);
    // Until somebody puts it right, a target may refuse to be written to, or to call enforced what stands there.
    const isStrict = watch.cloud.definition.granularity !== "entry";
    if (isStrict && (deed === "add-in-our-place" || deed === "edit-ours")) watch.narrowedUntil = Number.POSITIVE_INFINITY;
    const lasts = deed === "disarm" || (isStrict && (deed === "add-in-our-place" || deed === "edit-ours"));
    watch.disturb(lasts ? Number.POSITIVE_INFINITY : scheduler.now + limits.fullPassMs + recoveryMs + watch.operationMs);
  }

  #estrange(watch: Watch, ms: number): void {
    if (watch.estrangedSince !== null) return;
    watch.cloud.claimFor("another-store-000");
    watch.estrangedSince = this.#world.scheduler.now;
    this.#world.scheduler.note("store: another one's mark");
    this.#later(ms, "the mark is ours again", () => {
      watch.cloud.claimFor(null);
      watch.estrangedSince = null;
      watch.disturb(this.#world.scheduler.now + limits.fullPassMs + recoveryMs);
    });
  }

  async #stop(action: Extract<Action, { readonly do: "stop" }>): Promise<void> {
    const watches = action.cloud === null ? this.#world.watches : [this.#watch(action.cloud)];
    const { scheduler } = this.#world;
    const target = action.cloud === null ? null : (watches[0]?.name ?? null);
    const wish = (mode: "freeze" | "drain" | null): void => {
      for (const watch of watches) {
        watch.wishFor({ stopped: mode }, scheduler.now);
        watch.disturb(scheduler.now + recoveryMs + limits.fullPassMs + this.#world.platform.stalenessMs);
      }
    };
    // A drain may begin before its answer comes; what is to stop is sure to only afterwards.
    if (action.action === "drain") wish("drain");
    while (!(await this.#world.callers.stop(action.action, target))) await scheduler.sleep(5_000);
    wish(action.action);
    scheduler.note(`stop: ${action.action}`);
    await scheduler.sleep(action.ms);
    // A stop is taken back until that is certain.
    while (!(await this.#world.callers.stop("resume", target))) await scheduler.sleep(5_000);
    wish(null);
  }

  #deploy(change: Deployment): void {
    const { scheduler } = this.#world;
    scheduler.note(`deploy: ${change.kind}`);
    this.#noteMeanwhile(`${change.kind} deployed`);
    if (change.kind === "protect") {
      const { ranges } = this.#world.config.protect;
      this.#world.deploy({ protect: { ...this.#world.config.protect, ranges: [...new Set([...ranges, change.range])] } });
      this.#later(change.ms, "protected no more", () =>
        this.#world.deploy({ protect: { ...this.#world.config.protect, ranges: this.#world.config.protect.ranges.filter((range) => range !== change.range) } }),
      );
    } else if (change.kind === "same") this.#world.deploy({});
    else {
      const watch = this.#watch(change.cloud);
      if (change.kind === "max-entries") this.#retarget(watch, { maxEntries: change.entries });
      else {
        this.#retarget(watch, { mode: "observe" });
        this.#later(change.ms, "enforce again", () => this.#retarget(watch, { mode: "enforce" }));
      }
    }
  }

  #retarget(watch: Watch, changes: { readonly mode?: "observe" | "enforce"; readonly maxEntries?: number | null }): void {
    const before = this.#world.config.targets[watch.name];
    if (before === undefined) throw new Error(`no target ${watch.name}`);
    this.#world.deploy({ targets: { ...this.#world.config.targets, [watch.name]: { ...before, ...changes } } });
    const { mode, ...limits } = changes;
    watch.wishFor({ ...limits, ...(mode === undefined ? {} : { configured: mode }) }, this.#world.scheduler.now);
  }
}
