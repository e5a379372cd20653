// Judges traffic by Microsoft's own API description (azure-rest-api-specs, network), where it is at hand: every path, status and body.
// Refuses properties the description does not know, so that neither side invents any.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AzureLogged } from "./simulator.ts";

type Json = Readonly<Record<string, unknown>>;

const folder = fileURLToPath(new URL("../../../../shared/specs/azure/", import.meta.url));
const files = new Map<string, Json>();

export const specPresent = existsSync(`${folder}networkSecurityGroup.json`);

function fileOf(name: string): Json | null {
  if (!files.has(name)) {
    if (!existsSync(`${folder}${name}`)) return null;
    files.set(name, JSON.parse(readFileSync(`${folder}${name}`, "utf8")) as Json);
  }
  return files.get(name) ?? null;
}

function at(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (typeof value === "object" && value !== null ? (value as Json)[key] : undefined), root);
}

interface Located {
  readonly schema: Json;
  readonly file: string;
}

/** Null for a reference into a file that is not at hand: nothing is judged there. */
function resolve({ schema, file }: Located): Located | null {
  const { $ref } = schema;
  if (typeof $ref !== "string") return { schema, file };
  const [path = "", pointer = ""] = $ref.split("#");
  const target = path === "" ? file : path.replace(/^\.\//, "");
  const found = at(fileOf(target), pointer.split("/").slice(1));
  return found === undefined ? null : resolve({ schema: found as Json, file: target });
}

/** Own and inherited properties; null when a part of them is not at hand. */
function propertiesOf(located: Located): ReadonlyMap<string, Located> | null {
  const all = new Map<string, Located>();
  for (const part of (located.schema.allOf as Json[] | undefined) ?? []) {
    const parent = resolve({ schema: part, file: located.file });
    const inherited = parent === null ? null : propertiesOf(parent);
    if (inherited === null) return null;
    for (const [name, property] of inherited) all.set(name, property);
  }
  for (const [name, property] of Object.entries((located.schema.properties as Json | undefined) ?? {}))
    all.set(name, { schema: property as Json, file: located.file });
  return all;
}

function judgeObject(value: Json, located: Located, where: string): string[] {
  const properties = propertiesOf(located);
  if (properties === null) return [];
  const { additionalProperties, required } = located.schema;
  const missing = ((required as string[] | undefined) ?? []).filter((name) => !Object.hasOwn(value, name)).map((name) => `${where} lacks ${name}`);
  const inner = Object.entries(value).flatMap(([name, item]) => {
    const property = properties.get(name);
    if (property !== undefined) return judge(item, property, `${where}.${name}`);
    if (typeof additionalProperties === "object" && additionalProperties !== null)
      return judge(item, { schema: additionalProperties as Json, file: located.file }, `${where}.${name}`);
    return [`${where}.${name} is not in the description`];
  });
  return [...missing, ...inner];
}

function judge(value: unknown, given: Located, where: string): string[] {
  const located = resolve(given);
  if (located === null) return [];
  const { schema, file } = located;
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return [`${where} is ${JSON.stringify(value)}, none of ${schema.enum.join(", ")}`];
  if (Array.isArray(value)) {
    if (schema.type !== "array") return [`${where} is an array`];
    return value.flatMap((item, index) => judge(item, { schema: schema.items as Json, file }, `${where}[${index}]`));
  }
  if (typeof value === "object" && value !== null) return judgeObject(value as Json, located, where);
  const type = schema.type ?? "object";
  const fits = type === "integer" ? Number.isInteger(value) : typeof value === type;
  return fits ? [] : [`${where} is ${JSON.stringify(value)}, not of type ${String(type)}`];
}

function operationOf(entry: AzureLogged): { readonly operation: Json; readonly where: string } | null {
  const paths = (fileOf("networkSecurityGroup.json")?.paths ?? {}) as Json;
  for (const [path, methods] of Object.entries(paths)) {
    const pattern = new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`);
    const operation = at(methods, [entry.method.toLowerCase()]);
    if (pattern.test(entry.path) && operation !== undefined) return { operation: operation as Json, where: `${entry.method} ${path}` };
  }
  return null;
}

function judgeBody(text: string, schema: unknown, where: string): string[] {
  if (schema === undefined) return text === "" ? [] : [`${where} has a body, and none is described`];
  return judge(JSON.parse(text), { schema: schema as Json, file: "networkSecurityGroup.json" }, where);
}

/** What of one exchange the description does not allow; the token endpoint and the tags API have none here. */
export function specFaults(entry: AzureLogged): readonly string[] {
  if (!specPresent || entry.call === "token" || entry.call.endsWith("Tags") || entry.call === "readOperation" || entry.status === 0) return [];
  const found = operationOf(entry);
  if (found === null) return entry.code === "InvalidResourceType" ? [] : [`${entry.method} ${entry.path} is not in the description`];
  const { operation, where } = found;
  const body = ((operation.parameters as Json[] | undefined) ?? []).find((parameter) => parameter.in === "body");
  const asked = entry.status < 300 && entry.request !== "" ? judgeBody(entry.request, body?.schema, `request of ${where}`) : [];
  const response = at(operation.responses, [String(entry.status)]) ?? at(operation.responses, ["default"]);
  const answered =
    response === undefined
      ? [`${where} answered ${entry.status}, which is not described`]
      : judgeBody(entry.body, (response as Json).schema, `answer of ${where}`);
  return [...asked, ...answered];
}
