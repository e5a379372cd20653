// The JSON Schema of `portcullis.yaml` for editors, made from the schemas that `gen` checks with.
// Refuses to be the judge: what only code can check (ranges that overlap, clients that do not exist) is left to `gen`.
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { clientSchema, productionFloors, sectionSchemas, targetCoreEntries } from "../../shared/config-file/schema.ts";
import { namePattern } from "../../shared/config-file/words.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";

export type JsonObject = Record<string, unknown>;

const conversion = { typeMode: "input", errorMode: "ignore" } as const;

export function converted(schema: v.GenericSchema): JsonObject {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema, conversion) as JsonObject;
  return rest;
}

function named(values: JsonObject): JsonObject {
  return { type: "object", propertyNames: { pattern: namePattern.source }, additionalProperties: values };
}

function credentialsSchema(definition: ProviderDefinition): JsonObject {
  const properties = definition.credentials.map(({ name, note }) => [
    name,
    { type: "string", pattern: "^[A-Z][A-Z0-9_]{0,63}$", description: `${note} (the name of the platform's secret)` },
  ]);
  const required = definition.credentials.filter((spec) => spec.required).map(({ name }) => name);
  return { type: "object", properties: Object.fromEntries(properties), required, additionalProperties: false };
}

/** The core's keys and the kind's, as one closed object. */
function targetSchema(definition: ProviderDefinition, core: JsonObject): JsonObject {
  const settings = converted(definition.settings);
  const required = [...new Set(["kind", ...asList(core.required), ...asList(settings.required)])];
  const kind = { const: definition.kind, description: definition.title };
  const properties = { ...asObject(core.properties), ...asObject(settings.properties), kind, credentials: credentialsSchema(definition) };
  return { title: definition.kind, type: "object", properties, required, additionalProperties: false };
}

export function asObject(value: unknown): JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as JsonObject) : {};
}

function asList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** What an editor shows beside a key. */
const descriptions: Readonly<Record<string, string>> = {
  owner: "Name of this deployment, in logs and answers.",
  store: "How far behind the store may be. Workers KV promises no bound; 115s is our choice.",
  defaults: "What holds when a request does not say.",
  protect: "What is never blocked, whoever asks.",
  weight: "How blocks are weighed where a target has not enough rules for all.",
  brake: "More new blocks than this within this time are held until a person releases them.",
  clients: "Who may ask for what, by name.",
  targets: "The firewalls, by name.",
  alerts: "How alerts of each source are read.",
  approvals: "How a person is asked before a playbook with `approve` acts: the secret that links are signed with.",
  playbooks: "What is done about detectors' events; left out: their attackers are blocked outright.",
  blacklistip: "The 2017 API, which carries its key in the URL; off unless it names a client.",
  heartbeat: "Called after each clean pass; the URL is a secret of the platform.",
};

const clientDescriptions: Readonly<Record<string, string>> = {
  keys: "Digests of the client's keys, as `portcullis key NAME` prints them. Several while rotating.",
  secrets: "Names of the platform's secrets that hold whsec_ signing secrets. Several while rotating.",
  pathKeys: "Digests of secrets in the path of a URL, as `portcullis key NAME --path` prints them, for senders that can set no header.",
  sns: "Amazon SNS topics that are this client, by ARN; sha1: true takes signatures of version 1 too.",
  scopes: "What it may do. None implies another.",
  from: "Networks it may call from; any when left out.",
  longest: "Longest lease it may ask for.",
  widest: "Shortest prefix (widest block) it may ask for, per family.",
  targets: "Targets it may select; all when left out.",
  live: "Leases it may hold at once.",
  newPerMinute: "New leases it may make in a minute.",
  mode: "observe: everything is checked and answered, nothing is recorded.",
  escalate: "Leases that grow for whoever comes back, up to `longest`; false turns off what `defaults` says. {} takes all defaults.",
};

const targetDescriptions: Readonly<Record<string, string>> = {
  mode: "observe plans and reports; enforce writes; drain removes all of ours, before the target is deleted.",
  maxEntries: "At most this many entries of ours, to start small.",
  formerly: "The target's name before it was renamed.",
};

export function described(schema: JsonObject, texts: Readonly<Record<string, string>>): JsonObject {
  const properties = Object.entries(asObject(schema.properties)).map(([key, value]) => {
    const description = Object.hasOwn(texts, key) ? { description: texts[key] } : {};
    return [key, { ...description, ...asObject(value) }];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

export function editorSchema(definitions: Readonly<Record<string, ProviderDefinition>>, presetNames: readonly string[]): JsonObject {
  const sections = Object.entries(sectionSchemas(productionFloors, presetNames)).map(([key, schema]) => [key, converted(schema)]);
  const core = converted(v.strictObject(targetCoreEntries));
  const targets = Object.values(definitions).map((definition) => described(targetSchema(definition, core), targetDescriptions));
  const client = described(converted(clientSchema(productionFloors)), clientDescriptions);
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Portcullis configuration",
    description: "Shape of portcullis.yaml, for editors. `npm run gen` checks more.",
    type: "object",
    properties: {
      ...Object.fromEntries(sections),
      clients: { ...named(client), minProperties: 1 },
      targets: named(targets.length === 0 ? converted(v.strictObject(targetCoreEntries)) : { oneOf: targets }),
    },
    required: ["owner", "clients", "targets"],
    additionalProperties: false,
  };
  return described(schema, descriptions);
}
