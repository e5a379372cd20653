// Holds recorded calls to an OpenAPI description: the small part of JSON Schema that the vendors' descriptions use.
// `allOf` is merged first, later parts winning: descriptions refine a general envelope that way and contradict it taken word by word.

export type Schema = Readonly<Record<string, unknown>>;

export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Schema>>>>;
  readonly components: Schema;
}

export interface Exchange {
  readonly method: string;
  /** Without the base path and the query. */
  readonly path: string;
  readonly requestBody: string;
  readonly status: number;
  readonly body: string;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function follow(description: Description, value: unknown): Schema {
  let schema = isSchema(value) ? value : {};
  while (typeof schema.$ref === "string") {
    let at: unknown = description;
    for (const part of schema.$ref.slice(2).split("/")) at = isSchema(at) ? at[part] : undefined;
    schema = isSchema(at) ? at : {};
  }
  return schema;
}

function merged(description: Description, value: unknown): Schema {
  const schema = follow(description, value);
  if (!Array.isArray(schema.allOf)) return schema;
  const { allOf, ...rest } = schema;
  let whole: Schema = {};
  for (const part of [...allOf, rest]) {
    const next = merged(description, part);
    const properties = { ...(whole.properties as object | undefined), ...(next.properties as object | undefined) };
    const required = [...((whole.required as string[] | undefined) ?? []), ...((next.required as string[] | undefined) ?? [])];
    whole = { ...whole, ...next, ...(Object.keys(properties).length > 0 ? { properties } : {}), ...(required.length > 0 ? { required } : {}) };
  }
  return whole;
}

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isSchema,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
};

/** A value is sent or answered: what is read-only is required of answers alone. */
export interface Where {
  readonly description: Description;
  readonly as: "request" | "answer";
}

/** Faults of a value, as `path: fault`; empty when it fits. */
export function faultsOf(where: Where, value: unknown, of: unknown, path: string = where.as): readonly string[] {
  const schema = merged(where.description, of);
  if (value === null && (schema.nullable === true || (Array.isArray(schema.enum) && schema.enum.includes(null)))) return [];
  // Beside properties of their own, choices only say which of them come together.
  for (const choice of schema.properties === undefined ? [schema.oneOf, schema.anyOf] : []) {
    if (Array.isArray(choice) && !choice.some((one) => faultsOf(where, value, one, path).length === 0)) return [`${path}: fits none of ${choice.length}`];
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => JSON.stringify(one) === JSON.stringify(value)))
    return [`${path}: ${JSON.stringify(value)} is none of ${schema.enum.join(", ")}`];
  const kind = typeof schema.type === "string" ? kinds[schema.type] : undefined;
  if (kind !== undefined && !kind(value)) return [`${path}: ${JSON.stringify(value)} is not of type ${String(schema.type)}`];
  if (typeof value === "number" && typeof schema.minimum === "number" && value < schema.minimum) return [`${path}: ${value} is less than ${schema.minimum}`];
  if (typeof value === "string") return textFaults(value, schema, path);
  if (Array.isArray(value)) return value.flatMap((one, at) => (schema.items === undefined ? [] : faultsOf(where, one, schema.items, `${path}[${at}]`)));
  return isSchema(value) ? objectFaults(where, value, schema, path) : [];
}

function textFaults(value: string, schema: Schema, path: string): readonly string[] {
  const { pattern, minLength, maxLength } = schema;
  if (typeof pattern === "string" && !new RegExp(pattern).test(value)) return [`${path}: ${value} does not match ${pattern}`];
  if (typeof minLength === "number" && value.length < minLength) return [`${path}: shorter than ${minLength}`];
  return typeof maxLength === "number" && value.length > maxLength ? [`${path}: longer than ${maxLength}`] : [];
}

function objectFaults(where: Where, value: Schema, schema: Schema, path: string): readonly string[] {
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const isAsked = (name: string) => where.as === "answer" || merged(where.description, properties[name]).readOnly !== true;
  const missing = required.filter((name) => !Object.hasOwn(value, name) && isAsked(name)).map((name) => `${path}: lacks ${name}`);
  const inner = Object.entries(value).flatMap(([name, one]) =>
    Object.hasOwn(properties, name) ? faultsOf(where, one, properties[name], `${path}.${name}`) : [],
  );
  return [...missing, ...inner];
}

function operationOf(description: Description, exchange: Exchange): Schema | null {
  for (const [template, operations] of Object.entries(description.paths)) {
    const pattern = new RegExp(`^${template.replace(/\{[^}]+\}/g, "[^/]+")}$`);
    const operation = operations[exchange.method.toLowerCase()];
    if (operation !== undefined && pattern.test(exchange.path)) return operation;
  }
  return null;
}

function bodySchema(description: Description, holder: unknown): unknown {
  const content = follow(description, holder).content;
  const json = isSchema(content) ? content["application/json"] : undefined;
  return isSchema(json) ? json.schema : undefined;
}

/** Faults of one call, request and answer; null when the description does not have it. */
export function exchangeFaults(description: Description, exchange: Exchange): readonly string[] | null {
  const operation = operationOf(description, exchange);
  if (operation === null) return null;
  const responses = isSchema(operation.responses) ? operation.responses : {};
  const isOk = exchange.status >= 200 && exchange.status <= 299;
  const wanted = bodySchema(description, responses[isOk ? String(exchange.status) : "4XX"]);
  const answer = exchange.status < 500 && wanted !== undefined ? faultsOf({ description, as: "answer" }, JSON.parse(exchange.body), wanted) : [];
  const asked = bodySchema(description, operation.requestBody);
  const request = isOk && asked !== undefined ? faultsOf({ description, as: "request" }, JSON.parse(exchange.requestBody || "null"), asked) : [];
  return [...request, ...answer];
}
