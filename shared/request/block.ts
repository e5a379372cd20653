// Reads the fields of POST /v1/blocks. Pure; every problem is collected. Refuses to know the client or the config.
import type { Severity } from "../config.ts";
import { limits } from "../limits.ts";
import { type AskedAddress, Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

export interface BlockRequest {
  readonly addresses: readonly AskedAddress[];
  /** null: not said. */
  readonly forMs: number | null;
  readonly reason: string;
  readonly severity: Severity | null;
  /** undefined: not said. */
  readonly targets: readonly string[] | undefined;
  readonly dryRun: boolean;
}

const known = ["ip", "ips", "for", "reason", "severity", "targets", "dryRun", "type"] as const;

export function readBlockRequest(raw: unknown): { readonly request: BlockRequest; readonly problems: readonly Problem[] } {
  const fields = new Fields(raw, known);
  if (!fields.readable) {
    return { request: { addresses: [], forMs: null, reason: "", severity: null, targets: undefined, dryRun: false }, problems: fields.problems };
  }
  fields.operation("block");
  const request = {
    addresses: fields.addresses(),
    forMs: fields.duration("for") ?? null,
    reason: fields.reason(),
    severity: fields.severity() ?? null,
    targets: fields.names("targets", limits.targetsMax),
    dryRun: fields.flag("dryRun"),
  };
  return { request, problems: fields.problems };
}
