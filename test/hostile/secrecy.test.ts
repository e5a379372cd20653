// Canaries: every key, signing secret, cloud credential and secret URL of the world is a word of its own. They are sent rightly and
// wrongly, while the store, the coordinator and the cloud fail, and then looked for in every answer, every header and every log line.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createAuthenticator } from "../../functions/auth/authenticate.ts";
import { indexKeys } from "../../functions/auth/keys.ts";
import { logLine } from "../../functions/log/line.ts";
import { routes } from "../../functions/routes/index.ts";
import { sendHeartbeat } from "../../functions/runtime/heartbeat.ts";
import type { LogRecord } from "../../shared/ports.ts";
import { keys as cloudKeys } from "../simulators/aws-fixtures.ts";
import { bearer, type HostileWorld, hostileWorld, keys, secrets, send, signed } from "./world.ts";

const minute = 60_000;
const canaries = [
  ...Object.values(keys),
  ...Object.values(secrets),
  ...Object.values(secrets).map((secret) => secret.replace("whsec_", "")),
  ...Object.values(cloudKeys).flatMap((pair) => [pair.accessKeyId, pair.secretAccessKey]),
];
const encoded = canaries.flatMap((canary) => [
  canary,
  encodeURIComponent(canary),
  Buffer.from(canary).toString("base64").replace(/=+$/, ""),
  Buffer.from(`x:${canary}`).toString("base64").replace(/=+$/, ""),
]);

function betrayed(text: string): string | undefined {
  return encoded.find((canary) => text.includes(canary));
}

/** The signature itself opens the route for five minutes more: it may not be told either. */
async function check(world: HostileWorld, response: Response, also: readonly string[] = []): Promise<void> {
  const said = `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`;
  const logged = [...world.logged, ...world.behind.logs].map((record) => logLine(record as LogRecord)).join("\n");
  expect(betrayed(said) ?? betrayed(logged) ?? also.find((word) => said.includes(word) || logged.includes(word))).toBeUndefined();
}

const paths = routes.map(({ path }) => path.replace(/:\w+(\{[^}]+\})?/, "web"));
const secret = fc.constantFrom(...canaries);
const place = fc.constantFrom(
  "authorization",
  "x-api-key",
  "cookie",
  "user-agent",
  "referer",
  "origin",
  "traceparent",
  "webhook-id",
  "webhook-signature",
  "prefer",
  "if-none-match",
  "x-forwarded-for",
);
const headers = fc
  .array(fc.tuple(place, secret, fc.constantFrom("", "Bearer ", "Basic ", "v1,", "wait=")), { maxLength: 3 })
  .map((all) =>
    Object.fromEntries(all.map(([name, value, prefix]) => [name, `${prefix}${prefix === "Basic " ? Buffer.from(`x:${value}`).toString("base64") : value}`])),
  );
/** A good credential beside the bad one, so that the routes themselves are reached too. */
const credential = fc.constantFrom<Record<string, string>>({}, bearer("admin"), bearer("reader"), bearer("detector"), bearer("narrow"), {
  "x-api-key": keys.admin,
});
const fieldName = fc.constantFrom("ip", "ips", "for", "reason", "severity", "targets", "client", "exempt", "action", "confirm", "type");

const failures: readonly (readonly [string, (world: HostileWorld) => void])[] = [
  ["all is well", () => undefined],
  ["the store is down", ({ behind }) => void Object.assign(behind.kv, { down: true })],
  ["the cloud refuses the credentials", ({ behind }) => void behind.aws.faults.next.push(...Array.from({ length: 50 }, () => ({ kind: "auth" }) as never))],
  ["the platform's address is odd", (world) => void Object.assign(world, { remote: "0.0.0.0/0, unknown" })],
];

describe.each(failures)("while %s", (_what, fail) => {
  let world: HostileWorld;
  beforeEach(async () => {
    world = await hostileWorld();
    await world.behind.advance(10 * minute);
    fail(world);
  });

  test("keep: no answer, header or log line holds a key, a secret or a cloud credential, wherever they were sent", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths, "/", "/nowhere"),
        fc.constantFrom("GET", "POST", "PUT", "HEAD"),
        headers,
        credential,
        fieldName,
        secret,
        async (path, method, extra, good, field, value) => {
          // What a caller writes into a field may be told to that caller: there it is a word like any other, so it is not a canary.
          const body = JSON.stringify({ ip: "203.0.113.7", [field]: createHash("sha256").update(value).digest("hex") });
          const init = method === "GET" || method === "HEAD" ? { method } : { method, body };
          const response = await send(world, `${path}?accessToken=${encodeURIComponent(value)}&ip=203.0.113.7`, {
            ...init,
            headers: { "content-type": "application/json", ...extra, ...good },
          });
          await check(world, response);
        },
      ),
      { numRuns: 150 },
    );
    await world.behind.survive((coordinator) => coordinator.tick());
    expect(betrayed(world.behind.logs.map((record) => JSON.stringify(record)).join("\n"))).toBeUndefined();
  });

  test("keep: no answer or log line holds a signature that is still good", async () => {
    for (const type of ["block", "lift", "stop", "nonsense"]) {
      const body = JSON.stringify({ type, ip: "203.0.113.7", action: "freeze" });
      const sent = signed(world, body);
      for (const path of ["/v1/blocks", "/v1/lifts", "/v1/stop", "/v1/nowhere"]) {
        const signature = (sent["webhook-signature"] ?? "").replace("v1,", "");
        await check(world, await send(world, path, { method: "POST", headers: sent, body }), [signature]);
      }
    }
  });
});

describe("credentials", () => {
  test("look up: by digest only; no key is in the index, and every key that is none costs one digest and one look", async () => {
    const { behind } = await hostileWorld();
    const index = indexKeys(behind.config);
    for (const key of index.keys()) expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(betrayed(JSON.stringify([...index]))).toBeUndefined();
    // One digest for no key, a short one, a near miss and the right one alike: nothing is compared letter by letter.
    const digests: number[] = [];
    const { digest } = crypto.subtle;
    const authenticator = createAuthenticator({ config: behind.config, secrets: async () => undefined, log: () => undefined });
    for (const authorization of ["", "Bearer x", `Bearer ${keys.admin.slice(0, -1)}`, `Bearer ${keys.admin}x`, `Bearer ${keys.admin}`]) {
      let count = 0;
      crypto.subtle.digest = (...args) => {
        count += 1;
        return digest.apply(crypto.subtle, args);
      };
      await authenticator.authenticate({
        headers: new Headers(authorization === "" ? {} : { authorization }),
        body: new Uint8Array(),
        now: 0,
        operation: "block",
      });
      digests.push(count);
    }
    crypto.subtle.digest = digest;
    expect(digests).toEqual([1, 1, 1, 1, 1]);
  });

  test("compare: no code of the door compares a key, a token or a signature with an operator that stops early", () => {
    for (const file of ["authenticate.ts", "keys.ts", "signature.ts"]) {
      const code = readFileSync(new URL(`../../functions/auth/${file}`, import.meta.url), "utf8").replace(/\/\/.*$|\/\*[\s\S]*?\*\//gm, "");
      // Digests and lengths may be compared; a secret in the clear may not. `first !== apiKey` compares two headers of one request.
      const compared = [...code.matchAll(/\b(\w*(?:secret|token|signature|key|password)\w*)\s*[!=]==\s*([^\s)&|;]+)/gi)].map(([whole]) => whole);
      const harmless = /=== (?:null|undefined|"")|!== (?:null|undefined)|^secret !== secret$|apiKey/;
      expect([file, compared.filter((text) => !harmless.test(text))]).toEqual([file, []]);
    }
  });

  test("work: whoever sends a signature causes one HMAC for each configured secret, however many signatures he lists", async () => {
    const { behind } = await hostileWorld();
    const authenticator = createAuthenticator({
      config: behind.config,
      secrets: async (name) => (name === "SCRIPT" ? secrets.SCRIPT : secrets.SCRIPT_NEXT),
      log: () => undefined,
    });
    const { sign } = crypto.subtle;
    const counts: number[] = [];
    for (const listed of [0, 1, 100, 2_000]) {
      let count = 0;
      crypto.subtle.sign = (...args) => {
        count += 1;
        return sign.apply(crypto.subtle, args);
      };
      const headers = new Headers({
        "webhook-id": "a",
        "webhook-timestamp": "1",
        "webhook-signature": Array.from({ length: listed }, () => `v1,${"A".repeat(43)}=`).join(" "),
      });
      expect(await authenticator.authenticate({ headers, body: new Uint8Array(1_000), now: 1_000, operation: "block" })).toBeNull();
      counts.push(count);
    }
    crypto.subtle.sign = sign;
    expect(counts).toEqual([2, 2, 2, 2]);
  });

  test("keep: the heartbeat's URL, which is a secret, is in no log line, whatever becomes of the call", async () => {
    const { behind } = await hostileWorld();
    const config = { ...behind.config, heartbeat: { urlSecret: "HEARTBEAT" } };
    for (const allowedHosts of ["beat.example", "beat.example:443", "other.example", undefined]) {
      for (const fetch of [
        async () => new Response("", { status: 500 }),
        async () => new Response("", { status: 302, headers: { location: secrets.HEARTBEAT } }),
        () => Promise.reject(new Error(`failed: ${secrets.HEARTBEAT}`)),
      ]) {
        const logged: LogRecord[] = [];
        await sendHeartbeat({ config, secrets: async () => secrets.HEARTBEAT, fetch, allowedHosts, log: (record) => logged.push(record) });
        expect(logged.length).toBeGreaterThan(0);
        expect(JSON.stringify(logged)).not.toContain("canary");
      }
    }
  });
});
