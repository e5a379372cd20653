// Which of two ends is outside, where a source names both and no direction. Only addresses that nobody routes tell that.
import { CidrSet, cidrOf, parseCidr } from "../address/index.ts";

/** RFC 1918, RFC 6598, RFC 1122 loopback, RFC 3927 and RFC 4193, RFC 4291 link local. */
const inner = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"];
const set = new CidrSet(inner.map((text) => ({ cidr: cidrOf(text), label: text })));

/** Whether it is an address of the inside; null when it is no address. */
export function isInner(value: unknown): boolean | null {
  const read = typeof value === "string" ? parseCidr(value) : null;
  return read?.ok === true ? set.overlapping(read.value) !== null : null;
}

/** Of the connection from `client` to `server`: null where both or none are inside, or one is missing. */
export function directionOf(client: unknown, server: unknown): "inbound" | "outbound" | null {
  const [from, to] = [isInner(client), isInner(server)];
  if (from === null || to === null || from === to) return null;
  return from ? "outbound" : "inbound";
}
