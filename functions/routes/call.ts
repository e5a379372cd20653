// What a route is and what its handler is given. Owns the types that the route files share; does nothing itself.
import type { Context } from "hono";
import type { Cidr } from "../../shared/address/index.ts";
import type { Config, EventSource, Scope } from "../../shared/config.ts";
import type { Clock, EpochMs, Json, Log, Random, Transport } from "../../shared/ports.ts";
import type { Admission } from "../../shared/provider.ts";
import type { Judge, Protection } from "../../shared/request/judge.ts";
import type { Authenticator, Caller, SecretLookup } from "../auth/authenticate.ts";
import type { SnsDoor } from "../auth/sns.ts";
import type { CoordinatorApi } from "../coordinator/contract.ts";
import type { Passage } from "./passage.ts";
import type { Payload } from "./payload.ts";

/** What the routes need to know of a target's provider. */
export interface TargetFacts {
  readonly caveats: readonly string[];
  /** Pure: whether the target can hold this block. */
  admit(cidr: Cidr): Admission;
}

export interface AppDeps {
  readonly config: Config;
  readonly protection: Protection;
  readonly secrets: SecretLookup;
  readonly clock: Clock;
  /** Aborted after so many milliseconds; without it a body is waited for as long as its sender likes. */
  deadline?(ms: number): AbortSignal;
  readonly random: Random;
  readonly log: Log;
  /** Calls Amazon SNS, and only the hosts of the configured topics; absent where there are none. */
  readonly askSns?: Transport | undefined;
  /** The document served at /openapi.json. */
  readonly openapi: Json;
  /** The coordinator to ask for this request. */
  coordinatorFor(context: Context): CoordinatorApi;
  /** The caller's address as the platform vouches for it; null when it does not. */
  remoteAddress(context: Context): string | null;
  /** Lets work go on after the answer, where the platform ends it with the answer otherwise. */
  defer?(context: Context, work: Promise<void>): void;
  /** Answers about events; absent: there are no playbooks. */
  readonly eventPages?: EventPages;
  /** The provider's word on a target; null when the kind is not compiled in. */
  targetFacts?(name: string): TargetFacts | null;
}

/** One request on its way through a public route. */
export interface PublicCall {
  /** Its log writes under this request's trace. */
  readonly deps: AppDeps;
  readonly passage: Passage;
  readonly request: Request;
  readonly url: URL;
  readonly coordinator: CoordinatorApi;
  readonly remote: Cidr | null;
  readonly now: EpochMs;
}

/** One authenticated and allowed request. */
export interface Call extends PublicCall {
  readonly caller: Caller;
  readonly body: Uint8Array<ArrayBuffer>;
}

interface RoutePlace {
  readonly method: "GET" | "POST";
  readonly path: string;
}

export interface PublicRoute extends RoutePlace {
  readonly access: "public";
  handle(call: PublicCall): Promise<Response>;
}

export interface GuardedRoute extends RoutePlace {
  readonly access: Scope;
  /** What a signed body's `type` must say; null on GET, where signatures are never accepted. */
  readonly operation: string | null;
  handle(call: Call): Promise<Response>;
}

/** The 2017 API: its credential is the query parameter `accessToken`, and of one client only. */
export interface TokenRoute extends RoutePlace {
  readonly access: "token";
  readonly scope: Scope;
  handle(call: Call): Promise<Response>;
}

/** A way in for senders that cannot carry our credentials in our way: finds out itself who sent it, before anything else is looked at. */
export interface SenderRoute extends RoutePlace {
  readonly access: "sender";
  readonly method: "POST";
  /** How its senders are known, for the API's description. */
  readonly credential: "snsSignature" | "firehoseKey" | "pathSecret";
  admit(call: PublicCall, door: Door): Promise<Response>;
}

/** A signed link is the credential: the route looks at it before anything else, and reads no body. */
export interface LinkRoute extends RoutePlace {
  readonly access: "link";
  handle(call: PublicCall): Promise<Response>;
}

/** What the routes about events, and those that events come in by, hand over to. */
export interface EventPages {
  take(call: Call, source: EventSource, payload: Payload): Promise<Response>;
  list(call: Call): Promise<Response>;
  read(call: Call): Promise<Response>;
  replay(call: Call): Promise<Response>;
  show(call: PublicCall): Promise<Response>;
  agree(call: PublicCall): Promise<Response>;
}

/** What tells who is there. */
export interface Door {
  readonly authenticator: Authenticator;
  readonly sns: SnsDoor;
}

export type Route = PublicRoute | GuardedRoute | TokenRoute | SenderRoute | LinkRoute;

/** The rules that addresses of this call are judged by. */
export function judgeOf(call: Call): Judge {
  return { config: call.deps.config, clientName: call.caller.name, client: call.caller.client, protection: call.deps.protection, own: call.remote };
}

/** The time a request counts from: a signed one's own time, so that a replay says the same thing; never the future. */
export function requestTime(call: Call): EpochMs {
  return Math.min(call.caller.signed?.at ?? call.now, call.now);
}
