// Wazuh alerts, as its integrations post them (a custom script, or `shuffle`, which puts the alert into `all_fields`).
// Fields: documentation.wazuh.com, user-manual/manager/integration-with-external-apis and ruleset/rules-classification, 4.14, 2026-11.
import { createAdapter } from "./adapter.ts";
import { categoryOf, severityFrom } from "./category.ts";
import { at, isObject, listAt, numberAt, textAt, textOf, wordsOf } from "./json.ts";
import { type Draft, eventOf, ignored, invalid, type Reading } from "./source.ts";

/** Levels below this tell of what is usual (3: a login that worked), 5 and above of errors of a user. */
const attackLevelMin = 5;
/** From here on even a login that worked is suspicious (rule 40112: after many failures). */
const graveLevelMin = 10;

function draftOf(alert: object, rule: object, groups: readonly string[]): Draft {
  const data = at(alert, "data");
  const agent = at(alert, "agent");
  const description = textAt(rule, "description");
  return {
    key: [at(alert, "id"), at(rule, "id"), at(agent, "id")],
    type: textAt(rule, "id") === "" ? description : `${textAt(rule, "id")} ${description}`,
    category: categoryOf(`${description} ${groups.join(" ").replaceAll("_", " ")}`),
    title: description,
    // 0–6 low, 7–11 medium, 12–14 high, 15 and more critical, as its dashboard counts them.
    severity: severityFrom(numberAt(rule, "level"), { critical: 15, high: 12, medium: 7 }),
    at: at(alert, "timestamp"),
    direction: textAt(data, "srcip") === "" ? null : "inbound",
    attackers: [at(data, "srcip"), at(data, "src_ip"), at(data, "win", "eventdata", "ipAddress")],
    victims: [at(agent, "ip"), at(data, "dstip"), at(data, "dest_ip")],
    user: at(data, "dstuser") ?? at(data, "srcuser"),
    resources: [{ kind: "host", id: textAt(agent, "name") || textAt(agent, "id") }],
    evidence: {
      level: at(rule, "level"),
      groups: groups.join(" "),
      firedTimes: at(rule, "firedtimes"),
      mitre: wordsOf(listAt(rule, "mitre", "id")),
      location: at(alert, "location"),
      "destination.port": at(data, "dstport"),
    },
  };
}

function readAlert(posted: object): Reading {
  const all = at(posted, "all_fields");
  const alert = isObject(all) ? all : posted;
  const rule = at(alert, "rule");
  const level = numberAt(rule, "level");
  if (!isObject(rule) || level === null) return invalid("rule", "is no alert of Wazuh: it has no rule with a level");
  const groups = listAt(rule, "groups").map(textOf);
  if (level < attackLevelMin) return ignored("not-an-attack", `rule ${textAt(rule, "id")} has level ${level}; below ${attackLevelMin} is what is usual`);
  if (groups.includes("authentication_success") && level < graveLevelMin)
    return ignored("not-an-attack", `rule ${textAt(rule, "id")} tells of a login that worked`);
  return eventOf(draftOf(alert, rule, groups));
}

export const wazuh = createAdapter({ name: "wazuh", title: "Wazuh", read: readAlert });
