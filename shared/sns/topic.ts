// What a topic's ARN says, and which two URLs of Amazon SNS may be called for it. Pure, and by the text alone: there is no parser
// here that could read a URL otherwise than whoever calls it. Refuses every host but the one of the topic's own region.

export interface Topic {
  readonly arn: string;
  readonly region: string;
  /** The only host that may vouch for this topic. */
  readonly host: string;
}

/** Partition, region, account and name of a standard topic; a FIFO topic cannot deliver over HTTPS (SNS developer guide, fifo-topic-message-delivery, 2026-11). */
export const topicPattern = /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}$/;

export function readTopic(arn: string): Topic | null {
  const match = topicPattern.exec(arn);
  const region = match?.[2];
  if (region === undefined) return null;
  return { arn, region, host: `sns.${region}.amazonaws.com${match?.[1] === "aws-cn" ? ".cn" : ""}` };
}

/**
 * Whether the certificate's URL is SNS's own, of the topic's region. AWS's validator asks for https, such a host and `.pem`
 * (aws/aws-js-sns-message-validator, index.js, 2026-11-26); region, path and the absence of port and user are our own demand.
 */
export function isCertificateUrl(url: string, { host }: Topic): boolean {
  const start = `https://${host}/SimpleNotificationService-`;
  return url.startsWith(start) && /^[0-9a-f]{1,64}\.pem$/.test(url.slice(start.length));
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * The URL to call to confirm a subscription: made anew from what was checked, so that nothing else of `url` is ever sent.
 * Null unless `url` is SNS's own and asks to confirm this topic with this token and nothing more.
 */
export function confirmationUrl(url: string, topic: Topic, token: string): string | null {
  const start = `https://${topic.host}/?`;
  if (!url.startsWith(start) || !/^[A-Za-z0-9_-]{1,2048}$/.test(token)) return null;
  const asked = url.slice(start.length).split("&");
  const wanted: Readonly<Record<string, string>> = { Action: "ConfirmSubscription", TopicArn: topic.arn, Token: token };
  if (asked.length !== Object.keys(wanted).length) return null;
  const given = new Map(asked.map((part) => [part.slice(0, part.indexOf("=")), decoded(part.slice(part.indexOf("=") + 1))]));
  if (!Object.entries(wanted).every(([name, value]) => given.get(name) === value)) return null;
  return `${start}Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topic.arn)}&Token=${token}`;
}
