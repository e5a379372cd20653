// A coordinated world with playbooks, and short ways to send it events and to see what became of them.
import type { TakenEvent } from "../../functions/events/contract.ts";
import type { ClientConfig, Config } from "../../shared/config.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import type { EventRecord } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import type { Playbook } from "../../shared/playbook/playbook.ts";
import { type CoordinatedWorld, newWorld, testConfig } from "../coordinator/world.ts";
import { calling } from "./support.ts";

const bounds = { longestMs: limits.leaseLongestMs, widest: { ipv4: 24, ipv6: 48 } };

export class EventWorld {
  readonly world: CoordinatedWorld;

  constructor(world: CoordinatedWorld) {
    this.world = world;
  }

  /** `detector` changes the client that sends the events. */
  static async start(playbooks: readonly Playbook[], detector: Partial<ClientConfig> = {}, config: Partial<Config> = {}): Promise<EventWorld> {
    const { clients } = testConfig();
    const known = clients.detector;
    if (known === undefined) throw new Error("no detector");
    return new EventWorld(await newWorld({ config: { ...config, playbooks, clients: { ...clients, detector: { ...known, ...detector } } } }));
  }

  /** An event that happened just now, unless it says otherwise. */
  async send(changes: Partial<DetectionEvent> = {}, client = "detector"): Promise<TakenEvent> {
    const [taken] = await this.sendAll([changes], client);
    if (taken === undefined) throw new Error("nothing was answered");
    return taken;
  }

  async sendAll(changes: readonly Partial<DetectionEvent>[], client = "detector"): Promise<readonly TakenEvent[]> {
    const events = changes.map((change) => ({ ...calling, at: this.world.now, ...change }));
    const { coordinator } = await this.world.life();
    return (await coordinator.take({ client, own: "192.0.2.10/32", bounds, receipt: this.world.now, events })).events;
  }

  async event(id: string | null): Promise<EventRecord> {
    const { coordinator } = await this.world.life();
    const record = id === null ? null : await coordinator.event(id);
    if (record === null) throw new Error(`there is no event ${id}`);
    return record;
  }

  async steps(id: string | null): Promise<readonly string[]> {
    return (await this.event(id)).runs.flatMap(({ steps }) => steps.map(({ state }) => state));
  }

  async leases(): Promise<readonly string[]> {
    return (await this.world.kv.list(null, "lease:")).keys.map(({ name }) => name);
  }

  logged(event: string): readonly Readonly<Record<string, unknown>>[] {
    return this.world.logs.filter((line) => line.event === event);
  }
}
