// What can go wrong with the simulated cloud, as one struct that a test, a simulation or a person at the sandbox may change at any time.

/** One thing that happens to one matching call. */
export type Mishap =
  /** Refused as too fast; nothing is changed. */
  | { readonly kind: "throttle"; readonly status: 429 | 503; readonly retryAfterSeconds: number | null }
  /** 5xx; with `committed`, after the change was made. */
  | { readonly kind: "serverError"; readonly status: 500 | 502 | 503; readonly committed: boolean }
  /** The connection is closed without an answer; with `committed`, after the change was made. */
  | { readonly kind: "drop"; readonly committed: boolean }
  /** A 200 that is not XML, as from a proxy's login page; with `committed`, after the change was made. */
  | { readonly kind: "garbage"; readonly committed: boolean };

export interface Faults {
  /** Describes show the ACL as it was this long ago. */
  describeLagMs: number;
  /** Asked for each describe in place of `describeLagMs`: how far behind it is differs from read to read. Null: it is the same for all. */
  lagPerRead: (() => number) | null;
  /** Real time before every answer. */
  latencyMs: number;
  /** Every key is refused, as after an incident response. */
  credentialsRevoked: boolean;
  /** Largest page of a describe, whatever was asked. */
  pageSizeMax: number;
  /** Used up one by one; `action` null matches any. */
  next: { readonly action: string | null; readonly mishap: Mishap }[];
  /** Asked for each call that `next` does not match: for seeded storms. */
  decide: (action: string) => Mishap | null;
}

export function noFaults(): Faults {
  return { describeLagMs: 0, lagPerRead: null, latencyMs: 0, credentialsRevoked: false, pageSizeMax: 1_000, next: [], decide: () => null };
}

export function mishapFor(faults: Faults, action: string): Mishap | null {
  const at = faults.next.findIndex((fault) => fault.action === null || fault.action === action);
  return at === -1 ? faults.decide(action) : (faults.next.splice(at, 1)[0]?.mishap ?? null);
}
