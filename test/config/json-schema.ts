// A reader of the part of JSON Schema that the generated schema uses, so that tests can hold it to examples.
// Throws at a keyword that it does not know: a schema that nobody checks would pass everything.

type JsonObject = Readonly<Record<string, unknown>>;

const annotations: ReadonlySet<string> = new Set(["$schema", "title", "description", "default"]);

function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function objectOf(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw new Error("not a schema");
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error("not a list");
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === "object") return isObject(value);
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  return type === "null" ? value === null : typeof value === type;
}

function fitsProperties(value: JsonObject, schema: JsonObject): boolean {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return Object.entries(value).every(([key, inner]) => {
    if (Object.hasOwn(properties, key)) return fits(inner, objectOf(properties[key]));
    const more = schema.additionalProperties ?? true;
    return typeof more === "boolean" ? more : fits(inner, objectOf(more));
  });
}

const keywords: Readonly<Record<string, (value: unknown, rule: unknown, schema: JsonObject) => boolean>> = {
  type: (value, rule) => hasType(value, rule),
  const: (value, rule) => value === rule,
  enum: (value, rule) => listOf(rule).includes(value),
  pattern: (value, rule) => typeof value !== "string" || new RegExp(String(rule), "u").test(value),
  minLength: (value, rule) => typeof value !== "string" || value.length >= Number(rule),
  maxLength: (value, rule) => typeof value !== "string" || value.length <= Number(rule),
  minimum: (value, rule) => typeof value !== "number" || value >= Number(rule),
  exclusiveMinimum: (value, rule) => typeof value !== "number" || value > Number(rule),
  maximum: (value, rule) => typeof value !== "number" || value <= Number(rule),
  minItems: (value, rule) => !Array.isArray(value) || value.length >= Number(rule),
  maxItems: (value, rule) => !Array.isArray(value) || value.length <= Number(rule),
  minProperties: (value, rule) => !isObject(value) || Object.keys(value).length >= Number(rule),
  required: (value, rule) => !isObject(value) || listOf(rule).every((key) => Object.hasOwn(value, String(key))),
  items: (value, rule) => !Array.isArray(value) || value.every((item) => fits(item, objectOf(rule))),
  propertyNames: (value, rule) => !isObject(value) || Object.keys(value).every((key) => fits(key, objectOf(rule))),
  properties: (value, _rule, schema) => !isObject(value) || fitsProperties(value, schema),
  additionalProperties: (value, _rule, schema) => !isObject(value) || fitsProperties(value, schema),
  anyOf: (value, rule) => listOf(rule).some((one) => fits(value, objectOf(one))),
  oneOf: (value, rule) => listOf(rule).filter((one) => fits(value, objectOf(one))).length === 1,
};

export function fits(value: unknown, schema: JsonObject): boolean {
  return Object.entries(schema).every(([keyword, rule]) => {
    if (annotations.has(keyword)) return true;
    const check = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined;
    if (check === undefined) throw new Error(`the keyword ${keyword} is not known here`);
    return check(value, rule, schema);
  });
}
