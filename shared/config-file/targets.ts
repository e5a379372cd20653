// A target's part: the core's keys, and the rest by the schema of its kind.
// Refuses kinds that do not exist, credentials in place of their names, and two targets in one place.
import type * as v from "valibot";
import type { CollateralConfig, TargetConfig } from "../config.ts";
import { limits } from "../limits.ts";
import type { Json } from "../ports.ts";
import type { CredentialSpec, Place, ProviderDefinition } from "../provider.ts";
import { nameFindings } from "./clients.ts";
import type { BuiltTarget } from "./lock.ts";
import { placeOf, sharedName } from "./place.ts";
import { type Finding, finding, isTable, type Path, secretLookOf, shown, suggestion, unknownKey } from "./problem.ts";
import { sectionObject, targetCoreEntries } from "./schema.ts";
import { spillFindings } from "./spill.ts";
import { knownKeys, validate } from "./validate.ts";
import { isName } from "./words.ts";

export type Definitions = Readonly<Record<string, ProviderDefinition>>;

export interface ReadTargets {
  readonly targets: Readonly<Record<string, TargetConfig>>;
  readonly built: Readonly<Record<string, BuiltTarget>>;
  readonly findings: readonly Finding[];
}

interface ReadTarget {
  readonly config: TargetConfig;
  readonly place: Place;
}

const coreSchema = sectionObject(targetCoreEntries);
export const coreKeys: readonly string[] = Object.keys(targetCoreEntries);

function credentialFindings(given: Readonly<Record<string, string>>, specs: readonly CredentialSpec[], path: Path, need: "required" | "optional"): Finding[] {
  const names = specs.map((spec) => spec.name);
  const missing = specs
    .filter((spec) => need === "required" && spec.required && !Object.hasOwn(given, spec.name))
    .map((spec) => finding(path, `the credential ${spec.name} is missing`, `add \`${spec.name}: NAME_OF_THE_SECRET\` (${spec.note})`, "key"));
  const unknown = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => finding([...path, name], `unknown credential ${shown(name)}`, suggestion(name, names), "key"));
  return [...missing, ...unknown];
}

/** Anything below a target that looks like a secret, wherever someone put it. */
function leakFindings(value: unknown, path: Path): Finding[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => leakFindings(item, [...path, index]));
  if (isTable(value)) return Object.entries(value).flatMap(([key, inner]) => leakFindings(inner, [...path, key]));
  if (typeof value !== "string") return [];
  const look = secretLookOf(value);
  // Ids of accounts and lists are long random texts too, and no secret.
  if (look === null || look === "a long random text") return [];
  return [
    finding(
      path,
      `this looks like ${look}`,
      "treat it as leaked and replace it; the new one belongs in the platform's secrets, and its name under `credentials`",
    ),
  ];
}

/** Suggestions for an unknown key may also be meant for one of the core's. */
function settingsFindings(findings: readonly Finding[], definition: ProviderDefinition): Finding[] {
  const known = [...knownKeys(definition.settings, []), ...coreKeys];
  return findings.map((one) => {
    const key = one.path.at(-1);
    if (one.path.length !== 3 || !one.message.startsWith("unknown key") || typeof key !== "string") return one;
    return unknownKey(one.path, known);
  });
}

function readTarget(name: string, input: unknown, definitions: Definitions): { readonly target: ReadTarget | null; readonly findings: readonly Finding[] } {
  const path: Path = ["targets", name];
  if (!isTable(input)) return { target: null, findings: [finding(path, "not a map of keys", "write { kind: aws-nacl, … }")] };
  const core = validate(coreSchema, Object.fromEntries(Object.entries(input).filter(([key]) => coreKeys.includes(key))), path);
  const findings: Finding[] = [...core.findings];
  const kind = input.kind;
  const kinds = Object.keys(definitions);
  const definition = typeof kind === "string" && Object.hasOwn(definitions, kind) ? definitions[kind] : undefined;
  if (definition === undefined) {
    if (typeof kind === "string") findings.push(finding([...path, "kind"], `there is no kind ${shown(kind)}`, suggestion(kind, kinds)));
    return { target: null, findings };
  }
  const rest = Object.fromEntries(Object.entries(input).filter(([key]) => !coreKeys.includes(key)));
  const settings = validate(definition.settings, rest, path);
  findings.push(...settingsFindings(settings.findings, definition), ...leakFindings(rest, path));
  const given = input.credentials ?? {};
  const need = settings.value !== null && definition.usesIdentity?.(settings.value) === true ? "optional" : "required";
  if (isTable(given)) findings.push(...credentialFindings(given as Readonly<Record<string, string>>, definition.credentials, [...path, "credentials"], need));
  if (core.value === null || settings.value === null) return { target: null, findings };
  const { mode, maxEntries, credentials, formerly, spill, collateral, lossMax, warnAt } = core.value;
  const config: TargetConfig = {
    kind: definition.kind,
    mode,
    maxEntries: maxEntries ?? null,
    settings: settings.value as Json,
    credentials,
    formerly: formerly ?? null,
    ...(spill === undefined ? {} : { spill }),
    ...(collateral === "none" ? {} : { collateral: collateralOf(collateral) }),
    ...(lossMax === undefined ? {} : { lossMax }),
    ...(warnAt === undefined ? {} : { warnAt }),
  };
  return { target: { config, place: placeOf(definition, settings.value) }, findings };
}

function collateralOf({ max, price, widest }: Exclude<v.InferOutput<typeof targetCoreEntries.collateral>, "none">): CollateralConfig {
  return { allow: max === undefined ? { kind: "price", price: price ?? 0 } : { kind: "max", units: max }, widest };
}

function overlapFindings(read: Readonly<Record<string, ReadTarget>>): Finding[] {
  const findings: Finding[] = [];
  const entries = Object.entries(read);
  for (const [index, [name, target]] of entries.entries()) {
    const twin = entries.slice(0, index).find(([, other]) => sharedName(target.place, other.place) !== null);
    if (twin === undefined) continue;
    const [twinName, { place }] = twin;
    findings.push(
      finding(
        ["targets", name],
        `claims the same place as target ${twinName} (${sharedName(target.place, place)})`,
        "give each its own, or keep one of the two",
        "key",
      ),
    );
  }
  return findings;
}

/** Every target on its own, then all of them together. */
export function readTargets(input: unknown, definitions: Definitions): ReadTargets {
  if (!isTable(input))
    return { targets: {}, built: {}, findings: [finding(["targets"], "not a map of targets", "write `name: { kind: …, … }` below it, or {} for none")] };
  const findings: Finding[] = [];
  const read: Record<string, ReadTarget> = {};
  const names = Object.keys(input);
  if (names.length > limits.targetsMax)
    findings.push(finding(["targets"], `${names.length} targets`, `use at most ${limits.targetsMax} in one deployment`, "key"));
  for (const name of names) {
    findings.push(...nameFindings("targets", name));
    const one = readTarget(name, input[name], definitions);
    findings.push(...one.findings);
    if (one.target !== null && isName(name)) read[name] = one.target;
  }
  findings.push(...overlapFindings(read));
  findings.push(...spillFindings(Object.fromEntries(Object.entries(read).map(([name, { config }]) => [name, config])), names));
  const entries = Object.entries(read);
  return {
    targets: Object.fromEntries(entries.map(([name, { config }]) => [name, config])),
    built: Object.fromEntries(entries.map(([name, { config, place }]) => [name, { kind: config.kind, place, mode: config.mode, formerly: config.formerly }])),
    findings,
  };
}

/** For editors and for tests: the schema of the core's keys alone. */
export const targetCoreSchema: v.GenericSchema = coreSchema;
