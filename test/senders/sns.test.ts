// POST /v1/sns as Amazon SNS uses it: subscription, notifications, redelivery; what becomes of it when SNS itself cannot be asked.
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { baseConfig, createWorld, json, keyOf, nowMs } from "../api/world.ts";
import { certificateUrl, confirmation, notification, sign, token, topicArn } from "../sns/publisher.ts";
import { detector, oldTopicArn, postSns, senderWorld, signedSns } from "./world.ts";

const minuteMs = 60_000;
const alert = { ip: "203.0.113.7", reason: "ssh brute" };

describe("notifications", () => {
  test("take: a really signed message becomes a lease of its topic's client, by its published text", async () => {
    const world = senderWorld();
    const response = await signedSns(world, notification(alert, nowMs - 30_000));
    expect(response.status).toBe(200);
    expect(await json(response)).toMatchObject({ source: "generic", recorded: true, items: [{ ip: "203.0.113.7", status: "created" }] });
    const held = world.coordinator.leases.get(keyOf("203.0.113.7"));
    expect(held).toMatchObject([{ client: "guardduty", item: { at: nowMs - 30_000, reason: "ssh brute" } }]);
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "http.answered", "http.route": "/v1/sns", client: "guardduty" }));
  });

  test("take: a message with a subject, with line breaks in its text, and with members that are not signed", async () => {
    const world = senderWorld();
    const text = `\n${JSON.stringify(alert, null, 2)}\n`;
    expect((await signedSns(world, notification(text, nowMs, { Subject: "GuardDuty" }))).status).toBe(200);
    expect((await postSns(world, { ...sign(notification(alert, nowMs)), Subject: null, MessageAttributes: {} })).status).toBe(200);
    expect(world.coordinator.leases.size).toBe(1);
  });

  test("tell: a text that is no alert is named, with 200, since SNS would send it again or drop what follows", async () => {
    for (const text of ["Alarm: high CPU", "", "7", '{"no":"address"}']) {
      const response = await signedSns(senderWorld(), notification(text, nowMs));
      expect([text, response.status, (await json(response)).counts]).toEqual([text, 200, { invalid: 1 }]);
    }
  });

  test("take: what Cloud Custodian's notify publishes, zlib in base64; what bursts or is cut is named", async () => {
    const clients = { guardduty: { ...detector, scopes: ["alert:custodian"] as const, sns: { topics: [topicArn], sha1: false } } };
    const message = { policy: { name: "p", resource: "aws.ec2" }, execution_id: "x", ip: "203.0.113.7", resources: [{ InstanceId: "i-0abc" }] };
    const text = deflateSync(JSON.stringify(message)).toString("base64");
    const taken = await json(await signedSns(senderWorld(clients), notification(text, nowMs)));
    expect(taken).toMatchObject({ source: "custodian", items: [{ ip: "203.0.113.7", status: "created" }] });
    const burst = deflateSync(Buffer.alloc(5 * 1024 * 1024, " ")).toString("base64");
    for (const bad of [burst, text.slice(0, 40)]) {
      const response = await signedSns(senderWorld(clients), notification(bad, nowMs));
      expect([response.status, (await json(response)).counts]).toEqual([200, { invalid: 1 }]);
    }
  });

  test("take: version 1 (SHA-1) where the topic's client allows it, and nowhere else", async () => {
    const world = senderWorld();
    expect((await signedSns(world, notification(alert, nowMs, { SignatureVersion: "1", TopicArn: oldTopicArn }))).status).toBe(200);
    expect((await signedSns(world, notification(alert, nowMs, { SignatureVersion: "1" }))).status).toBe(401);
    expect(JSON.stringify(world.logged)).toContain("set the topic's attribute SignatureVersion to 2");
  });

  test("take: for as long as SNS delivers again, and not a second more", async () => {
    const statuses: number[] = [];
    for (const offset of [-65 * minuteMs - 1, -65 * minuteMs, 5 * minuteMs, 5 * minuteMs + 1])
      statuses.push((await signedSns(senderWorld(), notification(alert, nowMs + offset))).status);
    expect(statuses).toEqual([401, 200, 200, 401]);
  });

  test("repeat: a second delivery says the same thing, and asks SNS for no second certificate", async () => {
    const world = senderWorld();
    const fields = sign(notification(alert, nowMs - minuteMs));
    const first = await json(await postSns(world, fields));
    world.clock.at += 20_000;
    const second = await json(await postSns(world, fields));
    expect(second.items[0].until).toBe(first.items[0].until);
    expect(world.publisher.called).toEqual([certificateUrl]);
  });

  test("watch: a client in observe mode is answered and nothing is recorded", async () => {
    const world = senderWorld({ guardduty: { ...detector, mode: "observe", sns: { topics: [topicArn], sha1: false } } });
    expect(await json(await signedSns(world, notification(alert, nowMs)))).toMatchObject({ recorded: false, items: [{ status: "observed" }] });
    expect(world.coordinator.leases.size).toBe(0);
  });

  test("refuse: a topic whose client may not do exactly one thing, or calls from elsewhere", async () => {
    const sns = { topics: [topicArn], sha1: false };
    for (const client of [
      { ...detector, sns, scopes: ["alert:generic", "lift"] as const },
      { ...detector, sns, scopes: ["block"] as const },
      { ...detector, sns, from: ["198.51.100.1/32"] },
    ]) {
      const world = senderWorld({ guardduty: client });
      expect((await signedSns(world, notification(alert, nowMs))).status).toBe(403);
      expect(world.coordinator.asked).toEqual([]);
    }
  });
});

describe("subscriptions", () => {
  test("confirm: a topic of the configuration, once for each message, by the one URL that does it", async () => {
    const world = senderWorld();
    const response = await signedSns(world, confirmation(nowMs));
    expect([response.status, await json(response)]).toEqual([200, { confirmed: true, topic: topicArn }]);
    const url = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topicArn)}&Token=${token}`;
    expect(world.publisher.called).toEqual([certificateUrl, url]);
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "sns.confirmed", client: "guardduty", topic: topicArn }));
    expect(world.coordinator.asked).toEqual([]);
    expect(JSON.stringify(world.logged)).not.toContain(token);
  });

  test("note: the end of a subscription is told in the log and answered, and nothing is called", async () => {
    const world = senderWorld();
    expect((await signedSns(world, confirmation(nowMs, { Type: "UnsubscribeConfirmation" }))).status).toBe(200);
    expect(world.publisher.called).toEqual([certificateUrl]);
    expect(world.logged).toContainEqual(expect.objectContaining({ level: "warn", event: "sns.unsubscribed", client: "guardduty" }));
  });
});

describe("when SNS does not answer", () => {
  test("ask again: 503 while its certificate cannot be had, and taken as soon as it can", async () => {
    const world = senderWorld();
    const good = world.publisher.certificate;
    const lost = () => {
      throw new Error("gone?token=1");
    };
    for (const certificate of [lost, () => ({ status: 500, headers: {}, body: "" }), () => ({ status: 429, headers: {}, body: "" })]) {
      world.publisher.certificate = certificate;
      const response = await signedSns(world, notification(alert, nowMs));
      expect([response.status, (await json(response)).code]).toEqual([503, "PROVIDER_UNAVAILABLE"]);
    }
    world.publisher.certificate = good;
    expect((await signedSns(world, notification(alert, nowMs))).status).toBe(200);
  });

  test("ask again: 503 where the deployment has no way to SNS at all", async () => {
    const alone = createWorld({ ...baseConfig, clients: { guardduty: { ...detector, sns: { topics: [topicArn], sha1: false } } } });
    expect((await signedSns(alone, notification(alert, nowMs))).status).toBe(503);
  });

  test("keep: a certificate for a day, then it is asked for again", async () => {
    const world = senderWorld();
    const call = () => signedSns(world, notification(alert, world.clock.at));
    await call();
    world.clock.at += 23 * 60 * minuteMs;
    await call();
    expect(world.publisher.called).toHaveLength(1);
    world.clock.at += 2 * 60 * minuteMs;
    await call();
    expect(world.publisher.called).toHaveLength(2);
  });
});
