// The form of a Query API call: known names only, required ones present, values of the right shape. Names: botocore service models, 2026-08-07.
import { AwsRefusal } from "./refusal.ts";

export interface ParameterSpec {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** Flat lists, such as `NetworkAclId.1`. */
  readonly lists: readonly RegExp[];
}

export type Parameters = ReadonlyMap<string, string>;

/** Reads the body; a name given twice is refused. */
export function readForm(body: string): Parameters {
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) throw new AwsRefusal(400, "InvalidParameter", `The parameter ${name} is given twice`);
    form.set(name, value);
  }
  return form;
}

export function checkNames(parameters: Parameters, spec: ParameterSpec): void {
  for (const name of parameters.keys()) {
    if (name === "Action" || name === "Version" || spec.required.includes(name) || spec.optional.includes(name)) continue;
    if (!spec.lists.some((pattern) => pattern.test(name))) throw new AwsRefusal(400, "UnknownParameter", `The parameter ${name} is not recognized`);
  }
  for (const name of spec.required) requireText(parameters, name);
}

export function requireText(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  if (value === undefined || value === "") throw new AwsRefusal(400, "MissingParameter", `The request must contain the parameter ${name}`);
  return value;
}

export function invalid(name: string, value: string): AwsRefusal {
  return new AwsRefusal(400, "InvalidParameterValue", `Value (${value}) for parameter ${name} is invalid.`);
}

export function readInteger(parameters: Parameters, name: string): number | null {
  const value = parameters.get(name);
  if (value === undefined) return null;
  if (!/^-?\d{1,9}$/.test(value)) throw invalid(name, value);
  return Number(value);
}

export function readBoolean(parameters: Parameters, name: string): boolean {
  const value = parameters.get(name) ?? "false";
  if (value !== "true" && value !== "false") throw invalid(name, value);
  return value === "true";
}

/** Values of `Name.1`, `Name.2`, … in order of number; numbering must start at 1 and have no holes. */
export function readList(parameters: Parameters, name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 1; parameters.has(`${name}.${at}`); at += 1) values.push(parameters.get(`${name}.${at}`) ?? "");
  const given = [...parameters.keys()].filter((key) => new RegExp(`^${name}\\.\\d+$`).test(key)).length;
  if (given !== values.length) throw new AwsRefusal(400, "InvalidParameter", `The numbering of ${name} has holes`);
  return values;
}
