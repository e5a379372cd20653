// A detector's key in the wrong hands, or a detector that believes its attackers: what it can spend, fill, displace and stop, and
// what is left for everybody else. The real coordinator; a small firewall.
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { bearer, type HostileWorld, hostileConfig, hostileWorld, json, post, send } from "./world.ts";

const minute = 60_000;
const room = 4;
const detector = hostileConfig.clients?.detector;
/** No neighbours: those could share a rule. */
const throwaway = (at: number) => `57.${at >> 15}.${(at >> 7) & 255}.${(2 * at) & 255}`;

async function smallFirewall(): Promise<HostileWorld> {
  // Four rules of ours: the ACL's own allow and its default deny take two.
  const world = await hostileWorld({ rulesMax: 6 });
  await world.behind.advance(10 * minute);
  return world;
}

const alert = (world: HostileWorld, ips: readonly string[], more: object = {}) =>
  post(
    world,
    "/v1/alerts/elastalert",
    "detector",
    ips.map((ip) => ({ source: { ip }, ...more })),
  );

const statuses = async (response: Response) => ((await json(response)).items as { status: string }[]).map(({ status }) => status);

/** Floods for so many minutes with addresses that nobody has seen before; how many were taken. */
async function flood(world: HostileWorld, minutes: number, more: object = {}): Promise<number> {
  let taken = 0;
  for (let at = 0; at < minutes; at += 1) {
    for (let burst = 0; burst < 4; burst += 1) {
      const answers = await statuses(
        await alert(
          world,
          Array.from({ length: 50 }, (_, one) => throwaway(at * 1_000 + burst * 50 + one)),
          more,
        ),
      );
      taken += answers.filter((status) => status === "created" || status === "held").length;
    }
    await world.behind.advance(minute);
  }
  return taken;
}

describe("a detector's key in the wrong hands", () => {
  test("bound: it writes no more than its newPerMinute, whatever it sends, and holds no more than its live", async () => {
    const world = await smallFirewall();
    const { puts } = world.behind.kv.counts;
    const minutes = 5;
    expect(await flood(world, 1)).toBe(detector?.newPerMinute);
    expect(world.behind.kv.counts.puts - puts).toBe(detector?.newPerMinute);
    expect((await flood(world, minutes)) + (detector?.newPerMinute ?? 0)).toBe(detector?.live);
    expect(world.behind.kv.counts.puts - puts).toBeLessThanOrEqual(minutes * (detector?.newPerMinute ?? 0) + 1);
  });

  test("bound: renewals, other severities and repeats of one address are counted as writes too", async () => {
    const world = await smallFirewall();
    const { puts } = world.behind.kv.counts;
    // Each is severer or a good deal longer than the one before, so each is worth a record.
    for (const severity of ["low", "medium", "high", "critical"])
      for (let seconds = 60; seconds < 86_400; seconds = Math.ceil(seconds * 1.3))
        await post(world, "/v1/blocks", "writer", { ip: "57.0.0.1", for: `${seconds}s`, severity });
    expect(world.behind.kv.counts.puts - puts).toBe(hostileConfig.clients?.writer?.newPerMinute);
  });

  test("bound: it does what its scope says and nothing else, from wherever it is used", async () => {
    const world = await smallFirewall();
    const before = world.behind.kv.counts.puts;
    const attempts: readonly (readonly [string, object])[] = [
      ["/v1/blocks", { ip: "57.0.0.1" }],
      ["/v1/alerts/generic", { ip: "57.0.0.1" }],
      ["/v1/lifts", { ip: "57.0.0.1" }],
      ["/v1/exemptions", { ip: "57.0.0.1" }],
      ["/v1/stop", { action: "drain" }],
      ["/v1/reconcile", {}],
      ["/v1/store", {}],
    ];
    for (const [path, body] of attempts) expect([path, (await post(world, path, "detector", body)).status]).toEqual([path, 403]);
    for (const path of ["/v1/blocks", "/v1/targets", "/v1/feed.txt", "/metrics", "/openapi.json"])
      expect([path, (await send(world, path, { headers: bearer("detector") })).status]).toEqual([path, 403]);
    const wide = await json(await alert(world, ["57.0.0.0/24", "57.0.0.0/8", "2a0e:1::/48"]));
    expect(wide.counts).toEqual({ refused: 3 });
    expect(world.behind.kv.counts.puts).toBe(before);
  });

  test("bound: one client's records never fill the store for the others", async () => {
    const world = await smallFirewall();
    await alert(world, ["57.0.0.1"]);
    await world.behind.advance(6 * minute);
    const core = (await world.behind.storage.load()).get("core") as Record<string, unknown>;
    expect(core.listedBy).toMatchObject({ detector: 1 });
    const most = Math.floor(limits.listPagesMax * 900 * limits.storeShareMax);
    world.behind.evict();
    await world.behind.storage.put("core", { ...core, listed: most, listedBy: { detector: most } } as never);
    expect(await json(await alert(world, ["57.0.0.2"]))).toMatchObject({ items: [{ status: "limited", limit: "store" }] });
    expect((await post(world, "/v1/blocks", "writer", { ip: "57.0.0.3" })).status).toBe(202);
  });
});

describe("throwaway addresses", () => {
  test("keep: what stands stays, however many of the same weight come", async () => {
    const world = await smallFirewall();
    await post(world, "/v1/blocks", "admin", { ip: "203.0.113.7", for: "24h" });
    await world.behind.advance(minute);
    await flood(world, 5);
    expect(world.behind.ours()).toHaveLength(room);
    expect(world.behind.blocked("203.0.113.7")).toBe(true);
  });

  test("name: an attacker who comes when the room is full is told as shed, in the answer, the explanation and the metrics", async () => {
    const world = await smallFirewall();
    await flood(world, 2);
    const answer = await json(await post(world, "/v1/blocks", "writer", { ip: "203.0.113.7" }));
    await world.behind.advance(minute);
    expect(answer.items[0].targets.web.state).toMatch(/pending|shed/);
    const explained = await json(await send(world, "/v1/blocks/203.0.113.7", { headers: bearer("reader") }));
    expect(explained.block.targets.web.state).toBe("shed");
    const metrics = await (await send(world, "/metrics", { headers: bearer("reader") })).text();
    expect(metrics).toMatch(/portcullis_target_shed\{target="web"\} 1[0-9]/);
    const targets = await json(await send(world, "/v1/targets/web", { headers: bearer("reader") }));
    expect(targets.shed.length).toBeGreaterThan(10);
  });

  test("remedy: a block of higher severity takes the room at once, and one lift of a client's leases gives it all back", async () => {
    const world = await smallFirewall();
    await flood(world, 2);
    await post(world, "/v1/blocks", "admin", { ip: "203.0.113.7", severity: "high" });
    await world.behind.advance(minute);
    expect(world.behind.blocked("203.0.113.7")).toBe(true);
    expect((await post(world, "/v1/lifts", "admin", { ip: "57.0.0.0/8", client: "detector", exempt: "none" })).status).toBe(202);
    await post(world, "/v1/blocks", "admin", { ip: "203.0.113.8", for: "1h" });
    await world.behind.advance(6 * minute);
    expect(
      world.behind
        .ours()
        .map(({ cidr }) => cidr)
        .sort(),
    ).toEqual(["203.0.113.7/32", "203.0.113.8/32"]);
  });

  test("brake: beyond the deployment's rate new blocks are held, not placed, until a person releases them", async () => {
    const world = await hostileWorld({ rulesMax: 6, config: { brake: { new: 3, perMs: 10 * minute } } });
    await world.behind.advance(10 * minute);
    await post(world, "/v1/blocks", "admin", { ip: "203.0.113.7", for: "24h" });
    await world.behind.advance(minute);
    await flood(world, 2);
    await world.behind.advance(minute);
    expect((await json(await send(world, "/v1/blocks?state=held", { headers: bearer("reader") }))).total).toBeGreaterThan(10);
    expect([world.behind.ours().length, world.behind.blocked("203.0.113.7")]).toEqual([3, true]);
  });

  test("severity: a detector that may say how severe an alert is displaces what is lighter, and one whose mapping leaves it out does not", async () => {
    for (const mapped of [true, false]) {
      const { elastalert } = { ...hostileConfig.alerts };
      if (elastalert === undefined) throw new Error("the world has this source");
      const mapping = { ...elastalert.mapping, severity: mapped ? ["severity"] : [] };
      const alerts = { generic: elastalert, elastalert: { ...elastalert, mapping } };
      const world = await hostileWorld({ rulesMax: 6, config: { alerts } });
      await world.behind.advance(10 * minute);
      await post(world, "/v1/blocks", "admin", { ip: "203.0.113.7", for: "24h" });
      await world.behind.advance(minute);
      await flood(world, 2, { severity: "critical" });
      expect([mapped, world.behind.blocked("203.0.113.7")]).toEqual([mapped, !mapped]);
    }
  });
});

describe("a poisoned detector", () => {
  test("refuse: a forged X-Forwarded-For that names a CDN, a resolver, the cloud's metadata or the caller blocks none of them", async () => {
    const presets = ["iana-special-purpose", "cloud-services", "public-resolvers", "cloudflare", "googlebot", "bingbot"];
    const world = await hostileWorld({ config: { protect: { ranges: ["198.51.100.0/24"], presets } } });
    await world.behind.advance(10 * minute);
    const victims = [
      "104.16.0.1",
      "173.245.48.9",
      "8.8.8.8",
      "1.1.1.1",
      "9.9.9.9",
      "169.254.169.254",
      "168.63.129.16",
      "66.249.66.1",
      "198.51.100.1",
      "192.0.2.10",
      "10.1.2.3",
      "2606:4700::1111",
      "2001:4860:4860::8888",
    ];
    const before = world.behind.kv.counts.puts;
    const answer = await json(await alert(world, victims));
    expect(answer.counts).toEqual({ refused: victims.length });
    expect(world.behind.kv.counts.puts).toBe(before);
  });

  test("take: one poisoned match changes nothing for the matches beside it", async () => {
    const world = await smallFirewall();
    const poison = [
      null,
      7,
      "x",
      [],
      [[["203.0.113.9"]]],
      { source: null },
      { source: { ip: "\u0000" } },
      { source: { ip: ["8.8.8.8", {}, null] } },
      JSON.parse('{"__proto__":{"ip":"203.0.113.9"}}'),
      { source: { ip: "a".repeat(50_000) } },
    ];
    for (const one of poison) {
      const fresh = await hostileWorld();
      await fresh.behind.advance(10 * minute);
      const response = await post(fresh, "/v1/alerts/elastalert", "detector", [{ source: { ip: "203.0.113.7" } }, one, { source: { ip: "203.0.113.8" } }]);
      const taken = ((await json(response)).items as { status: string }[]).filter(({ status }) => status === "created").length;
      expect([JSON.stringify(one)?.slice(0, 40), response.status, taken]).toEqual([
        JSON.stringify(one)?.slice(0, 40),
        200,
        JSON.stringify(one)?.includes("8.8.8.8") ? 3 : 2,
      ]);
    }
    expect(world.behind.ours()).toEqual([]);
  });

  test("keep: text from an attacker's hands is stored as one harmless line, and never sent to a cloud", async () => {
    const world = await smallFirewall();
    const rule = `\u001b[2J</script><img src=x onerror=alert(1)>\r\nSet-Cookie: a=b\u202e=cmd|'/c calc'!A1 [x](javascript:1) \${jndi:ldap://x} %0d%0a${"z".repeat(500)}`;
    await alert(world, ["203.0.113.7"], { rule, severity: "\u0000critical" });
    await world.behind.advance(minute);
    const [lease] = (await json(await send(world, "/v1/blocks/203.0.113.7", { headers: bearer("reader") }))).leases;
    expect(lease.reason).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect([...lease.reason].length).toBeLessThanOrEqual(limits.reasonCharsMax);
    expect(lease.severity).toBe("medium");
    expect(JSON.stringify(world.behind.aws.acl("acl-0123456789abcdef0").state)).not.toMatch(/onerror|jndi|calc/);
  });
});
