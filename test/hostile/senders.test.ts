// Ways in without our credentials, attacked: forged and replayed messages of Amazon SNS, certificates that are none, URLs that lead
// elsewhere, deliveries that burst, guessed and leaked path secrets. The real coordinator behind the door, and SNS's own key in front.
import { createSign, generateKeyPairSync } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unpack } from "../../functions/routes/unpack.ts";
import { askSnsOf } from "../../functions/runtime/ask-sns.ts";
import { limits } from "../../shared/limits.ts";
import type { LogRecord } from "../../shared/ports.ts";
import { delivery, logsRecord, pathSecret, post, postSns, postStream, senderClients, signedSns, streamHeaders, streamKey } from "../senders/world.ts";
import {
  certificateDer,
  certificateUrl,
  confirmation,
  createPublisher,
  type Fields,
  foreignPair,
  host,
  notification,
  type Publisher,
  pair,
  pemOf,
  sign,
  topicArn,
} from "../sns/publisher.ts";
import { type HostileWorld, hostileConfig, hostileWorld, json, send } from "./world.ts";

const dayMs = 86_400_000;
const alert = { ip: "203.0.113.7" };

interface Attacked extends HostileWorld {
  readonly publisher: Publisher;
  /** What the attacks cost: writes to the store. */
  puts(): number;
}

async function attacked(over: Parameters<typeof hostileWorld>[1] = {}): Promise<Attacked> {
  let publisher: Publisher | undefined;
  const ask = (request: Parameters<Publisher["askSns"]>[0]) => publisher?.askSns(request) ?? Promise.reject(new Error("no publisher yet"));
  const world = await hostileWorld({ config: { clients: { ...hostileConfig.clients, ...senderClients } } }, { askSns: ask, ...over });
  await world.behind.advance(600_000);
  publisher = createPublisher(world.behind.now);
  const before = world.behind.kv.counts.puts;
  return Object.assign(world, { publisher, puts: () => world.behind.kv.counts.puts - before });
}

const stranger = async (world: HostileWorld) => (await send(world, "/v1/blocks")).text();
const outcome = async (response: Response) => [response.status, await response.text()];

describe("forged messages of SNS", () => {
  test("forge: a message with any signed field changed, added or taken away is none, in the bytes of every other 401, and nothing is written", async () => {
    const world = await attacked();
    const refused = [401, await stranger(world)];
    for (const fields of [notification(alert, world.behind.now, { Subject: "s" }), confirmation(world.behind.now)]) {
      const good = sign(fields);
      for (const name of Object.keys(good).filter((field) => field !== "UnsubscribeURL")) {
        const { [name]: value = "", ...without } = good;
        const changed = [without, { ...good, [name]: `${value}x` }, { ...good, [name]: value.slice(1) }, { ...good, [name]: 7 }, { ...good, [name]: "" }];
        for (const message of changed)
          expect([name, message[name as never], ...(await outcome(await postSns(world, message)))]).toEqual([name, message[name as never], ...refused]);
      }
    }
    const unsubject = sign(notification(alert, world.behind.now));
    expect(await outcome(await postSns(world, { ...unsubject, Subject: "added" }))).toEqual(refused);
    expect([world.puts(), world.publisher.called.filter((url) => url !== certificateUrl)]).toEqual([0, []]);
  });

  test("forge: no text that somebody publishes to a topic of his own becomes a message of ours, however it is cut", async () => {
    const world = await attacked();
    const own = topicArn.replace("guardduty", "attacker");
    const at = new Date(world.behind.now).toISOString();
    const inner = `${JSON.stringify(alert)}\nMessageId\nabc\nTimestamp\n${at}\nTopicArn\n${topicArn}\nType\nNotification`;
    const signed = sign(notification(inner, world.behind.now, { TopicArn: own }));
    const tail = `\nMessageId\n${signed.MessageId}\nTimestamp\n${signed.Timestamp}\nTopicArn\n${own}\nType\nNotification`;
    const cut = { ...signed, Message: JSON.stringify(alert), MessageId: "abc", TopicArn: topicArn };
    for (const forged of [
      signed,
      cut,
      { ...cut, Type: `Notification${tail}` },
      { ...cut, Subject: `x${tail}` },
      { ...cut, Timestamp: `${at}${tail}` },
      { ...cut, TopicArn: `${topicArn}${tail}` },
    ])
      expect((await postSns(world, forged)).status).toBe(401);
    expect(world.puts()).toBe(0);
  });

  test("forge: a certificate elsewhere is never asked for, and another key's signature never believed", async () => {
    const world = await attacked();
    for (const url of [
      certificateUrl.replace("eu-west-1", "us-east-1"),
      certificateUrl.replace("https", "http"),
      certificateUrl.replace(".amazonaws.com", ".amazonaws.com.evil.example"),
      certificateUrl.replace(host, "https://evil.example"),
      certificateUrl.replace("sns.", "user@sns."),
      certificateUrl.replace(".com/", ".com:8443/"),
      certificateUrl.replace("SimpleNotificationService-", "../"),
      "https://s3.amazonaws.com/bucket/SimpleNotificationService-0.pem",
    ])
      expect([url, (await signedSns(world, notification(alert, world.behind.now, { SigningCertURL: url }))).status]).toEqual([url, 401]);
    expect(world.publisher.called).toEqual([]);
    expect((await postSns(world, sign(notification(alert, world.behind.now), foreignPair.privateKey))).status).toBe(401);
    expect(world.puts()).toBe(0);
  });

  test("refuse: a certificate that is none: garbage, huge, expired, not yet valid, of a short or another kind of key, behind a redirect", async () => {
    const now = (await attacked()).behind.now;
    const dates = { notBefore: now - dayMs, notAfter: now + dayMs };
    const short = generateKeyPairSync("rsa", { modulusLength: 1_024 });
    const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const bodies: readonly [string, number, string, number][] = [
      ["garbage", 200, "<html>", 401],
      ["not found", 404, pemOf(certificateDer(pair, dates)), 401],
      ["empty", 200, "", 401],
      ["cut", 200, pemOf(certificateDer(pair, dates).subarray(0, 300)), 401],
      ["expired", 200, pemOf(certificateDer(pair, { ...dates, notAfter: now - 1_000 })), 401],
      ["not yet valid", 200, pemOf(certificateDer(pair, { ...dates, notBefore: now + 60_000 })), 401],
      ["short key", 200, pemOf(certificateDer(short, dates)), 401],
      ["another kind of key", 200, pemOf(certificateDer({ publicKey: curve.publicKey, privateKey: pair.privateKey }, dates)), 401],
      ["huge", 200, "A".repeat(limits.snsAnswerBytesMax + 1), 503],
      ["redirect", 302, "", 503],
    ];
    for (const [what, status, body, expected] of bodies) {
      const asked: string[] = [];
      const fetch = async (url: string, init: RequestInit) => {
        asked.push(`${init.redirect} ${url}`);
        return new Response(body, { status, headers: status === 302 ? { location: "https://evil.example/" } : {} });
      };
      const clients = { ...hostileConfig.clients, ...senderClients };
      const world = await attacked({ askSns: askSnsOf({ config: { clients } as never, fetch, allowedHosts: undefined }) });
      const fields = notification(alert, world.behind.now);
      const signed = what === "short key" ? { ...fields, Signature: createSign("RSA-SHA256").update("").sign(short.privateKey, "base64") } : sign(fields);
      expect([what, (await postSns(world, signed)).status, asked, world.puts()]).toEqual([what, expected, [`manual ${certificateUrl}`], 0]);
    }
  });

  test("refuse: raw delivery, which nothing signs, in the same words whoever asks", async () => {
    const world = await attacked();
    const raw = await postSns(world, alert, { "x-amz-sns-rawdelivery": "true" });
    const signed = await postSns(world, sign(notification(alert, world.behind.now)), { "x-amz-sns-rawdelivery": "TRUE" });
    const [text, same] = [await raw.text(), await signed.text()];
    expect([raw.status, signed.status, same]).toEqual([400, 400, text]);
    expect(text).toContain("RawMessageDelivery to false");
    expect([world.publisher.called, world.puts()]).toEqual([[], 0]);
  });

  test("refuse: a second credential beside the signature, and our own topics' headers without a message", async () => {
    const world = await attacked();
    const fields = sign(notification(alert, world.behind.now));
    for (const headers of [{ authorization: "Bearer x" }, { "x-api-key": streamKey }, { "webhook-id": "a" }])
      expect((await postSns(world, fields, headers)).status).toBe(401);
    expect((await postSns(world, {}, { "x-amz-sns-topic-arn": topicArn, "x-amz-sns-message-type": "Notification" })).status).toBe(401);
    expect(world.puts()).toBe(0);
  });
});

describe("subscriptions nobody asked for", () => {
  test("refuse: a topic that the configuration does not name is not confirmed, and nothing at all is called for it", async () => {
    const world = await attacked();
    expect((await signedSns(world, confirmation(world.behind.now, { TopicArn: topicArn.replace("guardduty", "attacker") }))).status).toBe(401);
    expect(world.publisher.called).toEqual([]);
  });

  test("refuse: a SubscribeURL that leads elsewhere or asks for something else is never called, though the message is signed", async () => {
    const world = await attacked();
    const good = confirmation(world.behind.now).SubscribeURL ?? "";
    for (const url of [
      good.replace(host, "https://evil.example"),
      good.replace(host, "https://sns.us-east-1.amazonaws.com"),
      good.replace(host, `${host}.evil.example`),
      good.replace(host, `${host}:8443`),
      good.replace(host, host.replace("//", "//u@")),
      good.replace("ConfirmSubscription", "Publish"),
      good.replace("guardduty", "attacker"),
      good.replace("Token=2", "Token=3"),
      `${good}&x=1`,
      "http://169.254.169.254/latest/meta-data/",
    ])
      expect([url, (await signedSns(world, confirmation(world.behind.now, { SubscribeURL: url }))).status]).toEqual([url, 403]);
    expect(world.publisher.called).toEqual([certificateUrl]);
    expect(world.logged.some(({ event }) => event === "sns.confirmed")).toBe(false);
  });
});

describe("work that strangers cause", () => {
  test("bound: who knows a topic causes so many calls and lines a minute and no more, and messages of known certificates still pass", async () => {
    const world = await attacked();
    const statuses = new Set<number>();
    expect((await signedSns(world, notification(alert, world.behind.now))).status).toBe(200);
    for (let at = 0; at < limits.snsCallsPerMinute * 3; at += 1) {
      const url = certificateUrl.replace("0123", at.toString(16).padStart(4, "0"));
      statuses.add((await signedSns(world, notification(alert, world.behind.now, { SigningCertURL: url }))).status);
      statuses.add((await postSns(world, { ...notification(alert, world.behind.now), Signature: "AAAA" })).status);
    }
    expect([...statuses].sort()).toEqual([401, 503]);
    expect(world.publisher.called.length).toBe(limits.snsCallsPerMinute);
    expect(world.logged.filter(({ event }) => event === "sns.refused").length).toBe(limits.snsRefusalsPerMinute);
    expect((await signedSns(world, notification(alert, world.behind.now))).status).toBe(200);
  });

  test("bound: what bursts is given up at its bound, before much more was unpacked, and its neighbours are taken", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const world = await attacked();
    const response = await postStream(world, delivery([bomb, logsRecord([alert]), bomb]));
    expect([response.status, world.puts()]).toEqual([200, 1]);
    const whole = await postStream(world, new Uint8Array(bomb), { "content-encoding": "gzip" });
    expect([whole.status, world.puts()]).toEqual([200, 1]);
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "alerts.not_taken", client: "stream", counts: { created: 1, invalid: 2 } }));
  });

  test("bound: unpacking gives what was packed, or says that it is more than allowed or no gzip, for any bytes and any bound", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), fc.nat(6_000), async (bytes, most) => {
        const packed = new Uint8Array(gzipSync(bytes));
        const unpacked = await unpack("gzip", packed, most);
        expect(unpacked.ok ? [...unpacked.bytes] : unpacked.why).toEqual(bytes.length <= most ? [...bytes] : "too large");
        const cut = await unpack("gzip", packed.slice(0, packed.length - 9), 10_000);
        expect(cut.ok).toBe(false);
        expect((await unpack("gzip", new Uint8Array(bytes), most)).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the same again", () => {
  const ways: Readonly<Record<string, (world: Attacked) => () => Promise<Response>>> = {
    "an SNS message": (world) => {
      const fields = sign(notification(alert, world.behind.now - 5_000));
      return () => postSns(world, fields);
    },
    "a Firehose delivery": (world) => {
      const body = delivery([logsRecord([{ ...alert, "@timestamp": new Date(world.behind.now - 5_000).toISOString() }])]);
      return () => postStream(world, body);
    },
    "an alert by its path secret": (world) => () => post(world, `/v1/in/${pathSecret}`, {}, JSON.stringify(alert)),
  };

  test("repeat: whichever way in, ten deliveries at once make one lease and one write, and ten more later none", async () => {
    for (const [way, prepare] of Object.entries(ways)) {
      const world = await attacked();
      const deliver = prepare(world);
      const ten = () => Promise.all(Array.from({ length: 10 }, deliver));
      const first = await ten();
      world.behind.now += 20_000;
      const statuses = new Set([...first, ...(await ten())].map(({ status }) => status));
      const leases = [...(await world.behind.kv.list(null)).keys].filter(({ name }) => name.startsWith("lease:"));
      expect([way, [...statuses], world.puts(), leases.length]).toEqual([way, [200], 1, 1]);
    }
  });

  test("replay: a captured SNS message says the same thing again, later no more than a late event may, reaches no other route, and after its hour is none", async () => {
    const world = await attacked();
    const fields = sign(notification(alert, world.behind.now));
    const first = await json(await postSns(world, fields));
    for (const path of ["/v1/blocks", "/v1/lifts", "/v1/alerts/generic", "/v1/stop"])
      expect([path, (await post(world, path, { "content-type": "application/json" }, JSON.stringify(fields))).status]).toEqual([path, 401]);
    world.behind.now += 10 * 60_000;
    expect((await json(await postSns(world, fields))).items[0].until).toBe(first.items[0].until);
    expect(world.puts()).toBe(1);
    world.behind.now += 55 * 60_000;
    const last = Date.parse((await json(await postSns(world, fields))).items[0].until);
    expect([world.puts(), last]).toEqual([2, Date.parse(fields.Timestamp ?? "") + limits.snsAgeMs + 3_600_000]);
    world.behind.now += 1;
    expect([(await postSns(world, fields)).status, world.puts()]).toEqual([401, 2]);
  });
});

describe("secrets in a path", () => {
  test("guess: every secret that is none, every key and every other client's is 401 in the same bytes, and costs nothing", async () => {
    const world = await attacked();
    const refused = [401, await stranger(world)];
    const guess = fc.oneof(
      fc.webSegment().filter((text) => text !== "" && !/^\.{1,2}$|%2e/i.test(text)),
      fc.constantFrom(streamKey, `${pathSecret}x`, pathSecret.slice(1), pathSecret.toUpperCase()),
    );
    await fc.assert(
      fc.asyncProperty(guess, async (secret) => {
        expect(await outcome(await post(world, `/v1/in/${secret}`, {}, JSON.stringify(alert)))).toEqual(refused);
      }),
      { numRuns: 100 },
    );
    for (const headers of [{ "x-api-key": "x" }, { authorization: `Bearer ${pathSecret}` }])
      expect((await post(world, `/v1/in/${pathSecret}`, headers, "{}")).status).toBe(401);
    for (const path of ["/v1/alerts/generic", "/v1/firehose/generic", "/v1/blocks"])
      for (const headers of [{ "x-api-key": pathSecret }, { "x-amz-firehose-access-key": pathSecret }])
        expect((await post(world, path, headers as Fields, "{}")).status).toBe(401);
    expect(world.puts()).toBe(0);
  });

  test("keep: neither a path secret nor an access key is in an answer or a line of the log, whatever becomes of the request", async () => {
    const thrown = () => {
      throw new Error(`at /v1/in/${pathSecret}`);
    };
    const failing = () => Promise.reject(new Error(`fetch of http://portcullis.test/v1/in/${pathSecret} failed`));
    for (const over of [{}, { coordinatorFor: thrown }, { secrets: failing }]) {
      const world = await attacked(over);
      const said: string[] = [];
      for (const path of [`/v1/in/${pathSecret}`, `/v1/in/${pathSecret}/more`, `/v1/in/${pathSecret}?a=b`, `/V1/in/${pathSecret}`])
        for (const method of ["POST", "GET", "HEAD", "PUT", "OPTIONS"]) {
          const response = await send(world, path, method === "POST" ? { method, body: JSON.stringify(alert) } : { method });
          said.push(JSON.stringify([...response.headers]), await response.text());
        }
      said.push(await (await post(world, "/v1/firehose/none", streamHeaders, "{")).text(), await (await postStream(world, "{}")).text());
      const lines = [...world.logged, ...world.behind.logs].map((record) => JSON.stringify(record as LogRecord));
      for (const text of [...said, ...lines]) expect([text.includes(pathSecret), text.includes(streamKey)]).toEqual([false, false]);
      expect(lines.some((text) => text.includes('"http.route":"/v1/in/:secret"'))).toBe(true);
    }
  });
});
