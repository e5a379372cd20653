// What a person does to a network ACL at the console. Everything goes through the simulated EC2's own door, and may be refused there.
import { AwsRefusal } from "../../simulators/aws/refusal.ts";
import { type AclEntry, awsLimits, type EntryInput, type SimulatedAcl } from "../../simulators/aws.ts";
import type { HumanDeed } from "../contract.ts";
import { type AwsClaim, isInPlace, isOurs } from "./aws-judge.ts";
import { isAllowed, pick, type Roll } from "./options.ts";

export interface AwsScene {
  readonly acl: SimulatedAcl;
  readonly claim: AwsClaim;
  readonly addresses: readonly string[];
  readonly subnets: readonly string[];
}

type Deed = (scene: AwsScene, roll: Roll) => string | null;

const everyone = ["0.0.0.0/0", "::/0"];
const ssh = { protocol: "6", ports: { from: 22, to: 22 } } as const;

function free({ acl }: AwsScene, egress: boolean, first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at).filter((number) => acl.entry(number, egress) === null);
}

function words(entry: EntryInput): string {
  const ports = entry.ports === undefined ? "" : ` ports ${entry.ports.from}-${entry.ports.to}`;
  return `${entry.egress === true ? "egress" : "ingress"} rule ${entry.number}: ${entry.action ?? "deny"} ${entry.cidr} protocol ${entry.protocol ?? "-1"}${ports}`;
}

function create(scene: AwsScene, entry: EntryInput): string | null {
  return isAllowed(AwsRefusal, () => scene.acl.create(entry)) ? `added ${words(entry)}` : null;
}

function replace(scene: AwsScene, before: AclEntry, changes: Partial<EntryInput>): string | null {
  const { family: _family, ...rest } = before;
  const entry = { ...rest, ...changes };
  return isAllowed(AwsRefusal, () => scene.acl.replace(entry)) ? `made ${words(before)} into ${words(entry)}` : null;
}

function remove(scene: AwsScene, entry: AclEntry | null): string | null {
  if (entry === null) return null;
  return isAllowed(AwsRefusal, () => scene.acl.delete(entry.number, entry.egress)) ? `deleted ${words(entry)}` : null;
}

function theirs({ acl, claim }: AwsScene): readonly AclEntry[] {
  return acl.state.entries.filter((entry) => !isOurs(entry, claim) && entry.number <= awsLimits.ruleNumber.last);
}

/** Right behind our range, right before it, or in it in a direction that is not ours. */
const addForeign: Deed = (scene, roll) => {
  const { first, last, egress } = scene.claim;
  if (roll("a tag") < 0.15) {
    scene.acl.tag({ [`note-${Math.floor(roll("which tag") * 3)}`]: `${Math.floor(roll("what note") * 1_000)}` });
    return "added a tag";
  }
  const isOutward = roll("direction") < 0.3;
  const around = [...free(scene, isOutward, Math.max(1, first - 3), first - 1), ...free(scene, isOutward, last + 1, last + 3)];
  const number = pick(roll, "number", egress.includes(isOutward) ? around : [...around, ...free(scene, isOutward, first, last)]);
  const cidr = pick(roll, "address", scene.addresses);
  if (number === null || cidr === null) return null;
  const kind = pick(roll, "kind", [{ action: "deny" }, { action: "deny", ...ssh }, { action: "allow", ...ssh }, { action: "allow" }] as const);
  // An allow before the range would pass by ours: that is another deed.
  return create(scene, { number, egress: isOutward, cidr, ...kind, ...(number < first ? { action: "deny" } : {}) });
};

const editForeign: Deed = (scene, roll) => {
  const entry = pick(roll, "which", theirs(scene));
  const cidr = pick(roll, "address", scene.addresses);
  if (entry === null || cidr === null) return null;
  if (everyone.includes(entry.cidr)) return replace(scene, entry, entry.protocol === "-1" ? { ...ssh } : { protocol: "-1" });
  return roll("what") < 0.6 || entry.number <= scene.claim.last
    ? replace(scene, entry, { cidr })
    : replace(scene, entry, { action: entry.action === "allow" ? "deny" : "allow" });
};

const removeForeign: Deed = (scene, roll) => {
  const notes = Object.keys(scene.acl.state.tags).filter((key) => key.startsWith("note-"));
  const note = roll("a tag") < 0.2 ? pick(roll, "which tag", notes) : null;
  if (note === null) return remove(scene, pick(roll, "which", theirs(scene)));
  scene.acl.untag([{ key: note, value: null }]);
  return `took the tag ${note} off`;
};

const addInOurPlace: Deed = (scene, roll) => {
  const egress = pick(roll, "direction", scene.claim.egress) ?? false;
  const number = pick(roll, "number", free(scene, egress, scene.claim.first, scene.claim.last));
  const cidr = pick(roll, "address", scene.addresses);
  if (number === null || cidr === null) return null;
  const kind = pick(roll, "kind", [
    { action: "deny" },
    { action: "deny" },
    { action: "deny", ...ssh },
    { action: "deny", protocol: "17", ports: { from: 53, to: 53 } },
    { action: "allow", ...ssh },
    { action: "allow" },
  ] as const);
  return create(scene, { number, egress, cidr, ...kind });
};

function mine({ acl, claim }: AwsScene): readonly AclEntry[] {
  return acl.state.entries.filter((entry) => isOurs(entry, claim));
}

const editOurs: Deed = (scene, roll) => {
  const entry = pick(roll, "which", mine(scene));
  const cidr = pick(roll, "address", scene.addresses);
  if (entry === null || cidr === null) return null;
  return replace(scene, entry, pick(roll, "what", [{ cidr }, { cidr }, { action: "allow" }, { ...ssh }] as const) ?? {});
};

const removeOurs: Deed = (scene, roll) => remove(scene, pick(roll, "which", mine(scene)));

/** An allow before the last of ours, or the ACL off its subnets: the lowest number may be ours, and nobody gets before that. */
const disarm: Deed = (scene, roll) => {
  const isOutward = pick(roll, "direction", scene.claim.egress) ?? false;
  const cidr = pick(roll, "address", everyone) ?? "0.0.0.0/0";
  const alike = mine(scene).filter((entry) => entry.egress === isOutward && entry.cidr.includes(":") === cidr.includes(":"));
  const before = free(scene, isOutward, 1, (alike.at(-1)?.number ?? 0) - 1);
  const number = pick(roll, "number", before);
  if (number !== null && roll("how") < 0.7) return create(scene, { number, egress: isOutward, cidr, action: "allow" });
  if (scene.acl.state.subnets.length === 0) return null;
  scene.acl.associate([]);
  return "took the ACL off its subnets";
};

const rearm: Deed = (scene) => {
  const done: (string | null)[] = [];
  for (const entry of scene.acl.state.entries) {
    const isBefore = scene.claim.egress.includes(entry.egress) && entry.number <= scene.claim.last;
    // Others' rules in the range are in the way of ours too, and numbers are few.
    if (isBefore && !isOurs(entry, scene.claim) && (entry.action === "allow" || isInPlace(entry, scene.claim))) done.push(remove(scene, entry));
  }
  if (scene.acl.state.subnets.length === 0) {
    scene.acl.associate(scene.subnets);
    done.push("put the ACL back on its subnets");
  }
  const lines = done.filter((line) => line !== null);
  return lines.length === 0 ? null : lines.join("; ");
};

export const awsDeeds: Readonly<Record<HumanDeed, Deed>> = {
  "add-foreign": addForeign,
  "edit-foreign": editForeign,
  "remove-foreign": removeForeign,
  "add-in-our-place": addInOurPlace,
  "edit-ours": editOurs,
  "remove-ours": removeOurs,
  disarm,
  rearm,
};
