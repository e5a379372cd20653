// What a call to an AWS service came to, whatever its protocol: content, a refusal with its code, or nothing that can be read.
import type { EpochMs } from "../../../shared/ports.ts";
import type { Meaning } from "./codes.ts";

export interface AwsError {
  readonly kind: "error";
  readonly meaning: Meaning;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
  readonly retryAtMs: EpochMs | null;
}

/** A 2xx that is not the answer to this action: whether it took effect is not known. */
export interface AwsUnreadable {
  readonly kind: "unreadable";
  readonly status: number;
}

export type AwsFailed = AwsError | AwsUnreadable;
