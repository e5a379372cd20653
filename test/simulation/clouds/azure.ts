// Azure as the simulation sees it: one claimed NSG with a person's rules in the strict simulator, called at the vendor's own hosts, with the
// run-time role and no more. Owns what is in effect while Azure still works on a change, and who began it.
import * as v from "valibot";
// The provider loads Microsoft's SDK at first use; loaded beforehand, that takes no time of the machine's within a history.
import "@azure/arm-network";
import { azureNsg } from "../../../providers/azure-nsg/index.ts";
import runRole from "../../../providers/azure-nsg/policy.json" with { type: "json" };
import type { TargetConfig } from "../../../shared/config.ts";
import type { Operation } from "../../simulators/azure/nsg.ts";
import type { Rule } from "../../simulators/azure/rules.ts";
import { type AzureMishap, azureLimits, fillRole, type NsgSeed, type NsgState, SimulatedAzure, type SimulatedNsg } from "../../simulators/azure.ts";
import type { CloudChange, CloudTrouble, CloudUnderTest, WireRequest } from "../contract.ts";
import { azureDeeds, bulkRule } from "./azure-deeds.ts";
import { type AzureClaim, azureSight, isOurs, sourcesOf } from "./azure-judge.ts";
import { type CloudOptions, ordinaryAddresses, pick } from "./options.ts";
import { type CallTrouble, Troubles } from "./troubles.ts";
import { Watch } from "./watch.ts";

export interface AzureCloudOptions extends CloudOptions {
  /** How many addresses of ours the group has room for beside the owner's; by default nearly all of Azure's 4,000. */
  readonly room?: number;
}

const hosts = ["management.azure.com", "login.microsoftonline.com"];
const tenant = "aaaaaaaa-0000-4000-8000-000000000001";
const subscription = "bbbbbbbb-0000-4000-8000-000000000002";
const resourceGroup = "edge";
const nsgName = "hub";
const subnets = ["web", "api"];
const priority = 110;
const claim: AzureClaim = {
  rules: new Map([
    ["portcullis-deny", priority],
    ["portcullis-deny-ipv6", priority + 1],
  ]),
};
const claimTag = "portcullis:portcullis-deny";
/** Not secrets: made up here, known to the simulator only. */
const application = { clientId: "cccccccc-0000-4000-8000-000000000003", secret: "simulated~Secret.simulated~Secret~0001" };
const ordinaryOperationMs = 4_000;

const ownersRules: NonNullable<NsgSeed["rules"]> = [
  { name: "web", priority: 300, destinationPortRange: "443", protocol: "Tcp" },
  { name: "office", priority: 200, access: "Allow", sourceAddressPrefixes: ["192.0.2.0/25", "192.0.2.200/32"], destinationPortRange: "22", protocol: "Tcp" },
  { name: "old-flood", priority: 150, access: "Deny", sourceAddressPrefix: "198.18.3.0/24" },
  { name: "ours-outbound", priority, direction: "Outbound", access: "Deny", destinationAddressPrefix: "198.18.66.0/24" },
];

const bulkAddresses = Array.from({ length: azureLimits.addressesPerGroup }, (_, at) => `11.0.${Math.floor(at / 200)}.${at % 200}/32`);

function mishapOf(trouble: CallTrouble): AzureMishap {
  if (trouble.kind === "throttle") return trouble;
  if (trouble.kind === "error") return { kind: "serverError", status: trouble.committed ? 500 : 503, committed: trouble.committed };
  return { kind: trouble.kind === "hang" ? "drop" : trouble.kind, committed: trouble.committed };
}

function targetOf(options: AzureCloudOptions) {
  const name = options.name.toUpperCase().replaceAll("-", "_");
  const credentials = { clientId: `${name}_CLIENT_ID`, clientSecret: `${name}_CLIENT_SECRET` };
  const settings = v.parse(azureNsg.settings, { subscription, tenant, resourceGroup, nsg: nsgName, priority });
  const target: TargetConfig = { kind: azureNsg.kind, mode: "enforce", maxEntries: null, settings, credentials, formerly: null };
  return { target, secrets: { [credentials.clientId]: application.clientId, [credentials.clientSecret]: application.secret } };
}

function simulated(options: AzureCloudOptions): SimulatedAzure {
  const scope = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/networkSecurityGroups/${nsgName}`;
  const role = { definition: fillRole(runRole, { subscription, resourceGroup }), scope };
  return new SimulatedAzure({
    nowMs: options.nowMs,
    tenant,
    subscription,
    resourceGroup,
    groups: [{ name: nsgName, subnets, tags: { Owner: "net", [claimTag]: options.storeId }, rules: ownersRules }],
    applications: [{ name: "portcullis", clientId: application.clientId, secrets: [{ value: application.secret }], roles: [role] }],
  });
}

/** An operation that is not over. */
interface Pending {
  readonly by: CloudChange["by"];
  readonly endsMs: number;
  /** What it leaves although it fails: the rule as it was sent, or none of it (null). */
  readonly leaves: { readonly rule: string; readonly as: Rule | null } | null;
}

/** I: as the simulator counts, everything but `*`. */
function addressesOf(rules: readonly Rule[]): number {
  return rules.flatMap((rule) => sourcesOf(rule.properties)).filter((source) => source !== "*").length;
}

class AzureCloud implements CloudUnderTest {
  readonly name: string;
  readonly definition = azureNsg as CloudUnderTest["definition"];
  readonly target: TargetConfig;
  readonly secrets: Readonly<Record<string, string>>;
  readonly callNames = ["token", "readGroup", "readRule", "writeRule", "deleteRule"];
  readonly azure: SimulatedAzure;
  readonly nsg: SimulatedNsg;
  readonly #options: AzureCloudOptions;
  readonly #watch: Watch;
  readonly #troubles = new Troubles();
  /** The rules as Azure enforces them, by name in lower case: those of the last change that is over. */
  readonly #effective = new Map<string, Rule>();
  #pending: readonly Pending[] = [];
  /** The state that was looked at last. */
  #told: NsgState | null = null;
  #calls = 0;
  #writes = 0;

  constructor(options: AzureCloudOptions) {
    this.#options = options;
    this.name = options.name;
    const { target, secrets } = targetOf(options);
    this.target = target;
    this.secrets = secrets;
    this.azure = simulated(options);
    this.azure.faults.provisioningMs = ordinaryOperationMs;
    this.nsg = this.azure.group(nsgName);
    if (options.room !== undefined) this.#fill(options.room);
    this.#takeEffect();
    this.#watch = new Watch(() => azureSight(this.nsg.state, [...this.#effective.values()], claim));
    this.azure.faults.decide = (call) => {
      const trouble = this.#troubles.take(call);
      return trouble === null ? null : mishapOf(trouble);
    };
  }

  isHost(name: string): boolean {
    return hosts.includes(name);
  }

  respond(request: WireRequest) {
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const by = this.azure.entra.tokens.get(bearer)?.application.name === "portcullis" ? "function" : "person";
    this.#calls += 1;
    if (request.method !== "GET" && bearer !== "") this.#writes += 1;
    // Documented is 429; 409 and 400 were seen (azure-rest-api-specs and Terraform issues, checked 2026-11-20).
    this.azure.faults.busyAs = pick(this.#options.roll, "how it says that it is busy", [429, 429, 409, 400] as const) ?? 429;
    const reply = this.#acting(by, () => this.#troubles.around(() => this.azure.respond(request)));
    // The simulator keeps every exchange; a long history needs none of them.
    this.azure.log.length = 0;
    this.azure.changes.length = 0;
    return reply;
  }

  /** Whatever was due takes effect first, in the name of who began it; then this, in the name of who does it. */
  #acting<T>(by: CloudChange["by"], act: () => T): T {
    this.poll();
    const known = this.nsg.operations.size;
    const result = act();
    if (this.nsg.state === this.#told) return result;
    if (this.nsg.operations.size > known) for (const operation of [...this.nsg.operations.values()].slice(known)) this.#begin(by, operation);
    this.poll();
    this.#takeEffect();
    this.#watch.changed(by, this.#options.nowMs());
    this.#told = this.nsg.state;
    return result;
  }

  #begin(by: CloudChange["by"], operation: Operation): void {
    const { fails, kind, rule, endsMs } = operation;
    if (fails) this.azure.faults.operationsFail = false;
    const shown = this.nsg.rule(rule);
    // Azure does not say what a failed operation left behind: all of it, or nothing.
    const hasEffect = fails && this.#options.roll("a failed operation took effect") < 0.5;
    this.#pending = [...this.#pending, { by, endsMs, leaves: hasEffect ? { rule: rule.toLowerCase(), as: kind === "put" ? shown : null } : null }];
    this.#options.at?.(endsMs, `${this.name}: an operation is over`, () => this.poll());
  }

  poll(): void {
    // Asking makes the simulator finish what is due.
    const { running } = this.nsg;
    const isDue = (one: Pending) => one.endsMs <= this.#options.nowMs();
    if (running !== null && isDue({ by: "person", endsMs: running.endsMs, leaves: null })) throw new Error("an operation is never late");
    for (const { by, endsMs, leaves } of this.#pending.filter(isDue)) {
      if (leaves !== null && leaves.as === null) this.#effective.delete(leaves.rule);
      if (leaves !== null && leaves.as !== null) this.#effective.set(leaves.rule, leaves.as);
      this.#takeEffect();
      this.#watch.changed(by, endsMs);
    }
    this.#pending = this.#pending.filter((one) => !isDue(one));
  }

  /** What is not being worked on, and did not fail, is enforced as it is shown. */
  #takeEffect(): void {
    const { rules } = this.nsg.state;
    const names = new Set(rules.map((rule) => rule.name.toLowerCase()));
    for (const rule of rules) if (rule.properties.provisioningState === "Succeeded") this.#effective.set(rule.name.toLowerCase(), rule);
    for (const name of this.#effective.keys()) if (!names.has(name)) this.#effective.delete(name);
  }

  spoil(call: string | null, trouble: CloudTrouble): void {
    if (trouble.kind === "poison") return;
    if (trouble.kind === "failing") this.azure.faults.operationsFail = true;
    else if (trouble.kind === "busy") this.#acting("person", () => this.nsg.occupy(trouble.ms));
    else this.#troubles.add(call, trouble);
  }

  /** Something was changed straight at the simulator, by whoever holds it. */
  looked(): void {
    this.#acting("person", () => undefined);
  }

  hasTrouble(): boolean {
    return !this.#troubles.isEmpty || this.azure.faults.operationsFail;
  }

  calm(): void {
    this.#troubles.clear();
    this.azure.faults.operationsFail = false;
    this.restore();
    this.setReadLag(0);
    this.setOperationMs(ordinaryOperationMs);
    this.#acting("person", () => this.#fill(this.#options.room ?? null));
    this.claimFor(null);
    this.deed("rearm", () => 0);
  }

  revoke(): void {
    this.azure.faults.credentialsRevoked = true;
  }

  restore(): void {
    this.azure.faults.credentialsRevoked = false;
  }

  /** Azure documents no bound for how far a read may be behind a write: each read is behind by its own. */
  setReadLag(ms: number): void {
    this.azure.faults.lagPerRead = ms === 0 ? null : () => Math.floor(this.#options.roll("lag of a read") * (ms + 1));
  }

  setOperationMs(ms: number): void {
    this.azure.faults.provisioningMs = ms;
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
    const { rules } = this.nsg.state;
    const total = Math.max(0, azureLimits.addressesPerGroup - addressesOf(rules.filter((rule) => !isOurs(rule, claim))));
    const family = (name: string) => {
      const belongs = claim.rules.get(name);
      const isTaken = rules.some((rule) => !isOurs(rule, claim) && rule.properties.direction === "Inbound" && rule.properties.priority === belongs);
      return isTaken ? 0 : total;
    };
    return { ipv4: family("portcullis-deny"), ipv6: family("portcullis-deny-ipv6"), shared: true, total };
  }

  /** Azure's 4,000 addresses are fixed, and the owner's other rules share them: here the owner takes what shall not be ours. */
  setQuota(entries: number): void {
    this.#acting("person", () => this.#fill(entries));
  }

  /** Null: as much room as there is. */
  #fill(room: number | null): void {
    const others = this.nsg.state.rules.filter((rule) => rule.name !== bulkRule);
    const ours = addressesOf(others.filter((rule) => isOurs(rule, claim)));
    const theirs = addressesOf(others) - ours;
    const count = room === null ? 0 : azureLimits.addressesPerGroup - theirs - Math.max(room, ours);
    if (count > 0) this.nsg.put({ name: bulkRule, priority: 3_000, access: "Allow", sourceAddressPrefixes: bulkAddresses.slice(0, count) });
    else if (this.nsg.rule(bulkRule) !== null) this.nsg.delete(bulkRule);
  }

  deed(deed: Parameters<CloudUnderTest["deed"]>[0], roll: Parameters<CloudUnderTest["deed"]>[1]): string | null {
    const scene = { nsg: this.nsg, claim, addresses: this.#options.addresses ?? ordinaryAddresses, subnets };
    return this.#acting("person", () => azureDeeds[deed](scene, roll));
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
    this.#acting("person", () => this.nsg.tag({ ...this.nsg.state.tags, [claimTag]: storeId ?? this.#options.storeId }));
  }
}

export function azureCloud(options: AzureCloudOptions): AzureCloud {
  return new AzureCloud(options);
}
