// Events and playbooks for the tests of the room: one event that calls home, and ways to make a configuration act on it.
import { playbookEngine } from "../../functions/events/engine.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { type Arrival, recordOf } from "../../shared/event/plan.ts";
import type { EventRecord } from "../../shared/event/record.ts";
import type { History } from "../../shared/playbook/decide.ts";
import { noHistory } from "../../shared/playbook/decide.ts";
import type { Playbook } from "../../shared/playbook/playbook.ts";
import { readPlaybook } from "../../shared/playbook/read.ts";
import { startMs, testConfig } from "../coordinator/world.ts";

export const calling: DetectionEvent = {
  id: "falco/outbound/1",
  source: "falco",
  type: "Outbound Connection to C2 Servers",
  category: "command-and-control",
  title: "Outbound Connection to C2 Servers",
  severity: "high",
  at: startMs - 1_000,
  status: "firing",
  sample: false,
  direction: "outbound",
  actor: { addresses: ["203.0.113.66/32"] },
  victim: { addresses: ["198.51.100.4/32"] },
  resources: [],
  forMs: null,
  evidence: {},
};

export function playbookOf(text: string): Playbook {
  const read = readPlaybook(text, "test.yaml");
  if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join("; "));
  return read.playbook;
}

/** Acts on what calls home; `more` are lines of its head, `steps` replace its steps. */
export function callHome(
  more = "",
  steps = "  - block: { severity: critical }\n    for: 1h\n  - log: { message: it calls home }\n",
  name = "calls-home",
): Playbook {
  return playbookOf(`name: ${name}\ntitle: Something calls home\nmode: enforce\non: { category: command-and-control }\n${more}do:\n${steps}`);
}

const sender: Arrival["sender"] = {
  name: "detector",
  own: null,
  client: { longestMs: 86_400_000, widest: { ipv4: 32, ipv6: 64 }, targets: null, mode: "enforce" },
};

/** The record that an event comes to; throws when no playbook fires. */
export function recorded(
  playbooks: readonly Playbook[],
  changes: { readonly event?: Partial<DetectionEvent>; readonly sender?: Partial<Arrival["sender"]>; readonly now?: number; readonly history?: History } = {},
): EventRecord {
  const now = changes.now ?? startMs;
  const engine = playbookEngine(playbooks);
  const event = { ...calling, ...changes.event };
  const arrival = { event, sender: { ...sender, ...changes.sender }, receipt: now, now };
  const record = recordOf(engine.decide(event, changes.history ?? noHistory), arrival, testConfig());
  if (record === null) throw new Error("no playbook fires");
  return record;
}
