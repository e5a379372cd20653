// What a person does to a network security group at the portal. Everything goes through the simulated Azure's own checks; while a change is
// worked on, the portal is refused as everyone else is.
import { ArmRefusal } from "../../simulators/azure/refusal.ts";
import type { Rule } from "../../simulators/azure/rules.ts";
import type { RuleInput, SimulatedNsg } from "../../simulators/azure.ts";
import type { HumanDeed } from "../contract.ts";
import { type AzureClaim, isOurs, sourcesOf } from "./azure-judge.ts";
import { isAllowed, pick, type Roll } from "./options.ts";

export interface AzureScene {
  readonly nsg: SimulatedNsg;
  readonly claim: AzureClaim;
  readonly addresses: readonly string[];
  readonly subnets: readonly string[];
}

type Deed = (scene: AzureScene, roll: Roll) => string | null;

/** The owner's rule that takes the room; its size is the quota's, and no person's whim. */
export const bulkRule = "partners";

function put(scene: AzureScene, input: RuleInput): string | null {
  const what = `rule ${input.name} at ${input.priority}: ${input.access ?? "Allow"} from ${input.sourceAddressPrefix ?? input.sourceAddressPrefixes?.join() ?? "*"}`;
  return isAllowed(ArmRefusal, () => scene.nsg.put(input)) ? `added ${what}` : null;
}

function edit(scene: AzureScene, rule: Rule, changes: Partial<Omit<RuleInput, "name">>): string | null {
  return isAllowed(ArmRefusal, () => scene.nsg.edit(rule.name, changes)) ? `changed rule ${rule.name}: ${JSON.stringify(changes)}` : null;
}

function remove(scene: AzureScene, rule: Rule | null): string | null {
  if (rule === null) return null;
  scene.nsg.delete(rule.name);
  return `deleted rule ${rule.name}`;
}

function lastPriority(claim: AzureClaim): number {
  return Math.max(...claim.rules.values());
}

function firstPriority(claim: AzureClaim): number {
  return Math.min(...claim.rules.values());
}

function theirs({ nsg, claim }: AzureScene): readonly Rule[] {
  return nsg.state.rules.filter((rule) => !isOurs(rule, claim) && rule.name !== bulkRule);
}

function mine({ nsg, claim }: AzureScene): readonly Rule[] {
  return nsg.state.rules.filter((rule) => isOurs(rule, claim));
}

function nameFor(roll: Roll): string {
  return `by-hand-${Math.floor(roll("name") * 1_000)}`;
}

/** Right behind ours, or in the other direction at our very priority. */
const addForeign: Deed = (scene, roll) => {
  if (roll("a tag") < 0.15) {
    scene.nsg.tag({ ...scene.nsg.state.tags, [`note-${Math.floor(roll("which tag") * 3)}`]: `${Math.floor(roll("what note") * 1_000)}` });
    return "added a tag";
  }
  const cidr = pick(roll, "address", scene.addresses);
  if (cidr === null) return null;
  const direction = roll("direction") < 0.3 ? "Outbound" : "Inbound";
  const start = direction === "Outbound" ? firstPriority(scene.claim) : lastPriority(scene.claim) + 1;
  const access = pick(roll, "access", ["Allow", "Deny"] as const) ?? "Allow";
  return put(scene, { name: nameFor(roll), priority: start + Math.floor(roll("priority") * 4), direction, access, sourceAddressPrefix: cidr });
};

const editForeign: Deed = (scene, roll) => {
  const rule = pick(roll, "which", theirs(scene));
  const cidr = pick(roll, "address", scene.addresses);
  if (rule === null || cidr === null) return null;
  const changes = [
    { sourceAddressPrefix: cidr },
    { destinationPortRange: "8443", protocol: "Tcp" },
    { description: `seen by ${Math.floor(roll("who") * 100)}` },
    { priority: 500 + Math.floor(roll("priority") * 500) },
  ];
  return edit(scene, rule, pick(roll, "what", changes) ?? {});
};

const removeForeign: Deed = (scene, roll) => remove(scene, pick(roll, "which", theirs(scene)));

/** An address in our rule is ours from then on. Where we have no rule, somebody takes its priority, in any case under a name of their own. */
const addInOurPlace: Deed = (scene, roll) => {
  const cidr = pick(roll, "address", scene.addresses);
  if (cidr === null) return null;
  const name = [...scene.claim.rules.keys()].find((one) => one.endsWith("-ipv6") === cidr.includes(":")) ?? "";
  const rule = scene.nsg.rule(name);
  if (rule !== null) return edit(scene, rule, { sourceAddressPrefixes: [...sourcesOf(rule.properties), cidr] });
  return put(scene, { name: nameFor(roll), priority: scene.claim.rules.get(name) ?? 0, access: "Deny", sourceAddressPrefix: cidr });
};

const editOurs: Deed = (scene, roll) => {
  const rule = pick(roll, "which", mine(scene));
  if (rule === null) return null;
  const isSix = rule.name.toLowerCase().endsWith("-ipv6");
  const cidr = pick(
    roll,
    "address",
    scene.addresses.filter((address) => address.includes(":") === isSix),
  );
  const [, ...rest] = sourcesOf(rule.properties);
  const changes: Partial<Omit<RuleInput, "name">>[] = [
    { access: "Allow" },
    { priority: lastPriority(scene.claim) + 1 + Math.floor(roll("priority") * 2_000) },
    { destinationPortRange: "22", protocol: "Tcp" },
    { description: "do not touch" },
    ...(cidr === null ? [] : [{ sourceAddressPrefixes: [...rest, cidr] }]),
  ];
  return edit(scene, rule, pick(roll, "what", changes) ?? {});
};

const removeOurs: Deed = (scene, roll) => {
  const rule = pick(roll, "which", mine(scene));
  if (rule === null) return null;
  const sources = sourcesOf(rule.properties);
  const gone = pick(roll, "source", sources);
  // A rule without a source is none: the portal does not take it.
  return sources.length < 2 || roll("whole") < 0.3 ? remove(scene, rule) : edit(scene, rule, { sourceAddressPrefixes: sources.filter((one) => one !== gone) });
};

const disarm: Deed = (scene, roll) => {
  const { subnets } = scene.nsg.state;
  if (roll("how") < 0.3) {
    if (subnets.length === 0) return null;
    scene.nsg.associate([]);
    return "took the group off its subnets";
  }
  const priority = 100 + Math.floor(roll("priority") * (firstPriority(scene.claim) - 100));
  const sourceAddressPrefix = pick(roll, "source", ["*", "Internet"]) ?? "*";
  return put(scene, { name: nameFor(roll), priority, access: "Allow", sourceAddressPrefix });
};

const rearm: Deed = (scene) => {
  const isInTheWay = ({ properties: { direction, access, priority } }: Rule) =>
    direction === "Inbound" && ((access === "Allow" && priority < lastPriority(scene.claim)) || [...scene.claim.rules.values()].includes(priority));
  const lines = theirs(scene)
    .filter(isInTheWay)
    .map((rule) => remove(scene, rule));
  if (scene.nsg.state.subnets.length === 0) {
    scene.nsg.associate(scene.subnets);
    lines.push("put the group back on its subnets");
  }
  return lines.length === 0 ? null : lines.join("; ");
};

/** Refused while something is under way. */
function unlessBusy(deed: Deed): Deed {
  return (scene, roll) => (scene.nsg.running === null ? deed(scene, roll) : null);
}

export const azureDeeds: Readonly<Record<HumanDeed, Deed>> = {
  "add-foreign": unlessBusy(addForeign),
  "edit-foreign": unlessBusy(editForeign),
  "remove-foreign": unlessBusy(removeForeign),
  "add-in-our-place": unlessBusy(addInOurPlace),
  "edit-ours": unlessBusy(editOurs),
  "remove-ours": unlessBusy(removeOurs),
  disarm: unlessBusy(disarm),
  // Whoever puts things right waits until it can be done.
  rearm,
};
