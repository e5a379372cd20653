// The mark of ownership: words in an IP set's description that name the store and the target's other set. It comes back with every
// GetIPSet, and every UpdateIPSet writes it again together with the addresses, under one lock token. Pure.
import type { SetName } from "./config.ts";

export interface Mark {
  readonly store: string;
  /** Id of the set that was claimed together with this one; null: it was claimed alone. */
  readonly partner: string | null;
}

const pattern = /(?:^|\s)portcullis:store=([\w.:/=+@-]{1,200}) portcullis:with=([0-9a-f-]{36}|none)(?=\s|$)/;

export function markOf(description: string): Mark | null {
  const [, store, partner] = pattern.exec(description) ?? [];
  if (store === undefined || partner === undefined) return null;
  return { store, partner: partner === "none" ? null : partner };
}

/** What a set of this target says when it is claimed whole. */
export function withMark(description: string, store: string, set: SetName): string {
  return `${words(description)} portcullis:store=${store} portcullis:with=${set.partner ?? "none"}`.trim();
}

/** Never empty: what an update without a description does to the one that stands is not documented. */
export function withoutMark(description: string): string {
  return words(description) || "Released by Portcullis";
}

function words(description: string): string {
  return description.replace(pattern, "").trim();
}

/** Whether the mark is what this target's claim writes there. */
export function isOf(mark: Mark, set: SetName): boolean {
  return mark.partner === set.partner;
}
