// What a person does to lists and rules at the dashboard. Never more items than the account may hold, and nothing to items while a bulk
// operation of the account is pending: the dashboard is a caller of the API like any other.
import { CloudflareRefusal } from "../../simulators/cloudflare/refusal.ts";
import type { Rule, Zone } from "../../simulators/cloudflare/zone.ts";
import { type Account, cloudflareLimits, type Item, type List } from "../../simulators/cloudflare.ts";
import type { HumanDeed } from "../contract.ts";
import { isBlocking, isOurs } from "./cloudflare-judge.ts";
import { isAllowed, pick, type Roll } from "./options.ts";

export interface CloudflareScene {
  readonly account: Account;
  readonly zones: readonly Zone[];
  readonly ours: List;
  readonly office: List;
  readonly itemsMax: number;
  readonly addresses: readonly string[];
  /** Some edits are bulk operations themselves: how long they take. */
  readonly operationMs: number;
  /** Our rule as `setup` wrote it. */
  readonly rule: Readonly<Record<string, unknown>> & { readonly ref: string };
}

type Deed = (scene: CloudflareScene, roll: Roll) => string | null;

interface Edit {
  readonly list: List;
  readonly add?: { readonly ip: string; readonly comment?: string };
  readonly remove?: string;
}

function edit(scene: CloudflareScene, { list, add, remove }: Edit, roll: Roll): string | null {
  const { account } = scene;
  if (account.running !== null) return null;
  const isNew = add !== undefined && !list.items.has(add.ip.replace(/\/(?:32|128)$/, ""));
  if (isNew && remove === undefined && account.itemCount >= scene.itemsMax) return null;
  const added = add === undefined ? [] : [add];
  const removed = remove === undefined ? [] : [remove];
  const isLater = roll("at once") < 0.4;
  const act = () => (isLater ? account.editLater(list, added, removed, scene.operationMs) : account.edit(list, added, removed));
  if (!isAllowed(CloudflareRefusal, act)) return null;
  const what = [...(remove === undefined ? [] : [`took ${remove} out`]), ...(add === undefined ? [] : [`put ${add.ip} (${add.comment ?? "no comment"}) in`])];
  return `${what.join(" and ")}, list ${list.name}${isLater ? ", as a bulk operation" : ""}`;
}

function words(rule: Rule): string {
  return `rule ${rule.ref} (${rule.action} ${rule.expression})`;
}

function rulesOf(zone: Zone): readonly Rule[] {
  return zone.ruleset?.rules ?? [];
}

function change(zone: Zone, act: (rulesetId: string) => unknown, line: string): string | null {
  const { ruleset } = zone;
  if (ruleset === null) return null;
  return isAllowed(CloudflareRefusal, () => act(ruleset.id)) ? line : null;
}

function others(scene: CloudflareScene, zone: Zone): readonly Rule[] {
  return rulesOf(zone).filter((rule) => rule.ref !== scene.rule.ref);
}

function theirs(list: List): readonly Item[] {
  return [...list.items.values()].filter((item) => !isOurs(item));
}

const addForeign: Deed = (scene, roll) => {
  const ip = pick(roll, "address", scene.addresses);
  const zone = pick(roll, "zone", scene.zones);
  if (roll("a rule") < 0.25 && zone !== null) {
    const number = Math.floor(roll("which rule") * 1_000);
    const body = { action: pick(roll, "action", ["block", "log"]), expression: `http.request.uri.path eq "/old/${number}"`, description: `old ${number}` };
    return change(zone, (id) => zone.addRule(id, body), `added a rule behind the others of zone ${zone.id}`);
  }
  return ip === null ? null : edit(scene, { list: scene.office, add: { ip, comment: `partner ${Math.floor(roll("which partner") * 100)}` } }, roll);
};

const editForeign: Deed = (scene, roll) => {
  const zone = pick(roll, "zone", scene.zones);
  const how = roll("how");
  if (how < 0.2) {
    scene.office.description = `the office's, seen on day ${Math.floor(roll("day") * 365)}`;
    return "described the office's list anew";
  }
  if (how < 0.5 && zone !== null) {
    const rule = pick(roll, "which rule", rulesOf(zone));
    if (rule === null) return null;
    // Of our rule the description only: what else of it a person may change is another deed.
    return change(zone, (id) => zone.editRule(id, rule.id, { description: `seen by ${Math.floor(roll("who") * 100)}` }), `described ${words(rule)} anew`);
  }
  const item = pick(roll, "which", theirs(scene.office));
  return item === null ? null : edit(scene, { list: scene.office, add: { ip: item.ip, comment: `moved ${Math.floor(roll("where") * 100)}` } }, roll);
};

const removeForeign: Deed = (scene, roll) => {
  const zone = pick(roll, "zone", scene.zones);
  if (roll("a rule") < 0.25 && zone !== null) {
    const rule = pick(roll, "which rule", others(scene, zone));
    return rule === null ? null : change(zone, (id) => zone.deleteRule(id, rule.id), `deleted ${words(rule)}`);
  }
  const list = roll("in ours") < 0.3 ? scene.ours : scene.office;
  const item = pick(roll, "which", theirs(list));
  return item === null ? null : edit(scene, { list, remove: item.ip }, roll);
};

/** Without our mark it is theirs though the list is ours; with it, nobody can tell it from ours. */
const addInOurPlace: Deed = (scene, roll) => {
  const ip = pick(roll, "address", scene.addresses);
  if (ip === null) return null;
  const comments = [{}, { comment: "blocked by hand" }, { comment: "portcullis" }, { comment: "portcullis:another-store" }];
  return edit(scene, { list: scene.ours, add: { ip, ...pick(roll, "comment", comments) } }, roll);
};

function mine(scene: CloudflareScene): readonly Item[] {
  return [...scene.ours.items.values()].filter(isOurs);
}

const editOurs: Deed = (scene, roll) => {
  const item = pick(roll, "which", mine(scene));
  const other = pick(roll, "address", scene.addresses);
  if (item === null || other === null) return null;
  const how = roll("how");
  if (how < 0.3) return edit(scene, { list: scene.ours, add: { ip: other, comment: item.comment ?? "" }, remove: item.ip }, roll);
  return edit(scene, { list: scene.ours, add: { ip: item.ip, ...(how < 0.6 ? {} : { comment: `keep this one (was ${item.comment})` }) } }, roll);
};

const removeOurs: Deed = (scene, roll) => {
  const item = pick(roll, "which", mine(scene));
  return item === null ? null : edit(scene, { list: scene.ours, remove: item.ip }, roll);
};

const disarm: Deed = (scene, roll) => {
  const zone = pick(roll, "zone", scene.zones);
  const rule = zone === null ? null : (rulesOf(zone).find((candidate) => candidate.ref === scene.rule.ref) ?? null);
  if (zone === null || rule === null) return null;
  const how = pick(roll, "how", ["disable", "log", "narrow", "delete", "skip"] as const);
  if (how === "delete") return change(zone, (id) => zone.deleteRule(id, rule.id), `deleted ${words(rule)}`);
  if (how === "skip") {
    const body = { action: "skip", expression: 'http.host eq "status.example.com"', action_parameters: { ruleset: "current" }, position: { index: 1 } };
    return change(zone, (id) => zone.addRule(id, body), `put a rule that skips the others in front of zone ${zone.id}`);
  }
  const changes = { disable: { enabled: false }, log: { action: "log" }, narrow: { expression: `${rule.expression} and http.request.uri.path eq "/login"` } };
  return how === null ? null : change(zone, (id) => zone.editRule(id, rule.id, changes[how]), `changed ${words(rule)}: ${how}`);
};

function rearmZone(scene: CloudflareScene, zone: Zone): string | null {
  const rule = rulesOf(zone).find((candidate) => candidate.ref === scene.rule.ref);
  if (rule !== undefined && isBlocking(zone, scene.ours.name) && rulesOf(zone)[0] === rule) return null;
  const body = { ...scene.rule, position: { index: 1 } };
  if (rule !== undefined) return change(zone, (id) => zone.editRule(id, rule.id, body), `put ${scene.rule.ref} right and first`);
  const last = rulesOf(zone).at(-1);
  if (last !== undefined && rulesOf(zone).length >= cloudflareLimits.rulesPerZone) zone.deleteRule(zone.ruleset?.id ?? "", last.id);
  return change(zone, (id) => zone.addRule(id, body), `made ${scene.rule.ref} again, first`);
}

/** An unmarked item on an address that we would block is in the way: the product tells so, and a person takes it out, however long that takes. */
function clearPlace(scene: CloudflareScene): string | null {
  const strangers = theirs(scene.ours).map((item) => item.ip);
  if (strangers.length === 0) return null;
  scene.account.edit(scene.ours, [], strangers);
  return `took ${strangers.join(", ")} out of our list`;
}

const rearm: Deed = (scene) => {
  const lines = [...scene.zones.map((zone) => rearmZone(scene, zone)), clearPlace(scene)].filter((line) => line !== null);
  return lines.length === 0 ? null : lines.join("; ");
};

export const cloudflareDeeds: Readonly<Record<HumanDeed, Deed>> = {
  "add-foreign": addForeign,
  "edit-foreign": editForeign,
  "remove-foreign": removeForeign,
  "add-in-our-place": addInOurPlace,
  "edit-ours": editOurs,
  "remove-ours": removeOurs,
  disarm,
  rearm,
};
