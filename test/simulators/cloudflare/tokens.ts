// Who may do what: API tokens with policies in the vendor's own form, and the call limit of each.
import { cloudflareLimits } from "./limits.ts";
import { CloudflareRefusal } from "./refusal.ts";

export interface TokenPolicy {
  readonly effect: string;
  readonly resources: Readonly<Record<string, string>>;
  readonly permission_groups: readonly { readonly name: string }[];
}

export interface TokenSeed {
  readonly value: string;
  readonly policies: readonly TokenPolicy[];
}

/** What a route asks for. */
export interface Need {
  readonly resource: string;
  /** Any of these groups is enough. */
  readonly groups: readonly string[];
}

const scopes = { account: "com.cloudflare.api.account.", zone: "com.cloudflare.api.account.zone." } as const;

export function accountNeed(account: string, ...groups: readonly string[]): Need {
  return { resource: `${scopes.account}${account}`, groups };
}

export function zoneNeed(zone: string, ...groups: readonly string[]): Need {
  return { resource: `${scopes.zone}${zone}`, groups };
}

export class Token {
  readonly #seed: TokenSeed;
  #callsAtMs: number[] = [];
  #shutOutUntilMs = 0;

  constructor(seed: TokenSeed) {
    this.#seed = seed;
  }

  /** Counts the call; refuses it, and every other for five minutes, once there were too many. */
  count(nowMs: number): void {
    const { most, windowMs, shutOutMs } = cloudflareLimits.calls;
    if (nowMs >= this.#shutOutUntilMs) {
      this.#callsAtMs = this.#callsAtMs.filter((at) => at + windowMs > nowMs);
      this.#callsAtMs.push(nowMs);
      if (this.#callsAtMs.length <= most) return;
      this.#shutOutUntilMs = nowMs + shutOutMs;
      this.#callsAtMs = [];
    }
    throw throttled(Math.ceil((this.#shutOutUntilMs - nowMs) / 1_000));
  }

  may(need: Need): boolean {
    return this.#seed.policies.some(
      (policy) =>
        policy.effect === "allow" &&
        Object.hasOwn(policy.resources, need.resource) &&
        policy.permission_groups.some((group) => need.groups.includes(group.name)),
    );
  }
}

/** The wording of a real answer (terraform-provider-cloudflare, issue 5494). */
export function throttled(retryAfterSeconds: number | null): CloudflareRefusal {
  return new CloudflareRefusal(429, 971, "Please wait and consider throttling your request speed", retryAfterSeconds);
}

/** The token of an `Authorization` header; refuses other forms as the vendor does. */
export function readToken(header: string | undefined): string {
  const match = /^Bearer ([\w-]{1,200})$/.exec(header ?? "");
  if (match === null) throw new CloudflareRefusal(400, 6003, "Invalid request headers");
  return match[1] ?? "";
}
