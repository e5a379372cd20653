// Tells in plain lines what happens at the simulated firewall and at the door, as it happens. Reads only; decides nothing.
import type { AclChange, AclEntry } from "../simulators/aws.ts";
import type { Demo } from "./demo.ts";
import { demoAcl } from "./demo.ts";

type Say = (line: string) => void;

interface Block {
  readonly ip: string;
  readonly until: string;
}

/** More standing rules than this are counted, not listed. */
const listedMax = 4;

function rule(entry: AclEntry): string {
  return `rule ${entry.number} ${entry.action} ${entry.cidr} ${entry.egress ? "out" : "in"}`;
}

/** One line for a change at the firewall; null for what is not worth one. */
export function changeLine({ verb, by, entry, acl }: AclChange): string | null {
  const who = by === "api" ? "" : " (by a person)";
  if (entry === undefined) return verb === "tag" ? `${acl}: claimed by Portcullis${who}` : null;
  const words = { create: "appears", replace: "is now this", delete: "is gone" } as const;
  return Object.hasOwn(words, verb) ? `${acl}: ${rule(entry)} ${words[verb as keyof typeof words]}${who}` : null;
}

/** One line for what the Worker logs, where a person at the door should see it; null for the rest. */
export function logLine(text: string): string | null {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { event, route, client, status, failed, target, code, message, counts } = record;
  if (event === "http.answered" && client !== "admin") return `${String(client)}: ${String(route)} → ${String(status)}`;
  if (event === "http.answered" && String(route).startsWith("POST")) return `${String(client)}: ${String(route)} → ${String(status)}`;
  if (event === "alerts.not_taken") return `${String(client)}: some alerts were not taken: ${JSON.stringify(counts)}`;
  if (event === "pass.done" && Object.keys(failed ?? {}).length > 0) return `a pass failed at ${JSON.stringify(failed)}`;
  if (event === "http.failed") return `failed: ${String(code)} ${String(message ?? target ?? "")}`;
  return null;
}

async function untilByAddress(demo: Demo): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${demo.stack.url}/v1/blocks`, { headers: { authorization: `Bearer ${demo.keys.admin}` } });
  if (response.status !== 200) return new Map();
  const { blocks } = (await response.json()) as { blocks: readonly Block[] };
  return new Map(blocks.map(({ ip, until }) => [ip.includes("/") ? ip : `${ip}/32`, Date.parse(until)]));
}

function standing(demo: Demo): readonly AclEntry[] {
  return demo.stack.aws.acl(demoAcl).state.entries.filter((entry) => entry.action === "deny" && entry.number <= 40 && !entry.egress);
}

function timeLeft(until: number | undefined, now: number): string {
  if (until === undefined || until <= now) return "its lease is over, it goes with the next pass";
  const seconds = Math.ceil((until - now) / 1_000);
  return seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
}

/** What stands and for how long; null when nothing does. */
export async function standingLine(demo: Demo): Promise<string | null> {
  const entries = standing(demo);
  if (entries.length === 0) return null;
  const untils = await untilByAddress(demo);
  const now = Date.now();
  const listed = entries.slice(0, listedMax).map((entry) => `rule ${entry.number} ${entry.cidr} (${timeLeft(untils.get(entry.cidr), now)})`);
  const more = entries.length > listedMax ? `, and ${entries.length - listedMax} more` : "";
  return `standing: ${listed.join(", ")}${more}`;
}

/** Starts telling. Returns what ends it. */
export function narrate(demo: Demo, say: Say): () => void {
  const stamped: Say = (line) => say(`${new Date().toTimeString().slice(0, 8)}  ${line}`);
  const stopListening = demo.stack.aws.onChange((change) => {
    const line = changeLine(change);
    if (line !== null) stamped(line);
  });
  let last = "";
  const timer = setInterval(async () => {
    // A sandbox that is being closed has nothing to tell.
    const line = (await standingLine(demo).catch(() => null)) ?? "";
    if (line !== last && line !== "") stamped(line);
    last = line;
  }, 5_000);
  return () => {
    stopListening();
    clearInterval(timer);
  };
}
