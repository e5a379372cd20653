// The cloudflare-list part of a target in `portcullis.yaml`: what may be written, and what to write instead when it is wrong.
// Emits plain JSON that it accepts again unchanged. Refuses unknown keys; holds no secret.
import * as v from "valibot";
import { cloudflareLimits, ours } from "./limits.ts";

function unknownKey(allowed: string) {
  return (issue: v.StrictObjectIssue) =>
    issue.expected === "never" ? `unknown key ${issue.received}; allowed here: ${allowed}` : `expected an object with ${allowed}`;
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function hexId(name: string, where: string) {
  const message = `${name} must be 32 lower-case hex digits, as ${where} shows them`;
  return v.pipe(v.string(message), v.regex(/^[0-9a-f]{32}$/, message));
}

function wholeNumber(what: string, first: number, last: number) {
  const message = `${what} must be a whole number from ${first} to ${last}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(first, message), v.maxValue(last, message));
}

const endpointMessage = "endpoint must be a plain http(s) URL without user, query or fragment, such as https://api.cloudflare.com/client/v4";
const listMessage = `list must be 1 to ${cloudflareLimits.listNameChars} characters of a-z, 0-9 and _, such as portcullis`;
const zonesMessage = `zones must be a list of at most ${ours.zonesMax} different zone ids`;

const account = {
  account: hexId("account", "the account's overview page"),
  endpoint: v.exactOptional(v.pipe(v.string(endpointMessage), v.check(isEndpoint, endpointMessage))),
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

/** Begins the comment of each item of ours. Comments cannot be changed in place, so nothing that changes stands in them. */
const commentMark = "portcullis";

export function commentOf(storeId: string | null): string {
  return storeId === null ? commentMark : `${commentMark}:${storeId}`;
}

/** Any store's mark: which store a list belongs to is written on the list. */
export function isOurComment(comment: string | null | undefined): boolean {
  return comment === commentMark || comment?.startsWith(`${commentMark}:`) === true;
}

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
