// Amazon Macie findings, by EventBridge, SNS or bare. They tell what lies open, and who changed a policy, but accuse nobody:
// that address may be an administrator's desk, so it is evidence and no attacker.
// Fields: AWS docs, macie/latest/APIReference/findings-describe, 2026-11.
import { createAdapter } from "./adapter.ts";
import { severityFrom, severityOf } from "./category.ts";
import { at, flagAt, numberAt, textAt } from "./json.ts";
import { eventOf, ignored, invalid, type Reading } from "./source.ts";

function readFinding(finding: object): Reading {
  const type = textAt(finding, "type");
  const bucket = at(finding, "resourcesAffected", "s3Bucket");
  if (type === "" || bucket === undefined) return invalid("type", "is no finding of Macie: it has no type and resourcesAffected.s3Bucket");
  if (flagAt(finding, "archived")) return ignored("archived", `finding ${textAt(finding, "id")} is archived or suppressed in Macie`);
  const actor = at(finding, "policyDetails", "actor");
  const where = { account: textAt(finding, "accountId"), region: textAt(finding, "region") };
  return eventOf({
    key: [at(finding, "id")],
    type,
    category: "data-exposure",
    title: textAt(finding, "title"),
    // 1 low, 2 medium, 3 high (Macie has no critical).
    severity:
      severityOf(textAt(finding, "severity", "description")) ?? severityFrom(numberAt(finding, "severity", "score"), { critical: 4, high: 3, medium: 2 }),
    at: at(finding, "updatedAt"),
    sample: flagAt(finding, "sample"),
    attackers: [],
    user: at(actor, "userIdentity", "iamUser", "userName") ?? at(actor, "userIdentity", "assumedRole", "arn") ?? at(actor, "userIdentity", "root", "arn"),
    resources: [
      { kind: "bucket", id: textAt(bucket, "name"), ...where },
      { kind: "object", id: textAt(finding, "resourcesAffected", "s3Object", "path"), ...where },
    ],
    evidence: {
      "actor.ip": at(actor, "ipAddressDetails", "ipAddressV4"),
      "api.name": at(finding, "policyDetails", "action", "apiCallDetails", "api"),
      permission: at(bucket, "publicAccess", "effectivePermission"),
      count: at(finding, "count"),
      ...where,
    },
  });
}

export const macie = createAdapter({ name: "macie", title: "Amazon Macie", read: readFinding });
