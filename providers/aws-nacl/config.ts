// The aws-nacl part of a target in `portcullis.yaml`: what may be written, and what to write instead when it is wrong.
// Emits plain JSON that it accepts again unchanged. Refuses unknown keys; holds no secret.
import * as v from "valibot";

/** EC2: rule numbers 1–32766 are the customer's (botocore ec2/2016-11-15 CreateNetworkAclEntry, checked 2026-11-20). */
export const ruleNumberLast = 32_766;
/** VPC quota "Rules per network ACL", the default deny included: 20, adjustable to at most 40 (Amazon VPC user guide, checked 2026-11-20). */
export const rulesPerAcl = { byDefault: 20, most: 40 } as const;
/** STS AssumeRole DurationSeconds (botocore sts/2011-06-15, checked 2026-11-20). */
const sessionSeconds = { shortest: 900, byDefault: 3_600, longest: 43_200 } as const;

function unknownKey(allowed: string) {
  return (issue: v.StrictObjectIssue) =>
    issue.expected === "never" ? `unknown key ${issue.received}; allowed here: ${allowed}` : `expected an object with ${allowed}`;
}

function wholeNumber(what: string, first: number, last: number) {
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

const rules = v.pipe(
  v.strictObject(
    {
      first: wholeNumber("rules.first", 1, ruleNumberLast),
      last: wholeNumber("rules.last", 1, ruleNumberLast),
      limit: v.optional(
        wholeNumber("rules.limit (the quota 'rules per network ACL' of this account, default deny included)", 2, rulesPerAcl.most),
        rulesPerAcl.byDefault,
      ),
    },
    unknownKey("first, last, limit"),
  ),
  v.check(({ first, last }) => first <= last, "rules.first must not be greater than rules.last; write for example { first: 1, last: 40, limit: 20 }"),
);

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

const account = {
  region: v.pipe(v.string("region must be text"), v.regex(/^[a-z]{2}(?:-[a-z]+){1,3}-\d{1,2}$/, "region must look like eu-west-1")),
  assumeRole: v.exactOptional(assumeRole),
  endpoint: v.exactOptional(endpointOf("endpoint")),
  stsEndpoint: v.exactOptional(endpointOf("stsEndpoint")),
};

/** What `discover` needs: the account, not yet an ACL. */
export const accountSchema = v.strictObject(account, unknownKey(Object.keys(account).join(", ")));

export const settingsSchema = v.strictObject(
  {
    ...account,
    acl: v.pipe(v.string("acl must be text"), v.regex(/^acl-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, "acl must be a network ACL id such as acl-0123456789abcdef0")),
    rules,
    direction: v.optional(v.picklist(["ingress", "both"], "direction must be ingress or both"), "ingress"),
  },
  unknownKey("region, acl, rules, direction, assumeRole, endpoint, stsEndpoint"),
);

export type AwsAccount = v.InferOutput<typeof accountSchema>;
export type AwsNaclSettings = v.InferOutput<typeof settingsSchema>;
export type AssumeRole = v.InferOutput<typeof assumeRole>;

/** Domain of a region's public endpoints. China is a partition with a domain of its own. */
export function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/**
 * Hosts that are AWS's own EC2 and STS, and nobody else's. Not the whole domain: customers answer below it too (`*.execute-api.…`,
 * `*.elb.…`, `ec2-….compute.…`), and a token sent to one of them would be theirs. VPC endpoints of the two services are named by AWS
 * (AWS PrivateLink guide, "Access an AWS service", checked 2026-11-20).
 */
export function hostsOf(region: string): readonly string[] {
  const domain = domainOf(region);
  const regional = (["ec2", "sts"] as const).flatMap((service) => [
    `${service}.${region}.${domain}`,
    `${service}-fips.${region}.${domain}`,
    `.${service}.${region}.vpce.${domain}`,
  ]);
  return [...regional, `sts.${domain}`];
}

/** The tags that `setup` writes on the ACL: the whole of the ownership mark, since entries carry none. */
export const tagKeys = { store: "portcullis:store", range: "portcullis:range" } as const;

export function rangeTag(range: { readonly first: number; readonly last: number }): string {
  return `${range.first}-${range.last}`;
}
