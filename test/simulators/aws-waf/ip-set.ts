// One simulated IP set: its addresses, its description, its lock token. Refuses what WAF refuses in an update.
import { isIPv6 } from "node:net";
import { canonicalCidr } from "../aws/cidr.ts";
import { AwsRefusal } from "../aws/refusal.ts";
import { wafLimits } from "./limits.ts";

export type Scope = "REGIONAL" | "CLOUDFRONT";
export type Version = "IPV4" | "IPV6";

export interface IpSetSeed {
  readonly name: string;
  readonly id: string;
  readonly version: Version;
  readonly scope?: Scope;
  readonly region?: string;
  readonly description?: string;
  readonly addresses?: readonly string[];
}

export interface IpSetState {
  readonly description: string | null;
  /** In the set's own order, which is nobody's. */
  readonly addresses: readonly string[];
  readonly lockToken: string;
}

export interface SetChange {
  readonly atMs: number;
  readonly arn: string;
  readonly by: "api" | "person";
  readonly before: IpSetState;
  readonly after: IpSetState;
}

export interface SetHost {
  readonly accountId: string;
  readonly nowMs: () => number;
  readonly changed: (change: SetChange) => void;
}

function invalid(field: string, parameter: string, reason: string): AwsRefusal {
  const message = `Error reason: ${reason}, field: ${field}, parameter: ${parameter}`;
  return new AwsRefusal(400, "WAFInvalidParameterException", message);
}

/** All eight groups of four digits, as the API reference writes IPv6 (`1111:0000:0000:0000:0000:0000:0000:0111/128`): I, the harsher for a reader. */
function written(canonical: string): string {
  const [address = "", length = ""] = canonical.split("/");
  if (!isIPv6(address)) return canonical;
  const [head = "", tail] = address.split("::");
  const left = head.split(":").filter((part) => part !== "");
  const right = (tail ?? "").split(":").filter((part) => part !== "");
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return `${[...left, ...zeros, ...right].map((part) => part.padStart(4, "0")).join(":")}/${length}`;
}

export class SimulatedIpSet {
  readonly name: string;
  readonly id: string;
  readonly version: Version;
  readonly scope: Scope;
  readonly region: string;
  readonly arn: string;
  readonly #host: SetHost;
  /** Newest last, so that a read can be late. */
  readonly #history: { readonly fromMs: number; readonly state: IpSetState }[];
  #tokens = 0;

  constructor(seed: IpSetSeed, region: string, host: SetHost) {
    const { name, id, version, scope = "REGIONAL" } = seed;
    this.name = name;
    this.id = id;
    this.version = version;
    this.scope = scope;
    this.region = region;
    this.arn = `arn:aws:wafv2:${region}:${host.accountId}:${scope === "CLOUDFRONT" ? "global" : "regional"}/ipset/${name}/${id}`;
    this.#host = host;
    const addresses = this.#checked(seed.addresses ?? []);
    this.#history = [{ fromMs: Number.NEGATIVE_INFINITY, state: { description: seed.description ?? null, addresses, lockToken: this.#nextToken() } }];
  }

  get state(): IpSetState {
    return this.stateAt(this.#host.nowMs());
  }

  stateAt(ms: number): IpSetState {
    const known = this.#history.filter(({ fromMs }) => fromMs <= ms).at(-1) ?? this.#history[0];
    if (known === undefined) throw new Error("a set has a state from its beginning");
    return known.state;
  }

  /** As a person would in the console; what is left out stays. */
  edit(change: { readonly description?: string | null; readonly addresses?: readonly string[] }): void {
    const { description, addresses } = this.#latest;
    this.#become("person", { description: change.description === undefined ? description : change.description, addresses: change.addresses ?? addresses });
  }

  update(change: { readonly description: string | null; readonly addresses: readonly string[]; readonly lockToken: string }): string {
    const addresses = this.#checked(change.addresses);
    if (change.lockToken !== this.#latest.lockToken) {
      const why = "AWS WAF couldn't save your changes because someone changed the resource after you started to edit it. Reapply your changes.";
      throw new AwsRefusal(400, "WAFOptimisticLockException", why);
    }
    this.#become("api", { description: change.description, addresses });
    return this.#latest.lockToken;
  }

  get #latest(): IpSetState {
    const last = this.#history.at(-1);
    if (last === undefined) throw new Error("a set has a state from its beginning");
    return last.state;
  }

  #become(by: SetChange["by"], next: Pick<IpSetState, "description" | "addresses">): void {
    const before = this.#latest;
    // A set has no order: what was sent first is not what comes first.
    const after = { description: next.description, addresses: [...this.#checked(next.addresses)].reverse(), lockToken: this.#nextToken() };
    this.#history.push({ fromMs: this.#host.nowMs(), state: after });
    this.#host.changed({ atMs: this.#host.nowMs(), arn: this.arn, by, before, after });
  }

  #checked(addresses: readonly string[]): readonly string[] {
    if (addresses.length > wafLimits.addressesPerSet) {
      const why = `AWS WAF couldn't perform the operation because you exceeded your resource limit: ${addresses.length} addresses`;
      throw new AwsRefusal(400, "WAFLimitsExceededException", why);
    }
    const read = addresses.map((text) => this.#address(text));
    if (new Set(read).size !== read.length) throw invalid("IP_ADDRESS", "Addresses", "An address is given twice");
    return read;
  }

  #address(text: string): string {
    const family = this.version === "IPV4" ? 4 : 6;
    const canonical = canonicalCidr(family, text);
    if (canonical === null) throw invalid("IP_ADDRESS", text, "The parameter contains formatting that is not valid");
    if (Number(canonical.split("/")[1]) < wafLimits.shortestPrefix) throw invalid("IP_ADDRESS", text, "The range /0 is not supported");
    return written(canonical);
  }

  #nextToken(): string {
    this.#tokens += 1;
    return `${this.id.slice(0, 24)}${this.#tokens.toString(16).padStart(12, "0")}`;
  }
}
