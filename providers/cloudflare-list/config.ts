// The cloudflare-list part of a target in `portcullis.yaml`: what may be written, and what to write instead when it is wrong.
// Emits plain JSON that it accepts again unchanged. Refuses unknown keys; holds no secret.
import * as v from "valibot";
import { endpointSetting, hexId, unknownKey, wholeNumber } from "../internal/cloudflare/settings.ts";
import { cloudflareLimits, ours } from "./limits.ts";

export { isOurMark as isOurComment, markOf as commentOf } from "../internal/cloudflare/marks.ts";

const listMessage = `list must be 1 to ${cloudflareLimits.listNameChars} characters of a-z, 0-9 and _, such as portcullis`;
const zonesMessage = `zones must be a list of at most ${ours.zonesMax} different zone ids`;

const account = {
  account: hexId("account", "the account's overview page"),
  endpoint: v.exactOptional(endpointSetting),
};

/** What `discover` needs: the account, not yet a list. */
export const accountSchema = v.strictObject(account, unknownKey("account, endpoint"));

export const settingsSchema = v.strictObject(
  {
    ...account,
    list: v.pipe(v.string(listMessage), v.regex(/^[a-z0-9_]{1,50}$/, listMessage)),
    zones: v.pipe(
      v.array(hexId("each of zones", "a zone's overview page"), zonesMessage),
      v.check((zones) => zones.length <= ours.zonesMax && new Set(zones).size === zones.length, zonesMessage),
    ),
    shared: v.optional(v.picklist(["refuse", "allow"], "shared must be refuse (a list of our own) or allow (a list that others write to)"), "refuse"),
    items: v.optional(wholeNumber("items (the account's quota of items over all its lists)", 1, 1_000_000), cloudflareLimits.itemsPerAccount),
    ipv6: v.optional(wholeNumber("ipv6 (longest IPv6 prefix to send)", 32, 128), 64),
  },
  unknownKey("account, list, zones, shared, items, ipv6, endpoint"),
);

export type CloudflareAccount = v.InferOutput<typeof accountSchema>;
export type CloudflareListSettings = v.InferOutput<typeof settingsSchema>;

/** The claim, as words in the list's description. */
const claimPattern = /(?:^|\s)portcullis:store=([\w.:/=+@-]{1,256})/;

export function claimOf(description: string): string | null {
  return claimPattern.exec(description)?.[1] ?? null;
}

export function withClaim(description: string, storeId: string): string {
  return `${withoutClaim(description)} portcullis:store=${storeId}`.trim();
}

export function withoutClaim(description: string): string {
  return description.replace(claimPattern, "").trim();
}

/** The custom rule that makes the list count in a zone. */
export function ruleOf(list: string) {
  return {
    ref: `portcullis_${list}`,
    description: `Portcullis: block list ${list}`,
    expression: `(ip.src in $${list})`,
    action: "block",
    enabled: true,
  } as const;
}

export const phase = "http_request_firewall_custom";
