// The API's description (OpenAPI 3.1), built from the list of routes so that none can be missing. Used by the generator
// that writes `functions/openapi.json`; refuses to be part of the running product, which serves that file.
import { eventSources } from "../../shared/config.ts";
import { errorTraits } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Json } from "../../shared/ports.ts";
import { adapters } from "../../shared/source/index.ts";
import type { Route, SenderRoute } from "./call.ts";
import { routes } from "./index.ts";
import { ref, schemas } from "./openapi-schemas.ts";

interface Description {
  readonly summary: string;
  /** Name of the request's schema. */
  readonly takes?: string;
  /** Success status to name of the answer's schema; null: described by its media type alone. */
  readonly gives: Readonly<Record<string, string | null>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: "form";
  /** Media type of an answer that is not JSON. */
  readonly media?: string;
}

/** By method and path as in the list of routes. */
const descriptions: Readonly<Record<string, Description>> = {
  "POST /v1/blocks": { summary: "Block addresses, all or nothing.", takes: "BlockRequest", gives: { 200: "BlockAnswer", 202: "BlockAnswer" }, form: "form" },
  "GET /v1/blocks": {
    summary: "List live blocks.",
    gives: { 200: "BlockList" },
    query: {
      target: "Only blocks at this target.",
      state: "Only blocks in this state.",
      limit: "Rows of a page, 1 to 1000.",
      cursor: "The `next` of the page before.",
    },
  },
  "GET /v1/blocks/:ip{.+}": { summary: "Explain one address.", gives: { 200: "Explanation" } },
  "POST /v1/alerts/elastalert": { summary: "Take what ElastAlert sends.", gives: { 200: "AlertAnswer" } },
  "POST /v1/alerts/generic": { summary: "Take JSON of any detector by the configured mapping.", gives: { 200: "AlertAnswer" } },
  ...Object.fromEntries(
    eventSources.map((source) => [`POST /v1/alerts/${source}`, { summary: `Take what ${adapters[source].title} sends.`, gives: { 200: "AlertAnswer" } }]),
  ),
  "POST /v1/sns": { summary: "Take what Amazon SNS delivers; confirm subscriptions of configured topics.", gives: { 200: "SnsAnswer" } },
  "POST /v1/firehose/:source": { summary: "Take what an Amazon Data Firehose stream delivers.", takes: "FirehoseRequest", gives: { 200: "FirehoseAnswer" } },
  "POST /v1/in/:secret": { summary: "Take alerts of a sender that can set no header.", gives: { 200: "AlertAnswer" } },
  "GET /v1/events": {
    summary: "List events that playbooks decided something about, the newest first.",
    gives: { 200: "EventList" },
    query: { state: "Only events in this state.", limit: "Rows of a page, 1 to 200.", cursor: "The `next` of the page before." },
  },
  "GET /v1/events/:id": { summary: "Explain one event: what came in, what fired, how far each step is.", gives: { 200: "Event" } },
  "POST /v1/events/:id/replay": { summary: "Put a dead letter back to work.", takes: "ReplayRequest", gives: { 200: "ReplayAnswer", 202: "ReplayAnswer" } },
  "GET /v1/approve/:link": {
    summary: "Show what a playbook would do once a person agrees; does nothing.",
    gives: { 200: null, 410: null },
    media: "text/html",
  },
  "POST /v1/approve/:link": { summary: "Agree: it is done, once.", gives: { 200: null, 410: null }, media: "text/html" },
  "POST /v1/lifts": { summary: "End leases.", takes: "LiftRequest", gives: { 200: "LiftAnswer", 202: "LiftAnswer" } },
  "POST /v1/exemptions": { summary: "Refuse new leases for a while.", takes: "ExemptionRequest", gives: { 200: "LiftAnswer", 202: "LiftAnswer" } },
  "GET /v1/targets": { summary: "Show every target.", gives: { 200: "TargetList" } },
  "GET /v1/targets/:name": { summary: "Show one target.", gives: { 200: "Target" } },
  "GET /v1/targets/:name/plan": { summary: "What a pass would do at one target.", gives: { 200: "Plan" } },
  "POST /v1/reconcile": { summary: "Run a full pass now.", takes: "ReconcileRequest", gives: { 200: "ReconcileAnswer", 202: "ReconcileAnswer" } },
  "POST /v1/stop": { summary: "Freeze, drain, resume or release.", takes: "StopRequest", gives: { 200: "StopAnswer" } },
  "POST /v1/store": { summary: "Get the store id; mint it when there is none.", takes: "StoreRequest", gives: { 200: "StoreAnswer", 201: "StoreAnswer" } },
  "GET /v1/feed.txt": { summary: "Live blocks, one per line.", gives: { 200: null, 304: null }, query: { family: "4 or 6." }, media: "text/plain" },
  "GET /metrics": { summary: "Metrics for Prometheus.", gives: { 200: null }, media: "text/plain" },
  "GET /openapi.json": { summary: "This document.", gives: { 200: null }, media: "application/json" },
  "GET /healthz": { summary: "A constant: the process answers.", gives: { 200: null }, media: "application/json" },
  "GET /readyz": { summary: "Whether full passes come through.", gives: { 200: null } },
  "GET /blacklistip": {
    summary: "Drop-in for the 2017 API; absent unless configured.",
    gives: { 200: "LegacyAnswer", 202: "LegacyAnswer" },
    query: { ip: "One address.", accessToken: "The configured client's key." },
  },
};

function parameters(route: Route, { query = {} }: Description): Json[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map((match) => ({ name: match[1] ?? "", in: "path", required: true, schema: { type: "string" } }));
  const inQuery = Object.entries(query).map(([name, description]) => ({ name, in: "query", description, schema: { type: "string" } }));
  const waits = ["/v1/blocks", "/v1/lifts", "/v1/exemptions"].includes(route.path) && route.method === "POST";
  const prefer = {
    name: "Prefer",
    in: "header",
    description: `wait=N waits for the pass, ${limits.waitMaxSeconds} seconds at most.`,
    schema: { type: "string" },
  };
  return [...inPath, ...inQuery, ...(waits ? [prefer] : [])];
}

function requestBody(route: Route, { takes, form }: Description): Json | undefined {
  if (route.method !== "POST" || route.access === "link") return undefined;
  const schema = takes === undefined ? {} : ref(takes);
  const formBody =
    form === undefined ? {} : { "application/x-www-form-urlencoded": { schema: { type: "object", description: "The same fields; repeat ip for several." } } };
  return { required: true, content: { "application/json": { schema }, ...formBody } };
}

function responses({ gives, media }: Description): Json {
  const good = Object.entries(gives).map(([status, name]): [string, Json] => {
    const content = name === null ? (media === undefined || status === "304" ? {} : { [media]: {} }) : { "application/json": { schema: ref(name) } };
    return [status, { description: name ?? "As the summary says.", ...(Object.keys(content).length === 0 ? {} : { content }) }];
  });
  return { ...Object.fromEntries(good), default: { $ref: "#/components/responses/Problem" } };
}

function security(route: Route): Json {
  if (route.access === "public") return [];
  if (route.access === "token") return [{ queryToken: [] }];
  if (route.access === "link") return [{}];
  // A signature inside the body, and a secret in the path, are no security scheme that OpenAPI knows (OpenAPI 3.1.1, 4.8.27).
  if (route.access === "sender") return route.credential === "firehoseKey" ? [{ firehoseKey: [] }] : [{}];
  const byKey = [{ bearer: [] }, { apiKey: [] }, { basic: [] }];
  return route.operation === null ? byKey : [...byKey, { signature: [] }];
}

const senderTexts: Readonly<Record<SenderRoute["credential"], string>> = {
  snsSignature: "The message's own signature; its topic is the client, whose one scope is alert:<source>.",
  firehoseKey: "The stream's access key is a client's key. Scope alert:<source>.",
  pathSecret: "The secret in the path is a client's, whose one scope is alert:<source>.",
};

function accessText(route: Route): string {
  if (route.access === "public") return "Public.";
  if (route.access === "link") return "The link is the credential: signed for one question about one event, until its time is over, once.";
  if (route.access === "token") return `Scope ${route.scope}, by query token.`;
  if (route.access === "sender") return senderTexts[route.credential];
  return route.operation === null ? `Scope ${route.access}.` : `Scope ${route.access}; a signed body's type is ${route.operation}.`;
}

function operation(route: Route): Json {
  const description = descriptions[`${route.method} ${route.path}`];
  if (description === undefined) throw new Error(`${route.method} ${route.path} is not described`);
  const body = requestBody(route, description);
  const given = parameters(route, description);
  return {
    summary: description.summary,
    description: accessText(route),
    security: security(route),
    ...(given.length === 0 ? {} : { parameters: given }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responses(description),
  };
}

function openapiPath(path: string): string {
  return path.replace(/:(\w+)(?:\{[^}]+\})?/g, "{$1}");
}

const credentials: Json = {
  bearer: { type: "http", scheme: "bearer" },
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  basic: { type: "http", scheme: "basic", description: "The key as password; the user is not looked at." },
  signature: { type: "apiKey", in: "header", name: "webhook-signature", description: "Standard Webhooks v1, with webhook-id and webhook-timestamp." },
  firehoseKey: { type: "apiKey", in: "header", name: "X-Amz-Firehose-Access-Key" },
  queryToken: { type: "apiKey", in: "query", name: "accessToken" },
};

export function openapiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = openapiPath(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  const codes = Object.entries(errorTraits).map(([code, { status, title }]) => `${code} (${status}): ${title}.`);
  return {
    openapi: "3.1.0",
    info: { title: "Portcullis", version: "1", description: "Block addresses at every configured firewall, for a while." },
    paths,
    components: {
      securitySchemes: credentials,
      schemas,
      responses: { Problem: { description: codes.join(" "), content: { "application/problem+json": { schema: ref("Problem") } } } },
    },
  };
}
