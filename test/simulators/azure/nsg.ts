// One network security group as the cloud keeps it: its rules, its tags, the one operation that may run, and what it refuses.
// The API and a person at a portal go through the same checks. Keeps old versions, so that reads can be behind.
import { createHash } from "node:crypto";
import { azureLimits } from "./limits.ts";
import { ArmRefusal } from "./refusal.ts";
import { bodyOfInput, type Rule, type RuleInput, readRuleBody } from "./rules.ts";

export interface NsgState {
  readonly rules: readonly Rule[];
  readonly tags: Readonly<Record<string, string>>;
  readonly subnets: readonly string[];
  readonly networkInterfaces: readonly string[];
  readonly provisioningState: "Succeeded" | "Updating" | "Failed";
  readonly etag: string;
}

export interface NsgSeed {
  readonly name: string;
  readonly resourceGroup?: string;
  readonly subscription?: string;
  readonly location?: string;
  readonly rules?: readonly RuleInput[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly subnets?: readonly string[];
  readonly networkInterfaces?: readonly string[];
}

export interface NsgChange {
  readonly verb: "put" | "delete" | "finish" | "tag" | "associate";
  readonly nsg: string;
  readonly by: "api" | "person";
  readonly atMs: number;
  readonly rule?: string;
}

export interface NsgHost {
  readonly nowMs: () => number;
  readonly provisioningMs: () => number;
  readonly operationsFail: () => boolean;
  readonly busyAs: () => 400 | 409 | 429;
  readonly changed: (change: NsgChange) => void;
}

export interface Operation {
  readonly id: string;
  readonly endsMs: number;
  readonly kind: "put" | "delete";
  readonly rule: string;
  readonly fails: boolean;
}

type By = NsgChange["by"];

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** A GUID that depends on the text alone, so that a failing run can be read twice. */
export function guidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}

export class SimulatedNsg {
  readonly id: string;
  readonly name: string;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly operations = new Map<string, Operation>();
  readonly #host: NsgHost;
  readonly #versions: { readonly atMs: number; readonly state: NsgState }[] = [];
  #running: Operation | null = null;

  constructor(seed: NsgSeed, defaults: { readonly subscription: string; readonly resourceGroup: string }, host: NsgHost) {
    this.name = seed.name;
    this.subscription = seed.subscription ?? defaults.subscription;
    this.resourceGroup = seed.resourceGroup ?? defaults.resourceGroup;
    this.location = seed.location ?? "westeurope";
    this.id = `/subscriptions/${this.subscription}/resourceGroups/${this.resourceGroup}/providers/Microsoft.Network/networkSecurityGroups/${this.name}`;
    this.#host = host;
    const { tags = {}, subnets = ["web"], networkInterfaces = [] } = seed;
    this.#versions.push({
      atMs: Number.NEGATIVE_INFINITY,
      state: { rules: [], tags, subnets, networkInterfaces, provisioningState: "Succeeded", etag: `W/"${guidOf(this.id)}"` },
    });
    for (const rule of seed.rules ?? []) this.put(rule);
  }

  /** As it is now; an operation whose time has come is over. */
  get state(): NsgState {
    this.#finish();
    return this.#latest();
  }

  /** As a reader sees it that is behind by so much. */
  stateAt(atMs: number): NsgState {
    this.#finish();
    return this.#versions.findLast((version) => version.atMs <= atMs)?.state ?? this.#latest();
  }

  /** The operation that is not over. */
  get running(): Operation | null {
    this.#finish();
    return this.#running;
  }

  rule(name: string): Rule | null {
    return this.state.rules.find((rule) => same(rule.name, name)) ?? null;
  }

  // --- what a person does, at once and without an operation ---

  put(input: RuleInput): void {
    const rule = readRuleBody(`${this.id}/securityRules/${input.name}`, input.name, bodyOfInput(input));
    this.#check(rule);
    this.#set({ rules: this.#with(rule) }, { verb: "put", by: "person", rule: rule.name });
  }

  /** Changes some of a rule's properties. */
  edit(name: string, changes: Partial<Omit<RuleInput, "name">>): void {
    const before = this.rule(name);
    if (before === null) throw new Error(`${this.name} has no rule ${name}`);
    const { provisioningState: _state, ...properties } = before.properties;
    const singular = {
      sourceAddressPrefixes: "sourceAddressPrefix",
      destinationAddressPrefixes: "destinationAddressPrefix",
      sourcePortRanges: "sourcePortRange",
      destinationPortRanges: "destinationPortRange",
    } as const;
    const merged: Record<string, unknown> = { ...properties };
    for (const [plural, single] of Object.entries(singular)) {
      if (Object.hasOwn(changes, single)) merged[plural] = [];
      if (Object.hasOwn(changes, plural)) delete merged[single];
    }
    const rule = readRuleBody(`${this.id}/securityRules/${name}`, before.name, { properties: { ...merged, ...changes } });
    this.#check(rule);
    this.#set({ rules: this.#with(rule) }, { verb: "put", by: "person", rule: rule.name });
  }

  delete(name: string): void {
    this.#set({ rules: this.state.rules.filter((rule) => !same(rule.name, name)) }, { verb: "delete", by: "person", rule: name });
  }

  /** Another change of the group, not of its rules, is worked on for so long: nobody else may write. False: something is under way already. */
  occupy(ms: number): boolean {
    if (this.running !== null) return false;
    this.#begin({ id: guidOf(`${this.id} operation ${this.#versions.length}`), endsMs: this.#host.nowMs() + ms, kind: "put", rule: "", fails: false });
    this.#set({ provisioningState: "Updating" }, { verb: "put", by: "person" });
    return true;
  }

  associate(subnets: readonly string[], networkInterfaces: readonly string[] = []): void {
    this.#set({ subnets, networkInterfaces }, { verb: "associate", by: "person" });
  }

  tag(tags: Readonly<Record<string, string>>, by: By = "person"): void {
    if (Object.keys(tags).length > azureLimits.tags.count)
      throw new ArmRefusal(400, "InvalidTagCount", `A resource has at most ${azureLimits.tags.count} tags.`);
    for (const [name, value] of Object.entries(tags)) {
      if (name.length > azureLimits.tags.nameChars || azureLimits.tags.forbidden.test(name))
        throw new ArmRefusal(400, "InvalidTagNameCharacters", `The tag name '${name}' is not allowed.`);
      if (value.length > azureLimits.tags.valueChars) throw new ArmRefusal(400, "InvalidTagValueLength", `The value of tag '${name}' is too long.`);
    }
    this.#set({ tags }, { verb: "tag", by });
  }

  // --- what the API does ---

  /** Accepts a rule; the operation it starts, or null when it is over at once. */
  accept(name: string, body: unknown): { readonly created: boolean; readonly operation: Operation | null } {
    this.#refuseWhileRunning();
    const read = readRuleBody(`${this.id}/securityRules/${name}`, name, body);
    this.#check(read);
    const before = this.rule(name);
    const operation = this.#start("put", name);
    const rule: Rule = { name: before?.name ?? name, properties: { ...read.properties, provisioningState: this.#stateOf(operation) } };
    this.#set({ rules: this.#with(rule), provisioningState: this.#stateOf(operation) }, { verb: "put", by: "api", rule: rule.name });
    return { created: before === null, operation };
  }

  /** Accepts a deletion; `absent` when there was nothing to delete. */
  acceptDelete(name: string): { readonly absent: boolean; readonly operation: Operation | null } {
    this.#refuseWhileRunning();
    const before = this.rule(name);
    if (before === null) return { absent: true, operation: null };
    const operation = this.#start("delete", name);
    if (operation === null) this.#set({ rules: this.state.rules.filter((rule) => rule !== before) }, { verb: "delete", by: "api", rule: before.name });
    else {
      const leaving: Rule = { ...before, properties: { ...before.properties, provisioningState: "Deleting" } };
      this.#set({ rules: this.#with(leaving), provisioningState: "Updating" }, { verb: "delete", by: "api", rule: before.name });
    }
    return { absent: false, operation };
  }

  // --- inside ---

  #latest(): NsgState {
    const last = this.#versions.at(-1);
    if (last === undefined) throw new Error("an NSG always has a version");
    return last.state;
  }

  #with(rule: Rule): readonly Rule[] {
    const { rules } = this.#latest();
    return rules.some((other) => same(other.name, rule.name)) ? rules.map((other) => (same(other.name, rule.name) ? rule : other)) : [...rules, rule];
  }

  #set(changes: Partial<NsgState>, change: Omit<NsgChange, "nsg" | "atMs">, atMs = this.#host.nowMs()): void {
    const etag = `W/"${guidOf(`${this.id} ${this.#versions.length}`)}"`;
    this.#versions.push({ atMs, state: { ...this.#latest(), ...changes, etag } });
    this.#host.changed({ ...change, nsg: this.name, atMs });
  }

  #start(kind: Operation["kind"], rule: string): Operation | null {
    const ms = this.#host.provisioningMs();
    const fails = this.#host.operationsFail();
    if (ms <= 0 && !fails) return null;
    return this.#begin({ id: guidOf(`${this.id} operation ${this.#versions.length}`), endsMs: this.#host.nowMs() + ms, kind, rule, fails });
  }

  #begin(operation: Operation): Operation {
    this.operations.set(operation.id, operation);
    this.#running = operation;
    return operation;
  }

  #stateOf(operation: Operation | null): "Succeeded" | "Updating" {
    return operation === null ? "Succeeded" : "Updating";
  }

  #finish(): void {
    const operation = this.#running;
    if (operation === null || operation.endsMs > this.#host.nowMs()) return;
    this.#running = null;
    const state = operation.fails ? "Failed" : "Succeeded";
    const { rules } = this.#latest();
    const done = rules.flatMap((rule): readonly Rule[] => {
      if (!same(rule.name, operation.rule)) return [rule];
      if (operation.kind === "delete" && !operation.fails) return [];
      return [{ ...rule, properties: { ...rule.properties, provisioningState: state } }];
    });
    this.#set({ rules: done, provisioningState: state }, { verb: "finish", by: "api", rule: operation.rule }, operation.endsMs);
  }

  #refuseWhileRunning(): void {
    this.#finish();
    if (this.#running === null) return;
    const status = this.#host.busyAs();
    const message = `Operation ${this.#running.kind === "put" ? "PutSecurityRuleOperation" : "DeleteSecurityRuleOperation"} (${this.#running.id}) is updating resource ${this.id}. The call can be retried in 12 seconds.`;
    if (status !== 429)
      throw new ArmRefusal(status, "AnotherOperationInProgress", `Another operation on this or dependent resource is in progress. ${message}`);
    throw new ArmRefusal(429, "RetryableError", "A retryable error occurred.", { details: [{ code: "RetryableErrorDueToAnotherOperation", message }] });
  }

  #check(rule: Rule): void {
    const others = this.state.rules.filter((other) => !same(other.name, rule.name));
    const { direction, priority } = rule.properties;
    const twin = others.find((other) => other.properties.direction === direction && other.properties.priority === priority);
    if (twin !== undefined)
      throw new ArmRefusal(
        400,
        "SecurityRuleConflict",
        `Security rule ${rule.name} conflicts with rule ${twin.name}. Rules cannot have the same Priority and Direction.`,
      );
    if (others.length + 1 > azureLimits.rulesPerGroup)
      throw new ArmRefusal(400, "SecurityRuleCountLimitReached", `A security group cannot have more than ${azureLimits.rulesPerGroup} security rules.`);
    for (const [what, key] of [
      ["SourceAddressPrefixes", "source"],
      ["DestinationAddressPrefixes", "destination"],
    ] as const) {
      const count = [...others, rule].reduce((sum, one) => sum + addressesOf(one, key), 0);
      if (count > azureLimits.addressesPerGroup) {
        throw new ArmRefusal(
          400,
          "SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached",
          `Network security group ${this.id} has ${count} ${what}. A security group cannot have more than ${azureLimits.addressesPerGroup} ${what} as per the limit MaxSecurityRuleAddressesOrPortsPerSecurityGroup.`,
        );
      }
    }
  }
}

/** I: `*` does not count, everything else does, tags included. */
function addressesOf(rule: Rule, side: "source" | "destination"): number {
  const { properties } = rule;
  const single = side === "source" ? properties.sourceAddressPrefix : properties.destinationAddressPrefix;
  const many = side === "source" ? properties.sourceAddressPrefixes : properties.destinationAddressPrefixes;
  return many.length + (single === undefined || single === "" || single === "*" ? 0 : 1);
}
