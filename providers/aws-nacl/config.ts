// The aws-nacl part of a target in `portcullis.yaml`: what may be written, and what to write instead when it is wrong.
// Emits plain JSON that it accepts again unchanged. Refuses unknown keys; holds no secret.
import * as v from "valibot";
import { accountEntries, unknownKey, wholeNumber } from "../internal/aws/account.ts";

/** EC2: rule numbers 1–32766 are the customer's (botocore ec2/2016-11-15 CreateNetworkAclEntry, checked 2026-11-20). */
export const ruleNumberLast = 32_766;
/** VPC quota "Rules per network ACL", the default deny included: 20, adjustable to at most 40 (Amazon VPC user guide, checked 2026-11-20). */
export const rulesPerAcl = { byDefault: 20, most: 40 } as const;

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

/** What `discover` needs: the account, not yet an ACL. */
export const accountSchema = v.strictObject(accountEntries, unknownKey(Object.keys(accountEntries).join(", ")));

export const settingsSchema = v.strictObject(
  {
    ...accountEntries,
    acl: v.pipe(v.string("acl must be text"), v.regex(/^acl-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, "acl must be a network ACL id such as acl-0123456789abcdef0")),
    rules,
    direction: v.optional(v.picklist(["ingress", "both"], "direction must be ingress or both"), "ingress"),
  },
  unknownKey("region, acl, rules, direction, assumeRole, endpoint, stsEndpoint"),
);

export type AwsNaclSettings = v.InferOutput<typeof settingsSchema>;

/** The tags that `setup` writes on the ACL: the whole of the ownership mark, since entries carry none. */
export const tagKeys = { store: "portcullis:store", range: "portcullis:range" } as const;

export function rangeTag(range: { readonly first: number; readonly last: number }): string {
  return `${range.first}-${range.last}`;
}
