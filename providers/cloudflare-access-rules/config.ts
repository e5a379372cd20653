// The cloudflare-access-rules part of a target in `portcullis.yaml`, and the words that our rules bear in their notes.
// Emits plain JSON that it accepts again unchanged. Refuses unknown keys; holds no secret.
import * as v from "valibot";
import { endpointSetting, hexId, unknownKey, wholeNumber } from "../internal/cloudflare/settings.ts";
import { accessLimits } from "./limits.ts";

const levels = {
  account: v.exactOptional(hexId("account", "the account's overview page")),
  zone: v.exactOptional(hexId("zone", "the zone's overview page")),
};
const oneLevel = "write either account (for all its zones) or zone (for that one), not both and not neither";

/** What `discover` needs. */
export const searchSchema = v.strictObject(
  { account: levels.account, endpoint: v.exactOptional(endpointSetting) },
  unknownKey("account (to look in that one only), endpoint"),
);

export const settingsSchema = v.pipe(
  v.strictObject(
    {
      ...levels,
      rules: v.optional(wholeNumber("rules (the account's quota of IP Access rules)", 1, 1_000_000), accessLimits.rulesPerAccount),
      endpoint: v.exactOptional(endpointSetting),
    },
    unknownKey("account or zone, rules, endpoint"),
  ),
  v.check(({ account, zone }) => (account === undefined) !== (zone === undefined), oneLevel),
);

export type AccessRulesSettings = v.InferOutput<typeof settingsSchema>;

/** The account or the zone: what its rules are written to. */
export interface Level {
  readonly name: "account" | "zone";
  readonly id: string;
}

export function levelOf({ account, zone }: Pick<AccessRulesSettings, "account" | "zone">): Level {
  return zone === undefined ? { name: "account", id: account ?? "" } : { name: "zone", id: zone };
}

export function levelText({ name, id }: Level): string {
  return `${name} ${id}`;
}

/**
 * The rule that holds the claim, for nothing else at an account or a zone can: it blocks an address that is nobody's. RFC 5737 keeps
 * 192.0.2.0/24 for documentation, and Cloudflare's own pages write such addresses into rules (parameters, 2026-11-20).
 */
export const claimValue = "192.0.2.255";

const claimPattern = /^portcullis claim store=([\w.:/=+@-]{1,256})(?:\s|$)/;

export function claimNotes(storeId: string): string {
  return `portcullis claim store=${storeId} (blocks a documentation address only; delete it and Portcullis stops)`;
}

/** The store that these notes claim for; null when they claim nothing. */
export function claimOf(notes: string): string | null {
  return claimPattern.exec(notes)?.[1] ?? null;
}
