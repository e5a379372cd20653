// What sources say at the edges: names left empty, words written together, an address that is nearly one, one item more than fits.
import { createHash } from "node:crypto";
import { describe, expect, it, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { categoryOf } from "../../shared/source/category.ts";
import { delivered, everyWrapper } from "../../shared/source/delivery.ts";
import { sha256Hex } from "../../shared/source/digest.ts";
import { adapters } from "../../shared/source/index.ts";
import { wordsOf } from "../../shared/source/json.ts";
import { rules } from "./samples.ts";
import { ends, entryOf, eventOf, hosts, plain, them, us } from "./told.ts";

test("titles: each source goes by its own name", () => {
  expect(Object.fromEntries(Object.values(adapters).map(({ name, title }) => [name, title]))).toEqual({
    generic: "the mapped source",
    elastalert: "ElastAlert",
    guardduty: "Amazon GuardDuty",
    securityhub: "AWS Security Hub",
    macie: "Amazon Macie",
    falco: "Falco",
    crowdsec: "CrowdSec",
    alertmanager: "Alertmanager",
    suricata: "Suricata",
    wazuh: "Wazuh",
    "aws-waf-logs": "AWS WAF",
    cloudflare: "Cloudflare",
    custodian: "Cloud Custodian",
    cloudevents: "CloudEvents",
  });
});

describe("addresses", () => {
  it.each<[string, readonly string[]]>([
    ["198.51.100.14:9100", ["198.51.100.14"]],
    ["198.51.100.14", ["198.51.100.14"]],
    ["[2001:db8::14]:9100", ["2001:db8::14"]],
    ["db-198.51.100.14", []],
    ["198.51.100.14.example", []],
    ["198.51.100.14:9100/metrics", []],
    ["", []],
  ])("alertmanager: whom Prometheus asked as %j is one of ours if it is an address", (instance, victims) => {
    const message = { labels: { alertname: "Scan", instance } };
    expect(ends("alertmanager", message)[2]).toEqual(victims);
    expect(adapters.alertmanager.read(message, rules)).toHaveLength(1);
  });

  it.each<[string, object, string | null]>([
    ["no server", { "fd.cip": them, "fd.sip": "" }, null],
    ["no client", { "fd.cip": "", "fd.sip": them }, null],
    ["a local end that is the server's", { "fd.cip": them, "fd.sip": us, "fd.lip": us }, "inbound"],
    ["a far end that is the server's", { "fd.cip": us, "fd.sip": them, "fd.rip": them }, "outbound"],
  ])("falco: which way it went with %s", (_what, fields, direction) => {
    expect(ends("falco", { rule: "r", priority: "Warning", output_fields: fields })[0]).toBe(direction);
  });

  it("mapped: of an item with more addresses than fit none is taken, and each at the bound", () => {
    const mapping = { ...rules.mapping, ip: ["ips"] };
    const read = (count: number) => adapters.generic.read({ ips: hosts(count, 1) }, { ...rules, mapping });
    expect(read(limits.alertItemsMax)).toMatchObject([{ kind: "event", event: { actor: { addresses: { length: limits.alertItemsMax } } } }]);
    expect(read(limits.alertItemsMax + 1)).toMatchObject([{ kind: "invalid" }]);
  });
});

describe("names", () => {
  it("mapped: `_id` counts with its index, however the mapping names it", () => {
    const item = { ip: them, _index: "i", _id: "7" };
    const idOf = (id: readonly string[]) => adapters.generic.read(item, { ...rules, mapping: { ...rules.mapping, ip: ["ip"], id } });
    expect(idOf(["_id"])).toEqual(idOf([]));
    expect(idOf(["_id"])).toMatchObject([{ kind: "event", event: { id: "generic/i/7" } }]);
  });

  it("mapped: what is missing is named by the first path of the mapping", () => {
    expect(adapters.generic.read({}, { ...rules, mapping: { ...rules.mapping, ip: ["a.b", "c"] } })).toMatchObject([{ kind: "invalid", field: "a.b" }]);
  });

  it("cloudevents: a type says of what kind it is, and a subject is kept", () => {
    const event = eventOf("cloudevents", { specversion: "1.0", type: "ssh.brute-force", source: "/s", id: "1", subject: "h-1", data: { ip: them } });
    expect([event.category, event.evidence]).toEqual(["brute-force", { subject: "h-1", eventSource: "/s" }]);
  });

  it("cloudflare: a notification without a text is called by its name", () => {
    expect(eventOf("cloudflare", { text: "", name: "Flood", alert_type: "dos_attack_l7", data: {}, ts: 1 }).title).toBe("Flood");
  });

  it("wazuh: a rule without a number is called by its description", () => {
    expect(eventOf("wazuh", { rule: { level: 5, description: "Odd" }, data: { srcip: them } }).type).toBe("Odd");
  });

  it("aws-waf-logs: a group's rule without a name adds nothing; what is missing is named", () => {
    const record = { terminatingRuleId: "r", action: "BLOCK", httpRequest: { clientIp: them } };
    const group = (ruleId: string) => ({ terminatingRule: { ruleId } });
    expect(eventOf("aws-waf-logs", { ...record, ruleGroupList: [group(""), group("a"), group("")] }).type).toBe("r/a");
    expect(entryOf("aws-waf-logs", { action: "BLOCK" })).toMatchObject({ kind: "invalid", field: "terminatingRuleId" });
  });

  it.each([
    ["bf", "brute-force"],
    ["bf on ssh", "brute-force"],
    ["AuthenticationFailure", "brute-force"],
    ["SQLInjection", "web-attack"],
    ["ShellInContainer", "shell"],
  ])("category: %j, written together or at the start", (text, category) => {
    expect(categoryOf(text)).toBe(category);
  });
});

describe("securityhub", () => {
  const guardduty = (name: string, value: string) => ({ [`aws/guardduty/service/${name}`]: value });
  const finding = (fields: object, more: object = {}) => ({
    Id: "f",
    ProductArn: "arn:aws:securityhub:eu-west-1::product/aws/guardduty",
    Types: ["TTPs/Discovery"],
    Action: { AwsApiCallAction: { RemoteIpDetails: { IpAddressV4: them } } },
    ProductFields: fields,
    ...more,
  });

  it("ends: where our machine is the actor, the far end is none, whatever else the product's fields say", () => {
    expect(ends("securityhub", finding(guardduty("resourceRole", "ACTOR")))[1]).toEqual([]);
    expect(ends("securityhub", finding(guardduty("resourceRole", "TARGET")))[1]).toEqual([them]);
    expect(ends("securityhub", finding(guardduty("eventFirstSeen", "ACTOR")))[1]).toEqual([them]);
  });

  it("read: a sample by the product's own field, not by another that is true", () => {
    expect(eventOf("securityhub", finding(guardduty("additionalInfo/sample", "true"))).sample).toBe(true);
    expect(eventOf("securityhub", finding(guardduty("archived", "true"))).sample).toBe(false);
  });

  it("read: a container is one, by the last part of its name", () => {
    const resources = eventOf("securityhub", finding({}, { Resources: [{ Type: "Container", Id: "a/b:c" }] })).resources;
    expect(resources).toMatchObject([{ kind: "container", id: "c" }]);
  });

  it("ends: types that only together would read as a hostile peer do not", () => {
    const outbound = { Action: { NetworkConnectionAction: { ConnectionDirection: "OUTBOUND", RemoteIpDetails: { IpAddressV4: them } } } };
    expect(ends("securityhub", finding({}, { ...outbound, Types: ["TTPs/Crypto", "Currency"] }))[1]).toEqual([]);
    expect(ends("securityhub", finding({}, { ...outbound, Types: ["TTPs/CryptoCurrency"] }))[1]).toEqual([them]);
  });
});

describe("suricata", () => {
  it.each(["Malware Command and Control Activity Detected", "command&control", "CommandAndControl"])(
    "ends: the far end of what went out is hostile: %s",
    (category) => {
      const line = { event_type: "alert", src_ip: "10.0.0.4", dest_ip: them, alert: { signature: "x", category } };
      expect(ends("suricata", line)[1]).toEqual([them]);
    },
  );
});

describe("wrappers", () => {
  it("delivered: a wrapper with nothing in it stays what it is", () => {
    const empty = { specversion: "1.0", type: "t", source: "s", id: "1", data: null };
    expect(delivered(empty, everyWrapper, 10)).toEqual([empty]);
  });
});

describe("words", () => {
  it("of a list: its texts and numbers, a blank between them, and nothing for what is neither", () => {
    expect(wordsOf(["a", "", { toString: "x" }, null, 5, true, "b"])).toBe("a 5 b");
    expect([wordsOf(["a"]), wordsOf([])]).toEqual(["a", ""]);
  });
});

describe("digest", () => {
  it.each(["\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "\u{10000}", "\u{10ffff}"])(
    "sha256: a character at the end of what its bytes can say: %j",
    (text) => {
      expect(sha256Hex(text)).toBe(createHash("sha256").update(text).digest("hex"));
    },
  );
});

// `plain` takes the length off single addresses only.
test("told: a range stays one", () => {
  expect(plain(["203.0.113.0/24", `${them}/32`])).toEqual(["203.0.113.0/24", them]);
});
