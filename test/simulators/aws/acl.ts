// One network ACL as the cloud keeps it: what it holds, what it held, and what it refuses. The API and a person at a console
// go through the same door. Keeps old versions, so that describes can be behind.
import { canonicalCidr } from "./cidr.ts";
import { awsLimits } from "./limits.ts";
import { AwsRefusal } from "./refusal.ts";

export interface AclEntry {
  readonly egress: boolean;
  readonly number: number;
  readonly family: 4 | 6;
  readonly cidr: string;
  readonly protocol: string;
  readonly action: "allow" | "deny";
  readonly ports?: { readonly from: number; readonly to: number };
  readonly icmp?: { readonly type: number; readonly code: number };
}

/** As a person writes one: the family follows from the address. */
export type EntryInput = Omit<AclEntry, "family" | "egress" | "protocol" | "action"> & Partial<Pick<AclEntry, "egress" | "protocol" | "action">>;

export interface AclState {
  readonly vpc: string;
  readonly isDefault: boolean;
  readonly subnets: readonly string[];
  readonly entries: readonly AclEntry[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface AclSeed {
  readonly id: string;
  readonly region?: string;
  readonly vpc?: string;
  readonly isDefault?: boolean;
  /** Associated subnets; one by default. */
  readonly subnets?: readonly string[];
  /** Whether the VPC has IPv6, and so the ACL a second default deny and allow. */
  readonly ipv6?: boolean;
  /** Entries besides the default denies; by default the allows that every default ACL has (100 IPv4, 101 IPv6). */
  readonly entries?: readonly EntryInput[];
  readonly tags?: Readonly<Record<string, string>>;
}

export interface AclChange {
  readonly verb: "create" | "replace" | "delete" | "tag" | "untag" | "associate";
  readonly acl: string;
  readonly by: "api" | "person";
  readonly atMs: number;
  readonly entry?: AclEntry;
}

export interface AclHost {
  readonly nowMs: () => number;
  readonly rulesMax: () => number;
  readonly changed: (change: AclChange) => void;
}

export function entryOf(input: EntryInput): AclEntry {
  const family = input.cidr.includes(":") ? 6 : 4;
  const cidr = canonicalCidr(family, input.cidr);
  if (cidr === null) throw new AwsRefusal(400, "InvalidParameterValue", `Value (${input.cidr}) for parameter cidrBlock is invalid.`);
  return { egress: false, protocol: "-1", action: "deny", ...input, family, cidr };
}

function defaults(ipv6: boolean): AclEntry[] {
  return [false, true].flatMap((egress) => [
    entryOf({ egress, number: awsLimits.defaultDeny.ipv4, cidr: "0.0.0.0/0" }),
    ...(ipv6 ? [entryOf({ egress, number: awsLimits.defaultDeny.ipv6, cidr: "::/0" })] : []),
  ]);
}

function ordinaryAllows(ipv6: boolean): EntryInput[] {
  return [false, true].flatMap((egress): EntryInput[] => [
    { egress, number: 100, cidr: "0.0.0.0/0", action: "allow" },
    ...(ipv6 ? [{ egress, number: 101, cidr: "::/0", action: "allow" } as const] : []),
  ]);
}

export class SimulatedAcl {
  readonly id: string;
  readonly region: string;
  readonly #host: AclHost;
  /** Oldest first; the last one is the truth. */
  #versions: { readonly atMs: number; readonly state: AclState }[];

  constructor(seed: AclSeed, region: string, host: AclHost) {
    this.id = seed.id;
    this.region = region;
    this.#host = host;
    const ipv6 = seed.ipv6 ?? false;
    const entries = [...defaults(ipv6), ...(seed.entries ?? ordinaryAllows(ipv6)).map(entryOf)];
    const state = {
      vpc: seed.vpc ?? "vpc-0123456789abcdef0",
      isDefault: seed.isDefault ?? false,
      subnets: seed.subnets ?? ["subnet-0123456789abcdef0"],
      entries: sorted(entries),
      tags: { ...seed.tags },
    };
    this.#versions = [{ atMs: Number.NEGATIVE_INFINITY, state }];
  }

  /** What stands now. */
  get state(): AclState {
    return this.stateAt(Number.POSITIVE_INFINITY);
  }

  stateAt(atMs: number): AclState {
    const version = this.#versions.findLast((candidate) => candidate.atMs <= atMs) ?? this.#versions[0];
    if (version === undefined) throw new Error("an ACL has at least one version");
    return version.state;
  }

  entry(number: number, egress: boolean): AclEntry | null {
    return this.state.entries.find((candidate) => candidate.number === number && candidate.egress === egress) ?? null;
  }

  create(input: EntryInput, by: AclChange["by"] = "person"): void {
    const entry = entryOf(input);
    this.#checkNumber(entry.number);
    if (this.entry(entry.number, entry.egress) !== null) {
      throw new AwsRefusal(400, "NetworkAclEntryAlreadyExists", `The network acl entry identified by ${entry.number} already exists.`);
    }
    const alike = this.state.entries.filter((other) => other.egress === entry.egress && other.family === entry.family).length;
    if (alike >= this.#host.rulesMax())
      throw new AwsRefusal(400, "NetworkAclEntryLimitExceeded", "The maximum number of network acl entries has been reached.");
    this.#commit({ ...this.state, entries: sorted([...this.state.entries, entry]) }, { verb: "create", by, entry });
  }

  replace(input: EntryInput, by: AclChange["by"] = "person"): void {
    const entry = entryOf(input);
    this.#checkNumber(entry.number);
    const others = this.#without(entry.number, entry.egress);
    // I: a replacement may change the family, and then counts in the other family's quota.
    this.#checkRoom(others, entry);
    this.#commit({ ...this.state, entries: sorted([...others, entry]) }, { verb: "replace", by, entry });
  }

  delete(number: number, egress: boolean, by: AclChange["by"] = "person"): void {
    this.#checkNumber(number);
    const entry = this.entry(number, egress);
    const entries = this.#without(number, egress);
    this.#commit({ ...this.state, entries }, { verb: "delete", by, ...(entry === null ? {} : { entry }) });
  }

  tag(tags: Readonly<Record<string, string>>, by: AclChange["by"] = "person"): void {
    const merged = { ...this.state.tags, ...tags };
    if (Object.keys(merged).length > awsLimits.tagsPerResource) throw new AwsRefusal(400, "TagLimitExceeded", "The maximum number of tags has been reached.");
    this.#commit({ ...this.state, tags: merged }, { verb: "tag", by });
  }

  /** A tag goes when its key is named, and its value too if one is given (D: DeleteTags). */
  untag(tags: readonly { readonly key: string; readonly value: string | null }[], by: AclChange["by"] = "person"): void {
    const gone = (key: string, value: string) => tags.some((tag) => tag.key === key && (tag.value === null || tag.value === value));
    const kept = Object.entries(this.state.tags).filter(([key, value]) => !gone(key, value));
    this.#commit({ ...this.state, tags: Object.fromEntries(kept) }, { verb: "untag", by });
  }

  associate(subnets: readonly string[]): void {
    this.#commit({ ...this.state, subnets }, { verb: "associate", by: "person" });
  }

  #checkNumber(number: number): void {
    const { first, last } = awsLimits.ruleNumber;
    if (Number.isInteger(number) && first <= number && number <= last) return;
    throw new AwsRefusal(400, "InvalidParameterValue", `Value (${number}) for parameter ruleNumber is invalid. Must be between ${first} and ${last}.`);
  }

  #checkRoom(others: readonly AclEntry[], entry: AclEntry): void {
    const alike = others.filter((other) => other.egress === entry.egress && other.family === entry.family).length;
    if (alike < this.#host.rulesMax()) return;
    throw new AwsRefusal(400, "NetworkAclEntryLimitExceeded", "The maximum number of network acl entries has been reached.");
  }

  #without(number: number, egress: boolean): readonly AclEntry[] {
    if (this.entry(number, egress) === null) {
      const direction = egress ? "egress" : "ingress";
      throw new AwsRefusal(
        400,
        "InvalidNetworkAclEntry.NotFound",
        `The ${direction} network acl entry with rule number ${number} does not exist in ${this.id}.`,
      );
    }
    return this.state.entries.filter((entry) => entry.number !== number || entry.egress !== egress);
  }

  #commit(state: AclState, change: Omit<AclChange, "acl" | "atMs">): void {
    const atMs = this.#host.nowMs();
    this.#versions = [...this.#versions.slice(-200), { atMs, state }];
    this.#host.changed({ ...change, acl: this.id, atMs });
  }
}

function sorted(entries: readonly AclEntry[]): readonly AclEntry[] {
  return [...entries].sort((a, b) => Number(a.egress) - Number(b.egress) || a.number - b.number);
}
