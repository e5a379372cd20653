// What is sent, from a seed: three shapes of posts, some invalid, some again, some wider than what stands, some lifts, one client that asks for
// more than it may. Owns the mix and the addresses; knows nothing of answers but what the ledger tells it about what stands.
import { createHmac } from "node:crypto";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import type { Chance } from "./random.ts";

export type Shape = "signed" | "keyed" | "alerts" | "wide" | "repeat" | "lift" | "eager" | "invalid";

/** Out of 1,000 requests. */
export const mix = { signed: 390, keyed: 250, alerts: 250, repeat: 50, wide: 20, lift: 15, eager: 15, invalid: 10 } as const satisfies Record<Shape, number>;

/** One address or prefix that a request asks to block. */
export interface Wanted {
  /** As asked, in CIDR text after the default widening. */
  readonly cidr: string;
  /** `cidrKey` of it. */
  readonly key: string;
}

export interface Sent {
  readonly shape: Shape;
  readonly client: string;
  readonly method: "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly wanted: readonly Wanted[];
  /** Null: every target. */
  readonly targets: readonly string[] | null;
  /** The statuses that are right for it. */
  readonly expected: readonly number[];
}

export interface Credentials {
  /** `whsec_…` of the client `script`. */
  readonly signing: string;
  readonly scanner: string;
  readonly detector: string;
  readonly eager: string;
  readonly admin: string;
}

/** What the ledger tells: who could be asked for again, and what may be lifted without a doubt. */
export interface Known {
  /** A block that stands by a request of this kind, and by whom; null when there is none yet. */
  again(chance: Chance): { readonly wanted: Wanted; readonly client: string } | null;
  /** A block of which no request is under way; it is never asked for again. */
  retire(chance: Chance): Wanted | null;
}

export interface Times {
  /** Leases end within the run; most of them. */
  readonly shortSeconds: { readonly least: number; readonly most: number };
  /** Leases outlast it, so that something must stand when the load stops. */
  readonly longShare: number;
  readonly longSeconds: number;
}

function wantedOf(text: string): Wanted {
  const cidr = cidrOf(text);
  return { cidr: text, key: cidrKey(cidr) };
}

export class Shapes {
  readonly #chance: Chance;
  readonly #keys: Credentials;
  readonly #known: Known;
  readonly #times: Times;
  #address = 0;
  #message = 0;

  constructor(parts: { readonly chance: Chance; readonly keys: Credentials; readonly known: Known; readonly times: Times }) {
    this.#chance = parts.chance;
    this.#keys = parts.keys;
    this.#known = parts.known;
    this.#times = parts.times;
  }

  /** A public address that nobody had before: 100.16.0.0 to 100.63.255.255, and one in eight an IPv6 /64. */
  #fresh(): Wanted {
    const index = this.#address;
    this.#address += 1;
    if (this.#chance.hits(1 / 8)) return wantedOf(`2a0e:${(0x1000 + (index >> 16)).toString(16)}:${(index & 0xffff).toString(16)}::/64`);
    return wantedOf(`100.${16 + ((index >> 16) % 48)}.${(index >> 8) & 255}.${index & 255}/32`);
  }

  #seconds(): number {
    const { shortSeconds, longShare, longSeconds } = this.#times;
    if (this.#chance.hits(longShare)) return longSeconds;
    return shortSeconds.least + this.#chance.below(shortSeconds.most - shortSeconds.least + 1);
  }

  #signed(fields: object, secret = this.#keys.signing, ageSeconds = 0): Readonly<Record<string, string>> & { readonly body: string } {
    this.#message += 1;
    const id = `msg_load_${this.#message}`;
    const timestamp = String(Math.floor(Date.now() / 1_000) - ageSeconds);
    const body = JSON.stringify(fields);
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
    return { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}`, body };
  }

  #block(shape: Shape, client: "script" | "scanner" | "eager", wanted: readonly Wanted[], more: object = {}): Sent {
    const cidrs = wanted.map(({ cidr }) => cidr);
    const fields = { ...(cidrs.length === 1 ? { ip: cidrs[0] } : { ips: cidrs }), for: `${this.#seconds()}s`, reason: `load ${shape}`, ...more };
    const rest = { shape, client, method: "POST", path: "/v1/blocks", wanted, targets: null } as const;
    if (client === "script") {
      const { body, ...headers } = this.#signed({ type: "block", ...fields });
      return { ...rest, headers, body, expected: [202] };
    }
    const headers = { authorization: `Bearer ${this.#keys[client]}`, "content-type": "application/json" };
    return { ...rest, headers, body: JSON.stringify(fields), expected: client === "eager" ? [202, 429] : [202] };
  }

  #keyed(): Sent {
    const wanted = Array.from({ length: 1 + this.#chance.below(3) }, () => this.#fresh());
    const sent = this.#block("keyed", "scanner", wanted, { severity: this.#chance.pick(["low", "medium", "high", "critical"]) });
    // Some wait for the pass, some are for one target only.
    if (this.#chance.hits(0.05)) return { ...sent, headers: { ...sent.headers, prefer: "wait=2" }, expected: [200, 202] };
    if (!this.#chance.hits(0.1)) return sent;
    const targets = [this.#chance.pick(["aws-web", "azure-hub", "edge"])];
    return { ...sent, body: JSON.stringify({ ...JSON.parse(sent.body), targets }), targets };
  }

  /** As ElastAlert posts matches, and as anything else may: lists of documents; one in fifty holds a poisoned one. */
  #alerts(): Sent {
    const wanted = Array.from({ length: 1 + this.#chance.below(8) }, () => this.#fresh());
    const source = this.#chance.pick(["elastalert", "generic"]);
    const documents: object[] = wanted.map(({ cidr }) => ({
      "source.ip": cidr.replace(/\/\d+$/, ""),
      ip: cidr.replace(/\/\d+$/, ""),
      rule: "load",
      severity: "high",
    }));
    if (this.#chance.hits(0.02)) documents.push(this.#chance.pick([{ ip: "10.0.0.1" }, { ip: "not an address" }, { none: true }]));
    const headers = { authorization: `Bearer ${this.#keys.detector}`, "content-type": "application/json" };
    const body = JSON.stringify(documents.length === 1 ? documents[0] : documents);
    return { shape: "alerts", client: "detector", method: "POST", path: `/v1/alerts/${source}`, headers, body, wanted, targets: null, expected: [200] };
  }

  #repeat(): Sent | null {
    const again = this.#known.again(this.#chance);
    if (again === null) return null;
    const client = again.client === "script" ? "script" : "scanner";
    return { ...this.#block("repeat", client, [again.wanted]), expected: [202, 422] };
  }

  /** A prefix around something that stands. */
  #wide(): Sent | null {
    const again = this.#known.again(this.#chance);
    if (again === null || again.wanted.cidr.includes(":") || !again.wanted.cidr.endsWith("/32")) return null;
    const parts = again.wanted.cidr.replace("/32", "").split(".").map(Number);
    const around = this.#chance.hits(0.5) ? `${parts[0]}.${parts[1]}.${parts[2]}.${(parts[3] ?? 0) & 240}/28` : `${parts[0]}.${parts[1]}.${parts[2]}.0/24`;
    return { ...this.#block("wide", "scanner", [wantedOf(around)]), expected: [202, 422] };
  }

  #lift(): Sent | null {
    const wanted = this.#known.retire(this.#chance);
    if (wanted === null) return null;
    const headers = { authorization: `Bearer ${this.#keys.admin}`, "content-type": "application/json" };
    const body = JSON.stringify({ ip: wanted.cidr, ...(this.#chance.hits(0.5) ? { exempt: "none" } : {}) });
    return { shape: "lift", client: "admin", method: "POST", path: "/v1/lifts", headers, body, wanted: [wanted], targets: null, expected: [202] };
  }

  #invalid(): Sent {
    const key = { authorization: `Bearer ${this.#keys.scanner}`, "content-type": "application/json" };
    const { cidr } = this.#fresh();
    const stale = this.#signed({ type: "block", ip: cidr }, this.#keys.signing, 3_600);
    const forged = this.#signed({ type: "block", ip: cidr }, `whsec_${Buffer.from("somebody else's secret").toString("base64")}`);
    const elsewhere = this.#signed({ type: "lift", ip: cidr });
    const cases: readonly { readonly body: string; readonly headers: Readonly<Record<string, string>>; readonly status: number }[] = [
      { body: '{"ip":', headers: key, status: 400 },
      { body: JSON.stringify({ ip: "100.16.0.256" }), headers: key, status: 400 },
      { body: JSON.stringify({ ip: cidr, targets: ["nowhere"] }), headers: key, status: 400 },
      { body: JSON.stringify({ ip: cidr, for: "-1h" }), headers: key, status: 400 },
      { body: JSON.stringify({ ip: "10.1.2.3" }), headers: key, status: 422 },
      { body: JSON.stringify({ ip: "100.16.0.0/12" }), headers: key, status: 403 },
      { body: "<ip/>", headers: { ...key, "content-type": "application/xml" }, status: 415 },
      { body: JSON.stringify({ ip: cidr }), headers: { ...key, authorization: "Bearer nobody" }, status: 401 },
      ...[stale, forged, elsewhere].map(({ body, ...headers }) => ({ body, headers, status: 401 })),
    ];
    const { body, headers, status } = this.#chance.pick(cases);
    return { shape: "invalid", client: "nobody", method: "POST", path: "/v1/blocks", headers, body, wanted: [], targets: null, expected: [status] };
  }

  /** The next request. One that needs something that stands gives way to a plain one while nothing does. */
  next(): Sent {
    let at = this.#chance.below(1_000);
    const shape = (Object.keys(mix) as Shape[]).find((name) => {
      at -= mix[name];
      return at < 0;
    });
    if (shape === "keyed") return this.#keyed();
    if (shape === "alerts") return this.#alerts();
    if (shape === "eager") return this.#block("eager", "eager", [this.#fresh()]);
    if (shape === "invalid") return this.#invalid();
    const late = shape === "repeat" ? this.#repeat() : shape === "wide" ? this.#wide() : shape === "lift" ? this.#lift() : null;
    return late ?? this.#block("signed", "script", [this.#fresh()]);
  }
}
