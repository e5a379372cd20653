// `init`: looks for firewalls in an account and writes a first `portcullis.yaml` from what it finds. Reads clouds only.
// Refuses to overwrite a file, to decide anything (every target is in observe mode) and to write a credential's value.
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Json, Secret } from "../../shared/ports.ts";
import type { Discovery, ProviderDefinition } from "../../shared/provider.ts";
import { type Command, CommandError, type CommandIo, type ExitCode, exitCodes, type Invocation, textOption, textOptions, UsageError } from "./command.ts";
import { portsFor } from "./config-in-use.ts";
import { definitionsOf, findKinds } from "./definitions.ts";
import { plain } from "./function-client.ts";
import { starterText } from "./starter.ts";

/** `accessKeyId` of `aws-nacl` is AWS_ACCESS_KEY_ID: what the vendor's own tools read. */
export function vendorVariable(kind: string, credential: string): string {
  const words = credential.replace(/([a-z0-9])([A-Z])/g, "$1_$2");
  return `${kind.split("-")[0] ?? kind}_${words}`.toUpperCase();
}

function pairs(values: readonly string[], option: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map((text) => {
      const cut = text.indexOf("=");
      if (cut < 1) throw new UsageError(`--${option} is written name=value`);
      return [text.slice(0, cut), text.slice(cut + 1)];
    }),
  );
}

interface Search {
  readonly definition: ProviderDefinition;
  /** Credential name to environment variable, those that are set. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Secret>>;
}

function searchOf(definition: ProviderDefinition, named: Readonly<Record<string, string>>, io: CommandIo): Search {
  const variables: Record<string, string> = {};
  const secrets: Record<string, Secret> = {};
  const missing: string[] = [];
  for (const { name, required } of definition.credentials) {
    const variable = named[name] ?? vendorVariable(definition.kind, name);
    const value = io.env[variable];
    if (value !== undefined && value !== "") {
      variables[name] = variable;
      secrets[name] = new Secret(value);
    } else if (required) missing.push(variable);
  }
  if (missing.length === 0) return { definition, variables, secrets };
  throw new CommandError(
    `${missing.join(" and ")} not set in the environment; read-only credentials are enough, or name others with --credential name=VARIABLE`,
  );
}

async function discover(search: Search, settings: Json, io: CommandIo): Promise<readonly Discovery[]> {
  const { definition, secrets } = search;
  if (definition.discover === undefined)
    throw new CommandError(`${definition.kind} cannot be searched for; write the target by hand (see portcullis.example.yaml)`);
  const found = await definition.discover(settings, portsFor(definition, settings, secrets, io));
  if (found.ok) return found.value;
  throw new CommandError(`${found.error.code}: ${found.error.message}`);
}

function settingsList(values: Invocation["values"], io: CommandIo): readonly Json[] {
  const shared: Record<string, Json> = { ...pairs(textOptions(values, "set"), "set") };
  const endpoint = textOption(values, "endpoint");
  if (endpoint !== undefined) shared.endpoint = endpoint;
  const fromEnvironment = io.env.AWS_REGION ?? io.env.AWS_DEFAULT_REGION;
  const given = textOptions(values, "region");
  const regions = given.length > 0 || fromEnvironment === undefined ? given : [fromEnvironment];
  return regions.length === 0 ? [shared] : regions.map((region) => ({ ...shared, region }));
}

function write(path: string, text: string): void {
  try {
    // `wx`: a file that appeared since the check is not overwritten either.
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    throw new CommandError(`${path} could not be written: ${error instanceof Error && "code" in error ? String(error.code) : "unknown error"}`);
  }
}

async function run({ values, io }: Invocation): Promise<ExitCode> {
  const path = resolve(textOption(values, "config") ?? "portcullis.yaml");
  if (existsSync(path)) throw new CommandError(`${path} exists and is not overwritten; name another file with --config`);
  const definitions = definitionsOf(await findKinds());
  const kind = textOption(values, "kind") ?? "aws-nacl";
  const definition = Object.hasOwn(definitions, kind) ? definitions[kind] : undefined;
  if (definition === undefined) throw new UsageError(`there is no kind ${JSON.stringify(kind)}; write one of: ${Object.keys(definitions).join(", ")}`);
  const search = searchOf(definition, pairs(textOptions(values, "credential"), "credential"), io);
  const found: Discovery[] = [];
  for (const settings of settingsList(values, io)) found.push(...(await discover(search, settings, io)));
  if (found.length === 0) throw new CommandError("no firewall was found; is it another region or account? Nothing was written");
  for (const one of found) {
    io.out(plain(`found ${one.title}`));
    for (const warning of one.warnings) io.out(plain(`  warning: ${warning}`));
  }
  write(path, starterText({ kind, found, credentials: search.variables }));
  io.out(`wrote ${path}. Next: portcullis key admin, put the line it prints under clients, delete the targets you do not want, npm run gen.`);
  return exitCodes.ok;
}

export const initCommand: Command = {
  name: "init",
  summary: "find firewalls and write a first portcullis.yaml",
  usage: "portcullis init [--kind KIND] [--region REGION…] [--endpoint URL] [--set name=value…] [--credential name=VARIABLE…] [--config FILE]",
  help: [
    "Searches an account for firewalls and writes a configuration with each of them in observe mode. Never overwrites a file.",
    "  --kind KIND                 kind of firewall; aws-nacl when left out",
    "  --region REGION             where to look, may be repeated; else AWS_REGION or AWS_DEFAULT_REGION",
    "  --endpoint URL              another API endpoint; its host:port must be in PORTCULLIS_ALLOWED_HOSTS unless it is the vendor's",
    "  --set name=value            another setting of the kind, may be repeated",
    "  --credential name=VARIABLE  environment variable of a credential; else the vendor's usual ones (AWS_ACCESS_KEY_ID, …)",
    "  --config FILE               where to write; else portcullis.yaml",
    "Changes nothing in the cloud. Reverse: delete the file.",
  ].join("\n"),
  options: {
    config: { type: "string" },
    kind: { type: "string" },
    region: { type: "string", multiple: true },
    endpoint: { type: "string" },
    set: { type: "string", multiple: true },
    credential: { type: "string", multiple: true },
  },
  positionalsMax: 0,
  run,
};
