// The last word on every block that was promised: it stands at each target that it selects, or the product names why it does not, or it is over
// and gone. Compares three things: the ledger, what the product says, what the clouds hold. Pure.

import { cidrFromKey, cidrKey, contains, isWholly, overlaps } from "../../shared/address/index.ts";
import { familyOf, type Standing, type TargetName, targets } from "./clouds.ts";
import { keyOfText, Ledger } from "./ledger.ts";

/** One row of `GET /v1/blocks`. */
export interface Row {
  readonly ip: string;
  readonly until: string;
  readonly targets: Readonly<Record<string, { readonly state: string; readonly why?: string; readonly by?: string }>>;
}

export interface Verdict {
  /** State to how many blocks, per target; `over` for what nothing demands any more. */
  readonly states: Readonly<Record<TargetName, Readonly<Record<string, number>>>>;
  /** Not settled yet: a later look may find it right. */
  readonly waiting: readonly string[];
  /** Wrong. */
  readonly lost: readonly string[];
}

/** Ends this near are left to a later look. */
const marginMs = 5_000;

interface Told {
  readonly state: string;
  readonly why?: string;
  readonly by?: string;
}

function holds(wider: string, key: string): boolean {
  const [outer, inner] = [cidrFromKey(keyOfText(wider)), cidrFromKey(key)];
  return outer !== null && inner !== null && contains(outer, inner);
}

/** What is wrong with the word about a block that must be shut out at a target; null: nothing; `waiting`: not said yet. */
function faultOf(key: string, told: Told | undefined, standing: Standing): string | null {
  const stands = standing.keys.has(key);
  if (told === undefined) return "waiting: nothing is said of it";
  if (told.state === "enforced") return stands ? null : "is said to be enforced and does not stand";
  if (told.state === "covered") {
    const { by } = told;
    return by !== undefined && holds(by, key) && standing.keys.has(keyOfText(by))
      ? null
      : `is said to be covered by ${by}, which does not stand or does not hold it`;
  }
  if (told.state === "shed") return standing.hasRoom(familyOf(key)) && !stands ? "is said to have no room, and there is room" : null;
  // A rule of an NSG cannot hold a range and an address inside it: until the range goes, the range denies for both.
  if (told.state === "pending" && told.by !== undefined)
    return holds(told.by, key) && standing.keys.has(keyOfText(told.by)) ? null : `waiting: pending around ${told.by}`;
  if (told.state === "held" || told.state === "refused" || told.state === "observed") return null;
  return `waiting: ${told.state}${told.why === undefined ? "" : ` (${told.why})`}`;
}

/** What stands under a name that nobody asked for is made of what was asked for, with no bystander in it, while all of that lasts. */
function judgeMerged(
  key: string,
  target: TargetName,
  ledger: Pick<Ledger, "blocks" | "asked">,
  now: number,
  found: { readonly waiting: string[]; readonly lost: string[] },
): void {
  const whole = cidrFromKey(key);
  // What lies in it, and what it lies in: a part of a range that somebody asked for.
  const asked = whole === null ? [] : [...ledger.asked].flatMap((one) => cidrFromKey(one) ?? []).filter((one) => overlaps(whole, one));
  if (whole === null || !isWholly(whole, asked)) {
    found.lost.push(`${key} stands at ${target} and nobody asked for it`);
    return;
  }
  const live = asked.filter((one) => {
    const block = ledger.blocks.get(cidrKey(one));
    // Asked for and never answered: it may stand.
    return block === undefined || Ledger.until(block, target) > now;
  });
  if (!isWholly(whole, live)) found.waiting.push(`${key} stands at ${target}, and a part of it is over`);
}

export function judge(ledger: Pick<Ledger, "blocks" | "asked">, rows: readonly Row[], standing: Readonly<Record<TargetName, Standing>>, now: number): Verdict {
  const byKey = new Map(rows.map((row) => [keyOfText(row.ip), row]));
  const states: Record<TargetName, Record<string, number>> = { "aws-web": {}, "azure-hub": {}, edge: {} };
  const waiting: string[] = [];
  const lost: string[] = [];
  const count = (target: TargetName, state: string) => {
    states[target][state] = (states[target][state] ?? 0) + 1;
  };
  for (const [key, block] of ledger.blocks) {
    const row = byKey.get(key);
    for (const target of targets) {
      const until = Ledger.until(block, target);
      const name = `${block.wanted.cidr} at ${target}`;
      if (until <= now) {
        count(target, "over");
        // Ours for nothing: what still stands here serves nobody.
        if (standing[target].keys.has(key)) waiting.push(`${name} is over and stands`);
        continue;
      }
      if (until <= now + marginMs) {
        count(target, "ending");
        continue;
      }
      const told = row?.targets[target];
      count(target, told?.state ?? "unknown");
      if (row !== undefined && Date.parse(row.until) < until) lost.push(`${name} ends ${row.until}, promised until ${new Date(until).toISOString()}`);
      const fault = faultOf(key, told, standing[target]);
      if (fault !== null) (fault.startsWith("waiting") ? waiting : lost).push(`${name} ${fault}`);
    }
  }
  for (const target of targets) {
    for (const key of standing[target].keys) if (!ledger.asked.has(key)) judgeMerged(key, target, ledger, now, { waiting, lost });
  }
  return { states, waiting, lost };
}
