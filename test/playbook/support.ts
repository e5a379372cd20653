// A small valid playbook, an event it fires on, and ways to change either.

import type { Problem } from "../../shared/config-file/index.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { type Condition, compileCondition } from "../../shared/playbook/condition.ts";
import { compilePlaybook, type Decision, decide, type History, noHistory } from "../../shared/playbook/decide.ts";
import type { Playbook } from "../../shared/playbook/playbook.ts";
import { readPlaybook } from "../../shared/playbook/read.ts";

export const validText = `name: guessing
title: Someone guesses passwords
mode: enforce
on: { category: brute-force, source: [guardduty, falco] }
when: event.direction == "inbound" && event.level >= 1
throttle: { most: 3, every: 5m }
do:
  - block: { severity: high }
    for: 4h
  - log: { message: "an attacker was blocked" }
`;

export const guess: DetectionEvent = {
  id: "gd-1",
  source: "guardduty",
  type: "UnauthorizedAccess:EC2/SSHBruteForce",
  category: "brute-force",
  title: "203.0.113.7 is performing SSH brute force attacks",
  severity: "medium",
  at: 1_764_100_000_000,
  status: "firing",
  sample: false,
  direction: "inbound",
  actor: { addresses: ["203.0.113.7/32"] },
  victim: { addresses: ["198.51.100.4/32"] },
  resources: [{ kind: "instance", id: "i-0abc" }],
  forMs: null,
  evidence: { count: 12, "connection.localPort": 22, tool: "hydra" },
};

export const emptyEvent: DetectionEvent = {
  id: "e",
  source: "test",
  type: "test",
  category: "other",
  title: "",
  severity: "low",
  at: null,
  status: "firing",
  sample: false,
  direction: null,
  actor: { addresses: [] },
  victim: { addresses: [] },
  resources: [],
  forMs: null,
  evidence: {},
};

/** The valid text with one piece replaced; throws when the piece is not there, so that no test goes stale silently. */
export function changed(from: string, to: string, text: string = validText): string {
  if (!text.includes(from)) throw new Error(`the text does not hold ${JSON.stringify(from)}`);
  return text.replace(from, () => to);
}

export function problemsOf(text: string): readonly Problem[] {
  const read = readPlaybook(text, "guessing.yaml");
  return read.ok ? [] : read.problems;
}

export function playbookOf(text: string): Playbook {
  const read = readPlaybook(text, "guessing.yaml");
  if (!read.ok) throw new Error(JSON.stringify(read.problems, null, 2));
  return read.playbook;
}

export function conditionOf(text: string): Condition {
  const compiled = compileCondition(text);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.condition;
}

export function decisionOf(text: string, event: DetectionEvent = guess, history: History = noHistory): Decision {
  const [decision] = decide(event, [compilePlaybook(playbookOf(text))], history);
  if (decision === undefined) throw new Error("no decision");
  return decision;
}
