// Cloudflare: Logpush of the data sets `firewall_events` and `http_requests`, and its notifications (generic webhook).
// Fields: developers.cloudflare.com, logs/logpush/logpush-job/datasets and notifications/reference/webhook-payload-schema, 2026-11.
import { createAdapter } from "./adapter.ts";
import { severityOf, webCategory } from "./category.ts";
import { at, isObject, listAt, own, textAt } from "./json.ts";
import { type Draft, eventOf, ignored, invalid, type Reading } from "./source.ts";

/** What Cloudflare did where it shut a client out; a challenge, a log line or a skip accuses nobody. */
const blocking = new Set(["block", "drop", "connection_close", "force_connection_close", "connectionclose", "forceconnectionclose"]);

function requestFacts(row: object): Draft["evidence"] {
  return {
    "http.host": own(row, "ClientRequestHost"),
    "http.method": own(row, "ClientRequestMethod"),
    "http.path": own(row, "ClientRequestPath") ?? own(row, "ClientRequestURI"),
    userAgent: own(row, "ClientRequestUserAgent"),
    status: own(row, "EdgeResponseStatus"),
    country: own(row, "ClientCountry"),
    asn: own(row, "ClientASN"),
    ray: own(row, "RayID"),
    botScore: own(row, "BotScore"),
    attackScore: own(row, "WAFAttackScore"),
  };
}

function readRow(row: object): Reading {
  const isFirewall = own(row, "Action") !== undefined;
  const action = isFirewall ? textAt(row, "Action") : textAt(row, "SecurityAction") || textAt(row, "WAFAction");
  if (!blocking.has(action.toLowerCase())) return ignored("not-an-attack", `the action is ${action || "none"}: nobody was shut out`);
  const rule = isFirewall ? textAt(row, "RuleID") : textAt(row, "SecurityRuleID") || textAt(row, "WAFRuleID");
  const source = textAt(row, "Source") || "waf";
  const words = textAt(row, "Description") || textAt(row, "SecurityRuleDescription") || textAt(row, "WAFRuleMessage");
  return eventOf({
    key: textAt(row, "RayID") === "" ? [] : [textAt(row, "RayID"), rule, textAt(row, "MatchIndex"), isFirewall ? "firewall" : "request"],
    type: [source, rule].filter((part) => part !== "").join("/"),
    category: webCategory(`${source} ${words}`),
    title: words || `Cloudflare ${source} blocked ${textAt(row, "ClientRequestMethod")} ${textAt(row, "ClientRequestHost")}`,
    severity: null,
    at: own(row, "Datetime") ?? own(row, "EdgeStartTimestamp"),
    direction: "inbound",
    attackers: [own(row, "ClientIP")],
    victims: [own(row, "OriginIP"), own(row, "EdgeServerIP")],
    resources: [{ kind: "zone", id: textAt(row, "ZoneName") || textAt(row, "ClientRequestHost") }],
    evidence: { action, rule, ...requestFacts(row) },
  });
}

/** Notifications tell what is attacked, never by whom. */
function readNotification(message: object): Reading {
  const data = at(message, "data");
  const type = textAt(message, "alert_type") || textAt(message, "name");
  const correlation = textAt(message, "alert_correlation_id") || textAt(data, "attack_id");
  return eventOf({
    key: correlation === "" ? [type, at(message, "policy_id"), at(message, "ts"), at(message, "text")] : [type, correlation],
    type,
    title: textAt(message, "text") || textAt(message, "name"),
    severity: severityOf(textAt(data, "severity")),
    at: at(message, "ts"),
    status: textAt(message, "alert_event") === "ALERT_STATE_EVENT_END" ? "resolved" : "firing",
    // What `Save and Test` sends (developers.cloudflare.com, notifications/get-started/configure-webhooks, 2026-11).
    sample: /this is a test message/i.test(textAt(message, "text")),
    direction: "inbound",
    attackers: [],
    victims: [at(data, "target_ip"), ...listAt(data, "target_ips")],
    resources: [{ kind: "zone", id: textAt(data, "zone_name") || textAt(data, "target_hostname"), account: textAt(message, "account_id") }],
    evidence: { policy: at(message, "policy_name"), attackVector: at(data, "attack_vector"), attackType: at(data, "attack_type") },
  });
}

function readItem(item: object): Reading {
  // The file with which Logpush tries a destination out: `{"content":"tests"}`, as one line of JSON.
  if (own(item, "content") === "tests") return ignored("sample", "Logpush tries the way out");
  if (typeof own(item, "ClientIP") === "string") return readRow(item);
  if (typeof own(item, "text") === "string" && (isObject(own(item, "data")) || own(item, "alert_type") !== undefined || own(item, "ts") !== undefined)) {
    return readNotification(item);
  }
  return invalid("ClientIP", "is neither a Logpush row with ClientIP nor a notification; add ClientIP to the job's fields");
}

export const cloudflare = createAdapter({ name: "cloudflare", title: "Cloudflare", read: readItem });
