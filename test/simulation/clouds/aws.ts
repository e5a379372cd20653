// AWS as the simulation sees it: one claimed ACL in the strict simulator, called at the vendor's own host, with the run-time policy and
// no more. Owns who did what; what a network ACL denies is judged in `aws-judge.ts`.
import * as v from "valibot";
import { awsNacl } from "../../../providers/aws-nacl/index.ts";
import runPolicy from "../../../providers/aws-nacl/policy.json" with { type: "json" };
import type { TargetConfig } from "../../../shared/config.ts";
import { scopeOf } from "../../simulators/aws/sigv4.ts";
import { type AclEntry, type EntryInput, fillPolicy, type Mishap, type SimulatedAcl, SimulatedAws } from "../../simulators/aws.ts";
import type { CloudChange, CloudTrouble, CloudUnderTest, WireRequest } from "../contract.ts";
import { awsDeeds } from "./aws-deeds.ts";
import { type AwsClaim, awsSight, isInPlace, isOurs } from "./aws-judge.ts";
import { type CloudOptions, ordinaryAddresses } from "./options.ts";
import { type CallTrouble, Troubles } from "./troubles.ts";
import { Watch } from "./watch.ts";

export interface AwsCloudOptions extends CloudOptions {
  readonly direction?: "ingress" | "both";
  /** The quota "rules per network ACL", as the account has it and the target is told. */
  readonly limit?: number;
  /** Rules of the owner per direction and family, the default deny included. */
  readonly foreign?: number;
}

const region = "eu-west-1";
const host = `ec2.${region}.amazonaws.com`;
const acl = "acl-0123456789abcdef0";
const subnets = ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"];
const range = { first: 1, last: 40 } as const;
/** Not secrets: made up here, known to the simulator only. */
const key = { accessKeyId: "AKIASIMULATIONRUN001", secretAccessKey: "simulated+secret/simulated+secret/123456" };
const writing: ReadonlySet<string> = new Set(["CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry"]);

/** Rules of the owner, with the default deny so many per direction and family: the allow that every default ACL has, and denies of telnet. */
function ownersEntries(count: number): EntryInput[] {
  return [false, true].flatMap((egress): EntryInput[] => [
    { egress, number: 100, cidr: "0.0.0.0/0", action: "allow" },
    { egress, number: 101, cidr: "::/0", action: "allow" },
    ...Array.from({ length: Math.max(0, count - 2) }, (_, at): EntryInput[] => [
      { egress, number: 90 - 2 * at, cidr: `198.18.${at}.0/24`, protocol: "6", ports: { from: 23, to: 23 } },
      { egress, number: 91 - 2 * at, cidr: `2001:db8:${(at + 0x100).toString(16)}::/48` },
    ]).flat(),
  ]);
}

function mishapOf(trouble: CallTrouble): Mishap {
  if (trouble.kind === "throttle") return { kind: "throttle", status: 503, retryAfterSeconds: trouble.retryAfterSeconds };
  if (trouble.kind === "error") return { kind: "serverError", status: trouble.committed ? 500 : 503, committed: trouble.committed };
  return { kind: trouble.kind === "hang" ? "drop" : trouble.kind, committed: trouble.committed };
}

function targetOf(options: AwsCloudOptions): { readonly target: TargetConfig; readonly secrets: Readonly<Record<string, string>> } {
  const name = options.name.toUpperCase().replaceAll("-", "_");
  const credentials = { accessKeyId: `${name}_ACCESS_KEY_ID`, secretAccessKey: `${name}_SECRET_ACCESS_KEY` };
  const settings = v.parse(awsNacl.settings, { region, acl, rules: { ...range, limit: options.limit ?? 20 }, direction: options.direction ?? "ingress" });
  return {
    target: { kind: awsNacl.kind, mode: "enforce", maxEntries: null, settings, credentials, formerly: null },
    secrets: { [credentials.accessKeyId]: key.accessKeyId, [credentials.secretAccessKey]: key.secretAccessKey },
  };
}

class AwsCloud implements CloudUnderTest {
  readonly name: string;
  readonly definition = awsNacl as CloudUnderTest["definition"];
  readonly target: TargetConfig;
  readonly secrets: Readonly<Record<string, string>>;
  readonly callNames = ["DescribeNetworkAcls", ...writing];
  readonly addingCall = "CreateNetworkAclEntry";
  readonly aws: SimulatedAws;
  readonly #options: AwsCloudOptions;
  readonly #claim: AwsClaim;
  readonly #watch: Watch;
  readonly #troubles = new Troubles();
  #actor: CloudChange["by"] = "person";
  #calls = 0;
  #writes = 0;

  constructor(options: AwsCloudOptions) {
    this.#options = options;
    this.name = options.name;
    const { target, secrets } = targetOf(options);
    this.target = target;
    this.secrets = secrets;
    this.#claim = { ...range, egress: options.direction === "both" ? [false, true] : [false] };
    const tags = { Owner: "net", "portcullis:store": options.storeId, "portcullis:range": `${range.first}-${range.last}` };
    this.aws = new SimulatedAws({
      nowMs: options.nowMs,
      regions: [region],
      rulesMax: options.limit ?? 20,
      acls: [{ id: acl, ipv6: true, subnets, entries: ownersEntries(options.foreign ?? 4), tags }],
      users: [{ name: "portcullis", ...key, policy: fillPolicy(runPolicy, { acl, region }) }],
    });
    this.#watch = new Watch(() => awsSight(this.acl, this.#claim));
    this.aws.onChange((change) => this.#watch.changed(this.#actor, change.atMs));
    this.aws.faults.decide = (action) => {
      const trouble = this.#troubles.take(action);
      return trouble === null ? null : mishapOf(trouble);
    };
  }

  get acl(): SimulatedAcl {
    return this.aws.acl(acl);
  }

  isHost(name: string): boolean {
    return name === host;
  }

  respond(request: WireRequest) {
    const action = new URLSearchParams(request.body).get("Action") ?? "";
    this.#calls += 1;
    if (writing.has(action)) this.#writes += 1;
    this.#actor = scopeOf(request.headers)?.accessKeyId === key.accessKeyId ? "function" : "person";
    try {
      return this.#troubles.around(() => this.aws.respond(request));
    } finally {
      this.#actor = "person";
      // The simulator keeps every exchange; a long history needs none of them.
      this.aws.log.length = 0;
      this.aws.changes.length = 0;
    }
  }

  /** EC2 is done when it answers: nothing takes effect by time alone. */
  poll(): void {}

  spoil(call: string | null, trouble: CloudTrouble): void {
    if (trouble.kind === "busy" || trouble.kind === "failing" || trouble.kind === "poison") return;
    this.#troubles.add(call, trouble);
  }

  hasTrouble(): boolean {
    return !this.#troubles.isEmpty;
  }

  calm(): void {
    this.#troubles.clear();
    this.restore();
    this.setReadLag(0);
    this.setQuota(this.#options.limit ?? 20);
    this.claimFor(null);
    this.deed("rearm", () => 0);
  }

  revoke(): void {
    this.aws.faults.credentialsRevoked = true;
  }

  restore(): void {
    this.aws.faults.credentialsRevoked = false;
  }

  /** EC2 is eventually consistent (AWSEC2 API reference, query-api-troubleshooting, checked 2026-11-20): each describe is behind by its own. */
  setReadLag(ms: number): void {
    this.aws.faults.lagPerRead = ms === 0 ? null : () => Math.floor(this.#options.roll("lag of a describe") * (ms + 1));
  }

  setOperationMs(): void {}

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
    const { entries } = this.acl.state;
    const worst = (matches: (entry: AclEntry) => boolean) =>
      Math.max(
        ...this.#claim.egress.map((egress) => entries.filter((entry) => entry.egress === egress && !isOurs(entry, this.#claim) && matches(entry)).length),
      );
    const family = (which: 4 | 6) => Math.max(0, this.aws.rulesMax - worst((entry) => entry.family === which));
    const total = range.last - range.first + 1 - worst((entry) => isInPlace(entry, this.#claim));
    return { ipv4: family(4), ipv6: family(6), shared: false, total };
  }

  setQuota(entries: number): void {
    this.aws.rulesMax = entries;
  }

  deed(deed: Parameters<CloudUnderTest["deed"]>[0], roll: Parameters<CloudUnderTest["deed"]>[1]): string | null {
    const addresses = this.#options.addresses ?? ordinaryAddresses;
    return awsDeeds[deed]({ acl: this.acl, claim: this.#claim, addresses, subnets }, roll);
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
    this.acl.tag({ "portcullis:store": storeId ?? this.#options.storeId });
  }
}

export function awsCloud(options: AwsCloudOptions): AwsCloud {
  return new AwsCloud(options);
}
