// Which URLs may be called for a topic: its own region's host and nothing that only looks like it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { confirmationUrl, isCertificateUrl, readTopic, type Topic } from "../../shared/sns/topic.ts";
import { certificateUrl, confirmation, host, token, topicArn } from "./publisher.ts";

function topicOf(arn: string): Topic {
  const topic = readTopic(arn);
  if (topic === null) throw new Error(`${arn} is no topic`);
  return topic;
}

const topic = topicOf(topicArn);
const subscribeUrl = confirmation(0).SubscribeURL ?? "";

describe("readTopic", () => {
  test.each([
    [topicArn, "sns.eu-west-1.amazonaws.com"],
    ["arn:aws-cn:sns:cn-north-1:123456789012:a", "sns.cn-north-1.amazonaws.com.cn"],
    ["arn:aws:sns:eu-west-12:123456789012:a", "sns.eu-west-12.amazonaws.com"],
    ["arn:aws-us-gov:sns:us-gov-west-1:123456789012:a_B-9", "sns.us-gov-west-1.amazonaws.com"],
  ])("read: %s is vouched for by %s", (arn, expected) => {
    expect(readTopic(arn)?.host).toBe(expected);
  });

  test("refuse: what is no topic, and whatever could make a host of its own", () => {
    for (const arn of [
      "",
      "arn:aws:sqs:eu-west-1:123456789012:a",
      "arn:aws:sns:evil.example/:123456789012:a",
      "arn:aws:sns:eu-west-1.evil:123456789012:a",
      "arn:aws:sns:eu-west-1:1234:a",
      `${topicArn}\n`,
      `${topicArn}.fifo`,
      `${topicArn}:extra`,
    ])
      expect([arn, readTopic(arn)]).toEqual([arn, null]);
  });
});

/** URLs that are not SNS's but try to be taken for it. */
const impostors = [
  "http://sns.eu-west-1.amazonaws.com",
  "https://sns.eu-west-2.amazonaws.com",
  "https://sns.eu-west-1.amazonaws.com.cn",
  "https://sns.eu-west-1.amazonaws.com.evil.example",
  "https://sns.eu-west-1.amazonaws.com:8443",
  "https://sns.eu-west-1.amazonaws.com:443",
  "https://user@sns.eu-west-1.amazonaws.com",
  "https://sns.eu-west-1.amazonaws.com@evil.example",
  "https://SNS.eu-west-1.amazonaws.com",
  "https://evil.sns.eu-west-1.amazonaws.com",
  "https://bucket.s3.amazonaws.com",
  "https:\\\\sns.eu-west-1.amazonaws.com",
  "//sns.eu-west-1.amazonaws.com",
  " https://sns.eu-west-1.amazonaws.com",
];

describe("isCertificateUrl", () => {
  test("take: the certificate of the topic's region", () => {
    expect(isCertificateUrl(certificateUrl, topic)).toBe(true);
  });

  test("refuse: every impostor, other paths, a query, a fragment, a way up", () => {
    for (const impostor of impostors) expect([impostor, isCertificateUrl(certificateUrl.replace(host, impostor), topic)]).toEqual([impostor, false]);
    for (const path of ["/", "/a.pem", "/SimpleNotificationService-.pem", "/SimpleNotificationService-../a.pem", "/x/SimpleNotificationService-0.pem"])
      expect([path, isCertificateUrl(`${host}${path}`, topic)]).toEqual([path, false]);
    for (const end of ["?a", "#a", ".", "%0a", "\n", "/"]) expect([end, isCertificateUrl(`${certificateUrl}${end}`, topic)]).toEqual([end, false]);
  });

  test("refuse: any URL but one whose parsed host, path and port are exactly these", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string(),
          fc.string().map((end) => `${host}${end}`),
        ),
        (url) => {
          if (!isCertificateUrl(url, topic)) return;
          const parsed = new URL(url);
          expect([parsed.origin, parsed.username, parsed.port, parsed.search, parsed.href]).toEqual([host, "", "", "", url]);
        },
      ),
    );
  });
});

describe("confirmationUrl", () => {
  test("make: the same request whether the topic is percent-encoded or not", () => {
    const made = `${host}/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topicArn)}&Token=${token}`;
    expect(confirmationUrl(subscribeUrl, topic, token)).toBe(made);
    expect(confirmationUrl(made, topic, token)).toBe(made);
  });

  test("refuse: every impostor, another action, topic or token, one parameter more or less", () => {
    for (const impostor of impostors) expect([impostor, confirmationUrl(subscribeUrl.replace(host, impostor), topic, token)]).toEqual([impostor, null]);
    for (const [from, to] of [
      ["ConfirmSubscription", "Unsubscribe"],
      ["ConfirmSubscription", "DeleteTopic"],
      ["guardduty", "other"],
      [token, `${token}0`],
      ["&Token", "&AuthenticateOnUnsubscribe=true&Token"],
      [`&Token=${token}`, ""],
      ["/?", "/x?"],
      ["&Token", "&Action=Publish&Token"],
      ["guardduty", "%"],
    ] as const)
      expect([from, to, confirmationUrl(subscribeUrl.replace(from, to), topic, token)]).toEqual([from, to, null]);
    expect(confirmationUrl(`${subscribeUrl}&x`, topic, `${token}&x`)).toBeNull();
  });

  // The token is put into the new URL as it is: one that could say more there asks SNS for something else than to confirm.
  test("refuse: a token that is more than letters, however it is written in the URL", () => {
    for (const more of ["&Action=Publish&x=a", "a&Action=Publish", "a&Action=Publish&x=a", "a#", "a?", "a%26", "a b", "a\n", "\na", ""]) {
      const url = subscribeUrl.replace(token, encodeURIComponent(more));
      expect([more, confirmationUrl(url, topic, more)]).toEqual([more, null]);
    }
    for (const [length, taken] of [
      [1, true],
      [2_048, true],
      [2_049, false],
    ] as const) {
      const long = "a".repeat(length);
      expect([length, confirmationUrl(subscribeUrl.replace(token, long), topic, long) !== null]).toEqual([length, taken]);
    }
  });
});
