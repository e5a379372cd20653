// From rules to the core's observation and back to words: whose a rule is, what room is left, which allow rule is in the way. Pure.
import { type Cidr, CidrIndex, cidrText, displayCidr, isHost, parseCidr } from "../../shared/address/index.ts";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, ForeignEntry, Observation, Taken } from "../../shared/provider.ts";
import { isOurMark } from "../internal/cloudflare/marks.ts";
import { type AccessRulesSettings, claimOf, claimValue, type Level, levelOf, levelText } from "./config.ts";
import { accessLimits } from "./limits.ts";
import type { NativeRule, NativeZone } from "./read.ts";

/** Target and value as Cloudflare wants them. */
export function nativeOf(cidr: Cidr): { readonly target: string; readonly value: string } {
  return { target: isHost(cidr) ? (cidr.family === 4 ? "ip" : "ip6") : "ip_range", value: displayCidr(cidr) };
}

export function fits(cidr: Cidr): boolean {
  return accessLimits.lengths[cidr.family].some((length) => length === cidr.length);
}

/** The address that a rule is about; null for a country or a network. */
function cidrOfRule(rule: NativeRule): Cidr | null {
  if (!["ip", "ip6", "ip_range"].includes(rule.target)) return null;
  const parsed = parseCidr(rule.value);
  return parsed.ok ? parsed.value : null;
}

/** A zone shows its account's rules too; they are another target's, and cannot be deleted here. An account shows none of its zones'. */
function isOfLevel(rule: NativeRule, level: Level): boolean {
  return level.name === "zone" ? rule.scope === null || rule.scope === "zone" : rule.scope !== "zone";
}

export function isOurs(rule: NativeRule, level: Level): boolean {
  return isOfLevel(rule, level) && rule.mode === "block" && isOurMark(rule.notes) && ["ip", "ip6", "ip_range"].includes(rule.target);
}

function isClaim(rule: NativeRule, level: Level): boolean {
  return isOfLevel(rule, level) && rule.mode === "block" && rule.value === claimValue && claimOf(rule.notes) !== null;
}

/** `here/whitelist/203.0.113.7`: whose level, what it does, to what. Read again by `Allows`. */
const foreignPattern = /^(here|above)\/(\w+)\/(.+)$/;

function foreignOf(rule: NativeRule, level: Level): ForeignEntry {
  const cidr = cidrOfRule(rule);
  const value = cidr === null ? rule.value.slice(0, 64) : displayCidr(cidr);
  const where = isOfLevel(rule, level) ? "here" : "above";
  const mode = /^\w{1,32}$/.test(rule.mode) ? rule.mode : "unknown";
  const at = where === "here" ? "" : ", at another level";
  const said = isClaim(rule, level) ? `the claim of store ${claimOf(rule.notes)}, which blocks nobody's address` : `${mode} rule, not ours`;
  return { id: `${where}/${mode}/${value}`, summary: `${value}: ${said}${at}` };
}

/** Somebody else's rules that let addresses through: Allow takes precedence over Block (WAF, IP Access rules, actions, 2026-11-20). */
export class Allows {
  readonly #index: CidrIndex<Cidr>;

  constructor(foreign: readonly ForeignEntry[]) {
    const allowed = foreign.flatMap(({ id }) => {
      const [, , mode, value = ""] = foreignPattern.exec(id) ?? [];
      const parsed = mode === "whitelist" ? parseCidr(value) : null;
      return parsed?.ok === true ? [parsed.value] : [];
    });
    this.#index = new CidrIndex(allowed, (cidr) => cidr);
  }

  /** Why a block of this does not stop all of it; null: no allow rule touches it. */
  partialOf(cidr: Cidr): string | null {
    const [allowed] = this.#index.overlapping(cidr);
    if (allowed === undefined) return null;
    return `somebody else's rule allows ${displayCidr(allowed)}, and Allow comes before Block: delete that rule if ${displayCidr(cidr)} is to be blocked whole`;
  }
}

const does: Readonly<Record<string, string>> = {
  block: "blocks it already",
  whitelist: "allows it, so that it is not blocked",
  challenge: "challenges it instead",
  js_challenge: "challenges it instead",
  managed_challenge: "challenges it instead",
};

/** Why ours cannot be made where somebody else's rule of this level stands. */
function takenWhy({ mode }: NativeRule, level: Level): string {
  const what = Object.hasOwn(does, mode) ? does[mode] : "does something else";
  return `somebody else's rule for it at ${levelText(level)} ${what}, and is not touched; an address has one rule, so delete that one if ours is to stand`;
}

export interface Split {
  readonly ours: readonly Entry[];
  readonly foreign: readonly ForeignEntry[];
  /** Addresses that have somebody else's rule at this level. */
  readonly taken: readonly Taken[];
  /** Cloudflare's id of each of ours, by ours. */
  readonly ruleIds: ReadonlyMap<string, string>;
  readonly claim: { readonly storeId: string; readonly ruleId: string } | null;
}

/** Sorts rules by level and mark. A rule of ours that is no address makes the whole unreadable. */
export function split(rules: readonly NativeRule[], level: Level): Result<Split> {
  const standing: Cidr[] = [];
  const foreign: ForeignEntry[] = [];
  const taken: Taken[] = [];
  const ruleIds = new Map<string, string>();
  let claim: Split["claim"] = null;
  for (const rule of rules) {
    const cidr = cidrOfRule(rule);
    if (isClaim(rule, level)) claim = { storeId: claimOf(rule.notes) ?? "", ruleId: rule.id };
    if (!isOurs(rule, level)) {
      foreign.push(foreignOf(rule, level));
      if (cidr !== null && isOfLevel(rule, level)) taken.push({ cidr, why: takenWhy(rule, level) });
      continue;
    }
    if (cidr === null) {
      const what = `${levelText(level)} has a rule of ours that is no address: ${rule.value.slice(0, 64)}`;
      return fail("PROVIDER_UNAVAILABLE", `${what}; nothing is concluded`);
    }
    standing.push(cidr);
    ruleIds.set(displayCidr(cidr), rule.id);
  }
  const allows = new Allows(foreign);
  return ok({ ours: standing.map((cidr) => entryOf(cidr, allows)), foreign, taken, ruleIds, claim });
}

/** An address has one rule at a level, so its value is the entry's id, known before Cloudflare gives its own. */
export function entryOf(cidr: Cidr, allows: Allows): Entry {
  return { id: displayCidr(cidr), cidr, partial: allows.partialOf(cidr) };
}

function notEnforcing(zone: NativeZone | null): string | null {
  if (zone === null) return null;
  if (zone.paused) return `zone ${zone.name} is paused: its traffic does not pass Cloudflare; resume it`;
  return zone.status === "active" ? null : `zone ${zone.name} is ${zone.status}, not active: its traffic does not pass Cloudflare yet`;
}

export interface Seen {
  readonly settings: AccessRulesSettings;
  readonly split: Split;
  /** Null for an account: that it enforces needs no more than the rule. */
  readonly zone: NativeZone | null;
  /** The account was found to hold no more than it does, whatever the configured quota says. */
  readonly isFull: boolean;
  readonly serverDate: EpochMs | null;
}

export function observationOf({ settings, split: found, zone, isFull, serverDate }: Seen): Observation {
  const { ours, foreign, taken, claim } = found;
  const why = notEnforcing(zone);
  // What Cloudflare took in has its place: others' rules leave less room for more, and never take ours away.
  const limit = isFull ? ours.length : Math.max(settings.rules - foreign.length, ours.length);
  return {
    ours,
    foreign,
    taken,
    pools: [{ name: "IP Access rules of the account", families: [4, 6], limit }],
    storeId: claim?.storeId ?? null,
    enforcing: why === null ? { yes: true } : { yes: false, why },
    terminal: null,
    serverDate,
  };
}

/** Entries as an operator reads them, at most a few. */
export function namesOf(entries: readonly Entry[]): string {
  const shown = entries.slice(0, 5).map((entry) => cidrText(entry.cidr));
  return entries.length > shown.length ? `${shown.join(", ")} and ${entries.length - shown.length} more` : shown.join(", ");
}

export function placeText(settings: AccessRulesSettings): string {
  return levelText(levelOf(settings));
}
