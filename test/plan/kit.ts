// Needs, entries and pools in few words, for tests that call one part of a plan by itself.
import { type Cidr, cidrKey, cidrOf, cidrText } from "../../shared/address/index.ts";
import type { Need } from "../../shared/plan/need.ts";
import type { Entry, Pool } from "../../shared/provider.ts";

/** A host of 203.0.113.0/24 by its number, or any block by its text. */
export function blockOf(of: number | string): Cidr {
  return cidrOf(typeof of === "number" ? `203.0.113.${of}` : of);
}

export function need(of: number | string, more: Partial<Pick<Need, "until" | "severity" | "at" | "weight">> = {}): Need {
  const cidr = blockOf(of);
  return { key: cidrKey(cidr), cidr, until: 9, severity: 1, at: 0, weight: 1, ...more };
}

export function entry(of: number | string, partial: string | null = null): Entry {
  return { id: `entry ${of}`, cidr: blockOf(of), partial };
}

export function poolsOf(v4: number, v6 = 0): readonly Pool[] {
  return [
    { name: "v4", families: [4], limit: v4 },
    { name: "v6", families: [6], limit: v6 },
  ];
}

/** In the given order: a host of 203.0.113.0/24 as its number, anything else as text. */
export function namesOf(list: readonly { readonly cidr: Cidr }[]): readonly (number | string)[] {
  return list.map(({ cidr }) => {
    const text = cidrText(cidr);
    return text.startsWith("203.0.113.") && text.endsWith("/32") ? Number(text.slice("203.0.113.".length, -"/32".length)) : text;
  });
}
