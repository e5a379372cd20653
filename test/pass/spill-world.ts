// Several firewalls in memory under the production pass, with a clock that is turned by hand: for what targets do for each other.
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import type { Target, World } from "../../functions/pass/world.ts";
import { pass, type Wake } from "../../functions/reconcile.ts";
import { memoryStore } from "../../functions/stores/memory.ts";
import { type Cidr, contains } from "../../shared/address/index.ts";
import type { Config, Severity, TargetConfig } from "../../shared/config.ts";
import { keyPrefixes, leaseKey, leaseMetadata, liftKey, liftMetadata } from "../../shared/keys.ts";
import { type EpochMs, type LogRecord, Secret } from "../../shared/ports.ts";
import type { Provider, Taken } from "../../shared/provider.ts";
import { MemoryFirewall, memoryDefinition } from "../simulators/memory-provider.ts";

export const startMs = Date.UTC(2026, 0, 5);
const minute = 60_000;
const storeId = "0123456789abcdef0123456789abcdef";

export interface TargetPlan {
  readonly rules: number;
  readonly changes?: Partial<TargetConfig>;
  /** Whether entries can change places in one call. */
  readonly canSwap?: boolean;
}

interface Site {
  readonly firewall: MemoryFirewall;
  /** Reads fail while set. */
  isDown: boolean;
  /** Removals are accepted, and done only when this is called. */
  later: (() => Promise<void>)[] | null;
  /** Addresses whose only place is somebody else's. */
  taken: readonly Taken[];
}

export class SpillWorld {
  readonly sites = new Map<string, Site>();
  readonly world: World;
  readonly logs: LogRecord[] = [];
  /** Called after every single write to any firewall. */
  onWrite: () => void = () => undefined;
  nowMs = startMs;

  private constructor(world: World) {
    this.world = world;
  }

  static async of(plans: Readonly<Record<string, TargetPlan>>): Promise<SpillWorld> {
    const time = { now: (): number => made.nowMs };
    const configs = Object.fromEntries(
      Object.entries(plans).map(([name, { changes = {} }]): [string, TargetConfig] => [
        name,
        { kind: "memory", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null, ...changes },
      ]),
    );
    const targets: Target[] = [];
    const config = { store: { stalenessMs: 0 }, targets: configs, clients: {} } as unknown as Config;
    const made: SpillWorld = new SpillWorld({
      config,
      clock: time,
      log: (record) => made.logs.push(record),
      store: memoryStore(time),
      memory: await Memory.open(volatileStorage(), startMs - 60 * minute),
      targets,
      protection: { find: () => null, size: 0 },
      deployment: "one",
      continuity: "kept",
    });
    for (const [name, plan] of Object.entries(plans)) targets.push(made.#target(name, plan, configs[name] as TargetConfig));
    await made.world.store.put(keyPrefixes.store, "", { metadata: { id: storeId }, expiresAtMs: null });
    return made;
  }

  #target(name: string, { rules, canSwap = true }: TargetPlan, config: TargetConfig): Target {
    const firewall = new MemoryFirewall(rules);
    firewall.mark = storeId;
    const site: Site = { firewall, isDown: false, later: null, taken: [] };
    this.sites.set(name, site);
    const definition = memoryDefinition(firewall);
    const calls = { made: 0 };
    const ports = { clock: this.world.clock, log: () => undefined, random: { bytes: (count: number) => new Uint8Array(count) } };
    const inner = definition.create({ name }, { ...ports, secrets: { key: new Secret(firewall.key) }, send: () => Promise.reject(new Error("no network")) });
    const provider: Provider = {
      admit: (cidr) => inner.admit(cidr),
      compile: (request) => inner.compile(request),
      setup: (action) => inner.setup(action),
      observe: async () => {
        calls.made += 1;
        if (site.isDown) firewall.unreadable = true;
        const seen = await inner.observe();
        return seen.ok ? { ok: true, value: { ...seen.value, taken: site.taken } } : seen;
      },
      apply: async (step) => {
        calls.made += 1;
        this.nowMs += 1;
        if (site.later !== null && step.removes.length > 0) {
          site.later.push(async () => {
            await inner.apply(step);
            this.onWrite();
          });
          return { kind: "pending", operation: "removal" };
        }
        const outcome = await inner.apply(step);
        this.onWrite();
        return outcome;
      },
    };
    const capabilities = { ...definition.capabilities, swap: { support: canSwap ? ("yes" as const) : ("no" as const) } };
    return { name, config, definition: { ...definition, capabilities }, provider, serialKey: name, calls };
  }

  async lease(cidr: Cidr, { minutes, severity = "medium", client = "a" }: { minutes: number; severity?: Severity; client?: string }): Promise<void> {
    const until = this.nowMs + minutes * minute;
    const lease = { cidr, at: this.nowMs, until, client, severity, targets: null, held: false };
    await this.world.store.put(leaseKey(cidr, until, client), "{}", { metadata: leaseMetadata(lease), expiresAtMs: until + 48 * 60 * minute });
    this.world.memory.core.changedAt = this.nowMs;
  }

  async lift(cidr: Cidr): Promise<void> {
    const metadata = liftMetadata({ exemptUntil: null });
    await this.world.store.put(liftKey(cidr, this.nowMs, "*"), "{}", { metadata, expiresAtMs: this.nowMs + 31 * 24 * 60 * minute });
    this.world.memory.core.changedAt = this.nowMs;
  }

  async pass(wake: Wake = "tick"): Promise<void> {
    await pass(this.world, wake);
  }

  /** Ticks of a minute, and what passes ask for in between, at most five times each. */
  async ticks(count: number): Promise<void> {
    for (let tick = 0; tick < count; tick += 1) {
      let { againAt } = await pass(this.world, "tick");
      const end = this.nowMs + minute;
      for (let again = 0; again < 5 && againAt !== null && againAt < end; again += 1) {
        this.nowMs = Math.max(this.nowMs + 1, againAt);
        ({ againAt } = await pass(this.world, "due"));
      }
      this.nowMs = end;
    }
  }

  standing(name: string): readonly Cidr[] {
    return [...(this.sites.get(name)?.firewall.places.values() ?? [])].filter(({ ours }) => ours).map(({ cidr }) => cidr);
  }

  holds(name: string, cidr: Cidr): boolean {
    return this.standing(name).some((block) => contains(block, cidr));
  }

  writes(): number {
    return [...this.sites.values()].reduce((sum, { firewall }) => sum + firewall.writes, 0);
  }

  state(key: string, target: string): string | undefined {
    const snapshot = this.world.memory.snapshot;
    const index = snapshot?.blocks.find((row) => row.key === key)?.states[target];
    return index === undefined ? undefined : snapshot?.states[index]?.state;
  }
}

export function liveAt(now: EpochMs, until: EpochMs): boolean {
  return until > now;
}
