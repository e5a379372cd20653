// Where an AWS target is and who asks there: region, endpoints, the role to assume. Settings that all kinds at AWS share.
// Emits plain JSON that it accepts again unchanged. Holds no secret.
import * as v from "valibot";

/** STS AssumeRole DurationSeconds (botocore sts/2011-06-15, checked 2026-11-20). */
const sessionSeconds = { shortest: 900, byDefault: 3_600, longest: 43_200 } as const;

export function unknownKey(allowed: string) {
  return (issue: v.StrictObjectIssue) =>
    issue.expected === "never" ? `unknown key ${issue.received}; allowed here: ${allowed}` : `expected an object with ${allowed}`;
}

export function wholeNumber(what: string, first: number, last: number) {
  const message = `${what} must be a whole number from ${first} to ${last}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(first, message), v.maxValue(last, message));
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function endpointOf(name: string) {
  const message = `${name} must be a plain http(s) URL without user, query or fragment, such as https://vpce-0abc.ec2.eu-west-1.vpce.amazonaws.com`;
  return v.pipe(v.string(message), v.check(isEndpoint, message));
}

const assumeRole = v.pipe(
  v.strictObject(
    {
      roleArn: v.pipe(
        v.string("assumeRole.roleArn must be text"),
        v.regex(/^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "assumeRole.roleArn must look like arn:aws:iam::111122223333:role/portcullis"),
      ),
      externalId: v.exactOptional(
        v.pipe(v.string(), v.regex(/^[\w+=,.@:/-]{2,1224}$/, "assumeRole.externalId must be 2 to 1224 characters of letters, digits and _+=,.@:/-")),
      ),
      sessionName: v.optional(
        v.pipe(v.string(), v.regex(/^[\w+=,.@-]{2,64}$/, "assumeRole.sessionName must be 2 to 64 characters of letters, digits and _+=,.@-")),
        "portcullis",
      ),
      durationSeconds: v.optional(wholeNumber("assumeRole.durationSeconds", sessionSeconds.shortest, sessionSeconds.longest), sessionSeconds.byDefault),
      webIdentity: v.exactOptional(v.boolean("assumeRole.webIdentity must be true or false")),
    },
    unknownKey("roleArn, externalId, sessionName, durationSeconds, webIdentity"),
  ),
  v.check(
    ({ webIdentity, externalId }) => webIdentity !== true || externalId === undefined,
    "assumeRole.externalId is not taken with webIdentity (STS has no such parameter there); pin aud and sub in the role's trust policy instead",
  ),
);

/** What every kind at AWS has among its settings: where, and by which credentials. */
export const accountEntries = {
  region: v.pipe(v.string("region must be text"), v.regex(/^[a-z]{2}(?:-[a-z]+){1,3}-\d{1,2}$/, "region must look like eu-west-1")),
  assumeRole: v.exactOptional(assumeRole),
  endpoint: v.exactOptional(endpointOf("endpoint")),
  stsEndpoint: v.exactOptional(endpointOf("stsEndpoint")),
};

export interface AwsAccount {
  readonly region: string;
  readonly assumeRole?: AssumeRole;
  readonly endpoint?: string;
  readonly stsEndpoint?: string;
}

export type AssumeRole = v.InferOutput<typeof assumeRole>;

/** Domain of a region's public endpoints. China is a partition with a domain of its own. */
export function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/**
 * Hosts that are AWS's own, of one service and of STS, and nobody else's. Not the whole domain: customers answer below it too (`*.execute-api.…`,
 * `*.elb.…`, `ec2-….compute.…`), and a token sent to one of them would be theirs. VPC endpoints of the two services are named by AWS
 * (AWS PrivateLink guide, "Access an AWS service", checked 2026-11-20).
 */
export function hostsOf(service: "ec2" | "wafv2", region: string): readonly string[] {
  const domain = domainOf(region);
  const regional = [service, "sts"].flatMap((name) => [`${name}.${region}.${domain}`, `${name}-fips.${region}.${domain}`, `.${name}.${region}.vpce.${domain}`]);
  return [...regional, `sts.${domain}`];
}
