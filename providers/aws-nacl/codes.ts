// What EC2's error codes about network ACLs mean to us, on top of what any AWS service may answer.
// Codes: AWS SDK for C++ error tables, moto ec2/exceptions.py; checked 2026-11-20.
import type { AwsError } from "../internal/aws/answer.ts";

export type Meaning = AwsError["meaning"] | "capacity" | "exists" | "entryMissing" | "aclMissing";

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["NetworkAclEntryLimitExceeded", "capacity"],
  ["NetworkAclEntryAlreadyExists", "exists"],
  ["InvalidNetworkAclEntry.NotFound", "entryMissing"],
  ["InvalidNetworkAclID.NotFound", "aclMissing"],
  ["InvalidNetworkAclId.NotFound", "aclMissing"],
  ["InvalidNetworkAclID.Malformed", "aclMissing"],
]);

export function meaningOf(error: AwsError): Meaning {
  return meanings.get(error.code) ?? error.meaning;
}
