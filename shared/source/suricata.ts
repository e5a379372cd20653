// Suricata's EVE JSON: events of type `alert`, as a log shipper posts them.
// Fields: docs.suricata.io, output/eve/eve-json-format and rules/meta (`target`), 8.0, 2026-11.
import { createAdapter } from "./adapter.ts";
import { at, isObject, listAt, numberAt, own, parsed, textAt, wordsOf } from "./json.ts";
import { directionOf } from "./private.ts";
import { type Draft, eventOf, ignored, invalid, type Reading } from "./source.ts";

/** Classes of rules that find our own machine talking to something hostile; in others the far end of our connection is a bystander. */
const hostilePeer = /trojan|malware|command.?(?:and|&).?control|c2|crypto.?currency|coin.?min|exploit kit|phishing|credential theft/i;

/** Classes that tell of something unusual, not of an attack (classification.config of Suricata 8.0). */
const harmless = new Set(["not suspicious traffic", "unknown traffic", "generic protocol command decode", "tcp connection detected", "generic icmp event"]);

/** Filebeat and others post the line as a text in `message` or `event.original`. */
function lineOf(item: object): object {
  const text = own(item, "message") ?? at(item, "event", "original");
  const inner = typeof text === "string" ? parsed(text) : undefined;
  return own(item, "event_type") === undefined && isObject(inner) ? inner : item;
}

interface Ends {
  readonly direction: "inbound" | "outbound" | null;
  readonly attackers: readonly unknown[];
  readonly victims: readonly unknown[];
}

function endsOf(item: object, alert: unknown, name: string): Ends {
  // Rules with the keyword `target` say themselves who is attacked.
  const [attacker, victim] = [at(alert, "source", "ip"), at(alert, "target", "ip")];
  if (attacker !== undefined && victim !== undefined) return { direction: directionOf(attacker, victim), attackers: [attacker], victims: [victim] };
  const [from, to] = [own(item, "src_ip"), own(item, "dest_ip")];
  const isAnswer = own(item, "direction") === "to_client";
  // Who opened the connection: EVE tells the packet's ends, and `flow` those of the connection.
  const client = at(item, "flow", "src_ip") ?? (isAnswer ? to : from);
  const server = at(item, "flow", "dest_ip") ?? (isAnswer ? from : to);
  const direction = directionOf(client, server);
  if (direction === "outbound") return { direction, attackers: hostilePeer.test(name) ? [server] : [], victims: [client] };
  // Both ends public and the rule met an answer: whoever sent it may be the attacker or the attacked.
  if (direction === null && isAnswer) return { direction, attackers: [], victims: [] };
  return { direction, attackers: [client], victims: [server] };
}

function draftOf(item: object, alert: object): Draft {
  const category = textAt(alert, "category");
  const signature = textAt(alert, "signature");
  const level = numberAt(alert, "severity");
  return {
    key: [at(item, "flow_id"), at(item, "timestamp"), at(alert, "gid"), at(alert, "signature_id"), at(item, "tx_id"), at(item, "src_ip"), at(item, "src_port")],
    type: signature || `signature ${textAt(alert, "signature_id")}`,
    title: signature,
    // 1 is the gravest (suricata.yaml, classification.config).
    severity: level === null ? null : level <= 1 ? "high" : level === 2 ? "medium" : "low",
    at: at(item, "timestamp"),
    ...endsOf(item, alert, `${signature} ${category}`),
    resources: [{ kind: "host", id: textAt(item, "host") }],
    evidence: {
      signatureId: at(alert, "signature_id"),
      class: category,
      action: at(alert, "action"),
      protocol: at(item, "proto"),
      application: at(item, "app_proto"),
      "destination.port": at(item, "dest_port"),
      "http.hostname": at(item, "http", "hostname"),
      "http.url": at(item, "http", "url"),
      attackTarget: wordsOf(listAt(alert, "metadata", "attack_target")),
    },
  };
}

function readLine(posted: object): Reading {
  const item = lineOf(posted);
  const type = textAt(item, "event_type");
  if (type === "") return invalid("event_type", "is no event of Suricata: it has no event_type");
  const alert = at(item, "alert");
  if (type !== "alert" || !isObject(alert)) return ignored("not-an-attack", `an event of type ${type}, not an alert`);
  const category = textAt(alert, "category");
  if (harmless.has(category.toLowerCase())) return ignored("not-an-attack", `${textAt(alert, "signature")} is of class ${category}`);
  return eventOf(draftOf(item, alert));
}

export const suricata = createAdapter({ name: "suricata", title: "Suricata", read: readLine });
