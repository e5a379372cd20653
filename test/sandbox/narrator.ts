// Tells in plain lines what happens at the simulated firewalls and at the door, as it happens. Reads only; decides nothing.
import { type Demo, watcherName } from "./demo.ts";
import type { Happening, WatchedFirewall } from "./page/console-view.ts";
import type { Journal } from "./page/journal.ts";
import { leaseOf, type Reading, readWorker } from "./page/worker-reader.ts";

type Say = (line: string) => void;

/** More standing addresses than this are counted, not listed. */
const listedMax = 4;
const standingEveryMs = 5_000;

/** What to tell of a line that the Worker logs, where a person at the door should see it; null for the rest. */
export function logHappening(text: string): Happening | null {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { event, route, client, status, failed, target, code, message, counts } = record;
  if (event === "http.answered") {
    const quiet = client === watcherName || (client === "admin" && !String(route).startsWith("POST"));
    const tone = Number(status) >= 400 ? "refused" : "asks";
    return quiet ? null : { tone, text: `${String(client)}: ${String(route)} → ${String(status)}` };
  }
  if (event === "alerts.not_taken") return { tone: "refused", text: `${String(client)}: some alerts were not taken: ${JSON.stringify(counts)}` };
  if (event === "pass.done" && Object.keys(failed ?? {}).length > 0) return { tone: "refused", text: `a pass failed at ${JSON.stringify(failed)}` };
  if (event === "http.failed") return { tone: "refused", text: `failed: ${String(code)} ${String(message ?? target ?? "")}` };
  return null;
}

function timeLeft(until: number | undefined, now: number): string {
  if (until === undefined || until <= now) return "its lease is over, it goes with the next pass";
  const seconds = Math.ceil((until - now) / 1_000);
  return seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
}

/** What stands at one firewall and for how long; null when nothing does. */
function standingLine({ target, view }: WatchedFirewall, reading: Reading, now: number): string | null {
  const standing = view().tables.flatMap(({ rows }) => rows.flatMap((row) => row.cidrs));
  if (standing.length === 0) return null;
  const listed = standing.slice(0, listedMax).map((cidr) => `${cidr} (${timeLeft(leaseOf(reading, target, cidr)?.untilMs, now)})`);
  const more = standing.length > listedMax ? `, and ${standing.length - listedMax} more` : "";
  return `${target}: standing: ${listed.join(", ")}${more}`;
}

async function standingLines(demo: Demo): Promise<readonly string[]> {
  const reading = await readWorker({ url: () => demo.stack.url, key: demo.keys.watcher });
  return demo.firewalls.flatMap((firewall) => standingLine(firewall, reading, Date.now()) ?? []);
}

/** Starts telling: the firewalls to the journal, and the journal's entries to `say`. Returns what ends it. */
export function narrate(demo: Demo, journal: Journal, say: Say): () => void {
  const stamped = (atMs: number, line: string): void => say(`${new Date(atMs).toTimeString().slice(0, 8)}  ${line}`);
  const stops = [
    ...demo.firewalls.map(({ target, onHappening }) => onHappening((happening) => journal.tell(target, happening))),
    journal.onEntry(({ atMs, target, text }) => stamped(atMs, target === null ? text : `${target}: ${text}`)),
  ];
  let last: readonly string[] = [];
  const timer = setInterval(async () => {
    // A sandbox that is being closed has nothing to tell.
    const lines = await standingLines(demo).catch(() => last);
    for (const line of lines) if (!last.includes(line)) stamped(Date.now(), line);
    last = lines;
  }, standingEveryMs);
  return () => {
    for (const stop of stops) stop();
    clearInterval(timer);
  };
}
