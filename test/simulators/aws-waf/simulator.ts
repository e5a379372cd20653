// The simulated WAFv2 of an account: signature, shapes, permissions, throttles, faults, then the action itself. STS is the simulated
// account's own. No network: `../aws-waf.ts` adds that.
import { type Faults, type Mishap, mishapFor, noFaults } from "../aws/faults.ts";
import { type Principal, permitted, type RoleSeed, type UserSeed } from "../aws/principals.ts";
import { AwsRefusal } from "../aws/refusal.ts";
import { type SignedRequest, verifySignature } from "../aws/sigv4.ts";
import { type AwsReply, SimulatedAws } from "../aws/simulator.ts";
import { type IpSetSeed, type SetChange, SimulatedIpSet } from "./ip-set.ts";
import { wafLimits } from "./limits.ts";
import { type Body, checkBody, type ParameterSpec, readBody, textOf } from "./parameters.ts";
import { SimulatedWebAcl, type WebAclSeed } from "./web-acl.ts";

export interface WafOptions {
  /** The cloud's clock; the machine's by default. */
  readonly nowMs?: () => number;
  readonly accountId?: string;
  readonly regions?: readonly string[];
  readonly sets?: readonly IpSetSeed[];
  readonly webAcls?: readonly WebAclSeed[];
  readonly users?: readonly UserSeed[];
  readonly roles?: readonly RoleSeed[];
}

export interface WafLogged {
  readonly atMs: number;
  readonly action: string;
  readonly body: Body;
  readonly principal: string | null;
  readonly status: number;
  readonly code: string | null;
  readonly answer: string;
}

interface Operation {
  readonly pace: "read" | "write";
  readonly spec: ParameterSpec;
}

const place = { Name: "required", Scope: "required", Id: "required" } as const;

const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ["GetIPSet", { pace: "read", spec: place }],
  ["GetWebACL", { pace: "read", spec: place }],
  ["ListWebACLs", { pace: "read", spec: { Scope: "required", NextMarker: "optional", Limit: "optional" } }],
  ["UpdateIPSet", { pace: "write", spec: { ...place, Description: "optional", Addresses: "required", LockToken: "required" } }],
]);

const targetPrefix = "AWSWAF_20190729.";

class Throttled extends AwsRefusal {
  readonly retryAfterSeconds: number | null;
  constructor(retryAfterSeconds: number | null) {
    super(400, "ThrottlingException", "Rate exceeded");
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class SimulatedWaf {
  /** STS, and who may sign. */
  readonly aws: SimulatedAws;
  readonly faults: Faults = noFaults();
  /** Every call to WAF that was answered, oldest first. */
  readonly log: WafLogged[] = [];
  /** Every change of a set, by the API or a person, oldest first. */
  readonly changes: SetChange[] = [];
  readonly #nowMs: () => number;
  readonly #sets = new Map<string, SimulatedIpSet>();
  readonly #webAcls = new Map<string, SimulatedWebAcl>();
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  #requests = 0;

  constructor(options: WafOptions = {}) {
    const { regions = ["eu-west-1", "us-east-1"], users = [], roles = [], accountId = "111122223333" } = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.aws = new SimulatedAws({ nowMs: this.#nowMs, accountId, regions, users, roles });
    for (const seed of options.sets ?? []) this.addSet(seed);
    for (const seed of options.webAcls ?? []) this.addWebAcl(seed);
  }

  addSet(seed: IpSetSeed): SimulatedIpSet {
    const host = { accountId: this.aws.accountId, nowMs: this.#nowMs, changed: (change: SetChange) => this.changes.push(change) };
    const set = new SimulatedIpSet(seed, seed.region ?? this.aws.regions[0] ?? "eu-west-1", host);
    this.#sets.set(set.arn, set);
    return set;
  }

  addWebAcl(seed: WebAclSeed): SimulatedWebAcl {
    const webAcl = new SimulatedWebAcl(seed, seed.region ?? this.aws.regions[0] ?? "eu-west-1", this.aws.accountId);
    this.#webAcls.set(webAcl.arn, webAcl);
    return webAcl;
  }

  /** To look at and to edit as a person would; throws for an unknown ARN. */
  set(arn: string): SimulatedIpSet {
    const set = this.#sets.get(arn);
    if (set === undefined) throw new Error(`the simulated account has no ${arn}`);
    return set;
  }

  webAcl(arn: string): SimulatedWebAcl {
    const webAcl = this.#webAcls.get(arn);
    if (webAcl === undefined) throw new Error(`the simulated account has no ${arn}`);
    return webAcl;
  }

  /** Takes an IP set or a web ACL away. */
  delete(arn: string): void {
    this.#sets.delete(arn);
    this.#webAcls.delete(arn);
  }

  calls(action: string): number {
    return this.log.filter((entry) => entry.action === action).length;
  }

  /** How often WAF was asked to change something. */
  get writes(): number {
    return this.calls("UpdateIPSet");
  }

  /** Answers one request; null: the connection is to be closed without an answer. */
  respond(request: SignedRequest): AwsReply | null {
    if (request.headers["x-amz-target"] === undefined) {
      this.aws.faults.credentialsRevoked = this.faults.credentialsRevoked;
      return this.aws.respond(request);
    }
    this.#requests += 1;
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      date: new Date(this.#nowMs()).toUTCString(),
      "x-amzn-requestid": `00000000-0000-4000-8000-${this.#requests.toString(16).padStart(12, "0")}`,
    };
    const noted = { action: "?", body: {} as Body, principal: null as string | null };
    try {
      const reply = this.#answer(request, noted);
      this.#note(noted, reply?.status ?? 0, null, reply?.body ?? "");
      return reply === null ? null : { ...reply, headers: { ...headers, ...reply.headers } };
    } catch (error) {
      if (!(error instanceof AwsRefusal)) throw error;
      const answer = JSON.stringify({ __type: `com.amazonaws.wafv2#${error.code}`, Message: error.message, message: error.message });
      this.#note(noted, error.status, error.code, answer);
      const retryAfter = error instanceof Throttled && error.retryAfterSeconds !== null ? { "retry-after": String(error.retryAfterSeconds) } : {};
      return {
        status: error.status,
        headers: { ...headers, "x-amzn-errortype": `${error.code}:http://internal.amazon.com/coral/`, ...retryAfter },
        body: answer,
      };
    }
  }

  #answer(request: SignedRequest, noted: { action: string; body: Body; principal: string | null }): AwsReply | null {
    if (request.target !== "/" || request.method !== "POST") throw new AwsRefusal(404, "UnknownOperationException", "The simulator answers POST / only");
    if (request.headers["content-type"] !== "application/x-amz-json-1.1")
      throw new AwsRefusal(404, "UnknownOperationException", "The content type is not JSON 1.1");
    const target = request.headers["x-amz-target"] ?? "";
    noted.action = target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : target;
    const scope = verifySignature(request, { service: "wafv2", regions: this.aws.regions, nowMs: this.#nowMs(), keyOf: (id) => this.#keyOf(id) });
    const principal = this.aws.principals.find(scope.accessKeyId);
    if (principal === null) throw new Error("a verified key belongs to somebody");
    noted.principal = principal.arn;
    noted.body = readBody(request.body);
    return this.#carryOut(noted.action, noted.body, principal, scope.region);
  }

  #keyOf(accessKeyId: string) {
    return this.faults.credentialsRevoked ? null : (this.aws.principals.find(accessKeyId)?.key ?? null);
  }

  #carryOut(action: string, body: Body, caller: Principal, region: string): AwsReply | null {
    const operation = operations.get(action);
    if (operation === undefined) throw new AwsRefusal(400, "UnknownOperationException", `The simulator knows no operation ${action}`);
    checkBody(body, operation.spec);
    const mishap = mishapFor(this.faults, action);
    if (mishap?.kind === "throttle") throw new Throttled(mishap.retryAfterSeconds);
    if (mishap !== null && !mishap.committed) return fail(mishap);
    if (!this.#take(`${region}/${action}`, wafLimits.callsPerSecond[operation.pace])) throw new Throttled(null);
    if (textOf(body, "Scope") === "CLOUDFRONT" && region !== "us-east-1")
      throw new AwsRefusal(400, "WAFInvalidParameterException", "Error reason: The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT");
    const content = this.#run(action, body, caller, region);
    return mishap === null ? { status: 200, headers: {}, body: JSON.stringify(content) } : fail(mishap);
  }

  #run(action: string, body: Body, caller: Principal, region: string): unknown {
    if (action === "ListWebACLs") return this.#listWebAcls(body, caller, region);
    const arn = this.#arn(action === "GetWebACL" ? "webacl" : "ipset", body, region);
    if (!permitted(caller, `wafv2:${action}`, arn)) throw denied(caller, action, arn);
    if (action === "GetWebACL") return { WebACL: found(this.#webAcls.get(arn)).document, LockToken: "00000000-0000-4000-9000-000000000001" };
    const set = found(this.#sets.get(arn));
    if (action === "UpdateIPSet") {
      const description = body.Description === undefined ? null : textOf(body, "Description");
      return { NextLockToken: set.update({ description, addresses: body.Addresses as readonly string[], lockToken: textOf(body, "LockToken") }) };
    }
    const lagMs = this.faults.lagPerRead === null ? this.faults.describeLagMs : this.faults.lagPerRead();
    const { description, addresses, lockToken } = set.stateAt(this.#nowMs() - lagMs);
    const shown = { Name: set.name, Id: set.id, ARN: set.arn, ...(description === null ? {} : { Description: description }), IPAddressVersion: set.version };
    return { IPSet: { ...shown, Addresses: addresses }, LockToken: lockToken };
  }

  #listWebAcls(body: Body, caller: Principal, region: string): unknown {
    if (!permitted(caller, "wafv2:ListWebACLs", "*")) throw denied(caller, "ListWebACLs", "*");
    const scope = textOf(body, "Scope");
    const all = [...this.#webAcls.values()].filter((webAcl) => webAcl.region === region && webAcl.scope === scope);
    const from = Number(body.NextMarker ?? 0);
    const to = from + Math.min(Number(body.Limit ?? 100), this.faults.pageSizeMax);
    const page = all.slice(from, to).map(({ name, id, arn }) => ({ Name: name, Id: id, ARN: arn }));
    return { WebACLs: page, ...(to < all.length ? { NextMarker: String(to) } : {}) };
  }

  #arn(type: "ipset" | "webacl", body: Body, region: string): string {
    const scope = textOf(body, "Scope") === "CLOUDFRONT" ? "global" : "regional";
    return `arn:aws:wafv2:${region}:${this.aws.accountId}:${scope}/${type}/${textOf(body, "Name")}/${textOf(body, "Id")}`;
  }

  /** Takes one token; false when there is none. As many fit as come back in a second: no burst is documented. */
  #take(key: string, perSecond: number): boolean {
    const nowMs = this.#nowMs();
    const bucket = this.#buckets.get(key) ?? { tokens: perSecond, atMs: nowMs };
    bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1_000) * perSecond);
    bucket.atMs = Math.max(bucket.atMs, nowMs);
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #note(noted: { readonly action: string; readonly body: Body; readonly principal: string | null }, status: number, code: string | null, answer: string): void {
    this.log.push({ atMs: this.#nowMs(), ...noted, status, code, answer });
  }
}

function found<T>(thing: T | undefined): T {
  if (thing !== undefined) return thing;
  throw new AwsRefusal(400, "WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist.");
}

function denied(caller: Principal, action: string, resource: string): AwsRefusal {
  return new AwsRefusal(400, "AccessDeniedException", `User: ${caller.arn} is not authorized to perform: wafv2:${action} on resource: ${resource}`);
}

function fail(mishap: Exclude<Mishap, { readonly kind: "throttle" }>): AwsReply | null {
  if (mishap.kind === "drop") return null;
  if (mishap.kind === "garbage") return { status: 200, headers: { "content-type": "text/html" }, body: "<html><p>Please log in<br></html>" };
  const body = JSON.stringify({ __type: "WAFInternalErrorException", Message: "Your request is valid, but AWS WAF couldn't perform the operation." });
  return { status: mishap.status, headers: {}, body };
}
