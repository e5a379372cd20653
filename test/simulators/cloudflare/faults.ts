// What can go wrong with the simulated cloud, as one struct that a test, a simulation or a person at the sandbox may change at any time.

/** One thing that happens to one matching call. */
export type Mishap =
  /** Refused by the call limit (971); nothing is changed. */
  | { readonly kind: "throttle"; readonly retryAfterSeconds: number | null }
  /** Refused because a bulk operation of the account is pending; nothing is changed. */
  | { readonly kind: "busy" }
  /** 5xx; with `committed`, after the change was made. */
  | { readonly kind: "serverError"; readonly status: 500 | 502 | 503; readonly committed: boolean }
  /** The connection is closed without an answer; with `committed`, after the change was made. */
  | { readonly kind: "drop"; readonly committed: boolean }
  /** A 200 that is no JSON, as from a proxy's login page; with `committed`, after the change was made. */
  | { readonly kind: "garbage"; readonly committed: boolean };

export interface Faults {
  /** Real time before every answer. */
  latencyMs: number;
  /** Every token is refused, as after an incident response. */
  credentialsRevoked: boolean;
  /** Used up one by one; `route` is a name of `routes.ts`, null matches any. */
  next: { readonly route: string | null; readonly mishap: Mishap }[];
  /** Asked for each call that `next` does not match: for seeded storms. */
  decide: (route: string) => Mishap | null;
  /** Why an operation that holds this value fails, though it passed at the door; null: it does not. */
  badItem: (value: string) => string | null;
  /** Why the next operation fails that the API accepts; null: it does not. Used up by it. */
  failNext: string | null;
}

export function noFaults(): Faults {
  return { latencyMs: 0, credentialsRevoked: false, next: [], decide: () => null, badItem: () => null, failNext: null };
}

export function mishapFor(faults: Faults, route: string): Mishap | null {
  const at = faults.next.findIndex((fault) => fault.route === null || fault.route === route);
  return at === -1 ? faults.decide(route) : (faults.next.splice(at, 1)[0]?.mishap ?? null);
}
