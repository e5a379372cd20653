// Reading a JSON request as strictly as its service model: names that are not there, or not of their shape, are refused.
// Patterns: botocore wafv2/2019-07-29, looked at 2026-11-25.
import { AwsRefusal } from "../aws/refusal.ts";
import { wafLimits } from "./limits.ts";

export type Body = Readonly<Record<string, unknown>>;

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const textShapes = {
  Name: /^[\w-]{1,128}$/,
  Scope: /^(?:CLOUDFRONT|REGIONAL)$/,
  Id: uuid,
  LockToken: uuid,
  NextMarker: /\S/,
  Description: /^[\w+=:#@/\-,.][\w+=:#@/\-,.\s]+[\w+=:#@/\-,.]$/,
} as const;

export type ParameterName = keyof typeof textShapes | "Addresses" | "Limit";
export type ParameterSpec = Readonly<Partial<Record<ParameterName, "required" | "optional">>>;

function refuse(message: string): AwsRefusal {
  return new AwsRefusal(400, "WAFInvalidParameterException", message);
}

function isOfShape(name: ParameterName, value: unknown): boolean {
  if (name === "Addresses") return Array.isArray(value) && value.every((item) => typeof item === "string" && item.length <= 50);
  if (name === "Limit") return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 100;
  if (typeof value !== "string" || (name === "Description" && value.length > wafLimits.descriptionChars)) return false;
  return textShapes[name].test(value);
}

export function readBody(text: string): Body {
  try {
    const body = JSON.parse(text) as unknown;
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Body;
  } catch {
    // Answered below, like any other text that is no object.
  }
  throw new AwsRefusal(400, "SerializationException", "The request body is not a JSON object");
}

export function checkBody(body: Body, spec: ParameterSpec): void {
  for (const [name, value] of Object.entries(body)) {
    if (!Object.hasOwn(spec, name)) throw new AwsRefusal(400, "SerializationException", `The simulator knows no parameter ${name} here`);
    if (!isOfShape(name as ParameterName, value)) throw refuse(`Error reason: The value of ${name} is not valid, field: ${name}`);
  }
  const missing = Object.entries(spec).find(([name, need]) => need === "required" && !Object.hasOwn(body, name));
  if (missing !== undefined) throw refuse(`Error reason: ${missing[0]} is required`);
}

export function textOf(body: Body, name: keyof typeof textShapes): string {
  return String(body[name] ?? "");
}
