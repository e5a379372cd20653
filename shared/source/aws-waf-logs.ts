// AWS WAF logs: one record per request, by Firehose, CloudWatch Logs or any shipper. Only what a rule blocked is an attack.
// Fields: AWS docs, waf/latest/developerguide/logging-fields, 2026-11.
import { createAdapter } from "./adapter.ts";
import { webCategory } from "./category.ts";
import { at, listAt, textAt, wordsOf } from "./json.ts";
import { eventOf, ignored, invalid, type Reading } from "./source.ts";

function labels(record: object): string {
  return wordsOf(listAt(record, "labels").map((label) => at(label, "name")));
}

/** The rule inside a group that ended it; the group's own name says little. */
function innerRule(record: object): string {
  return wordsOf(listAt(record, "ruleGroupList").map((group) => at(group, "terminatingRule", "ruleId")));
}

function readRecord(record: object): Reading {
  const rule = textAt(record, "terminatingRuleId");
  const request = at(record, "httpRequest");
  if (rule === "" || request === undefined) return invalid("terminatingRuleId", "is no record of AWS WAF: it has no terminatingRuleId and httpRequest");
  const action = textAt(record, "action");
  if (action !== "BLOCK") return ignored("not-an-attack", `${rule} ended with ${action}: nothing was blocked`);
  if (rule === "Default_Action") return ignored("not-an-attack", "blocked by default: no rule says that it was an attack");
  const inner = innerRule(record);
  const kind = textAt(record, "terminatingRuleType");
  return eventOf({
    // Records of one request have one id; without it, the record itself is the name.
    key: textAt(request, "requestId") === "" ? [] : [textAt(request, "requestId"), rule],
    type: inner === "" ? rule : `${rule}/${inner}`,
    category: kind === "RATE_BASED" ? "denial-of-service" : webCategory(`${rule} ${inner}`),
    title: `AWS WAF blocked ${textAt(request, "httpMethod")} ${textAt(request, "uri")}`,
    severity: null,
    at: at(record, "timestamp"),
    direction: "inbound",
    // `X-Forwarded-For` and the like are the client's own words, so they name nobody.
    attackers: [at(request, "clientIp")],
    resources: [{ kind: "web-acl", id: textAt(record, "webaclId") }],
    evidence: {
      rule,
      ruleType: kind,
      labels: labels(record),
      "http.host": listAt(request, "headers")
        .filter((header) => textAt(header, "name").toLowerCase() === "host")
        .map((header) => textAt(header, "value"))[0],
      "http.method": at(request, "httpMethod"),
      "http.uri": at(request, "uri"),
      country: at(request, "country"),
      ja3: at(record, "ja3Fingerprint"),
      ja4: at(record, "ja4Fingerprint"),
    },
  });
}

export const awsWafLogs = createAdapter({ name: "aws-waf-logs", title: "AWS WAF", read: readRecord });
