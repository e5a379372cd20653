// Tells in plain lines what happens at the simulated firewalls and at the door, as it happens. Reads only; decides nothing.
import { type Demo, watcherName } from "./demo.ts";
import type { Happening, WatchedFirewall } from "./page/console-view.ts";
import type { Journal } from "./page/journal.ts";
import { leaseOf, type Reading, readWorker } from "./page/worker-reader.ts";

type Say = (line: string) => void;

/** More standing addresses than this are counted, not listed. */
const listedMax = 4;
const standingEveryMs = 5_000;

/** A cloud that takes its time is no failure. */
const waitingCodes = /^PROVIDER_(?:PENDING|THROTTLED|CONFLICT): /;

/** What a pass says of a target that it did not finish: code and message. */
function unfinished(why: string): Happening {
  return waitingCodes.test(why) ? { tone: "note", text: `waiting: ${why.replace(waitingCodes, "")}` } : { tone: "refused", text: `failed: ${why}` };
}

function recordOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

/** Tells the journal what a person at the door should see of a line that the Worker logs. */
export function tellLogged(line: string, journal: Journal): void {
  const record = recordOf(line);
  const happening = doorHappening(record);
  if (happening !== null) journal.tell(null, happening);
  if (record.event !== "pass.done") return;
  for (const [target, why] of Object.entries(record.failed ?? {})) journal.tell(target, unfinished(String(why)));
}

function doorHappening(record: Readonly<Record<string, unknown>>): Happening | null {
  const { event, client, target, code, message, counts } = record;
  if (event === "http.answered") {
    const { "http.request.method": method, "http.route": route, "http.response.status_code": status } = record;
    const quiet = client === watcherName || (client === "admin" && method !== "POST");
    const tone = Number(status) >= 400 ? "refused" : "asks";
    return quiet ? null : { tone, text: `${String(client ?? "somebody")}: ${String(method)} ${String(route ?? "elsewhere")} → ${String(status)}` };
  }
  if (event === "alerts.not_taken") return { tone: "refused", text: `${String(client)}: some alerts were not taken: ${JSON.stringify(counts)}` };
  if (event === "http.failed") return { tone: "refused", text: `failed: ${String(code)} ${String(message ?? target ?? "")}` };
  return null;
}

function timeLeft(until: number, now: number): string {
  if (until <= now) return "its lease is over, it goes with the next pass";
  const seconds = Math.ceil((until - now) / 1_000);
  return seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
}

interface Standing {
  readonly address: string;
  readonly target: string;
  readonly until: number;
}

function standingAt({ target, view }: WatchedFirewall, reading: Reading): readonly Standing[] {
  const cidrs = view().tables.flatMap(({ rows }) => rows.flatMap((row) => row.cidrs));
  const shown = (cidr: string) => cidr.replace(/\/(?:32|128)$/, "");
  return cidrs.map((cidr) => ({ address: shown(cidr), target, until: leaseOf(reading, target, cidr)?.untilMs ?? 0 }));
}

/** What stands, where unless everywhere, and for how long; null when nothing does. */
async function standingLine(demo: Demo): Promise<string | null> {
  const reading = await readWorker({ url: () => demo.stack.url, key: demo.keys.watcher });
  const byAddress = new Map<string, readonly Standing[]>();
  for (const standing of demo.firewalls.flatMap((firewall) => standingAt(firewall, reading))) {
    byAddress.set(standing.address, [...(byAddress.get(standing.address) ?? []), standing]);
  }
  if (byAddress.size === 0) return null;
  const listed = [...byAddress].slice(0, listedMax).map(([address, places]) => {
    const where = places.length === demo.firewalls.length ? "" : ` at ${places.map(({ target }) => target).join(", ")}`;
    return `${address}${where} (${timeLeft(Math.max(...places.map(({ until }) => until)), Date.now())})`;
  });
  return `standing: ${listed.join(", ")}${byAddress.size > listedMax ? `, and ${byAddress.size - listedMax} more` : ""}`;
}

/** Starts telling: the firewalls to the journal, and the journal's entries to `say`. Returns what ends it. */
export function narrate(demo: Demo, journal: Journal, say: Say): () => void {
  const stamped = (atMs: number, line: string): void => say(`${new Date(atMs).toTimeString().slice(0, 8)}  ${line}`);
  const stops = [
    ...demo.firewalls.map(({ target, onHappening }) => onHappening((happening) => journal.tell(target, happening))),
    journal.onEntry(({ atMs, target, text }) => stamped(atMs, target === null ? text : `${target}: ${text}`)),
  ];
  let last = "";
  const timer = setInterval(async () => {
    // A sandbox that is being closed has nothing to tell.
    const line = (await standingLine(demo).catch(() => null)) ?? "";
    if (line !== last && line !== "") stamped(Date.now(), line);
    last = line;
  }, standingEveryMs);
  return () => {
    for (const stop of stops) stop();
    clearInterval(timer);
  };
}
