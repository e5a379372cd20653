// Cloud Custodian: what its `webhook` action posts (by the policy's own JMESPath) and what `notify` sends (base64 and zlib taken off by
// the channel). A finding inside is read as that finding; else a body with an address by mapping; else a resource that broke a policy.
// Fields: cloudcustodian.io docs, aws/resources/aws-common-actions; c7n/actions/{notify,webhook}.py, 0.9, 2026-11.
import type { EventResource } from "../event/event.ts";
import { createAdapter } from "./adapter.ts";
import { readFinding } from "./guardduty.ts";
import { at, isObject, listAt, textAt } from "./json.ts";
import { mappedDraft } from "./mapped.ts";
import { eventOf, invalid, type Reading, type SourceRules } from "./source.ts";

/** What AWS, Azure and GCP call their resources by; the first that is there. */
const idNames = [
  ...["InstanceId", "VolumeId", "SnapshotId", "ImageId", "GroupId", "AllocationId", "NetworkInterfaceId", "VpcId", "DBInstanceIdentifier", "AccessKeyId"],
  ...["FunctionName", "TableName", "RoleName", "UserName", "BucketName", "LoadBalancerName", "Arn", "arn", "Id", "id", "Name", "name"],
] as const;

function resourcesOf(message: object): readonly EventResource[] {
  const kind = textAt(message, "policy", "resource") || "resource";
  const where = { account: textAt(message, "account_id"), region: textAt(message, "region") };
  return [...listAt(message, "resources"), ...listAt(message, "resource")].flatMap((resource) => {
    const id = idNames.map((name) => textAt(resource, name)).find((text) => text !== "");
    return id === undefined ? [] : [{ kind, id, ...where }];
  });
}

function readMessage(message: object, rules: SourceRules): Reading {
  // The policy's body may be the event itself.
  const detail = at(message, "event", "detail") ?? message;
  const policy = textAt(message, "policy", "name") || textAt(message, "policy");
  if (isObject(detail) && isObject(at(detail, "service")) && textAt(detail, "type") !== "") return readFinding(detail);
  const draft = mappedDraft(message, rules, policy);
  const resources = resourcesOf(message);
  if (draft.attackers.length === 0 && resources.length === 0 && policy === "") {
    return invalid("ip", `has neither an address (${rules.mapping.ip.join(", ")}) nor a policy with resources`);
  }
  return eventOf({
    ...draft,
    // One run of one policy finds its resources once; its webhook may post them one by one.
    key: textAt(message, "execution_id") === "" ? draft.key : [textAt(message, "execution_id"), policy, ...draft.attackers, ...resources.map(({ id }) => id)],
    title: textAt(message, "action", "subject") || draft.title,
    resources,
    // Who made the call that the policy met is no attacker for that: it may be anybody's desk.
    evidence: { policy, account: at(message, "account_id"), "event.name": at(detail, "eventName"), "event.sourceIp": at(detail, "sourceIPAddress") },
  });
}

export const custodian = createAdapter({ name: "custodian", title: "Cloud Custodian", read: readMessage });
