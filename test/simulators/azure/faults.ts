// What can go wrong with the simulated cloud, as one struct that a test, a simulation or a person at the sandbox may change at any time.

/** One thing that happens to one matching call. */
export type AzureMishap =
  /** 429 by Azure Resource Manager; nothing is changed. */
  | { readonly kind: "throttle"; readonly retryAfterSeconds: number | null }
  /** 5xx; with `committed`, after the change was made. */
  | { readonly kind: "serverError"; readonly status: 500 | 502 | 503 | 504; readonly committed: boolean }
  /** The connection is closed without an answer; with `committed`, after the change was made. */
  | { readonly kind: "drop"; readonly committed: boolean }
  /** A 200 that is not JSON, as from a proxy's login page; with `committed`, after the change was made. */
  | { readonly kind: "garbage"; readonly committed: boolean }
  /** Any refusal by its code; nothing is changed. */
  | { readonly kind: "refuse"; readonly status: number; readonly code: string };

export interface AzureFaults {
  /** How long a change of a rule is worked on after it was accepted; 0: the answer already says Succeeded. */
  provisioningMs: number;
  /** Operations end as Failed. */
  operationsFail: boolean;
  /** How a write is refused while another operation runs. Documented: 429; the others were seen. */
  busyAs: 400 | 409 | 429;
  /** Reads show the group as it was this long ago. */
  readLagMs: number;
  /** Asked for each read in place of `readLagMs`: how far behind it is differs from read to read. Null: it is the same for all. */
  lagPerRead: (() => number) | null;
  /** Real time before every answer. */
  latencyMs: number;
  /** Every secret and every token is refused, as after an incident response. */
  credentialsRevoked: boolean;
  pageSizeMax: number;
  /** Used up one by one; `call` null matches any call of Azure Resource Manager. */
  next: { readonly call: string | null; readonly mishap: AzureMishap }[];
  /** Asked for each call that `next` does not match: for seeded storms. */
  decide: (call: string) => AzureMishap | null;
}

export function noAzureFaults(): AzureFaults {
  return {
    provisioningMs: 0,
    operationsFail: false,
    busyAs: 429,
    readLagMs: 0,
    lagPerRead: null,
    latencyMs: 0,
    credentialsRevoked: false,
    pageSizeMax: Number.POSITIVE_INFINITY,
    next: [],
    decide: () => null,
  };
}

export function azureMishapFor(faults: AzureFaults, call: string): AzureMishap | null {
  const at = faults.next.findIndex((fault) => fault.call === call || (fault.call === null && call !== "token"));
  return at === -1 ? faults.decide(call) : (faults.next.splice(at, 1)[0]?.mishap ?? null);
}
