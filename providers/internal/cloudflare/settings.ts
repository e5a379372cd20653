// Parts of a target's settings that every kind of Cloudflare has: what may be written, and what to write instead when it is wrong.
import * as v from "valibot";

export function unknownKey(allowed: string) {
  return (issue: v.StrictObjectIssue) =>
    issue.expected === "never" ? `unknown key ${issue.received}; allowed here: ${allowed}` : `expected an object with ${allowed}`;
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

const endpointMessage = "endpoint must be a plain http(s) URL without user, query or fragment, such as https://api.cloudflare.com/client/v4";

/** Another base URL of the API. */
export const endpointSetting = v.pipe(v.string(endpointMessage), v.check(isEndpoint, endpointMessage));

/** An id of Cloudflare's, as its dashboard shows it. */
export function hexId(name: string, where: string) {
  const message = `${name} must be 32 lower-case hex digits, as ${where} shows them`;
  return v.pipe(v.string(message), v.regex(/^[0-9a-f]{32}$/, message));
}

export function wholeNumber(what: string, first: number, last: number) {
  const message = `${what} must be a whole number from ${first} to ${last}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(first, message), v.maxValue(last, message));
}
