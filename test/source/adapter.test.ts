// What every adapter shares, by one that knows a format of its own: wrappers, blanks, bounds, names, and that no event pushes its neighbours out.
import { describe, expect, it } from "vitest";
import { limits } from "../../shared/limits.ts";
import { createAdapter, type Definition } from "../../shared/source/adapter.ts";
import { categoryOf, severityFrom, severityOf, webCategory } from "../../shared/source/category.ts";
import { delivered, everyWrapper } from "../../shared/source/delivery.ts";
import { sha256Hex } from "../../shared/source/digest.ts";
import { at, canonical, flagAt, listAt, numberAt, textAt } from "../../shared/source/json.ts";
import { directionOf } from "../../shared/source/private.ts";
import { type Draft, eventOf, type SourceEntry } from "../../shared/source/source.ts";
import { rules, withSamples } from "./samples.ts";
import { hosts } from "./told.ts";

const plain: Draft = { key: ["1"], type: "Scan", title: "", severity: null, at: null, attackers: [] };

/** Items are drafts as they are. */
function entriesOf(payload: unknown, definition: Partial<Definition> = {}, withRules = rules): readonly SourceEntry[] {
  const read: Definition["read"] = (item) => eventOf({ ...plain, ...item } as Draft);
  return createAdapter({ name: "generic", title: "Test", read, ...definition }).read(payload, withRules);
}

function eventWith(draft: Partial<Record<keyof Draft, unknown>>) {
  const [entry] = entriesOf(draft);
  if (entry?.kind !== "event") throw new Error(JSON.stringify(entry));
  return entry.event;
}

const long = (count: number) => "a".repeat(count);

describe("an event of a draft", () => {
  it("read: says nothing where the draft says nothing", () => {
    expect(entriesOf({})).toEqual([
      {
        kind: "event",
        item: 0,
        event: {
          id: "generic/1",
          source: "generic",
          type: "Scan",
          category: "port-probe",
          title: "Scan",
          severity: "medium",
          at: null,
          status: "firing",
          sample: false,
          direction: null,
          actor: { addresses: [] },
          victim: { addresses: [] },
          resources: [],
          forMs: null,
          evidence: {},
        },
      },
    ]);
    expect(eventWith({ type: " " })).toMatchObject({ type: "unnamed", title: "unnamed", category: "other" });
  });

  it.each(["", "-", "unknown", "None", "null", "N/A", " <NA> ", null, undefined])("read: %j is no address, and no mistake", (blank) => {
    expect(entriesOf({ attackers: [blank, "203.0.113.7"] })).toMatchObject([{ kind: "event", event: { actor: { addresses: ["203.0.113.7/32"] } } }]);
  });

  it("read: the first that is no address is told beside the event", () => {
    const mistakes = (...attackers: readonly unknown[]) => entriesOf({ attackers }).slice(1);
    expect(entriesOf({ attackers: [5, "203.0.113.7", "x"] })).toHaveLength(2);
    expect(mistakes(5, "x")).toEqual([{ kind: "invalid", item: 0, field: "address", reason: "is 5; an address is a text" }]);
    expect(mistakes("x", 5)).toEqual([{ kind: "invalid", item: 0, field: "address", reason: expect.stringContaining('"x" is not an IPv4 or IPv6 address') }]);
  });

  it("read: an address that is a victim too is never an attacker, however each is written", () => {
    const { actor, victim } = eventWith({ attackers: ["203.0.113.0/24", "192.0.2.1", "192.0.2.1"], victims: ["203.0.113.7", "x"] });
    expect([actor.addresses, victim.addresses]).toEqual([["192.0.2.1/32"], ["203.0.113.7/32"]]);
  });

  it("read: of all the victims, as many as a request may hold addresses", () => {
    const victims = hosts(limits.alertItemsMax + 1);
    expect(eventWith({ victims }).victim.addresses).toEqual(victims.slice(0, -1).map((address) => `${address}/128`.replace("::0/", "::/")));
  });

  it("read: resources and facts, cleaned and bounded", () => {
    const resources = [
      { kind: "Instance", id: " i-1 ", account: "", region: "eu" },
      { kind: "pod", id: "" },
    ];
    expect(eventWith({ resources }).resources).toEqual([{ kind: "instance", id: "i-1", region: "eu" }]);
    const unnamed = Array.from({ length: 40 }, () => ({ kind: "pod", id: "" }));
    expect(eventWith({ resources: [...unnamed, ...resources] }).resources).toHaveLength(1);
    const many = Array.from({ length: 40 }, (_, index) => ({ kind: "pod", id: `${index}` }));
    expect(eventWith({ resources: many }).resources).toHaveLength(limits.eventResourcesMax);
    expect(eventWith({ evidence: { a: true, b: false, c: 0, d: 1.5, e: "x", f: "", g: {}, h: null, i: Number.NaN, j: long(300) } }).evidence).toEqual({
      a: true,
      b: false,
      c: 0,
      d: 1.5,
      e: "x",
      j: long(limits.eventTextCharsMax),
    });
    expect(Object.keys(eventWith({ evidence: Object.fromEntries(many.map(({ id }) => [`f${id}`, 1])) }).evidence)).toHaveLength(limits.eventFactsMax);
  });

  it.each([
    [null, null],
    [0, null],
    [-1, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    [1.9, 1],
    [60_000, 60_000],
  ])("read: a wish for %s ms is %s", (forMs, read) => {
    expect(eventWith({ forMs }).forMs).toBe(read);
  });

  it("read: its name is its key while it stays whole, and else a digest of it", () => {
    expect(eventWith({ key: ["a/b"] }).id).toBe("generic/a/b");
    expect(eventWith({ key: ["a/b", "c%d", ""] }).id).toBe("generic/a%2Fb/c%25d");
    const most = limits.alertIdCharsMax - "generic/".length;
    expect(eventWith({ key: [long(most)] }).id).toBe(`generic/${long(most)}`);
    for (const key of [[long(most + 1)], [long(limits.alertIdCharsMax)], [long(200)], ["a\nb"], ["a", long(200)]]) {
      expect(eventWith({ key }).id).toBe(`generic/sha256-${sha256Hex(canonical(key)).slice(0, 40)}`);
    }
    expect(eventWith({ key: ["", null] }).id).toBe(`generic/sha256-${sha256Hex(canonical({ key: ["", null] })).slice(0, 40)}`);
  });
});

describe("what is no event", () => {
  it("read: what is no object is named", () => {
    expect(entriesOf([5, [{}], "x"])).toEqual([
      { kind: "invalid", item: 0, field: "", reason: "is 5; an event is a JSON object" },
      { kind: "invalid", item: 1, field: "", reason: "is a list; an event is a JSON object" },
      { kind: "invalid", item: 2, field: "", reason: 'is "x"; an event is a JSON object' },
    ]);
  });

  it("read: a sample is ignored by its name, unless samples are asked for", () => {
    const reason = "is a test or sample of Test; alerts.generic.samples takes them";
    expect(entriesOf({ sample: true })).toEqual([{ kind: "ignored", item: 0, because: "sample", reason }]);
    expect(entriesOf({ sample: true }, {}, withSamples)).toMatchObject([{ kind: "event", event: { sample: true } }]);
  });

  it.each([
    [{ Type: "SubscriptionConfirmation", TopicArn: "arn" }, "is SNS's SubscriptionConfirmation, no event"],
    [{ Type: "UnsubscribeConfirmation", TopicArn: "arn" }, "is SNS's UnsubscribeConfirmation, no event"],
    [{ messageType: "CONTROL_MESSAGE" }, "is CloudWatch Logs' test of the way here, no event"],
  ])("read: %j is the channel's own", (message, reason) => {
    expect(entriesOf(message)).toEqual([{ kind: "ignored", item: 0, because: "delivery", reason }]);
  });

  it.each([{ Type: "SubscriptionConfirmation" }, { Type: 5, TopicArn: "arn" }, { Type: "Other", TopicArn: "arn" }, { messageType: "OTHER" }])(
    "read: %j is not",
    (message) => {
      expect(entriesOf(message)).toMatchObject([{ kind: "event" }]);
    },
  );
});

describe("how much one request may hold", () => {
  const most = limits.alertItemsMax;
  const tooMany = "none of its addresses were taken: one request may hold 1000 addresses; send fewer at a time";

  it("read: an event with all the addresses there may be, and none with one more", () => {
    const [whole] = entriesOf({ attackers: hosts(most) });
    expect(whole?.kind === "event" ? whole.event.actor.addresses.length : 0).toBe(most);
    expect(entriesOf({ attackers: hosts(most + 1) })).toEqual([{ kind: "invalid", item: 0, field: "", reason: tooMany }]);
    expect(entriesOf({ attackers: hosts(most + 500) })).toEqual([{ kind: "invalid", item: 0, field: "", reason: tooMany }]);
  });

  it("read: the event that is stuffed with addresses goes, and not its neighbours", () => {
    const entries = entriesOf([{ attackers: hosts(2) }, { attackers: hosts(most - 1, 10) }, { attackers: hosts(3, 5) }, {}]);
    expect(entries.map(({ kind, item }) => [kind, item])).toEqual([
      ["event", 0],
      ["invalid", 1],
      ["event", 2],
      ["event", 3],
    ]);
    expect(entries[1]).toEqual({ kind: "invalid", item: 1, field: "", reason: tooMany });
  });

  it("read: as many go as must, the longest first; what fits exactly stays", () => {
    const kinds = (...counts: readonly number[]) => entriesOf(counts.map((count) => ({ attackers: hosts(count) }))).map(({ kind }) => kind);
    expect(kinds(500, 500)).toEqual(["event", "event"]);
    expect(kinds(400, 501, 100)).toEqual(["event", "invalid", "event"]);
    expect(kinds(600, 700, 399)).toEqual(["event", "invalid", "event"]);
    expect(kinds(600, 700, 400)).toEqual(["invalid", "invalid", "event"]);
  });

  it("read: an event without addresses takes one place", () => {
    const entries = entriesOf([{ attackers: hosts(most - 3) }, {}, {}, {}]);
    expect(entries.every(({ kind }) => kind === "event")).toBe(true);
    expect(entriesOf([{ attackers: hosts(most - 3) }, {}, {}, {}, {}])[0]?.kind).toBe("invalid");
  });

  it("read: items beyond the most are told as one, whether the message lists or spreads them", () => {
    const told = {
      kind: "invalid",
      item: most,
      field: "",
      reason: "this item and those after it were not read: one request may hold 1000 addresses; send fewer at a time",
    };
    const items = Array.from({ length: most + 1 }, () => ({}));
    expect(entriesOf(items.slice(1))).toHaveLength(most);
    expect(entriesOf(items).at(-1)).toEqual(told);
    const spread: Definition["spread"] = (message) => listAt(message, "items");
    expect(entriesOf({ items }, { spread }).at(-1)).toEqual(told);
    expect(entriesOf({ items: items.slice(1) }, { spread })).toHaveLength(most);
  });
});

describe("wrappers", () => {
  const inside = (payload: unknown, countMax = 9) => delivered(payload, everyWrapper, countMax);
  const sns = (message: unknown) => ({ Type: "Notification", Message: message });

  it.each<[string, unknown, readonly unknown[]]>([
    ["SNS, with JSON in it", sns('{"a":1}'), [{ a: 1 }]],
    ["SNS, with plain text in it", sns("a"), ["a"]],
    ["SNS of another type", { Type: "Other", Message: '{"a":1}' }, [{ Type: "Other", Message: '{"a":1}' }]],
    ["SNS without a text", sns({ a: 1 }), [sns({ a: 1 })]],
    ["EventBridge", { "detail-type": "x", type: "y", detail: { a: 1 } }, [{ a: 1 }]],
    ["EventBridge without its type", { detail: { a: 1 } }, [{ a: 1 }]],
    ["a detail beside a type", { type: "y", detail: { a: 1 } }, [{ type: "y", detail: { a: 1 } }]],
    ["a detail that is a text", { detail: "a" }, [{ detail: "a" }]],
    ["CloudWatch Logs", { messageType: "DATA_MESSAGE", logEvents: [{ message: '{"a":1}' }, { message: "b" }, { c: 1 }] }, [{ a: 1 }, "b", { c: 1 }]],
    ["log events of another kind", { messageType: "OTHER", logEvents: [1] }, [{ messageType: "OTHER", logEvents: [1] }]],
    ["log events that are no list", { messageType: "DATA_MESSAGE", logEvents: 1 }, [{ messageType: "DATA_MESSAGE", logEvents: 1 }]],
    ["CloudEvents", { specversion: "1.0", data: { a: 1 } }, [{ a: 1 }]],
    ["CloudEvents, with JSON as text", { specversion: "1.0", data: '{"a":1}' }, [{ a: 1 }]],
    ["CloudEvents without data", { specversion: "1.0" }, [{ specversion: "1.0" }]],
    ["a list", [1, sns("[2,3]")], [1, 2, 3]],
    ["a list in a list", [[1, 2]], [[1, 2]]],
    ["one in the other", sns(JSON.stringify({ detail: { specversion: "1.0", data: { a: 1 } } })), [{ a: 1 }]],
  ])("delivered: %s", (_what, payload, items) => {
    expect(inside(payload)).toEqual(items);
  });

  it("delivered: no deeper than six, and no more items than asked for", () => {
    const wrapped = (depth: number): unknown => (depth === 0 ? { a: 1 } : { detail: wrapped(depth - 1) });
    expect([inside(wrapped(6)), inside(wrapped(7))]).toEqual([[{ a: 1 }], [{ detail: { a: 1 } }]]);
    const listed = (depth: number): unknown => (depth === 0 ? { a: 1 } : { messageType: "DATA_MESSAGE", logEvents: [listed(depth - 1)] });
    expect([inside(listed(6)), inside(listed(7))]).toEqual([[{ a: 1 }], [listed(1)]]);
    expect(inside([1, 2, 3], 2)).toEqual([1, 2]);
    expect(inside(sns("[1,2,3]"), 2)).toEqual([1, 2]);
  });
});

describe("foreign JSON", () => {
  it("canonical: one spelling whatever the order of members; nesting beyond any detector's neither matters nor breaks off", () => {
    expect(canonical({ b: [1, null, undefined], a: "x" })).toBe('{"a":"x","b":[1,null,null]}');
    const nested = (depth: number, inner: unknown): unknown => {
      let value = inner;
      for (let at = 0; at < depth; at += 1) value = at % 2 === 0 ? [value] : { a: value };
      return value;
    };
    expect(canonical(nested(24, 1))).not.toBe(canonical(nested(24, 2)));
    expect(canonical(nested(25, 1))).toBe(canonical(nested(25, 2)));
    expect(canonical(nested(100_000, 1))).toContain("…");
  });

  it("at: either spelling of a first letter, the exact one first; own members only", () => {
    expect([at({ Id: 1 }, "id"), at({ id: 2 }, "Id"), at({ id: 1, Id: 2 }, "Id"), at({}, "toString"), at({ a: null }, "a")]).toEqual([
      1,
      2,
      2,
      undefined,
      undefined,
    ]);
  });

  it("listAt, flagAt, numberAt, textAt: a value in each of its spellings, and nothing else", () => {
    const value = { list: [1], one: 1, yes: "true", really: true, no: "yes", number: " 5 ", blank: " ", word: "x", nan: Number.NaN };
    expect(["list", "one", "none"].map((name) => listAt(value, name))).toEqual([[1], [1], []]);
    expect(["yes", "really", "no", "one"].map((name) => flagAt(value, name))).toEqual([true, true, false, false]);
    expect(["number", "one", "blank", "word", "none"].map((name) => numberAt(value, name))).toEqual([5, 1, null, null, null]);
    expect(["one", "word", "really", "nan"].map((name) => textAt(value, name))).toEqual(["1", "x", "", ""]);
  });

  it.each([
    ["10.0.0.1", "203.0.113.7", "outbound"],
    ["203.0.113.7", "fd00::1", "inbound"],
    ["10.0.0.1", "192.168.0.1", null],
    ["203.0.113.7", "198.51.100.1", null],
    ["x", "10.0.0.1", null],
    ["10.0.0.1", "x", null],
    [undefined, "10.0.0.1", null],
    ["203.0.113.7", null, null],
  ])("directionOf: from %s to %s is %s", (client, server, direction) => {
    expect(directionOf(client, server)).toBe(direction);
  });
});

describe("words of detectors", () => {
  const kinds = {
    "brute-force":
      "bruteforce brute-force BruteForce|ssh:bf|authentication_failed|failed login|failedlogon|login attempt|loginattempts|password-guessing|password spray|passwordspray|user enumeration|userenum",
    "crypto-mining": "cryptocurrency|crypto currency|crypto-mining|cryptominer|coinminer|coin-mining|miner|miners|bitcoin|stratum",
    "command-and-control": "c&c|a c2 b|commandandcontrol|command and control|backdoor|beacon|botnet",
    "denial-of-service":
      "denialofservice|denial of service|ddos|dos|dos_attack|ddosattack|l7ddos|http_dos|l7 dos|ratebased|rate-based|ratelimit|rate limit|flood",
    shell:
      "reverseshell|reverse shell|terminalshell|terminal shell|shellspawn|shell spawned|shell in container|shell-in-container|shellcode|shell code|interactiveshell|interactive shell|webshell|web shell",
    "data-exposure": "exfiltration|exposure|SensitiveData|dataleak|data leak|s3BucketPublic|publicly",
    "web-attack":
      "sqli|sqlinjection|sql injection|xss|crosssite|cross-site|webattack|web attack|webapplication|web scan|waf|pathtraversal|path traversal|directory-traversal|log4j|http|cve",
    "port-probe": "portprobe|port probe|portscan|port-sweep|recon:ec2|networkscan|network scan|scan|scanner|scanning|probing",
    "credential-access": "credential|iamuser|secret|secrets|accesskey|access key",
    malware: "malware|trojan|virus|ransomware|worm|exploit",
    other: "abf|bfg|tornados|kudos_|minerals|ec2|adosx|axssb|scand|a recon|secretly|wormhole|nothing",
  };

  it.each(Object.entries(kinds).flatMap(([kind, words]) => words.split("|").map((word) => [word, kind] as const)))("categoryOf: %j is %s", (word, kind) => {
    expect(categoryOf(word)).toBe(kind);
    expect(webCategory(word)).toBe(kind === "other" ? "web-attack" : kind);
  });

  it("categoryOf: of a long text only the start", () => {
    expect([categoryOf(`${" ".repeat(1_000 - 4)}flood`), categoryOf(`${" ".repeat(1_000 - 5)}flood`)]).toEqual(["other", "denial-of-service"]);
  });

  it.each([
    ["critical emergency alert fatal page crit Critical", "critical"],
    ["high error major HIGH", "high"],
    ["medium moderate warning warn Warning", "medium"],
    ["low informational info notice debug minor none Info", "low"],
    ["lo urgent constructor", null],
  ])("severityOf: %s: %s", (words, severity) => {
    for (const word of words.split(" ")) expect([word, severityOf(word), severityOf(` ${word} `)]).toEqual([word, severity, severity]);
    expect(severityOf("")).toBeNull();
  });

  it("severityFrom: from the least that each asks for", () => {
    const least = { critical: 9, high: 7, medium: 4 };
    expect([null, -1, 0, 3.9, 4, 6.9, 7, 8.9, 9, 99].map((score) => severityFrom(score, least))).toEqual([
      null,
      "low",
      "low",
      "low",
      "medium",
      "medium",
      "high",
      "high",
      "critical",
      "critical",
    ]);
  });
});
