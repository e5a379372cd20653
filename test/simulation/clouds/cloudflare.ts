// Cloudflare as the simulation sees it: a claimed list beside the office's in the strict simulator, called at the vendor's own host, with
// the run-time token and no more. Owns who began which bulk operation, and tells of it when it takes effect.
import * as v from "valibot";
import { cloudflareList } from "../../../providers/cloudflare-list/index.ts";
import runPolicy from "../../../providers/cloudflare-list/policy.json" with { type: "json" };
import type { TargetConfig } from "../../../shared/config.ts";
import { canonicalValue } from "../../simulators/cloudflare/values.ts";
import { customPhase, type Zone } from "../../simulators/cloudflare/zone.ts";
import { type Account, cloudflareLimits, fillTokenPolicy, type Mishap, SimulatedCloudflare } from "../../simulators/cloudflare.ts";
import type { CloudChange, CloudTrouble, CloudUnderTest, WireRequest } from "../contract.ts";
import { cloudflareDeeds } from "./cloudflare-deeds.ts";
import { cloudflareSight, isOurs } from "./cloudflare-judge.ts";
import { Looks } from "./looks.ts";
import { type CloudOptions, ordinaryAddresses } from "./options.ts";
import { type CallTrouble, Troubles } from "./troubles.ts";
import { Watch } from "./watch.ts";

export interface CloudflareCloudOptions extends CloudOptions {
  /** How many items of ours the account has room for beside the office's; the target is told the same quota. */
  readonly room?: number;
  /** Items of the office's list. */
  readonly foreign?: number;
  readonly zones?: 1 | 2;
}

const ordinary = { room: 25, foreign: 5 } as const;
const host = "api.cloudflare.com";
const accountId = "023e105f4ecef8ad9ca31a8372d0c353";
const zoneIds = ["9f1839b6152d298aca64c4e906b6d074", "0da42c8d2132a9ddaf714f9e7c920711"] as const;
const list = "portcullis";
/** Not secrets: made up here, known to the simulator only. */
const token = "simulated-run-token-0123456789abcdefghij";
const rule = { ref: `portcullis_${list}`, description: `Portcullis: block list ${list}`, expression: `(ip.src in $${list})`, action: "block", enabled: true };

function describe(storeId: string): string {
  return `Kept by Portcullis. portcullis:store=${storeId}`;
}

function quotaOf({ room = ordinary.room, foreign = ordinary.foreign }: CloudflareCloudOptions): number {
  return room + foreign;
}

function officeItems(count: number) {
  return Array.from({ length: count }, (_, at) => (at % 3 === 2 ? { ip: `2001:db8:ff:${at}::/64` } : { ip: `192.0.2.${at + 1}`, comment: `partner ${at}` }));
}

function mishapOf(trouble: CallTrouble): Mishap {
  if (trouble.kind === "throttle") return trouble;
  if (trouble.kind === "error") return { kind: "serverError", status: trouble.committed ? 500 : 503, committed: trouble.committed };
  return { kind: trouble.kind === "hang" ? "drop" : trouble.kind, committed: trouble.committed };
}

function targetOf(options: CloudflareCloudOptions, zones: readonly string[], items: number) {
  const secretName = `${options.name.toUpperCase().replaceAll("-", "_")}_TOKEN`;
  const settings = v.parse(cloudflareList.settings, { account: accountId, list, zones, items });
  const target: TargetConfig = {
    kind: cloudflareList.kind,
    mode: "enforce",
    maxEntries: null,
    settings: { ...settings, zones: [...settings.zones] },
    credentials: { token: secretName },
    formerly: null,
  };
  return { target, secrets: { [secretName]: token } };
}

function simulated(options: CloudflareCloudOptions, zones: readonly string[], itemsMax: number): SimulatedCloudflare {
  const office = { name: "office", description: "the office's", items: officeItems(options.foreign ?? ordinary.foreign) };
  return new SimulatedCloudflare({
    nowMs: options.nowMs,
    itemsMax,
    accounts: [{ id: accountId, zones, lists: [office, { name: list, description: describe(options.storeId) }] }],
    tokens: [{ value: token, policies: fillTokenPolicy(runPolicy, { account: accountId, zones }) }],
  });
}

class CloudflareCloud implements CloudUnderTest {
  readonly name: string;
  readonly definition = cloudflareList as CloudUnderTest["definition"];
  readonly target: TargetConfig;
  readonly secrets: Readonly<Record<string, string>>;
  readonly callNames = ["lists.list", "items.list", "items.create", "items.delete", "operations.get", "entrypoint.get"];
  readonly cloudflare: SimulatedCloudflare;
  readonly account: Account;
  readonly zones: readonly Zone[];
  readonly #options: CloudflareCloudOptions;
  readonly #watch: Watch;
  readonly #troubles = new Troubles();
  /** Ids of operations that the function began; all others are somebody else's. */
  readonly #begun = new Set<string>();
  readonly #looks = new Looks();
  /** Of the call that is being answered. */
  #route = "";
  #calls = 0;
  #writes = 0;
  overlooked: string | null = null;

  constructor(options: CloudflareCloudOptions) {
    this.#options = options;
    this.name = options.name;
    const quota = quotaOf(options);
    const zones = zoneIds.slice(0, options.zones ?? 1);
    const { target, secrets } = targetOf(options, zones, quota);
    this.target = target;
    this.secrets = secrets;
    this.cloudflare = simulated(options, zones, quota);
    this.account = this.cloudflare.account(accountId);
    this.zones = zones.map((id) => this.cloudflare.zone(id));
    const office = { action: "log", expression: 'http.host eq "shop.example.com"', description: "the office's", ref: "office" };
    for (const zone of this.zones) zone.create({ name: "default", kind: "zone", phase: customPhase, rules: [rule, office] });
    this.#watch = new Watch(() => cloudflareSight(this.account, this.zones, { list }));
    this.cloudflare.faults.decide = (route) => {
      this.#route = route;
      const trouble = this.#troubles.take(route);
      return trouble === null ? null : mishapOf(trouble);
    };
  }

  isHost(name: string): boolean {
    return name === host;
  }

  respond(request: WireRequest) {
    const by = request.headers.authorization === `Bearer ${token}` ? "function" : "person";
    this.#calls += 1;
    const isAsking = request.method === "GET";
    if (!isAsking) this.#writes += 1;
    const exchange = () => this.#troubles.around(() => this.cloudflare.respond(request));
    this.poll();
    if (!isAsking && request.caller !== undefined) this.overlooked ??= this.#looks.writes(request.caller);
    this.#route = "";
    const reply = isAsking ? exchange() : this.#acting(by, exchange);
    if (request.caller !== undefined && reply !== null && reply !== "hang" && reply.status === 200) this.#noteLook(request.caller);
    // The simulator keeps every exchange; a long history needs none of them.
    this.cloudflare.log.length = 0;
    return reply;
  }

  #noteLook(caller: string): void {
    const { id, items, modifiedMs } = this.account.list(list);
    const shown = { id, items: items.size, modifiedSecond: Math.floor(modifiedMs / 1_000) };
    if (this.#route === "lists.list") this.#looks.served(caller, "lists", shown);
    else if (this.#route === "items.list") this.#looks.served(caller, "items", shown);
  }

  /** Whatever was due takes effect first, in the name of who began it; then this, in the name of who does it. */
  #acting<T>(by: CloudChange["by"], act: () => T): T {
    this.poll();
    const before = new Set(this.account.operations.keys());
    const result = act();
    for (const [id, operation] of this.account.operations) {
      if (before.has(id)) continue;
      if (by === "function") this.#begun.add(id);
      this.#options.at?.(operation.endMs, `${this.name}: a bulk operation is over`, () => this.poll());
    }
    this.#watch.changed(by, this.#options.nowMs());
    return result;
  }

  poll(): void {
    const { running } = this.account;
    this.account.settle();
    if (running !== null && running.outcome !== null) this.#watch.changed(this.#begun.delete(running.id) ? "function" : "person", running.endMs);
  }

  spoil(call: string | null, trouble: CloudTrouble): void {
    const { faults } = this.cloudflare;
    if (trouble.kind === "failing") faults.failNext = "internal error";
    else if (trouble.kind === "poison") {
      const poison = trouble.cidr === null ? null : canonicalValue(trouble.cidr, { ipv6Longest: 128 });
      faults.badItem = (value) => (value === poison ? `could not store item ${value}` : null);
    } else if (trouble.kind === "busy") {
      if (this.account.running === null) this.#acting("person", () => this.account.begin(() => undefined, trouble.ms));
    } else this.#troubles.add(call, trouble);
  }

  /** Something was changed straight at the simulator, by whoever holds it. */
  looked(): void {
    this.#acting("person", () => undefined);
  }

  hasTrouble(): boolean {
    return !this.#troubles.isEmpty || this.cloudflare.faults.failNext !== null;
  }

  calm(): void {
    this.#troubles.clear();
    this.cloudflare.faults.failNext = null;
    this.spoil(null, { kind: "poison", cidr: null });
    this.restore();
    this.setOperationMs(cloudflareLimits.operationMs);
    this.setQuota(quotaOf(this.#options));
    this.claimFor(null);
    this.deed("rearm", () => 0);
    // What a person began as a bulk operation is put right when it is over.
    const { running } = this.account;
    if (running !== null) this.#options.at?.(running.endMs + 1, `${this.name}: put right`, () => void this.deed("rearm", () => 0));
  }

  revoke(): void {
    this.cloudflare.faults.credentialsRevoked = true;
  }

  restore(): void {
    this.cloudflare.faults.credentialsRevoked = false;
  }

  setReadLag(): void {}

  setOperationMs(ms: number): void {
    this.cloudflare.operationMs = ms;
  }

  standing(): readonly string[] {
    return this.#watch.standing;
  }

  placed(): readonly string[] {
    return this.#watch.placed;
  }

  foreign(): string {
    return this.#watch.foreign;
  }

  room() {
    const total = Math.max(0, this.cloudflare.itemsMax - (this.account.itemCount - this.#watch.placed.length));
    return { ipv4: total, ipv6: total, shared: true, total };
  }

  isShared(): boolean {
    return [...this.account.list(list).items.values()].some((item) => !isOurs(item));
  }

  setQuota(entries: number): void {
    this.cloudflare.itemsMax = entries;
  }

  deed(deed: Parameters<CloudUnderTest["deed"]>[0], roll: Parameters<CloudUnderTest["deed"]>[1]): string | null {
    const { account, zones, cloudflare } = this;
    this.poll();
    const scene = {
      account,
      zones,
      ours: account.list(list),
      office: account.list("office"),
      itemsMax: cloudflare.itemsMax,
      addresses: this.#options.addresses ?? ordinaryAddresses,
      operationMs: cloudflare.operationMs,
      rule,
    };
    return this.#acting("person", () => cloudflareDeeds[deed](scene, roll));
  }

  onChange(listener: (change: CloudChange) => void): void {
    this.#watch.onChange(listener);
  }

  calls(): number {
    return this.#calls;
  }

  writes(): number {
    return this.#writes;
  }

  claimFor(storeId: string | null): void {
    this.#acting("person", () => {
      this.account.list(list).description = describe(storeId ?? this.#options.storeId);
    });
  }
}

export function cloudflareCloud(options: CloudflareCloudOptions): CloudflareCloud {
  return new CloudflareCloud(options);
}
