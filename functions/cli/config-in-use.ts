// The operator's configuration as the commands see it: checked in full, with each target bound to its cloud.
// Refuses to go on with a bad configuration; reads credentials from the environment by the names in the configuration only.
import { resolve } from "node:path";
import * as v from "valibot";
import type { Config, TargetConfig } from "../../shared/config.ts";
import { problemText, readConfigFile } from "../../shared/config-file/index.ts";
import { type LogRecord, Secret } from "../../shared/ports.ts";
import { presetNames } from "../../shared/protect/index.ts";
import type { Provider, ProviderDefinition, ProviderPorts } from "../../shared/provider.ts";
import { createTransport } from "../runtime/transport.ts";
import { CommandError, type CommandIo, type OptionValues, textOption } from "./command.ts";
import { definitionsOf, findKinds } from "./definitions.ts";
import { lockPathOf, playbookTextFor, readConfigText, readLockFile } from "./files.ts";

export const configOptions = { config: { type: "string" } } as const;

export interface ConfigInUse {
  readonly config: Config;
  readonly definitions: Readonly<Record<string, ProviderDefinition>>;
  readonly lockPath: string;
}

export async function loadConfig(values: OptionValues): Promise<ConfigInUse> {
  const file = textOption(values, "config") ?? "portcullis.yaml";
  const path = resolve(file);
  const definitions = definitionsOf(await findKinds());
  const lockPath = lockPathOf(path);
  const read = readConfigFile({
    text: readConfigText(path),
    file,
    definitions,
    presetNames,
    lock: readLockFile(lockPath),
    playbookText: playbookTextFor(path),
  });
  if (read.ok) return { config: read.config, definitions, lockPath };
  throw new CommandError(
    [`the configuration has ${read.problems.length} ${read.problems.length === 1 ? "problem" : "problems"}`, ...read.problems.map(problemText)].join("\n"),
  );
}

export interface BoundTarget {
  readonly name: string;
  readonly config: TargetConfig;
  readonly definition: ProviderDefinition;
  readonly provider: Provider;
}

/** Secrets of one target from the environment. All that are missing are named at once. */
function secretsOf(name: string, config: TargetConfig, definition: ProviderDefinition, env: CommandIo["env"]): Readonly<Record<string, Secret>> {
  const missing: string[] = [];
  const secrets: Record<string, Secret> = {};
  for (const [credential, variable] of Object.entries(config.credentials)) {
    const value = env[variable];
    if (value !== undefined && value !== "") secrets[credential] = new Secret(value);
    else if (definition.credentials.some((spec) => spec.name === credential && spec.required)) missing.push(variable);
  }
  if (missing.length === 0) return secrets;
  throw new CommandError(
    `target ${name}: ${missing.join(" and ")} not set in the environment; export the values that the function has as secrets of these names`,
  );
}

/** What a provider needs of the world, for a person's laptop. */
export function portsFor(definition: ProviderDefinition, settings: unknown, secrets: Readonly<Record<string, Secret>>, io: CommandIo): ProviderPorts {
  const log = (record: LogRecord) => {
    if (record.level === "warn" || record.level === "error") io.err(`${record.level}: ${record.event}${record.code === undefined ? "" : ` (${record.code})`}`);
  };
  const send = createTransport({ fetch, hostSuffixes: definition.hostSuffixes(settings), allowedHosts: io.env.PORTCULLIS_ALLOWED_HOSTS });
  return { send, clock: { now: io.now }, random: { bytes: io.randomBytes }, log, secrets };
}

/** The targets that were named, or all, each bound to its cloud. */
export function bindTargets(inUse: ConfigInUse, names: readonly string[], io: CommandIo): readonly BoundTarget[] {
  const { config, definitions } = inUse;
  const known = Object.keys(config.targets);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new CommandError(`there is no target ${unknown.join(", ")}; the configuration has ${known.join(", ") || "none"}`);
  return known
    .filter((name) => names.length === 0 || names.includes(name))
    .flatMap((name) => {
      const target = config.targets[name];
      const definition = target === undefined ? undefined : definitions[target.kind];
      if (target === undefined || definition === undefined) return [];
      // What is in the configuration is what the schema emitted; parsing it again gives the kind its own type.
      const settings = v.parse(definition.settings, target.settings);
      const ports = portsFor(definition, settings, secretsOf(name, target, definition, io.env), io);
      return [{ name, config: target, definition, provider: definition.create(settings, ports) }];
    });
}
