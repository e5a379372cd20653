// What a network ACL really denies, by EC2's semantics and nothing of the product's: rules are tried by number, lowest first, and the
// first that matches decides (Amazon VPC user guide, network ACLs, checked 2026-11-20). By our claim, deny-all rules of the range are ours.
import type { AclEntry, SimulatedAcl } from "../../simulators/aws.ts";
import { meet } from "./prefix.ts";
import type { Sight } from "./watch.ts";

export interface AwsClaim {
  readonly first: number;
  readonly last: number;
  /** Directions that are managed, as EC2 writes them: `false` ingress, `true` egress. */
  readonly egress: readonly boolean[];
}

export function isInPlace(entry: AclEntry, claim: AwsClaim): boolean {
  return claim.first <= entry.number && entry.number <= claim.last && claim.egress.includes(entry.egress);
}

export function isOurs(entry: AclEntry, claim: AwsClaim): boolean {
  return isInPlace(entry, claim) && entry.action === "deny" && entry.protocol === "-1";
}

/** No allow is tried before it that lets some of its traffic by. */
function isReached(entry: AclEntry, entries: readonly AclEntry[]): boolean {
  return !entries.some((other) => other.egress === entry.egress && other.action === "allow" && other.number < entry.number && meet(other.cidr, entry.cidr));
}

function nameOf(entry: AclEntry): string {
  return `${entry.egress ? "egress" : "ingress"} rule ${entry.number}`;
}

export function awsSight(acl: SimulatedAcl, claim: AwsClaim): Sight {
  const { entries, subnets, tags, vpc, isDefault } = acl.state;
  const ours = entries.filter((entry) => isOurs(entry, claim));
  const placed = [...new Set(ours.map((entry) => entry.cidr))].sort();
  const reached = ours.filter((entry) => isReached(entry, entries));
  const isWhole = (cidr: string) => claim.egress.every((egress) => reached.some((entry) => entry.cidr === cidr && entry.egress === egress));
  const foreign = new Map(entries.filter((entry) => !isOurs(entry, claim)).map((entry) => [nameOf(entry), JSON.stringify(entry)]));
  foreign.set("tags", JSON.stringify(tags));
  foreign.set("association", JSON.stringify([vpc, isDefault, subnets]));
  return { standing: subnets.length === 0 ? [] : placed.filter(isWhole), placed, foreign };
}
