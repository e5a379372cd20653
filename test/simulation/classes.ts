// Kinds of trouble and classes of interleavings that a long run must have met: one that never happens proves nothing, however green it is.
// Each is matched against the names that `report.ts` counts. Owns the list; knows nothing of how they come about.

/** From this many histories on, every class must have happened. */
export const seedsForAll = 1_000;

const targets = ["web", "hub", "edge"];
const each = (names: readonly string[], what: (name: string) => string): readonly string[] => names.map(what);

export const classes: readonly string[] = [
  // what callers and operators do
  ...each(
    ["alerts", "block", "deploy", "double-tick", "feed", "hostile", "human", "lift", "quota", "read", "repeat", "stop", "storm"],
    (what) => `did: ${what}`,
  ),
  ...each(["no-key", "replayed", "tampered", "wrong-key", "wrong-scope"], (how) => `hostile: ${how}`),
  ...each(["max-entries", "observe", "protect", "same"], (kind) => `deploy: ${kind}`),
  ...each(["drain", "freeze"], (action) => `stop: ${action}`),
  "caller: sent again what was lost",
  // what answers say
  ...each(["covered", "enforced", "failed", "held", "observed", "pending", "refused", "shed"], (state) => `answered: ${state}`),
  ...each(["created", "exempt", "refused", "renewed", "unchanged"], (status) => `answered: item ${status}`),
  ...each(["200", "503"], (status) => `answered: feed HTTP ${status}`),
  // clouds
  ...targets.flatMap((target) => [
    ...each(["drop", "error", "garbage", "hang"], (kind) => `${target}: ${kind} before the effect`),
    ...each(["drop", "error", "garbage", "hang"], (kind) => `${target}: ${kind} after the effect`),
    ...each(
      ["busy", "changed by us", "failing", "no answer in time", "poison", "slow", "throttle", "throttle with Retry-After"],
      (kind) => `${target}: ${kind}`,
    ),
  ]),
  ...each(["add-foreign", "add-in-our-place", "disarm", "edit-foreign", "edit-ours", "rearm", "remove-foreign", "remove-ours"], (deed) => `human: ${deed}`),
  // clocks
  "clock jumped ahead",
  "clock was set back",
  "tick skipped",
  // the store
  "kv list missed a live record",
  "kv list page was empty and not the last",
  "kv read was stale",
  "kv read missed a live record",
  "kv miss was cached",
  "kv put failed: outage",
  "kv get failed: outage",
  "kv list failed: outage",
  "kv write failed after it was taken",
  "kv write refused for its rate",
  "deno kv commit failed after it was made",
  "deno kv commit failed: outage",
  "deno kv getMany failed: outage",
  "store: another one's mark",
  "store: a record cannot be read",
  "store: records lost",
  "store: many records lost",
  "store: without its id",
  // lives that end, and what they leave half done
  ...each(["duplicate", "evict", "kill", "unreachable", "wipe"], (deed) => `platform: ${deed}`),
  "killed: an answer came too late",
  "killed: its request took effect, nobody heard the answer",
  "killed: its request was lost on the way",
  "killed: isolate in a request",
  "killed: isolate in a tick",
  "killed: object in a pass",
  "killed: object in a request",
  "killed: unflushed writes were lost",
  "killed: instance in a pass with the lock",
  "killed: instance in a request",
  "killed: instance in a request with the lock",
  "killed: instance in a tick with the lock",
  "suspended: instance in a pass with the lock",
  "suspended: instance in a request",
  "instance suspended past its lock",
  "instance suspended with a call on its lips",
  "stopped: instance in a pass with the lock",
  "deployment ended a pass",
  "object answered with the code before the deployment",
  "old isolate served after a deployment",
  "object evicted in a pass",
  "object slept",
  "object wiped",
  "object unreachable",
  "rpc did not reach the object",
  "rpc answer lost after accept",
  "rpc answer lost after lift",
  "rpc answer lost after stop",
  "rpc answer lost after tick",
  ...each(["accept", "lift", "settle", "stop", "tick"], (verb) => `object ended during ${verb}`),
  "coordinator's memory wiped",
  // who runs beside whom
  "accept beside a pass",
  "accepted beside the lock",
  "alarm beside a pass",
  "alarm retried",
  "lift beside a pass",
  "request beside a pass",
  "settle beside a pass",
  "stop beside a pass",
  "tick beside a pass",
  "tick beside another tick",
  "object duplicated",
  "object duplicated in a pass",
  "zombie's write refused",
  "lock changed hands",
  "lock taken over from one that lives",
  "lock taken over from the dead",
  "lock: a write of one that had lost it was refused",
  "lock: two took it at once",
  // few rules
  ...each(["lowered", "raised"], (how) => `quota: ${how}`),
  ...each(["stands below", "moved up again", "full below too"], (what) => `spill: ${what}`),
  ...each(
    ["the quota changed", "add-foreign", "remove-foreign", "remove-ours", "max-entries deployed", "observe deployed", "protect deployed"],
    (what) => `spill: ${what} meanwhile`,
  ),
  "changed in a quiet stretch",
  // the end
  "came right",
  "was silent",
  "asked again: HTTP 202",
  "was gone",
];

/** Those that never happened; none are asked for in a short run. */
export function missing(counts: ReadonlyMap<string, number>, histories: number): readonly string[] {
  return histories < seedsForAll ? [] : classes.filter((name) => (counts.get(name) ?? 0) === 0);
}
