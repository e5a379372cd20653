// The five verbs of cloudflare-list, bound to one list. Owns what an instance remembers: the running operation, what failed ones
// taught, and what was read a moment ago. All of it may be lost at any time.
import { type Cidr, cidrText, widenTo } from "../../shared/address/index.ts";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { Admission, CompileRequest, Observation, Outcome, Provider, ProviderPorts, SetupAction, SetupReport, Step } from "../../shared/provider.ts";
import { applyStep } from "./apply.ts";
import { Batches, type Operation } from "./batches.ts";
import { compile } from "./compile.ts";
import type { CloudflareListSettings } from "./config.ts";
import { missingObservation, observationOf, type Split, split } from "./convert.ts";
import { cloudflareLimits, ours } from "./limits.ts";
import type { NativeList } from "./read.ts";
import { setUp } from "./setup.ts";
import { Wire } from "./wire.ts";
import { faultOf, whyNotEnforcing } from "./zones.ts";

interface Known<T> {
  readonly value: T;
  readonly readAtMs: EpochMs;
}

interface ReadList {
  readonly id: string;
  readonly itemCount: number;
  readonly modifiedOn: string;
  readonly split: Split;
}

export class CloudflareList implements Provider {
  readonly #settings: CloudflareListSettings;
  readonly #ports: ProviderPorts;
  readonly #wire: Wire;
  readonly #batches: Batches;
  #operation: Operation | null = null;
  #list: Known<ReadList> | null = null;
  #zones: Known<string | null> | null = null;

  constructor(settings: CloudflareListSettings, ports: ProviderPorts, batches: Batches = new Batches()) {
    this.#settings = settings;
    this.#ports = ports;
    this.#wire = new Wire(settings, ports);
    this.#batches = batches;
  }

  admit(cidr: Cidr): Admission {
    const shortest = cloudflareLimits.shortestPrefix[cidr.family === 4 ? "ipv4" : "ipv6"];
    if (cidr.length < shortest) return { kind: "unsupported", why: `${cidrText(cidr)} is wider than the /${shortest} that a Cloudflare list takes` };
    if (cidr.family === 4 || cidr.length <= this.#settings.ipv6) return { kind: "accept" };
    const wide = widenTo(cidr, this.#settings.ipv6);
    return { kind: "adjust", cidr: wide, why: `${cidrText(cidr)} is sent as ${cidrText(wide)}: the target's setting ipv6 is ${this.#settings.ipv6}` };
  }

  async observe(signal?: Signal): Promise<Result<Observation>> {
    this.#batches.refresh(this.#wire.now);
    const settled = await this.#settle(signal);
    if (!settled.ok) return settled;
    const lists = await this.#wire.lists(signal);
    if (!lists.ok) return lists;
    const { value, serverDate } = lists.value;
    const list = value.find((candidate) => candidate.name === this.#settings.list);
    if (list === undefined) return ok(missingObservation(this.#settings, value, serverDate));
    const read = list.kind === "ip" ? await this.#read(list, serverDate, signal) : ok({ ours: [], foreign: [], taken: [] });
    if (!read.ok) return read;
    const notEnforcing = await this.#enforcing(signal);
    if (!notEnforcing.ok) return notEnforcing;
    const quotaWhere = (held: number) => this.#batches.quotaWhere(held);
    return ok(observationOf({ settings: this.#settings, lists: value, list, split: read.value, notEnforcing: notEnforcing.value, quotaWhere, serverDate }));
  }

  compile(request: CompileRequest): readonly Step[] {
    return compile(request, this.#settings, this.#batches);
  }

  async apply(step: Step, signal?: Signal): Promise<Outcome> {
    const accepted = (operation: Operation) => {
      this.#operation = operation;
      this.#batches.sent(operation);
    };
    const outcome = await applyStep({ settings: this.#settings, wire: this.#wire, counters: this.#list?.value ?? null, accepted }, step, signal);
    // Whatever came of it, what was read before says nothing about what stands now.
    this.#list = null;
    return outcome;
  }

  setup(action: SetupAction, signal?: Signal): Promise<Result<SetupReport>> {
    this.#list = null;
    this.#zones = null;
    return setUp({ settings: this.#settings, wire: this.#wire }, action, signal);
  }

  /** Looks how our last operation came out; while it runs, nothing that could be read would be true for long. */
  async #settle(signal?: Signal): Promise<Result<null>> {
    const operation = this.#operation;
    if (operation === null) return ok(null);
    const found = await this.#wire.operation(operation.id, signal);
    const now = this.#wire.now;
    if (!found.ok) {
      if (now - operation.sentAtMs < ours.operationForgottenMs) return found;
      this.#operation = null;
      const message = `bulk operation ${operation.id} is ${Math.round((now - operation.sentAtMs) / 1_000)} s old and its state cannot be read (${found.error.message}); the list itself is read instead`;
      this.#ports.log({ level: "warn", event: "cloudflare.operation.forgotten", code: found.error.code, message });
      return ok(null);
    }
    const status = found.value?.status ?? "forgotten";
    if (status === "pending" || status === "running") {
      const ageMs = now - operation.sentAtMs;
      const waitMs = Math.min(Math.max(ageMs, ours.pollShortestMs), ours.pollLongestMs);
      const what = `bulk operation ${operation.id} (${operation.verb} ${operation.values.length} items, ${Math.round(ageMs / 1_000)} s old) is ${status}`;
      return fail("PROVIDER_PENDING", what, { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    }
    this.#operation = null;
    if (status === "failed") this.#learn(operation, (found.value?.error ?? "").slice(0, 300) || "no reason given");
    else this.#batches.completed(operation);
    return ok(null);
  }

  #learn(operation: Operation, why: string): void {
    this.#batches.failed(operation, why, this.#wire.now);
    const what = `bulk operation ${operation.id} failed whole (${operation.verb} ${operation.values.length} items): ${why}`;
    this.#ports.log({ level: "warn", event: "cloudflare.operation.failed", message: what, items: operation.values.length });
  }

  /** The items of our list; those read a moment ago while the list's counters stand still. */
  async #read(list: NativeList, serverDate: EpochMs | null, signal?: Signal): Promise<Result<Split>> {
    const known = this.#list;
    const isFresh = known !== null && this.#wire.now - known.readAtMs < ours.itemsFreshMs;
    if (isFresh && known.value.id === list.id && known.value.itemCount === list.itemCount && known.value.modifiedOn === list.modifiedOn) {
      return ok(known.value.split);
    }
    this.#list = null;
    const items = await this.#wire.items(list, this.#settings.items, signal);
    if (!items.ok) return items;
    const found = split(items.value, list.name);
    if (!found.ok) return found;
    const value = { id: list.id, itemCount: list.itemCount, modifiedOn: list.modifiedOn, split: found.value };
    // A count that does not agree yet, or a change so fresh that another one may bear its time: true enough to go by now, not to be used again.
    const isSettled = items.value.length === list.itemCount && serverDate !== null && serverDate - Date.parse(list.modifiedOn) >= ours.listSettlesMs;
    this.#list = { value, readAtMs: isSettled ? this.#wire.now : 0 };
    return found;
  }

  /** Null: every zone enforces. */
  async #enforcing(signal?: Signal): Promise<Result<string | null>> {
    if (this.#zones !== null && this.#wire.now - this.#zones.readAtMs < ours.zonesFreshMs) return ok(this.#zones.value);
    const faults: (string | null)[] = [];
    for (const zone of this.#settings.zones) {
      const rules = await this.#wire.customRules(zone, signal);
      if (!rules.ok) return rules;
      faults.push(faultOf(zone, rules.value, this.#settings.list));
    }
    const value = whyNotEnforcing(this.#settings, faults);
    this.#zones = { value, readAtMs: this.#wire.now };
    return ok(value);
  }
}
