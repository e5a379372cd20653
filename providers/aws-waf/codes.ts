// What WAFv2's error codes mean to us, on top of what any AWS service may answer.
// Codes: botocore wafv2/2019-07-29, checked 2026-11-25.
import type { AwsError } from "../internal/aws/answer.ts";

/** `lock`: somebody changed the set since its token was given. `missing`: what the call names does not exist. */
export type Meaning = AwsError["meaning"] | "lock" | "missing" | "capacity";

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["WAFOptimisticLockException", "lock"],
  ["WAFNonexistentItemException", "missing"],
  // A quota on things, not on calls; those are throttled by ThrottlingException.
  ["WAFLimitsExceededException", "capacity"],
]);

export function meaningOf(error: AwsError): Meaning {
  return meanings.get(error.code) ?? error.meaning;
}
