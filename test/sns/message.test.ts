// What a message of SNS must look like to be read at all, and which text it signed: field by field, since every laxity is a way to be read twice.
import { describe, expect, test } from "vitest";
import { readSnsMessage } from "../../shared/sns/message.ts";
import { certificateUrl, type Fields, host, notification, sign, topicArn } from "./publisher.ts";

const at = Date.UTC(2026, 10, 26, 12, 0, 0);
const plain = sign(notification("hello\nthere", at, { Subject: "news" }));
const confirmation = sign({
  ...notification("confirm", at),
  Type: "SubscriptionConfirmation",
  Token: "a1b2",
  SubscribeURL: `${host}/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=a1b2`,
});

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

describe("a message of SNS", () => {
  test("read: every field of it, and the text that was signed, byte by byte", () => {
    expect(readSnsMessage(plain)).toEqual({
      type: "Notification",
      id: plain.MessageId,
      topic: { arn: topicArn, region: "eu-west-1", host: "sns.eu-west-1.amazonaws.com" },
      at,
      text: "hello\nthere",
      version: 2,
      signature: plain.Signature,
      certificateUrl,
      signedText: `Message\nhello\nthere\nMessageId\n${plain.MessageId}\nSubject\nnews\nTimestamp\n${plain.Timestamp}\nTopicArn\n${topicArn}\nType\nNotification\n`,
      subscribe: null,
    });
  });

  test("read: a subject is signed only where there is one; null is none", () => {
    for (const fields of [without(plain, "Subject"), { ...plain, Subject: null }]) {
      expect(readSnsMessage(fields)?.signedText).toBe(
        `Message\nhello\nthere\nMessageId\n${plain.MessageId}\nTimestamp\n${plain.Timestamp}\nTopicArn\n${topicArn}\nType\nNotification\n`,
      );
    }
    expect(readSnsMessage({ ...plain, Subject: "" })?.signedText).toContain("Subject\n\nTimestamp");
  });

  test.each(["SubscriptionConfirmation", "UnsubscribeConfirmation"])("read: %s with where to confirm it", (Type) => {
    const read = readSnsMessage({ ...confirmation, Type });
    expect(read?.subscribe).toEqual({ url: confirmation.SubscribeURL, token: "a1b2" });
    expect(read?.signedText).toBe(
      `Message\nconfirm\nMessageId\n${confirmation.MessageId}\nSubscribeURL\n${confirmation.SubscribeURL}\nTimestamp\n${confirmation.Timestamp}\nToken\na1b2\nTopicArn\n${topicArn}\nType\n${Type}\n`,
    );
  });

  test("read: both versions of the signature, and no third", () => {
    expect([1, 2].map((version) => readSnsMessage({ ...plain, SignatureVersion: `${version}` })?.version)).toEqual([1, 2]);
    for (const version of ["0", "3", "12", "21", " 2", "2 ", "", "__proto__"]) expect(readSnsMessage({ ...plain, SignatureVersion: version })).toBeNull();
  });

  test.each(["Type", "MessageId", "TopicArn", "Message", "Timestamp", "Signature", "SigningCertURL", "SignatureVersion"])(
    "refuse: without %s, or where it is no text",
    (name) => {
      expect(readSnsMessage(without(plain, name))).toBeNull();
      for (const value of [null, 1, true, [plain[name]], { text: plain[name] }]) expect(readSnsMessage({ ...plain, [name]: value })).toBeNull();
    },
  );

  test.each(["SubscribeURL", "Token"])("refuse: a confirmation without %s, or with a line break in it", (name) => {
    expect(readSnsMessage(without(confirmation, name))).toBeNull();
    for (const text of [`${confirmation[name]}\n`, `\n${confirmation[name]}`, `a\rb`, ""]) expect(readSnsMessage({ ...confirmation, [name]: text })).toBeNull();
  });

  // Whoever could put a line break into a field could cut the same signed text into other fields.
  test.each([
    ["MessageId", ["", "a\n", "\na", "a b", "a_b", "a".repeat(101)]],
    [
      "Timestamp",
      [
        "2026-11-26",
        "2026-11-26T12:00:00",
        "2026-11-26T12:00:00.1234Z",
        "x2026-11-26T12:00:00Z",
        "2026-11-26T12:00:00Z\n",
        "2026-11-26T12:00:00Z (a remark)",
        "2026-13-26T12:00:00Z",
        "26-11-26T12:00:00Z",
        // A year that JavaScript reads, and that no other reader would.
        "+002026-11-26T12:00:00Z",
      ],
    ],
    ["Signature", ["", "a\n", "a b", "a===", "=a", "a=a", "a".repeat(1_401), "ä"]],
    ["SigningCertURL", ["", `${certificateUrl}\n`, `\n${certificateUrl}`, `${certificateUrl}\r`, "a".repeat(4_097)]],
    ["Subject", ["a\n", "\na", "a\rb"]],
    ["TopicArn", ["", `${topicArn}\n`, `x${topicArn}`, "arn:aws:sqs:eu-west-1:123456789012:a"]],
    ["Type", ["", "notification", "Notification ", "constructor", "toString"]],
  ])("refuse: %s that is anything else", (name, texts) => {
    for (const text of texts) expect([text, readSnsMessage({ ...plain, [name]: text })]).toEqual([text, null]);
  });

  test("read: what is at the edge of it", () => {
    for (const [name, text] of [
      ["MessageId", "a".repeat(100)],
      ["Timestamp", "2026-11-26T12:00:00Z"],
      ["Timestamp", "2026-11-26T12:00:00.1Z"],
      ["Signature", "a".repeat(1_400)],
      ["Signature", "+/09az=="],
      ["SigningCertURL", "a".repeat(4_096)],
      ["Message", ""],
    ] as const)
      expect([name, text, readSnsMessage({ ...plain, [name]: text }) === null]).toEqual([name, text, false]);
  });

  test("refuse: a confirmation of a type that there is not", () => {
    for (const Type of ["X", "", "Subscription", "toString"]) expect([Type, readSnsMessage({ ...confirmation, Type })]).toEqual([Type, null]);
  });

  test("refuse: what is no object, and what it only inherits", () => {
    for (const parsed of [null, undefined, 1, "text", [plain], true]) expect(readSnsMessage(parsed)).toBeNull();
    expect(readSnsMessage(Object.create(plain))).toBeNull();
    let asked = 0;
    const get = () => {
      asked += 1;
      return `${asked}`;
    };
    const lazy = Object.defineProperty({ ...plain }, "MessageId", { get, enumerable: true });
    expect([readSnsMessage(lazy), asked]).toEqual([null, 0]);
  });
});
