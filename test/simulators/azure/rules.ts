// One security rule as the API takes it: which fields, which values, what belongs together. Refuses anything it does not know.
import { azureLimits } from "./limits.ts";
import { checkPrefixes } from "./prefixes.ts";
import { ArmRefusal } from "./refusal.ts";

export interface RuleProperties {
  readonly provisioningState: "Succeeded" | "Updating" | "Deleting" | "Failed";
  readonly description?: string;
  readonly protocol: string;
  readonly sourcePortRange?: string;
  readonly destinationPortRange?: string;
  readonly sourceAddressPrefix?: string;
  readonly destinationAddressPrefix?: string;
  readonly access: "Allow" | "Deny";
  readonly priority: number;
  readonly direction: "Inbound" | "Outbound";
  readonly sourcePortRanges: readonly string[];
  readonly destinationPortRanges: readonly string[];
  readonly sourceAddressPrefixes: readonly string[];
  readonly destinationAddressPrefixes: readonly string[];
}

export interface Rule {
  readonly name: string;
  readonly properties: RuleProperties;
}

/** As a person writes one. */
export type RuleInput = Partial<Omit<RuleProperties, "provisioningState">> & { readonly name: string; readonly priority: number };

const fields = new Set([
  "description",
  "protocol",
  "sourcePortRange",
  "sourcePortRanges",
  "destinationPortRange",
  "destinationPortRanges",
  "sourceAddressPrefix",
  "sourceAddressPrefixes",
  "destinationAddressPrefix",
  "destinationAddressPrefixes",
  "access",
  "priority",
  "direction",
]);

const protocols = ["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"];

function malformed(message: string): ArmRefusal {
  return new ArmRefusal(400, "InvalidRequestFormat", `Cannot parse the request. ${message}`);
}

function table(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(`${what} must be an object.`);
  return value as Record<string, unknown>;
}

function textField(given: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = given[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw malformed(`${name} must be a string.`);
  return value;
}

function listField(given: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = given[name] ?? [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) throw malformed(`${name} must be an array of strings.`);
  return value as string[];
}

function picked<T extends string>(given: Readonly<Record<string, unknown>>, name: string, allowed: readonly T[]): T {
  const value = textField(given, name);
  if (value === undefined) throw new ArmRefusal(400, "MissingJsonProperty", `Required property '${name}' not found in the security rule.`);
  const found = allowed.find((one) => one.toLowerCase() === value.toLowerCase());
  if (found === undefined) throw new ArmRefusal(400, "InvalidRequestFormat", `Error converting value "${value}" for ${name}.`);
  return found;
}

/** The singular or the plural spelling, exactly one of them. */
function oneOf(id: string, given: Readonly<Record<string, unknown>>, single: string): { readonly one: string | undefined; readonly many: readonly string[] } {
  const one = textField(given, single);
  const many = listField(given, `${single}${single.endsWith("x") ? "es" : "s"}`);
  if (one !== undefined && one !== "" && many.length > 0)
    throw new ArmRefusal(400, "SecurityRuleParameterCannotBeSpecifiedTogether", `Security rule ${id} cannot have both ${single} and its plural.`);
  if ((one === undefined || one === "") && many.length === 0)
    throw new ArmRefusal(400, "SecurityRuleParameterNotSpecified", `Security rule ${id} must have ${single} or its plural.`);
  return { one, many };
}

function checkPorts(values: readonly string[], what: string): void {
  for (const value of values) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value);
    const fine = value === "*" || (match !== null && Number(match[1]) <= Number(match[2] ?? match[1]) && Number(match[2] ?? match[1]) <= 65_535);
    if (!fine) throw new ArmRefusal(400, "SecurityRuleInvalidPortRange", `Security rule has invalid Port range. Value provided: ${value} (${what})`);
  }
}

/** Reads the body of a PUT of a rule; `id` is its resource id. */
export function readRuleBody(id: string, name: string, body: unknown): Rule {
  if (!azureLimits.ruleName.test(name)) throw new ArmRefusal(400, "InvalidResourceName", `Resource name ${name} is invalid.`);
  const outer = table(body, "The request body");
  if (outer.name !== undefined && outer.name !== name)
    throw new ArmRefusal(400, "InvalidResourceName", `The name ${String(outer.name)} is not that of the address.`);
  const given = table(outer.properties, "properties");
  const unknown = Object.keys(given).find((key) => !fields.has(key));
  if (unknown !== undefined) throw malformed(`Could not find member '${unknown}' on object of type 'SecurityRulePropertiesFormat'.`);
  const description = textField(given, "description");
  if (description !== undefined && description.length > azureLimits.descriptionChars)
    throw new ArmRefusal(
      400,
      "SecurityRuleDescriptionTooLong",
      `The description has ${description.length} characters; ${azureLimits.descriptionChars} are allowed.`,
    );
  const { priority } = given;
  const { first, last } = azureLimits.priority;
  if (typeof priority !== "number" || !Number.isInteger(priority) || priority < first || priority > last)
    throw new ArmRefusal(
      400,
      "SecurityRuleInvalidPriority",
      `Security rule ${id} has invalid Priority. Value provided: ${String(priority)} Allowed range ${first}-${last}.`,
    );
  const sources = oneOf(id, given, "sourceAddressPrefix");
  const destinations = oneOf(id, given, "destinationAddressPrefix");
  const sourcePorts = oneOf(id, given, "sourcePortRange");
  const destinationPorts = oneOf(id, given, "destinationPortRange");
  for (const [parameter, { one, many }] of [
    ["SourceAddressPrefix", sources],
    ["DestinationAddressPrefix", destinations],
  ] as const)
    checkPrefixes(id, parameter, many.length > 0 ? many : [one ?? ""], many.length > 0 ? "list" : "single");
  for (const [what, { one, many }] of [
    ["source", sourcePorts],
    ["destination", destinationPorts],
  ] as const)
    checkPorts(many.length > 0 ? many : [one ?? ""], what);
  const single = (key: string, value: string | undefined) => (value === undefined ? {} : { [key]: value });
  return {
    name,
    properties: {
      provisioningState: "Succeeded",
      ...single("description", description),
      protocol: picked(given, "protocol", protocols),
      ...single("sourcePortRange", sourcePorts.one),
      ...single("destinationPortRange", destinationPorts.one),
      ...single("sourceAddressPrefix", sources.one),
      ...single("destinationAddressPrefix", destinations.one),
      access: picked(given, "access", ["Allow", "Deny"]),
      priority,
      direction: picked(given, "direction", ["Inbound", "Outbound"]),
      sourcePortRanges: sourcePorts.many,
      destinationPortRanges: destinationPorts.many,
      sourceAddressPrefixes: sources.many,
      destinationAddressPrefixes: destinations.many,
    },
  };
}

/** What a person leaves out in a portal's form. */
export function bodyOfInput(input: RuleInput): unknown {
  const { name: _name, ...given } = input;
  const filled: Record<string, unknown> = { protocol: "*", access: "Allow", direction: "Inbound", ...given };
  if (input.sourcePortRanges === undefined) filled.sourcePortRange ??= "*";
  if (input.destinationPortRanges === undefined) filled.destinationPortRange ??= "*";
  if (input.sourceAddressPrefixes === undefined) filled.sourceAddressPrefix ??= "*";
  if (input.destinationAddressPrefixes === undefined) filled.destinationAddressPrefix ??= "*";
  return { properties: filled };
}
