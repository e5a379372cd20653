// The simulated account: signature, names, permissions, throttles, faults, then the action itself. No network: `../aws.ts` adds that.
import { type AclChange, type AclSeed, type AclState, SimulatedAcl } from "./acl.ts";
import { ec2Actions } from "./ec2.ts";
import { type Faults, type Mishap, mishapFor, noFaults } from "./faults.ts";
import { awsLimits } from "./limits.ts";
import { checkNames, type Parameters, readBoolean, readForm } from "./parameters.ts";
import { type Principal, Principals, permitted, type RoleSeed, type UserSeed } from "./principals.ts";
import { AwsRefusal, type AwsService, errorDocument, successDocument } from "./refusal.ts";
import { type SignedRequest, scopeOf, verifySignature } from "./sigv4.ts";
import { stsActions, unsignedActions } from "./sts.ts";
import { TokenBuckets } from "./throttle.ts";
import type { IdentityProvider } from "./web-identity.ts";

export interface AwsOptions {
  /** The cloud's clock; the machine's by default. */
  readonly nowMs?: () => number;
  readonly accountId?: string;
  readonly regions?: readonly string[];
  readonly acls?: readonly AclSeed[];
  readonly users?: readonly UserSeed[];
  readonly roles?: readonly RoleSeed[];
  readonly identityProviders?: readonly IdentityProvider[];
  /** The quota "rules per network ACL" of the account, 20 to 40. */
  readonly rulesMax?: number;
}

export interface AwsReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AwsLogged {
  readonly atMs: number;
  readonly service: AwsService;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** ARN of who signed; null when that was refused. */
  readonly principal: string | null;
  readonly status: number;
  /** The vendor's error code; null for success. */
  readonly code: string | null;
  readonly body: string;
}

const versions = { ec2: "2016-11-15", sts: "2011-06-15" } as const satisfies Record<AwsService, string>;

export class SimulatedAws {
  readonly accountId: string;
  readonly regions: readonly string[];
  readonly principals: Principals;
  readonly faults: Faults = noFaults();
  /** Every call that was answered, oldest first. */
  readonly log: AwsLogged[] = [];
  /** Every change to an ACL, by the API or a person, oldest first. */
  readonly changes: AclChange[] = [];
  rulesMax: number;
  readonly #nowMs: () => number;
  readonly #acls = new Map<string, SimulatedAcl>();
  readonly #buckets = new TokenBuckets();
  readonly #listeners = new Set<(change: AclChange) => void>();
  #requests = 0;

  constructor(options: AwsOptions = {}) {
    this.accountId = options.accountId ?? "111122223333";
    this.regions = options.regions ?? ["eu-west-1"];
    this.rulesMax = options.rulesMax ?? awsLimits.rulesPerDirectionAndFamily;
    this.#nowMs = options.nowMs ?? Date.now;
    this.principals = new Principals(this.accountId, options.users ?? [], options.roles ?? [], options.identityProviders ?? []);
    for (const seed of options.acls ?? []) this.addAcl(seed);
  }

  addAcl(seed: AclSeed): SimulatedAcl {
    const host = { nowMs: this.#nowMs, rulesMax: () => this.rulesMax, changed: (change: AclChange) => this.#changed(change) };
    const acl = new SimulatedAcl(seed, seed.region ?? this.regions[0] ?? "eu-west-1", host);
    this.#acls.set(acl.id, acl);
    return acl;
  }

  deleteAcl(id: string): void {
    this.#acls.delete(id);
  }

  /** The ACL, to look at and to edit as a person would; throws for an unknown id. */
  acl(id: string): SimulatedAcl {
    const acl = this.#acls.get(id);
    if (acl === undefined) throw new Error(`the simulated account has no ${id}`);
    return acl;
  }

  get aclIds(): readonly string[] {
    return [...this.#acls.keys()];
  }

  /** Tells of every change from now on; call the result to stop. */
  onChange(listener: (change: AclChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How often an action was called, refused calls included; all actions without a name. */
  calls(action?: string): number {
    return this.log.filter((entry) => action === undefined || entry.action === action).length;
  }

  /** How often the API was asked to change something. */
  get writes(): number {
    return this.log.filter((entry) => entry.service === "ec2" && entry.action !== "DescribeNetworkAcls").length;
  }

  /** Answers one request; null: the connection is to be closed without an answer. */
  respond(request: SignedRequest): AwsReply | null {
    let service: AwsService = scopeOf(request.headers)?.service === "sts" ? "sts" : "ec2";
    this.#requests += 1;
    const requestId = `00000000-0000-4000-8000-${this.#requests.toString(16).padStart(12, "0")}`;
    let action = "?";
    let parameters: Parameters = new Map();
    let principal: Principal | null = null;
    try {
      parameters = this.#readRequest(request);
      action = parameters.get("Action") ?? "";
      if (unsignedActions.has(action) && request.headers.authorization === undefined) {
        service = "sts";
        const answered = this.#carryOutUnsigned(action, parameters, requestId);
        this.#note(service, action, parameters, null, answered ?? { status: 0, body: "" }, null);
        return answered;
      }
      const scope = verifySignature(request, { service, regions: this.regions, nowMs: this.#nowMs(), keyOf: (id) => this.#keyOf(id) });
      principal = this.principals.find(scope.accessKeyId);
      if (principal === null) throw new Error("a verified key belongs to somebody");
      const reply = this.#carryOut(service, action, parameters, principal, scope.region, requestId);
      this.#note(service, action, parameters, principal, reply ?? { status: 0, body: "" }, null);
      return reply;
    } catch (error) {
      if (!(error instanceof AwsRefusal)) throw error;
      const body = errorDocument(service, error, requestId);
      this.#note(service, action, parameters, principal, { status: error.status, body }, error.code);
      const retryAfter = error instanceof Throttled && error.retryAfterSeconds !== null ? { "retry-after": String(error.retryAfterSeconds) } : {};
      return { status: error.status, headers: { ...this.#headers(requestId), ...retryAfter }, body };
    }
  }

  #readRequest(request: SignedRequest): Parameters {
    if (request.target !== "/") throw new AwsRefusal(404, "InvalidAction", `The simulator has no route ${request.target}; it answers POST / only`);
    if (request.method !== "POST") throw new AwsRefusal(405, "InvalidAction", `The simulator answers POST only, not ${request.method}`);
    const type = request.headers["content-type"] ?? "";
    if (!/^application\/x-www-form-urlencoded(;|$)/.test(type)) throw new AwsRefusal(400, "InvalidAction", `The content type ${type} is not a Query API form`);
    return readForm(request.body);
  }

  #keyOf(accessKeyId: string) {
    return this.faults.credentialsRevoked ? null : (this.principals.find(accessKeyId)?.key ?? null);
  }

  #carryOut(service: AwsService, action: string, parameters: Parameters, caller: Principal, region: string, requestId: string): AwsReply | null {
    if (parameters.get("Version") !== versions[service]) throw new AwsRefusal(400, "NoSuchVersion", `The version ${parameters.get("Version")} is not known`);
    const mishap = mishapFor(this.faults, action);
    if (mishap?.kind === "throttle") throw new Throttled(mishap.status, mishap.retryAfterSeconds);
    if (mishap !== null && !mishap.committed) return this.#fail(mishap, requestId);
    const content = service === "ec2" ? this.#ec2(action, parameters, caller, region) : this.#sts(action, parameters, caller, region);
    if (mishap !== null) return this.#fail(mishap, requestId);
    return { status: 200, headers: this.#headers(requestId), body: successDocument(service, action, content, requestId) };
  }

  #carryOutUnsigned(action: string, parameters: Parameters, requestId: string): AwsReply | null {
    if (parameters.get("Version") !== versions.sts) throw new AwsRefusal(400, "NoSuchVersion", `The version ${parameters.get("Version")} is not known`);
    const known = unsignedActions.get(action);
    if (known === undefined) throw new Error(`${action} is signed`);
    const mishap = mishapFor(this.faults, action);
    if (mishap?.kind === "throttle") throw new Throttled(mishap.status, mishap.retryAfterSeconds);
    if (mishap !== null) return this.#fail(mishap, requestId);
    checkNames(parameters, known.spec);
    const content = known.run(parameters, this.principals, this.#nowMs());
    return { status: 200, headers: this.#headers(requestId), body: successDocument("sts", action, content, requestId) };
  }

  #ec2(action: string, parameters: Parameters, caller: Principal, region: string): readonly string[] {
    const known = ec2Actions.get(action);
    if (known === undefined) throw new AwsRefusal(400, "InvalidAction", `The action ${action} is not valid for this web service.`);
    checkNames(parameters, known.spec);
    if (!this.#buckets.take(`${region}/${action}`, known.bucket, this.#nowMs())) throw new Throttled(503, null);
    const acls = new Map([...this.#acls].filter(([, acl]) => acl.region === region));
    const { lagPerRead, pageSizeMax } = this.faults;
    const describeLagMs = lagPerRead === null || known.bucket !== "describing" ? this.faults.describeLagMs : lagPerRead();
    const prepared = known.prepare(parameters, { accountId: this.accountId, region, nowMs: this.#nowMs(), describeLagMs, pageSizeMax, acls });
    if (!permitted(caller, `ec2:${action}`, prepared.resource)) {
      const why = `User: ${caller.arn} is not authorized to perform: ec2:${action} on resource: ${prepared.resource}`;
      throw new AwsRefusal(403, "UnauthorizedOperation", `You are not authorized to perform this operation. ${why}`);
    }
    if (readBoolean(parameters, "DryRun")) throw new AwsRefusal(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    return prepared.commit();
  }

  #sts(action: string, parameters: Parameters, caller: Principal, region: string): readonly string[] {
    const known = stsActions.get(action);
    if (known === undefined) throw new AwsRefusal(400, "InvalidAction", `Could not find operation ${action} for version ${versions.sts}`);
    checkNames(parameters, known.spec);
    if (!this.#buckets.take(`${region}/${action}`, "sts", this.#nowMs())) throw new Throttled(400, null, "Throttling", "Rate exceeded");
    return known.run(parameters, caller, this.principals, this.#nowMs());
  }

  #fail(mishap: Exclude<Mishap, { readonly kind: "throttle" }>, requestId: string): AwsReply | null {
    if (mishap.kind === "drop") return null;
    if (mishap.kind === "garbage") return { status: 200, headers: { "content-type": "text/html" }, body: "<html><p>Please log in<br></html>" };
    const code = mishap.status === 500 ? "InternalError" : "Unavailable";
    const body = errorDocument("ec2", new AwsRefusal(mishap.status, code, "An internal error has occurred"), requestId);
    return { status: mishap.status, headers: this.#headers(requestId), body };
  }

  #headers(requestId: string): Record<string, string> {
    return { "content-type": "text/xml;charset=UTF-8", date: new Date(this.#nowMs()).toUTCString(), "x-amzn-requestid": requestId };
  }

  #note(
    service: AwsService,
    action: string,
    parameters: Parameters,
    principal: Principal | null,
    reply: Pick<AwsReply, "status" | "body">,
    code: string | null,
  ) {
    const { Action: _action, Version: _version, ...rest } = Object.fromEntries(parameters);
    this.log.push({
      atMs: this.#nowMs(),
      service,
      action,
      parameters: rest,
      principal: principal?.arn ?? null,
      status: reply.status,
      code,
      body: reply.body,
    });
  }

  #changed(change: AclChange): void {
    this.changes.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

class Throttled extends AwsRefusal {
  readonly retryAfterSeconds: number | null;
  constructor(status: number, retryAfterSeconds: number | null, code = "RequestLimitExceeded", message = "Request limit exceeded.") {
    super(status, code, message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** An ACL's state in one comparable text. */
export function textOfState(state: AclState): string {
  return JSON.stringify(state);
}
