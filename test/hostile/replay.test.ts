// A message that was captured on its way: what it opens besides what its sender meant. Real signatures (the Standard Webhooks
// reference library's), the real application, the real coordinator and its store.
import fc from "fast-check";
import { expect, test } from "vitest";
import { routes } from "../../functions/routes/index.ts";
import { eventSources } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { bearer, type HostileWorld, hostileWorld, json, send, signed } from "./world.ts";

const minute = 60_000;

/** What a script of the widest rights may sign, by the route it is meant for. */
const messages: readonly (readonly [string, object])[] = [
  ["/v1/blocks", { type: "block", ip: "203.0.113.7" }],
  ["/v1/alerts/elastalert", { type: "alert.elastalert", ip: "203.0.113.7" }],
  ["/v1/alerts/generic", { type: "alert.generic", ip: "203.0.113.7" }],
  ...eventSources.map((source) => [`/v1/alerts/${source}`, { type: `alert.${source}`, ip: "203.0.113.7" }] as const),
  ["/v1/lifts", { type: "lift", ip: "203.0.113.7" }],
  ["/v1/exemptions", { type: "exempt", ip: "203.0.113.7" }],
  [`/v1/events/${"5".repeat(32)}/replay`, { type: "replay", event: "5".repeat(32) }],
  ["/v1/reconcile", { type: "reconcile" }],
  ["/v1/stop", { type: "stop", action: "freeze" }],
  ["/v1/store", { type: "store" }],
];

const guarded = routes.filter((route) => route.access !== "public");
const part = /:\w+(\{[^}]+\})?/;

/** Everything that a replay could have changed. */
function stateOf({ behind }: HostileWorld): string {
  return JSON.stringify([behind.kv.counts.puts, behind.aws.writes, behind.alarmAt, behind.ours()]);
}

test("replay: a captured signed message opens no other route and no other method, and changes nothing there", async () => {
  expect(new Set(messages.map(([path]) => path.replace("5".repeat(32), ":id")))).toEqual(
    new Set(routes.filter((route) => route.method === "POST" && route.access !== "sender" && route.access !== "link").map(({ path }) => path)),
  );
  const world = await hostileWorld();
  await world.behind.advance(10 * minute);
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
  const extras = [
    {},
    { "x-http-method-override": "POST" },
    { "x-original-url": "/v1/blocks", "x-rewrite-url": "/v1/blocks" },
    { "content-type": "text/plain" },
  ] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...messages),
      fc.constantFrom(...guarded),
      fc.constantFrom(...methods),
      fc.constantFrom(...extras),
      fc.nat(),
      async (message, route, method, extra, id) => {
        const [path, fields] = message;
        if (method === "POST" && route.path === path.replace("5".repeat(32), ":id")) return;
        const body = JSON.stringify(fields);
        const headers = { ...signed(world, body, `msg_${id}`), ...extra };
        const place = route.path.replace(part, "203.0.113.7");
        const before = stateOf(world);
        const init = method === "GET" || method === "HEAD" ? { method, headers } : { method, headers, body };
        for (const url of [place, `${place}?ip=203.0.113.7`, `${place}/`, `/${place}`, place.replace("/v1/", "/v1/%2e/"), place.replace("/v1/", "/v1%2f")]) {
          const response = await send(world, url, init);
          // `/v1/%2e/blocks` is `/v1/blocks` to every URL parser: only what is not this message's own route must be shut.
          const isItsOwn = method === "POST" && new URL(`http://x${url}`).pathname === path;
          expect([method, url, isItsOwn || response.status >= 400]).toEqual([method, url, true]);
        }
        expect(stateOf(world)).toBe(before);
      },
    ),
    { numRuns: 300 },
  );
});

test("replay: on its own route within its five minutes it says the same thing again; nothing is written, and after them it opens nothing", async () => {
  for (const [path, fields] of messages.filter(([path]) => path !== "/v1/reconcile" && !path.endsWith("/replay"))) {
    const world = await hostileWorld();
    await world.behind.advance(10 * minute);
    const body = JSON.stringify(fields);
    const headers = signed(world, body);
    const first = await send(world, path, { method: "POST", headers, body });
    expect([path, first.status < 300]).toEqual([path, true]);
    const { puts } = world.behind.kv.counts;
    for (let count = 0; count < 4; count += 1) {
      world.behind.now += minute;
      await send(world, path, { method: "POST", headers, body });
    }
    expect([path, world.behind.kv.counts.puts - puts]).toEqual([path, 0]);
    world.behind.now += limits.signatureToleranceMs;
    expect([path, (await send(world, path, { method: "POST", headers, body })).status]).toEqual([path, 401]);
  }
});

test("replay: a captured block does not undo the lift that came after it, nor a captured resume the freeze", async () => {
  const world = await hostileWorld();
  await world.behind.advance(10 * minute);
  const block = JSON.stringify({ type: "block", ip: "203.0.113.7" });
  const resume = JSON.stringify({ type: "stop", action: "resume" });
  const captured = { block: signed(world, block, "msg_block"), resume: signed(world, resume, "msg_resume") };
  await send(world, "/v1/blocks", { method: "POST", headers: captured.block, body: block });
  await send(world, "/v1/stop", { method: "POST", headers: captured.resume, body: resume });
  await world.behind.advance(minute);
  const asAdmin = { method: "POST", headers: { ...bearer("admin"), "content-type": "application/json" } };
  await send(world, "/v1/lifts", { ...asAdmin, body: JSON.stringify({ ip: "203.0.113.7", exempt: "none" }) });
  await send(world, "/v1/stop", { ...asAdmin, body: JSON.stringify({ action: "freeze" }) });
  await world.behind.advance(2 * minute);
  expect((await send(world, "/v1/blocks", { method: "POST", headers: captured.block, body: block })).status).toBe(422);
  expect(await json(await send(world, "/v1/stop", { method: "POST", headers: captured.resume, body: resume }))).toMatchObject({
    repeated: true,
    stopped: { "*": "freeze" },
  });
  // The freeze stands; once a person ends it, the lift is carried out.
  await send(world, "/v1/stop", { ...asAdmin, body: JSON.stringify({ action: "resume" }) });
  await world.behind.advance(3 * minute);
  expect(world.behind.blocked("203.0.113.7")).toBe(false);
});

test("refuse: one byte of the body, the id or the time changed makes it no message at all", async () => {
  const world = await hostileWorld();
  const body = JSON.stringify({ type: "block", ip: "203.0.113.7", for: "1h" });
  const headers = signed(world, body);
  const before = stateOf(world);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("body", "webhook-id", "webhook-timestamp", "webhook-signature"),
      fc.nat(),
      fc.constantFrom("0", "a", "/", "+", "}"),
      async (where, at, character) => {
        const text = where === "body" ? body : (headers[where] ?? "");
        const index = at % text.length;
        if (text[index] === character) return;
        const changed = `${text.slice(0, index)}${character}${text.slice(index + 1)}`;
        // The last character of base64 may hold bits that mean nothing.
        if (where === "webhook-signature" && index >= text.length - 2) return;
        const init = where === "body" ? { headers, body: changed } : { headers: { ...headers, [where]: changed }, body };
        expect((await send(world, "/v1/blocks", { method: "POST", ...init })).status).toBe(401);
      },
    ),
    { numRuns: 300 },
  );
  expect(stateOf(world)).toBe(before);
});
