// The JSON Schema of `portcullis.yaml` for editors, made from the schemas that `gen` checks with.
// Refuses to be the judge: what only code can check (ranges that overlap, clients that do not exist) is left to `gen`.
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { clientSchema, productionFloors, sectionSchemas, targetCoreEntries } from "../../shared/config-file/schema.ts";
import { namePattern } from "../../shared/config-file/words.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";

type JsonObject = Record<string, unknown>;

const conversion = { typeMode: "input", errorMode: "ignore" } as const;

function converted(schema: v.GenericSchema): JsonObject {
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

function asObject(value: unknown): JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as JsonObject) : {};
}

function asList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function editorSchema(definitions: Readonly<Record<string, ProviderDefinition>>, presetNames: readonly string[]): JsonObject {
  const sections = Object.entries(sectionSchemas(productionFloors, presetNames)).map(([key, schema]) => [key, converted(schema)]);
  const core = converted(v.strictObject(targetCoreEntries));
  const targets = Object.values(definitions).map((definition) => targetSchema(definition, core));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Portcullis configuration",
    description: "Shape of portcullis.yaml, for editors. `npm run gen` checks more.",
    type: "object",
    properties: {
      ...Object.fromEntries(sections),
      clients: { ...named(converted(clientSchema(productionFloors))), minProperties: 1 },
      targets: named(targets.length === 0 ? converted(v.strictObject(targetCoreEntries)) : { oneOf: targets }),
    },
    required: ["owner", "clients", "targets"],
    additionalProperties: false,
  };
}
