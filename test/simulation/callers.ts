// The callers: detectors, an operator and somebody without any right, over HTTP as they really call. They keep the ledger of what they
// were told, retry what was lost, and hand every claim of an answer to the oracle.
import { createHash } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { type Cidr, cidrOf, cidrText, displayCidr, overlaps } from "../../shared/address/index.ts";
import type { ClientConfig, Scope } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { widened } from "../../shared/request/judge.ts";
import { testConfig } from "../coordinator/world.ts";
import type { PlatformUnderTest } from "./contract.ts";
import { type Asked, type Ledger, rankOf } from "./ledger.ts";
import type { Oracle } from "./oracle.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Action, Caller } from "./script.ts";

const operator = "operator";
/** Not secrets: they open nothing but a simulation. */
const keyOf = (name: string): string => `key-of-${name}`;
export const signingSecret = `whsec_${Buffer.from("a secret of the simulation, 32 b").toString("base64")}`;
/** An address that nobody with a right ever asks for: were it blocked, the door would be open. */
export const forbiddenAddress = "203.0.113.66";

function clientOf(name: string, scopes: readonly Scope[], secrets: readonly string[] = []): ClientConfig {
  return {
    keys: [createHash("sha256").update(keyOf(name)).digest("hex")],
    secrets,
    scopes,
    from: null,
    longestMs: limits.leaseLongestMs,
    widest: { ipv4: 24, ipv6: 32 },
    targets: null,
    live: 10_000,
    newPerMinute: 10_000,
    mode: "enforce",
  };
}

export const clients: Readonly<Record<string, ClientConfig>> = {
  detector: clientOf("detector", ["block", "alert:generic"]),
  sensor: clientOf("sensor", ["block", "alert:generic"]),
  script: clientOf("script", ["block"], ["SCRIPT_SECRET"]),
  operator: clientOf(operator, ["block", "lift", "exempt", "read", "feed", "metrics", "admin"]),
  reader: clientOf("reader", ["read"]),
};

/** How long a lease of an alert is. */
export const alertForMs = 15 * 60_000;

export interface CallerParts {
  readonly scheduler: Scheduler;
  readonly platform: PlatformUnderTest;
  readonly ledger: Ledger;
  readonly oracle: Oracle;
  readonly targetNames: readonly string[];
}

interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface AnsweredItem {
  readonly ip?: string;
  readonly status: string;
  readonly until?: string;
  readonly why?: string;
  readonly targets?: Readonly<Record<string, { readonly state: string; readonly why?: string; readonly by?: string }>>;
}

type BlockAction = Extract<Action, { readonly do: "block" | "alerts" }>;

const promising: readonly string[] = ["created", "renewed", "unchanged"];
const triesMax = 3;

/** One host's IPv6 is its /64. */
function blockOf(text: string): Cidr {
  return widened(cidrOf(text), testConfig()).cidr;
}

function uniqueBlocks(ips: readonly string[]): Cidr[] {
  return [...new Map(ips.map(blockOf).map((cidr) => [`${cidr.first}/${cidr.length}`, cidr])).values()];
}

export class Callers {
  readonly #parts: CallerParts;
  #last: BlockAction | null = null;
  #captured: Sent | null = null;
  #messages = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  #send({ path, headers, body }: Sent, method = "POST"): ReturnType<PlatformUnderTest["request"]> {
    const request = new Request(`https://portcullis.example${path}`, { method, headers, ...(method === "GET" ? {} : { body }) });
    return this.#parts.platform.request(request, "192.0.2.10");
  }

  #bearer(client: string): Record<string, string> {
    return { authorization: `Bearer ${keyOf(client)}` };
  }

  #signed(body: string): Record<string, string> {
    this.#messages += 1;
    const id = `msg_${this.#messages}`;
    const at = new Date(Math.floor(this.#parts.scheduler.now / 1_000) * 1_000);
    const signature = new Webhook(signingSecret).sign(id, at, body);
    return { "webhook-id": id, "webhook-timestamp": String(at.getTime() / 1_000), "webhook-signature": signature };
  }

  #wire(action: BlockAction): Sent {
    if (action.do === "alerts") {
      const body = JSON.stringify(action.ips.map((ip) => ({ ip, severity: action.severity })));
      return { path: "/v1/alerts/generic", headers: { ...this.#bearer(action.by), "content-type": "application/json" }, body };
    }
    const targets = this.#targetsOf(action);
    const fields = { type: "block", ips: action.ips, for: `${action.forMs / 1_000}s`, severity: action.severity, ...(targets === null ? {} : { targets }) };
    const body = JSON.stringify(fields);
    const credential = action.by === "script" ? this.#signed(body) : this.#bearer(action.by);
    const prefer: Record<string, string> = action.wait === 0 ? {} : { prefer: `wait=${action.wait}` };
    return { path: "/v1/blocks", headers: { ...credential, ...prefer, "content-type": "application/json" }, body };
  }

  #targetsOf(action: BlockAction): readonly string[] | null {
    const { targetNames } = this.#parts;
    return action.do === "alerts" || action.at === null ? null : [targetNames[action.at % targetNames.length] ?? ""];
  }

  async block(action: BlockAction): Promise<void> {
    this.#last = action;
    const wire = this.#wire(action);
    if (action.do === "block" && action.by === "script") this.#captured = wire;
    for (let tries = 1; tries <= triesMax; tries += 1) {
      if (await this.#blockOnce(action, wire)) return;
      this.#parts.scheduler.note("caller: sent again what was lost");
      await this.#parts.scheduler.sleep(2_000 * tries);
    }
  }

  /** Everything as before, and once more. */
  async repeat(): Promise<void> {
    if (this.#last !== null) await this.block(this.#last);
  }

  /** Asks once more for what is promised anyway, or for less of it; gives how many requests that were. */
  async askAgain(): Promise<number> {
    const { ledger, scheduler } = this.#parts;
    const now = scheduler.now;
    const due = ledger.all
      .filter(
        (one) => one.outcome === "promised" && one.recordLostAt === null && one.liftSentAt === null && one.client !== "script" && one.until > now + 5 * 60_000,
      )
      .slice(-3);
    for (const one of due) {
      // What was asked for once is asked for to its end and a second more: a renewal must gain more than that (design 3).
      const isOnly = ledger.all.filter((other) => other.outcome !== "refused" && isSame(other.cidr, one.cidr)).length === 1;
      const seconds = isOnly ? Math.ceil((one.askedUntil - now) / 1_000) + 1 : 120;
      const fields = { ip: displayCidr(one.cidr), for: `${seconds}s`, ...(one.targets === null ? {} : { targets: one.targets }), severity: "low" };
      const headers = { ...this.#bearer(one.client), "content-type": "application/json" };
      const answered = await this.#send({ path: "/v1/blocks", headers, body: JSON.stringify(fields) });
      scheduler.note(answered.kind === "lost" ? "asked again: lost" : `asked again: HTTP ${answered.response.status}`);
    }
    return due.length;
  }

  async #blockOnce(action: BlockAction, wire: Sent): Promise<boolean> {
    const { scheduler, ledger } = this.#parts;
    const forMs = action.do === "alerts" ? alertForMs : action.forMs;
    const details = { targets: this.#targetsOf(action), severity: rankOf(action.severity), forMs };
    const sentAt = scheduler.now;
    const asked = ledger.ask(action.by, uniqueBlocks(action.ips), details, sentAt);
    const answered = await this.#send(wire);
    if (answered.kind === "lost") {
      ledger.lost(asked, scheduler.now);
      return false;
    }
    const { status } = answered.response;
    scheduler.note(`answered: HTTP ${status}`);
    const text = await answered.response.text();
    scheduler.tell(`${action.do} ${action.ips.join(",")} answered ${status} ${status < 300 ? "" : text}`);
    if (status >= 500) {
      // Nothing is promised, and a part of it may be durable.
      ledger.lost(asked, scheduler.now);
      return false;
    }
    if (status >= 400) {
      this.#checkExempt(text.includes('"EXEMPT"') ? asked : []);
      for (const one of asked) ledger.refused(one, scheduler.now);
    } else this.#take(asked, (JSON.parse(text) as { readonly items: readonly AnsweredItem[] }).items, sentAt);
    return true;
  }

  #take(asked: readonly Asked[], items: readonly AnsweredItem[], sentAt: number): void {
    const { ledger, scheduler, oracle } = this.#parts;
    for (const one of asked) {
      const item = items.find(({ ip }) => ip !== undefined && isSame(blockOf(ip), one.cidr));
      if (item === undefined) {
        oracle.found("P9", `an answer says nothing of an address that was asked for: ${JSON.stringify(items)}`);
        continue;
      }
      scheduler.note(`answered: item ${item.status}`);
      if (item.status === "exempt") this.#checkExempt([one]);
      const states = Object.entries(item.targets ?? {});
      const aside = states.some(([, { why }]) => why?.includes("without the coordinator") === true);
      const until = Date.parse(item.until ?? "");
      const isPromise = promising.includes(item.status);
      if (isPromise && !(until > 0) && item.why === undefined)
        oracle.found("P9", `an answer promises ${cidrText(one.cidr)} and says not until when: ${JSON.stringify(item)}`);
      if (item.status === "created" || item.status === "renewed") this.#checkUntil(one, until);
      if (isPromise && !aside && this.#isCertainlyExempt(one)) oracle.found("P4", `${cidrText(one.cidr)} is promised, though a person exempted it`);
      if (this.#isUnsure(one, item.status, aside)) ledger.lost([one], scheduler.now);
      else if (isPromise && until > 0) ledger.promised(one, until, aside, scheduler.now);
      else if (isPromise || item.status === "held") ledger.lost([one], scheduler.now);
      else ledger.refused(one, scheduler.now);
      for (const [target, state] of states) oracle.claimed(target, one.cidr, state, sentAt);
    }
  }

  /** Design 3: the answer always gives the true until. What was just recorded lasts for as long as it was asked for, unless a person lifted it meanwhile. */
  #checkUntil(one: Asked, until: number): void {
    const { ledger, oracle, scheduler } = this.#parts;
    // A signed message counts from when it was signed, however often it is sent.
    const slackMs = limits.skewMs + ledger.clocksOffMs + (one.client === "script" ? 60_000 : 0);
    const earlyMs = one.askedUntil - slackMs - (until > 0 ? until : 0);
    if (earlyMs > 0 && !ledger.liftExplains(one, scheduler.now))
      oracle.found("P9", `${cidrText(one.cidr)} was recorded, and is said to end ${earlyMs} ms before it was asked for to`);
  }

  /** Design 5: the next alert does not undo a person's decision. */
  #isCertainlyExempt(one: Asked): boolean {
    const { ledger, platform, scheduler } = this.#parts;
    return platform.kind !== "workers-tick-only" && scheduler.now >= ledger.forgetfulUntil && ledger.isExempt(one, scheduler.now);
  }

  /** What is called exempt, one of several at least, was exempted or lifted by a person. */
  #checkExempt(refused: readonly Asked[]): void {
    const { ledger, oracle, scheduler } = this.#parts;
    if (refused.length === 0 || refused.some((one) => ledger.liftExplains(one, scheduler.now))) return;
    oracle.found("P9", `${refused.map(({ cidr }) => cidrText(cidr)).join(", ")} is called exempt, and no person lifted or exempted it`);
  }

  /**
   * Whether whoever promised it may not have heard of a lift that undoes it: without a coordinator, an isolate that was told by the snapshot
   * only; beside one that does not answer, whoever recorded it; and a coordinator whose memory was lost, while the store may be behind.
   */
  #isUnsure(one: Asked, status: string, aside: boolean): boolean {
    const { scheduler, ledger, platform } = this.#parts;
    const { now } = scheduler;
    const isTickOnly = platform.kind === "workers-tick-only";
    const isLifted = ledger.lifts.some((lift) => overlaps(lift.cidr, one.cidr) && now - lift.sentAt < 2 * limits.fullPassMs);
    if (status === "unchanged" && isTickOnly && isLifted) return true;
    return (aside || isTickOnly || now < ledger.forgetfulUntil) && ledger.mayBeExempt(one.cidr, now);
  }

  async lift(ip: string, exemptMs: number | null): Promise<void> {
    const { scheduler, ledger } = this.#parts;
    const lift = ledger.lift(blockOf(ip), exemptMs, scheduler.now);
    const exempt = exemptMs === null ? "none" : `${exemptMs / 1_000}s`;
    const headers = { ...this.#bearer(operator), "content-type": "application/json" };
    const answered = await this.#send({ path: "/v1/lifts", headers, body: JSON.stringify({ ip, exempt }) });
    if (answered.kind === "lost") return;
    scheduler.note(`answered: lift HTTP ${answered.response.status}`);
    if (!answered.response.ok) return;
    const { items } = (await answered.response.json()) as { readonly items: readonly { readonly stillCoveredBy?: readonly string[] }[] };
    // What is named as still standing was not lifted: by its own clock the lift was made before it.
    if (items.every(({ stillCoveredBy = [] }) => stillCoveredBy.length === 0)) ledger.lifted(lift, scheduler.now);
  }

  /** What one address is said to be. */
  async read(ip: string): Promise<void> {
    const { scheduler, oracle } = this.#parts;
    const sentAt = scheduler.now;
    const answered = await this.#send({ path: `/v1/blocks/${ip}`, headers: this.#bearer("reader"), body: "" }, "GET");
    if (answered.kind === "lost" || !answered.response.ok) return;
    const said = (await answered.response.json()) as { readonly block: { readonly ip: string; readonly targets: AnsweredItem["targets"] } | null };
    if (said.block === null) return;
    for (const [target, state] of Object.entries(said.block.targets ?? {})) oracle.claimed(target, blockOf(said.block.ip), state, sentAt);
  }

  /** The feed is whole, or it is refused. */
  async feed(): Promise<void> {
    const { scheduler, oracle } = this.#parts;
    const sentAt = scheduler.now;
    const answered = await this.#send({ path: "/v1/feed.txt", headers: this.#bearer(operator), body: "" }, "GET");
    if (answered.kind === "lost") return;
    scheduler.note(`answered: feed HTTP ${answered.response.status}`);
    if (answered.response.ok) oracle.fed(await answered.response.text(), sentAt);
  }

  async stop(action: "freeze" | "drain" | "resume", target: string | null): Promise<boolean> {
    const headers = { ...this.#bearer(operator), "content-type": "application/json" };
    const body = JSON.stringify({ action, ...(target === null ? {} : { targets: [target] }) });
    const answered = await this.#send({ path: "/v1/stop", headers, body });
    return answered.kind === "answer" && answered.response.ok;
  }

  /** Nobody without a valid credential, scope and limit changes anything. */
  async hostile(how: Extract<Action, { readonly do: "hostile" }>["how"]): Promise<void> {
    const { oracle, scheduler } = this.#parts;
    const sent = this.#forged(how);
    if (sent === null) return;
    const answered = await this.#send(sent);
    if (answered.kind === "lost") return;
    scheduler.note(`hostile: ${how}`);
    if (answered.response.status < 400) oracle.found("P8", `${how} was answered ${answered.response.status} on ${sent.path}`);
  }

  #forged(how: Extract<Action, { readonly do: "hostile" }>["how"]): Sent | null {
    const type = { "content-type": "application/json" };
    const body = JSON.stringify({ type: "block", ip: forbiddenAddress, for: "1h" });
    const captured = this.#captured;
    if (how === "no-key") return { path: "/v1/blocks", headers: type, body };
    if (how === "wrong-key") return { path: "/v1/blocks", headers: { ...type, authorization: "Bearer key-of-nobody" }, body };
    if (how === "wrong-scope") return { path: "/v1/blocks", headers: { ...type, ...this.#bearer("reader") }, body };
    if (captured === null) return null;
    // A signature is good for one route and one body.
    return how === "replayed" ? { ...captured, path: "/v1/lifts" } : { ...captured, body };
  }
}

function isSame(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.first === b.first && a.length === b.length;
}

export type { Caller };
