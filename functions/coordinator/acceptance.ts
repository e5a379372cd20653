// Takes leases in: judged, counted and written, one record per new block and none for a repeat. Strict under concurrency:
// between judging and the first put nothing is awaited, and equal requests wait for the one that writes.
import { cidrFromKey } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { leaseKey, leaseMetadata } from "../../shared/keys.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Trace } from "../../shared/trace.ts";
import { traced } from "../log/traced.ts";
import type { World } from "../pass/world.ts";
import type * as contract from "./contract.ts";
import { allOrFirstError, type KnownStates, putRecord } from "./known.ts";
import type { Judgement, Ledger } from "./ledger.ts";

type Granted = Extract<Judgement, { kind: "write" }>;

interface Grant {
  readonly client: string;
  readonly item: contract.AcceptItem;
  readonly granted: Granted;
  readonly now: EpochMs;
  readonly trace: Trace | undefined;
}

function statusOf(judgement: Judgement): contract.AcceptStatus {
  return judgement.kind === "write" ? (judgement.held ? "held" : judgement.status) : judgement.kind;
}

export class Acceptance {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #states: KnownStates;
  /** Puts under way, by block and client: a second request for the same waits for the first. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(world: World, ledger: Ledger, states: KnownStates) {
    this.#world = world;
    this.#ledger = ledger;
    this.#states = states;
  }

  /** `onWritten` is called once per record that became durable. */
  async accept(request: contract.AcceptRequest, onWritten: () => void, trace?: Trace): Promise<readonly contract.AcceptedItem[]> {
    const { config } = this.#world;
    const settings = Object.hasOwn(config.clients, request.client) ? config.clients[request.client] : undefined;
    if (settings === undefined) throw new PortcullisError("INVARIANT", `client ${request.client} is not configured`);
    for (let writing = this.#underWay(request); writing.length > 0; writing = this.#underWay(request)) await Promise.all(writing);
    // From here to the first put nothing is awaited: no other request can come in between.
    const now = this.#world.clock.now();
    this.#ledger.refresh(now);
    let planned = 0;
    const judged = request.items.map((item) => {
      const judgement = this.#ledger.judge(request.client, settings, item, now, planned);
      if (judgement.kind === "write") planned += 1;
      return { item, judgement };
    });
    for (const { item, judgement } of judged) {
      if (!request.dryRun) this.#world.memory.counters.add("portcullis_items_total", { client: request.client, status: statusOf(judgement) });
      if (judgement.kind === "exempt" || judgement.kind === "limited")
        this.#world.memory.refused({ key: item.key, at: now, client: request.client, why: judgement.why });
    }
    const refused = judged.some(({ judgement }) => judgement.kind === "exempt" || judgement.kind === "limited");
    if (!request.dryRun && !(request.allOrNothing && refused)) {
      const granted = judged.flatMap(({ item, judgement }) => (judgement.kind === "write" ? [{ item, granted: judgement }] : []));
      const write = (grant: (typeof granted)[number]) => this.#write({ client: request.client, ...grant, now, trace }).then(onWritten);
      await allOrFirstError(granted.map(write));
      if (granted.length > 0) this.#tell(request.client, judged, trace);
    }
    return judged.map(({ item, judgement }) => this.#answer(item, judgement));
  }

  #tell(client: string, judged: readonly { readonly judgement: Judgement }[], trace: Trace | undefined): void {
    const items: Record<string, number> = {};
    /** How many are longer than asked, by offence number. */
    const escalated: Record<string, number> = {};
    for (const { judgement } of judged) {
      const status = statusOf(judgement);
      items[status] = (items[status] ?? 0) + 1;
      if (judgement.kind === "write" && judgement.escalated !== undefined) {
        const { offence } = judgement.escalated;
        escalated[offence] = (escalated[offence] ?? 0) + 1;
      }
    }
    const grown = Object.keys(escalated).length === 0 ? {} : { escalated };
    traced(this.#world.log, trace)({ level: "info", event: "leases.accepted", client, items, ...grown });
  }

  /** Puts of the same blocks that are under way: what they write must be seen before judging. */
  #underWay(request: contract.AcceptRequest): Promise<void>[] {
    return request.items.flatMap((item) => this.#writing.get(`${item.key} ${request.client}`) ?? []);
  }

  #answer(item: contract.AcceptItem, judgement: Judgement): contract.AcceptedItem {
    // What another selection has leased for longer is no promise to this one.
    const standing = this.#ledger.untilAt(item.key, item.targets, this.#world.clock.now());
    const states = this.#states.ofSelection(item.key, item.targets);
    if (judgement.kind === "write") {
      const { held, status, until, escalated } = judgement;
      const grown = escalated === undefined ? {} : { escalated };
      return { key: item.key, status: held ? "held" : status, until: Math.max(until, standing), ...grown, states };
    }
    if (judgement.kind === "unchanged") return { key: item.key, status: "unchanged", until: Math.max(judgement.until, standing), states };
    const limited = judgement.kind === "limited" ? { limit: judgement.limit, retryAfterSeconds: judgement.retryAfterSeconds } : {};
    return { key: item.key, status: judgement.kind, until: standing, why: judgement.why, states: {}, ...limited };
  }

  #leaseOf({ client, item, granted }: Grant): Lease {
    const { held, offence } = granted;
    const cidr = cidrFromKey(item.key);
    if (cidr === null) throw new PortcullisError("INVARIANT", `${item.key} is not a block`);
    const at = held ? this.#ledger.heldFrom(item.at) : item.at;
    const { severity, targets } = item;
    const until = this.#ledger.freeEnd(item.key, { at, until: granted.until, client, severity, targets, held });
    const lease = { key: leaseKey(cidr, until, client), cidr, at, until, client, severity, targets, held };
    return offence === undefined ? lease : { ...lease, offence };
  }

  async #write(grant: Grant): Promise<void> {
    const { client, item, now, trace } = grant;
    const lease = this.#leaseOf(grant);
    const value = JSON.stringify({ reason: item.reason, alerts: item.alerts, asked: item.asked });
    const name = `${item.key} ${client}`;
    const options = { metadata: leaseMetadata(lease), expiresAtMs: lease.until + limits.retainMs };
    const writing = putRecord(this.#world, lease.key, value, options, trace).finally(() => this.#writing.delete(name));
    this.#writing.set(
      name,
      writing.catch(() => undefined),
    );
    this.#ledger.reserve(client, now);
    try {
      await writing;
      this.#ledger.add(lease);
    } finally {
      this.#ledger.release(client);
    }
  }
}
