// Senders of alerts that mean no good, at every source: what is nested, named, counted, encoded and cast otherwise than the format says. The answer is
// always 200 with a line for what was sent, one bad item spoils no other, and nobody is blocked who is not the attacker of some item.
import { describe, expect, test } from "vitest";
import { type AlertSource, alertSources, type ClientConfig, type Config } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { adapters } from "../../shared/source/index.ts";
import { baseConfig, bearer, createWorld, json, nowMs, send, type World } from "../api/world.ts";
import { samples, withSamples } from "../source/samples.ts";

const presets = ["iana-special-purpose", "cloud-services", "public-resolvers", "cloudflare", "googlebot", "bingbot"];

/** A client that may do all that a detector may; nothing is protected unless said otherwise. */
function open(protect: Config["protect"] = { ranges: [], presets: [] }): World {
  const { detector } = baseConfig.clients;
  if (detector === undefined) throw new Error("the world has no detector");
  const scopes = alertSources.map((source) => `alert:${source}` as const) satisfies ClientConfig["scopes"];
  const config: Config = { ...baseConfig, protect, clients: { ...baseConfig.clients, detector: { ...detector, scopes } } };
  return createWorld(config, { protection: createProtection(protect) });
}

async function tell(world: World, source: AlertSource, body: unknown): Promise<Record<string, unknown>[]> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const payload = isRaw ? (body as BodyInit) : JSON.stringify(body);
  const response = await send(world, `/v1/alerts/${source}`, { method: "POST", headers: bearer("detector"), body: payload });
  expect([source, response.status]).toEqual([source, 200]);
  return (await json(response)).items;
}

const ips = (items: readonly Record<string, unknown>[]) => items.filter(({ status }) => status === "created").map(({ ip }) => ip);
const at = new Date(nowMs - 60_000).toISOString();

/** A message of each source in which `far` attacks `near`, as the format says it; sources without a word for the attacked are left out. */
const messages: Readonly<Partial<Record<AlertSource, (far: string, near: string) => object>>> = {
  guardduty: (far, near) => ({
    id: "f1",
    type: "UnauthorizedAccess:EC2/SSHBruteForce",
    severity: 5,
    updatedAt: at,
    resource: { instanceDetails: { networkInterfaces: [{ privateIpAddress: near, publicIp: "198.51.100.200" }] } },
    service: {
      resourceRole: "TARGET",
      action: { networkConnectionAction: { connectionDirection: "INBOUND", remoteIpDetails: { ipAddressV4: far }, localIpDetails: { ipAddressV4: near } } },
    },
  }),
  securityhub: (far, near) => ({
    Id: "f1",
    ProductArn: "arn:aws:securityhub:eu-west-1::product/aws/guardduty",
    Types: ["TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce"],
    UpdatedAt: at,
    ProductFields: {
      "aws/guardduty/service/action/networkConnectionAction/connectionDirection": "INBOUND",
      "aws/guardduty/service/action/networkConnectionAction/remoteIpDetails/ipAddressV4": far,
      "aws/guardduty/service/action/networkConnectionAction/localIpDetails/ipAddressV4": near,
    },
  }),
  falco: (far, near) => ({ rule: "Unexpected inbound", time: at, output_fields: { "evt.type": "accept4", "fd.cip": far, "fd.sip": near } }),
  alertmanager: (far, near) => ({ labels: { alertname: "A", src_ip: far, dst_ip: near }, startsAt: at, fingerprint: "f" }),
  suricata: (far, near) => ({
    event_type: "alert",
    timestamp: at,
    flow_id: 1,
    src_ip: far,
    dest_ip: near,
    alert: { signature: "ET SCAN", signature_id: 1, severity: 1 },
  }),
  wazuh: (far, near) => ({
    id: "1",
    timestamp: at,
    rule: { level: 10, id: "5712", description: "sshd: brute force", groups: [] },
    agent: { id: "1", ip: near },
    data: { srcip: far },
  }),
  cloudflare: (far, near) => ({ Action: "block", ClientIP: far, OriginIP: near, Datetime: at, RayID: "r1", RuleID: "r", Source: "waf" }),
};

describe("addresses in the wrong roles", () => {
  const cases = Object.entries(messages) as [AlertSource, (far: string, near: string) => object][];

  test.each(cases)("%s: the attacker is blocked, and never whom the message names as attacked, however either is spelled", async (source, message) => {
    expect(ips(await tell(open(), source, message("203.0.113.7", "198.51.100.5")))).toEqual(["203.0.113.7"]);
    const same = ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:CB00:7107", "0:0:0:0:0:ffff:203.0.113.7", " 203.0.113.7 ", "203.0.113.7/32"];
    for (const far of same) for (const near of same) expect([far, near, ips(await tell(open(), source, message(far, near)))]).toEqual([far, near, []]);
    expect(ips(await tell(open(), source, message("203.0.113.0/24", "203.0.113.7")))).toEqual([]);
  });

  test.each(cases)("%s: whoever sits beside the attacked in its /64 is not blocked with it; another /64 is", async (source, message) => {
    const items = await tell(open(), source, message("2001:db8:5::bad", "2001:db8:5::1"));
    expect(items).toMatchObject([{ status: "ignored", reason: expect.stringContaining("2001:db8:5::1") }]);
    expect(ips(await tell(open(), source, message("2001:db8:6::bad", "2001:db8:5::1")))).toEqual(["2001:db8:6::/64"]);
  });

  test.each(cases)("%s: private, special and shared addresses, embedded ones too, are refused by name", async (source, message) => {
    const world = open({ ranges: ["198.51.100.0/24"], presets });
    const inner = ["10.1.2.3", "192.168.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "fd00::1", "fe80::1", "::1", "0.0.0.0", "255.255.255.255"];
    const others = ["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "8.8.8.8", "2606:4700::1111", "168.63.129.16", "198.51.100.77", "66.249.66.1"];
    for (const far of [...inner, ...others]) {
      const items = await tell(world, source, message(far, "198.18.0.9"));
      expect([far, ips(items), world.coordinator.leases.size]).toEqual([far, [], 0]);
      expect(items.length).toBeGreaterThan(0);
    }
  });

  test("guardduty: both families of one far end are blocked, and neither where one is ours", async () => {
    const message = (v4: string, v6: string, near: string) => {
      const finding = messages.guardduty?.("203.0.113.7", near) as { service: { action: { networkConnectionAction: object } } };
      Object.assign(finding.service.action.networkConnectionAction, { remoteIpDetails: { ipAddressV4: v4, ipAddressV6: v6 } });
      return finding;
    };
    expect(ips(await tell(open(), "guardduty", message("203.0.113.7", "2001:db8:bad::7", "10.0.0.1")))).toEqual(["203.0.113.7", "2001:db8:bad::/64"]);
    expect(ips(await tell(open(), "guardduty", message("198.51.100.200", "2001:db8:bad::7", "10.0.0.1")))).toEqual(["2001:db8:bad::/64"]);
  });
});

describe.each(alertSources)("%s", (source) => {
  const own = samples.filter((sample) => sample.source === source).flatMap(({ payload }) => (Array.isArray(payload) ? payload : [payload]));
  const good: unknown = own.find((payload) => ((entries) => entries.length === 1 && entries[0]?.kind === "event")(adapters[source].read(payload, withSamples)));

  test("survive: names of the prototype, at the top, inside and beside what is good", async () => {
    const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];
    const text = JSON.stringify(good);
    const bad = names.map((name) => `{"${name}":${text}}`);
    const inside = names.map((name) => text.replace("{", `{"${name}":{"ip":"203.0.113.66","src_ip":"203.0.113.66"},`));
    const world = open();
    const items = await tell(world, source, `[${[...bad, ...inside].join(",")}]`);
    expect(items.length).toBeGreaterThanOrEqual(bad.length + inside.length);
    expect([...world.coordinator.leases.values()].flat().some(({ item }) => item.asked.includes("203.0.113.66"))).toBe(false);
    expect(({} as Record<string, unknown>).ip).toBeUndefined();
  });

  test("survive: nesting without end, in lists and in objects, alone and in each member", async () => {
    const deep = 20_000;
    for (const text of [
      "[".repeat(deep) + "]".repeat(deep),
      `${'{"detail":'.repeat(deep)}1${"}".repeat(deep)}`,
      `${'{"data":['.repeat(deep / 2)}${"]}".repeat(deep / 2)}`,
    ])
      expect((await tell(open(), source, text)).length).toBeGreaterThan(0);
    const nested = JSON.stringify(good).replace(/"(?=:)/, `":${"[".repeat(deep)}${"]".repeat(deep)},"x`);
    expect((await tell(open(), source, nested)).length).toBeGreaterThan(0);
  });

  test("bound: ten thousand items are a thousand and a word on the rest, and no more is asked of anyone", async () => {
    const world = open();
    const items = await tell(world, source, `[${Array(10_000).fill("{}").join(",")}]`);
    expect(items.length).toBe(limits.alertItemsMax + 1);
    expect(items.at(-1)).toMatchObject({ status: "invalid", reason: expect.stringContaining("not read") });
    expect(world.coordinator.asked.filter(({ verb }) => verb === "accept")).toEqual([]);
  });

  test("name: other encodings than UTF-8, and a mark before it is none", async () => {
    const text = JSON.stringify(good);
    const plain = await tell(open(), source, text);
    expect(await tell(open(), source, `\ufeff${text}`)).toEqual(plain);
    const utf16 = (order: "le" | "be") => {
      const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
      return new Uint8Array(order === "le" ? bytes : bytes.swap16());
    };
    const latin = new Uint8Array(Buffer.from(text.replace("{", '{"note":"\u00e9",'), "latin1"));
    for (const bytes of [utf16("le"), utf16("be"), latin, new Uint8Array([0xed, 0xa0, 0x80])])
      expect((await tell(open(), source, bytes)).map(({ status }) => status)).toEqual(["invalid"]);
  });

  test("keep: one bad item in the middle spoils none beside it", async () => {
    const alone = (await tell(open(), source, [good])).length;
    for (const bad of [null, 7, "x", [], [[good]], {}, { ip: {} }, { Type: "Notification", Message: "{" }]) {
      const items = await tell(open(), source, [good, bad, good]);
      expect(items.filter(({ item }) => item === 0).length).toBe(alone);
      expect(items.filter(({ item }) => item === 1).length).toBeGreaterThan(0);
    }
  });
});
