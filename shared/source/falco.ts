// Falco's own `http_output` (json_output: true), falcosidekick's webhook, and falcosidekick's CloudEvents.
// Fields: falco.org docs, reference/rules/supported-fields, 2026-11; falcosidekick types/types.go at 8807ab7.
import type { EventResource } from "../event/event.ts";
import { createAdapter } from "./adapter.ts";
import { severityOf } from "./category.ts";
import { at, isObject, own, textAt, textOf } from "./json.ts";
import { directionOf } from "./private.ts";
import { type Direction, type Draft, eventOf, ignored, invalid, type Reading } from "./source.ts";

interface Ends {
  readonly direction: Direction;
  readonly far: readonly unknown[];
  readonly near: readonly unknown[];
}

function isServer(fields: unknown): boolean | null {
  const word = textOf(own(fields, "evt.type"));
  if (/^accept/.test(word)) return true;
  if (word === "connect") return false;
  const flag = own(fields, "fd.is_server");
  if (typeof flag === "boolean") return flag;
  return flag === "true" || flag === "false" ? flag === "true" : null;
}

/** Which way the connection went: what the event says, else which end is ours, else which end is private. */
function wayOf(fields: unknown): Direction {
  const [client, server] = [own(fields, "fd.cip"), own(fields, "fd.sip")];
  const serves = isServer(fields);
  if (serves !== null) return serves ? "inbound" : "outbound";
  const [local, remote] = [textOf(own(fields, "fd.lip")), textOf(own(fields, "fd.rip"))];
  if (client !== server && ((local !== "" && local === server) || (remote !== "" && remote === client))) return "inbound";
  if (client !== server && ((local !== "" && local === client) || (remote !== "" && remote === server))) return "outbound";
  return directionOf(client, server);
}

/** `fd.rip` is the far end in Falco's own words; else it is the client of a connection that came in, the server of one that went out. */
function endsOf(fields: unknown): Ends {
  const [client, server, local, remote] = ["fd.cip", "fd.sip", "fd.lip", "fd.rip"].map((name) => own(fields, name));
  const direction = wayOf(fields);
  if (direction === "inbound") return { direction, far: [textOf(remote) || client], near: [local, server] };
  if (direction === "outbound") return { direction, far: [textOf(remote) || server], near: [local, client] };
  // Both ends and no way to tell them apart: neither is called an attacker.
  const both = textOf(client) !== "" && textOf(server) !== "";
  if (textOf(remote) !== "") return { direction, far: [remote], near: [local] };
  return both ? { direction, far: [], near: [local] } : { direction, far: [textOf(client) || server], near: [local] };
}

function resourcesOf(alert: object, fields: unknown): readonly EventResource[] {
  const named = (name: string) => textOf(own(fields, name));
  const found: readonly EventResource[] = [
    { kind: "pod", id: named("k8s.pod.name"), namespace: named("k8s.ns.name") },
    { kind: "container", id: named("container.id") },
    { kind: "host", id: textAt(alert, "hostname") },
  ];
  return found.filter(({ id }) => id !== "<NA>");
}

function draftOf(alert: object, rule: string, fields: unknown): Draft {
  const { direction, far, near } = endsOf(fields);
  const time = textAt(alert, "time");
  return {
    // falcosidekick's `uuid` is new with every receipt (handlers.go), so it names nothing. The time has nanoseconds.
    key: time === "" ? [] : [rule, time, textAt(alert, "hostname"), textOf(own(fields, "fd.name")), textOf(own(fields, "evt.num"))],
    type: rule,
    title: rule,
    severity: severityOf(textAt(alert, "priority")),
    at: time,
    sample: rule === "Test rule" && /^This is a test from falcosidekick/.test(textAt(alert, "output")),
    direction,
    attackers: far,
    victims: near,
    user: own(fields, "user.name"),
    process: own(fields, "proc.cmdline") ?? own(fields, "proc.name"),
    resources: resourcesOf(alert, fields),
    evidence: {
      priority: at(alert, "priority"),
      eventSource: at(alert, "source"),
      "fd.name": own(fields, "fd.name"),
      "fd.sport": own(fields, "fd.sport"),
      "fd.rport": own(fields, "fd.rport"),
      "container.image": own(fields, "container.image.repository"),
      "ct.srcip": own(fields, "ct.srcip"),
    },
  };
}

function readAlert(alert: object): Reading {
  const rule = textAt(alert, "rule");
  const fields = at(alert, "output_fields");
  if (rule === "") return invalid("rule", "is no alert of Falco: it has no rule; set json_output: true");
  if (/^Falco internal:/.test(rule)) return ignored("not-an-attack", `${rule}: Falco speaks of itself`);
  return eventOf(draftOf(alert, rule, isObject(fields) ? fields : {}));
}

export const falco = createAdapter({ name: "falco", title: "Falco", read: readAlert });
