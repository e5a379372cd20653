// GET /v1/feed.txt: live blocks as a plain list, for firewalls that pull. A puller takes the list for the whole truth, so
// what is not whole is refused (503), never served shorter.
import { type Cidr, cidrFromKey, compareCidrs, displayCidr } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { type BlockRow, type Snapshot, statesOf } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { sha256Hex } from "../auth/keys.ts";
import { liveRows } from "./block-list.ts";
import type { Call, GuardedRoute } from "./call.ts";
import { readQuery } from "./path.ts";
import { problemResponse, securityHeaders } from "./problem.ts";

/**
 * Whether a block belongs on the list: not while the brake holds every lease of it, nor when every target refuses it
 * (protected, exempt). A frozen target reports `held` too, but a freeze stops our writing and opens no gates: those stay.
 */
function isListed(row: BlockRow, snapshot: Snapshot, now: EpochMs): boolean {
  const live = row.records.filter((record) => record.until > now);
  if (live.length > 0 && live.every((record) => record.held && record.at > snapshot.stop.releasedAt)) return false;
  const states = Object.values(statesOf(snapshot, row));
  return states.length === 0 || !states.every(({ state }) => state === "refused");
}

function listedBlocks(snapshot: Snapshot, family: string | undefined, call: Call): readonly Cidr[] | null {
  const blocks: Cidr[] = [];
  for (const row of liveRows(snapshot, call.now)) {
    const cidr = cidrFromKey(row.key);
    if (cidr === null) return null;
    const wanted = family === undefined || String(cidr.family) === family;
    // The protect list of this deployment has the last word, also over a snapshot from before it.
    if (wanted && isListed(row, snapshot, call.now) && call.deps.protection.find(cidr) === null) blocks.push(cidr);
  }
  return blocks.sort(compareCidrs);
}

/** Weak comparison, as RFC 9110 13.1.2 asks for GET. */
function isUnchanged(header: string | null, tag: string): boolean {
  if (header === null) return false;
  return header.split(",").some((candidate) => candidate.trim() === "*" || candidate.trim().replace(/^W\//, "") === tag);
}

function notWhole(why: string): Response {
  return problemResponse(new PortcullisError("DESIRED_INCOMPLETE", `The list is not served because it would not be whole: ${why}. Keep the list you have.`));
}

async function serveFeed(call: Call): Promise<Response> {
  const query = readQuery(call.url, ["family"]);
  if (!query.ok) return problemResponse(query.error);
  const family = query.value.get("family");
  if (family !== undefined && family !== "4" && family !== "6") {
    return problemResponse(new PortcullisError("INVALID_INPUT", "family must be 4 or 6; leave it out for both.", { field: "family" }));
  }
  const snapshot = await call.coordinator.snapshot();
  if (snapshot === null || snapshot.fullAt === null) return notWhole("no full pass has reported yet");
  if (!snapshot.complete) return notWhole(snapshot.incompleteWhy ?? "the last listing was not complete");
  const blocks = listedBlocks(snapshot, family, call);
  if (blocks === null) return notWhole("the snapshot holds a block that cannot be read");
  const body = blocks.map((cidr) => `${displayCidr(cidr)}\n`).join("");
  const tag = `"${(await sha256Hex(body)).slice(0, 32)}"`;
  const headers = { ...securityHeaders, "cache-control": "private, no-cache", etag: tag };
  if (isUnchanged(call.request.headers.get("if-none-match"), tag)) return new Response(null, { status: 304, headers });
  return new Response(body, { status: 200, headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
}

export const readFeed: GuardedRoute = { method: "GET", path: "/v1/feed.txt", access: "feed", operation: null, handle: serveFeed };
