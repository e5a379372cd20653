// Decides whether a client may act on an address and as which block: widening, the client's limits, the protect list.
// Pure: the same address, client and config give the same answer. Refuses to know where the address came from.
import { type Cidr, displayCidr, overlaps, widenTo } from "../address/index.ts";
import type { ClientConfig, Config } from "../config.ts";
import { limits } from "../limits.ts";
import { durationText } from "./duration.ts";
import type { Problem } from "./problem.ts";

/** What must never be blocked; made by `createProtection` in `shared/protect/`. */
export interface Protection {
  find(cidr: Cidr): { readonly range: string; readonly source: string } | null;
}

export interface Judge {
  readonly config: Config;
  readonly clientName: string;
  readonly client: ClientConfig;
  readonly protection: Protection;
  /** The caller's own address; null when unknown. */
  readonly own: Cidr | null;
}

export interface Judged {
  readonly cidr: Cidr;
  /** What was changed from what was asked, in words. */
  readonly adjustments: readonly string[];
  readonly problems: readonly Problem[];
}

type FamilyName = "ipv4" | "ipv6";

function familyName(cidr: Cidr): FamilyName {
  return cidr.family === 4 ? "ipv4" : "ipv6";
}

/** The block that a lease, a lift or an exemption for `asked` is about: the default widening applied. */
export function widened(asked: Cidr, config: Config): { readonly cidr: Cidr; readonly adjustments: readonly string[] } {
  const cidr = widenTo(asked, config.defaults.widen[familyName(asked)]);
  if (cidr.length === asked.length) return { cidr, adjustments: [] };
  return {
    cidr,
    adjustments: [`widened from ${displayCidr(asked)} to ${displayCidr(cidr)}: one ${familyName(asked)} host can use all of it (defaults.widen)`],
  };
}

/** The absolute limit on how wide a block may be, whatever the client's own. */
export function absoluteWidthProblems(cidr: Cidr, field: string): readonly Problem[] {
  const family = familyName(cidr);
  const allowed = limits.shortestPrefix[family];
  if (cidr.length >= allowed) return [];
  const reason = `${displayCidr(cidr)} is too wide: nobody may go wider than /${allowed}; name narrower blocks`;
  return [{ code: "FORBIDDEN", field, reason, facts: { limit: `shortestPrefix.${family}`, allowed, asked: cidr.length } }];
}

/** The absolute limit, and the client's own where that is narrower. */
export function widthProblems(cidr: Cidr, field: string, judge: Judge): readonly Problem[] {
  const absolute = absoluteWidthProblems(cidr, field);
  const family = familyName(cidr);
  const allowed = judge.client.widest[family];
  if (absolute.length > 0 || cidr.length >= allowed) return absolute;
  const setting = `clients.${judge.clientName}.widest.${family}`;
  const reason = `${displayCidr(cidr)} is too wide: client ${judge.clientName} may go no wider than /${allowed} (${setting}); name narrower blocks`;
  return [{ code: "FORBIDDEN", field, reason, facts: { limit: `widest.${family}`, allowed, asked: cidr.length } }];
}

function protectedProblems(cidr: Cidr, field: string, judge: Judge): readonly Problem[] {
  if (judge.own !== null && overlaps(judge.own, cidr)) {
    const range = displayCidr(judge.own);
    return [
      {
        code: "PROTECTED",
        field,
        reason: `${displayCidr(cidr)} holds the caller's own address ${range}, and blocking it would lock the caller out; send this from elsewhere if it is meant`,
        facts: { range, source: "the caller's own address" },
      },
    ];
  }
  const found = judge.protection.find(cidr);
  if (found === null) return [];
  return [
    {
      code: "PROTECTED",
      field,
      reason: `${displayCidr(cidr)} touches ${found.range}, which is protected by ${found.source}; it is never blocked, so correct the address or the protect list`,
      facts: { range: found.range, source: found.source },
    },
  ];
}

/** What blocking `asked` would come to for this client. With problems, nothing may be recorded. */
export function judgeBlock(asked: Cidr, field: string, judge: Judge): Judged {
  const { cidr, adjustments } = widened(asked, judge.config);
  return { cidr, adjustments, problems: [...widthProblems(cidr, field, judge), ...protectedProblems(cidr, field, judge)] };
}

/** The longest lease this client may ask for. */
export function longestMs(client: ClientConfig): number {
  return Math.min(client.longestMs, limits.leaseLongestMs);
}

/** What is wrong with a lease of `forMs` for this client. */
export function durationProblems(forMs: number, judge: Judge): readonly Problem[] {
  const longest = longestMs(judge.client);
  const shortest = judge.config.defaults.shortestMs;
  if (forMs > longest) {
    const reason = `${durationText(forMs)} is longer than the ${durationText(longest)} that client ${judge.clientName} may ask for (clients.${judge.clientName}.longest)`;
    return [{ code: "FORBIDDEN", field: "for", reason, facts: { limit: "longest", allowed: durationText(longest), asked: durationText(forMs) } }];
  }
  if (forMs < shortest) {
    const reason = `${durationText(forMs)} is shorter than the shortest lease, ${durationText(shortest)}; ask for at least that`;
    return [{ code: "INVALID_INPUT", field: "for", reason, facts: { limit: "shortest", allowed: durationText(shortest), asked: durationText(forMs) } }];
  }
  return [];
}

/** Which targets are selected (null: every one), and what is wrong with the names asked for. */
export function selectTargets(
  asked: readonly string[] | undefined,
  judge: Judge,
): { readonly targets: readonly string[] | null; readonly problems: readonly Problem[] } {
  if (asked === undefined) return { targets: judge.client.targets, problems: [] };
  const problems: Problem[] = [];
  for (const [at, name] of asked.entries()) {
    const field = `targets[${at}]`;
    const allowed = judge.client.targets ?? Object.keys(judge.config.targets);
    if (judge.client.targets !== null && !allowed.includes(name)) {
      problems.push({
        code: "FORBIDDEN",
        field,
        reason: `client ${judge.clientName} may select ${allowed.join(", ") || "no target"} only`,
        facts: { limit: "targets", allowed },
      });
    } else if (!Object.hasOwn(judge.config.targets, name)) {
      problems.push({ code: "INVALID_INPUT", field, reason: `names no target of this deployment; there are ${allowed.join(", ") || "none"}` });
    }
  }
  return { targets: asked, problems };
}
