// The example rules, each against the deployment in virtual time: silent while all is well, firing when what it warns of is made to happen.
// So whatever has a rule can really be seen in /metrics, and no rule names a metric or a page that does not exist.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { counterHelp } from "../../functions/log/counters.ts";
import { logLine } from "../../functions/log/line.ts";
import { limits } from "../../shared/limits.ts";
import { newWorld, startMs } from "../coordinator/world.ts";
import { callHome, calling } from "../events/support.ts";
import { detector, type SenderWorld, senderWorld, signedSns } from "../senders/world.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { confirmation, notification, topicArn } from "../sns/publisher.ts";
import { Deployed } from "./deployed.ts";
import { firingLines } from "./logql.ts";
import { firing, metricsOf, parseScrape, type Scrape } from "./promql.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

const root = new URL("../../", import.meta.url);
function rulesIn(file: string): readonly Rule[] {
  const document = parse(readFileSync(new URL(file, root), "utf8")) as { groups: { rules: Rule[] }[] };
  return document.groups.flatMap((group) => group.rules);
}

const rules = rulesIn("functions/alerts.example.yaml");
const logRules = rulesIn("functions/log-alerts.example.yaml");
const readme = readFileSync(new URL("functions/README.md", root), "utf8");

/** A deployment that is scraped, as Prometheus does it. */
class Watched extends Deployed {
  readonly scrapes: Scrape[] = [];

  async scrape(): Promise<void> {
    const response = await this.get("/metrics");
    const samples = response.status === 200 ? new Map(parseScrape(await response.text())) : new Map<string, number>();
    samples.set('up{job="portcullis"}', response.status === 200 ? 1 : 0);
    this.scrapes.push({ atMs: this.world.now, samples });
  }

  /** Minutes, scraped at the end of each. */
  async watch(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) {
      await this.minutes(1);
      await this.scrape();
    }
  }
}

/** A quarter of an hour of a deployment in good health, with one block. */
async function healthy(options: Parameters<typeof newWorld>[0] = {}): Promise<Watched> {
  const watched = new Watched(await newWorld({ ...options, config: { playbooks: [callHome()], ...options.config } }));
  await watched.watch(3);
  await watched.block("203.0.113.1", { for: "7d" });
  await watched.watch(12);
  return watched;
}

type Scenario = () => Promise<Watched>;

async function after(
  minutes: number,
  change: (watched: Watched) => Promise<unknown> | unknown,
  options: Parameters<typeof newWorld>[0] = {},
): Promise<Watched> {
  const watched = await healthy(options);
  await change(watched);
  await watched.watch(minutes);
  return watched;
}

/** An event comes in, and the store is away for all the tries of its step, or for most. */
async function eventWhileDown(wait: string, minutes: number): Promise<Watched> {
  const steps = `  - block: {}\n    retry: { times: 5, wait: ${wait} }\n`;
  const watched = await healthy({ config: { playbooks: [callHome("", steps)] } });
  const { coordinator } = await watched.world.life();
  const bounds = { longestMs: limits.leaseLongestMs, widest: { ipv4: 32, ipv6: 64 } };
  const event = { ...calling, at: watched.world.now };
  await coordinator.take({ client: "detector", own: null, bounds, receipt: watched.world.now, events: [event] });
  watched.world.kv.down = true;
  await watched.watch(minutes);
  watched.world.kv.down = false;
  await watched.watch(2);
  return watched;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  PortcullisUnscrapable: () =>
    after(0, (watched) => {
      watched.world.life = () => Promise.reject(new Error("the object is gone"));
      return watched.scrape();
    }),
  PortcullisNeverPassed: async () => {
    const watched = new Watched(await newWorld());
    await watched.scrape();
    return watched;
  },
  PortcullisTickStopped: () =>
    after(30, ({ world }) => {
      world.ticksSkippedUntil = world.now + 40 * 60_000;
    }),
  PortcullisPassFailing: () =>
    after(15, ({ world }) => {
      world.kv.down = true;
    }),
  PortcullisBlockLate: () =>
    after(8, async (watched) => {
      watched.world.aws.faults.decide = (action) => (action === "CreateNetworkAclEntry" ? { kind: "serverError", status: 503, committed: false } : null);
      await watched.block("203.0.113.7");
    }),
  PortcullisDeadLetter: () => eventWhileDown("1s", 5),
  PortcullisEventsLate: () => eventWhileDown("10m", 32),
  PortcullisLiftLate: () =>
    after(25, async (watched) => {
      watched.world.aws.faults.decide = (action) => (action === "DeleteNetworkAclEntry" ? { kind: "serverError", status: 503, committed: false } : null);
      await watched.block("203.0.113.7", { for: "2m" });
    }),
  PortcullisTargetFailed: () =>
    after(6, ({ world }) => {
      world.aws.faults.credentialsRevoked = true;
    }),
  PortcullisTargetBlind: () =>
    after(25, ({ world }) => {
      world.aws.faults.decide = () => ({ kind: "serverError", status: 503, committed: false });
    }),
  PortcullisNotEnforcing: () => after(7, ({ world }) => world.aws.acl(aclId).associate([])),
  PortcullisOwnership: () => after(7, ({ world }) => world.aws.acl(aclId).tag({ "portcullis:store": "another" })),
  PortcullisOrphansUnsafe: () =>
    after(7, ({ world }) => {
      for (let number = 10; number < 15; number += 1) world.aws.acl(aclId).create({ number, egress: false, cidr: `203.0.113.${number}/32`, action: "deny" });
    }),
  PortcullisStoreIncomplete: () => after(7, ({ world }) => world.kv.put("lease:whatever", "{}", { metadata: {}, expiresAtMs: null })),
  PortcullisHeld: async () => {
    const watched = await healthy({ config: { brake: { new: 3, perMs: 3_600_000 } } });
    for (let at = 10; at < 16; at += 1) await watched.block(`203.0.113.${at}`);
    await watched.watch(2);
    return watched;
  },
  PortcullisShed: () =>
    after(
      2,
      async (watched) => {
        for (let at = 10; at < 14; at += 1) await watched.block(`203.0.113.${2 * at}`);
      },
      { rulesMax: 5 },
    ),
  PortcullisRoomLow: () =>
    after(
      2,
      async (watched) => {
        for (let at = 10; at < 12; at += 1) await watched.block(`203.0.113.${at}`);
      },
      { rulesMax: 5 },
    ),
  PortcullisStopped: () => after(2, (watched) => watched.post("/v1/stop", { action: "freeze" })),
  PortcullisThrottled: () =>
    after(30, async (watched) => {
      watched.world.aws.faults.decide = (action) => (action === "CreateNetworkAclEntry" ? { kind: "throttle", status: 503, retryAfterSeconds: null } : null);
      await watched.block("203.0.113.7");
    }),
  PortcullisFrozenPlaces: () =>
    after(0, async (watched) => {
      watched.world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: true } });
      await watched.block("203.0.113.7");
      await watched.world.advance(5_000);
      await watched.scrape();
    }),
  PortcullisDrift: () => after(7, ({ world }) => world.aws.acl(aclId).delete(world.ours()[0]?.number ?? 0, false)),
  PortcullisClientLimited: () =>
    after(1, async (watched) => {
      for (let at = 10; at < 15; at += 1) await watched.block(`203.0.113.${at}`, {}, "slow");
    }),
  PortcullisStrangers: () =>
    after(3, async (watched) => {
      for (let minute = 0; minute < 3; minute += 1) {
        for (let at = 0; at < 60; at += 1) await watched.send("POST", "/v1/blocks", null, { body: "{}" });
        await watched.watch(1);
      }
      await watched.send("POST", "/v1/blocks", null, { body: "{}" });
    }),
  PortcullisStoreFull: () =>
    after(6, async ({ world }) => {
      const until = world.now - 3_600_000;
      for (let at = 0; at < limits.listPagesMax * 900 * 0.82; at += 1) {
        const hex = (0x0b000000 + at).toString(16).padStart(8, "0");
        await world.kv.put(`lease:4:${hex}/32:${until}:detector`, "{}", { metadata: { a: until - 60_000, s: 1 }, expiresAtMs: null });
      }
    }),
  PortcullisStoreWrites: () =>
    after(1, async (watched) => {
      for (let batch = 0; batch < 9; batch += 1) {
        const ips = Array.from({ length: 100 }, (_, at) => `203.0.${batch}.${at}`);
        await watched.post("/v1/blocks", { ips, for: "1h" });
      }
    }),
  PortcullisMemoryLost: () => after(3, ({ world }) => world.wipe()),
  PortcullisHeartbeatFailing: () =>
    after(4, ({ world }) => {
      world.heartbeat = "failed";
    }),
  PortcullisPresetsStale: async () => {
    const watched = new Watched(await newWorld(), { clock: { now: () => startMs + 200 * 86_400_000 } });
    await watched.minutes(2);
    await watched.scrape();
    return watched;
  },
};

/** A subscription that somebody ends or that is refused, as SNS tells of it; what each client is called there. */
const logScenarios: Readonly<Record<string, readonly (() => Promise<SenderWorld>)[]>> = {
  PortcullisTopicUnsubscribed: [() => told(senderWorld(), "UnsubscribeConfirmation")],
  PortcullisTopicRefused: [
    () => told(senderWorld(), "SubscriptionConfirmation", { SubscribeURL: "https://sns.eu-west-1.amazonaws.com/?Action=Subscribe" }),
    () => told(senderWorld(), "SubscriptionConfirmation", { SignatureVersion: "1" }),
    () => told(senderWorld({ guardduty: { ...detector, scopes: ["block"], sns: { topics: [topicArn], sha1: false } } }), "SubscriptionConfirmation"),
    () => told(senderWorld({ guardduty: { ...detector, from: ["198.51.100.1/32"], sns: { topics: [topicArn], sha1: false } } }), "SubscriptionConfirmation"),
  ],
};

async function told(world: SenderWorld, Type: string, changes: Record<string, string> = {}): Promise<SenderWorld> {
  await signedSns(world, confirmation(world.clock.at, { Type, ...changes }));
  return world;
}

/** What its log fires now, and an hour later. */
function firedBy({ expr }: Rule, world: SenderWorld): readonly (readonly string[])[] {
  const lines = world.logged.map((record) => ({ atMs: world.clock.at, line: logLine(record) }));
  return [0, 3_600_000].map((later) => firingLines(expr, lines, world.clock.at + later));
}

describe("alerts on the log", () => {
  test("health: a subscription that is confirmed and used fires none", async () => {
    const world = senderWorld();
    for (const fields of [confirmation(world.clock.at), notification({ ip: "203.0.113.7" }, world.clock.at), notification("no alert", world.clock.at)])
      expect((await signedSns(world, fields)).status).toBe(200);
    for (const rule of logRules) expect([rule.alert, firedBy(rule, world)]).toEqual([rule.alert, [[], []]]);
  });

  test.each(logRules.map((rule) => [rule.alert, rule] as const))("fire: %s, with the client's name, and no other", async (alert, rule) => {
    const worlds = await Promise.all((logScenarios[alert] ?? []).map((scenario) => scenario()));
    expect(worlds.length).toBeGreaterThan(0);
    for (const world of worlds) {
      expect(firedBy(rule, world)).toEqual([["guardduty"], []]);
      for (const other of logRules) if (other !== rule) expect([other.alert, firedBy(other, world)]).toEqual([other.alert, [[], []]]);
    }
  });
});

describe("alerts", () => {
  test("rules: each has a scenario, a severity, a sentence and a page of the runbook that exists", () => {
    expect(Object.keys(scenarios).sort()).toEqual(rules.map(({ alert }) => alert).sort());
    expect(Object.keys(logScenarios).sort()).toEqual(logRules.map(({ alert }) => alert).sort());
    const anchors = [...readme.matchAll(/^#{1,6}\s+(.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^a-z0-9\s_-]/g, "")
        .replace(/\s/g, "-"),
    );
    for (const { alert, labels, annotations } of [...rules, ...logRules]) {
      expect([alert, ["page", "ticket"].includes(labels.severity)]).toEqual([alert, true]);
      expect(annotations.summary.length).toBeGreaterThan(20);
      const [file, anchor] = annotations.runbook.split("#");
      expect([alert, file, anchors.includes(anchor ?? "")]).toEqual([alert, "functions/README.md", true]);
    }
  });

  test("health: a deployment in good health names every metric that a rule reads, and fires none", async () => {
    const watched = await healthy();
    const known = [...(watched.scrapes.at(-1)?.samples.keys() ?? [])].map((series) => series.split("{")[0]);
    // These begin with the first event that they count.
    const counted = rules.flatMap(({ expr }) => [...expr.matchAll(/increase\(([a-z_]+)/g)].map(([, name]) => name));
    for (const { alert, expr } of rules) {
      for (const name of metricsOf(expr).filter((one) => !counted.includes(one) && one !== "portcullis_target_error"))
        expect([alert, known.includes(name)]).toEqual([alert, true]);
      expect([alert, firing(expr, watched.scrapes)]).toEqual([alert, []]);
    }
  });

  test.each(rules.map((rule) => [rule.alert, rule] as const))("fire: %s", { timeout: 120_000 }, async (alert, { expr }) => {
    const watched = await scenarios[alert]?.();
    expect(firing(expr, watched?.scrapes ?? []).length).toBeGreaterThan(0);
  });

  test("document: every metric is in the README, and none that does not exist", async () => {
    const watched = await healthy();
    const exist = new Set(
      [...(watched.scrapes.at(-1)?.samples.keys() ?? []), ...Object.keys(counterHelp), "portcullis_target_error"].map((series) => series.split("{")[0] ?? ""),
    );
    const told = new Set([...readme.matchAll(/`(portcullis_[a-z_]+)/g)].map(([, name = ""]) => name));
    expect([...exist].filter((name) => name.startsWith("portcullis_") && !told.has(name))).toEqual([]);
    expect([...told].filter((name) => !exist.has(name))).toEqual([]);
  });

  test("labels: no address, and a bounded number of series, whoever asked for what", async () => {
    const watched = await healthy();
    const before = watched.scrapes.at(-1)?.samples.size ?? 0;
    for (let at = 0; at < 200; at += 1) await watched.block(`203.0.${at}.7`, {}, "detector");
    await watched.watch(2);
    const { samples } = watched.scrapes.at(-1) ?? { samples: new Map<string, number>() };
    expect(samples.size - before).toBeLessThan(10);
    for (const series of samples.keys()) expect(series).not.toMatch(/\d+\.\d+\.\d+\.\d+|::/);
  });

  test("counters: they outlive an eviction, as of the last pass", async () => {
    const watched = await healthy();
    const sum = () =>
      [...(watched.scrapes.at(-1)?.samples ?? [])]
        .filter(([series]) => series.startsWith("portcullis_steps_total"))
        .reduce((total, [, value]) => total + value, 0);
    const before = sum();
    expect([...(watched.scrapes.at(-1)?.samples.keys() ?? [])]).toContain('portcullis_remote_calls_total{target="web",answer="2xx"}');
    watched.world.evict();
    await watched.watch(1);
    expect([before > 0, sum()]).toEqual([true, before]);
  });
});
