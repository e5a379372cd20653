// What a key means when it is left out, where `shared/limits.ts` has no number for it. Chosen small: a stolen key does little.
import type { AlertMapping, MappedSource } from "../config.ts";

export const configDefaults = {
  clientLongest: "24h",
  clientLive: 1_000,
  clientNewPerMinute: 60,
  brakeNew: 200,
  brakePer: "1m",
  widest: { ipv4: 32, ipv6: 64 },
  widen: { ipv4: 32, ipv6: 64 },
  /** Wider blocks of bystanders than these want an operator's own word. */
  collateralWidest: { ipv4: 24, ipv6: 56 },
  /** Growth chosen from a replay of real attackers: the table is in `shared/lease/README.md`. */
  escalate: { factor: 4, max: "30d", memory: "30d" },
} as const;

/**
 * Where an alert keeps what we need, tried in order. ElastAlert's `http_post` sends the matched document with `@timestamp`
 * and the index's own field names (ECS `source.ip` first), and the rule's name only when put in the static payload
 * (ElastAlert 2.31.0, elastalert/alerters/httppost.py, 2026-07).
 */
export const mappingDefaults = {
  elastalert: {
    ip: ["ip", "source.ip", "src_ip", "client.ip", "client_ip", "clientip", "remote_ip"],
    at: ["@timestamp", "timestamp"],
    reason: ["reason", "rule", "rule_name", "alert"],
    severity: ["severity"],
    id: ["id", "_id"],
  },
  generic: {
    ip: ["ip", "source.ip", "src_ip", "source_ip", "sourceIp", "client_ip", "clientIp", "remote_ip"],
    at: ["at", "@timestamp", "timestamp", "time"],
    reason: ["reason", "message", "rule", "title"],
    severity: ["severity", "level"],
    id: ["id", "event_id", "eventId", "alert_id"],
  },
} as const satisfies Record<MappedSource, AlertMapping>;
