// Makes the configured targets ready to be visited: settings through their kind's schema, secrets by name, a counted transport.
// A target that cannot be made ready answers every observation with the reason; it never holds up the others.
import * as v from "valibot";
import type { Config, TargetConfig } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { type Clock, type Log, type Random, Secret, type Transport } from "../../shared/ports.ts";
import type { Provider, ProviderDefinition } from "../../shared/provider.ts";
import type { Calls, Target } from "../pass/world.ts";
import { loggedTransport } from "./call-log.ts";
import { createTransport, type Fetch } from "./transport.ts";

export interface TargetParts {
  readonly config: Config;
  readonly definitions: Readonly<Record<string, ProviderDefinition>>;
  readonly secrets: (name: string) => Promise<string | undefined>;
  readonly fetch: Fetch;
  /** PORTCULLIS_ALLOWED_HOSTS. */
  readonly allowedHosts: string | undefined;
  /** Awaited before each remote call; throws to forbid it (a lock that is no longer ours). */
  readonly beforeCall?: () => Promise<void>;
  /** As in ProviderPorts. */
  readonly identity?: (audience: string) => Promise<Secret>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

async function secretsOf(
  target: TargetConfig,
  definition: ProviderDefinition,
  parts: TargetParts,
): Promise<{ secrets: Record<string, Secret>; missing: string[] }> {
  const secrets: Record<string, Secret> = {};
  const missing: string[] = [];
  for (const { name, required } of definition.credentials) {
    const secretName = Object.hasOwn(target.credentials, name) ? target.credentials[name] : undefined;
    if (secretName === undefined) {
      if (required) missing.push(`${name} (not named in the configuration)`);
      continue;
    }
    const value = await parts.secrets(secretName);
    if (value === undefined || value === "") missing.push(secretName);
    else secrets[name] = new Secret(value);
  }
  return { secrets, missing };
}

/** Stands in for a provider that cannot work, and says why. */
function unusable(provider: Provider, error: PortcullisError): Provider {
  const fail = async () => ({ ok: false as const, error });
  return { admit: (cidr) => provider.admit(cidr), compile: () => [], observe: fail, setup: fail, apply: async () => ({ kind: "failed", error }) };
}

async function targetOf(name: string, config: TargetConfig, parts: TargetParts): Promise<Target> {
  const definition = Object.hasOwn(parts.definitions, config.kind) ? parts.definitions[config.kind] : undefined;
  if (definition === undefined)
    throw new PortcullisError("CONFIG_INVALID", `target ${name} is of kind ${config.kind}, which is not compiled in; run npm run gen`);
  const settings = v.parse(definition.settings, config.settings);
  const calls: Calls = { made: 0 };
  const hostSuffixes = definition.hostSuffixes(settings);
  const onCall = () => {
    calls.made += 1;
  };
  const transport = createTransport({ fetch: parts.fetch, hostSuffixes, allowedHosts: parts.allowedHosts, onCall });
  const guarded: Transport = async (request, signal) => {
    await parts.beforeCall?.();
    return transport(request, signal);
  };
  const onEnd = (outcome: string) => {
    calls.ended = { ...calls.ended, [outcome]: (calls.ended?.[outcome] ?? 0) + 1 };
  };
  const send = loggedTransport(guarded, { target: name, clock: parts.clock, random: parts.random, log: parts.log, onEnd });
  const { secrets, missing } = await secretsOf(config, definition, parts);
  const identity = parts.identity === undefined ? {} : { identity: parts.identity };
  const provider = definition.create(settings, { send, clock: parts.clock, random: parts.random, log: parts.log, secrets, ...identity });
  const error = new PortcullisError("PROVIDER_AUTH", `secrets are not set on this platform: ${missing.join(", ")}; set them and redeploy`, { target: name });
  const isUsable = missing.length === 0 || (parts.identity !== undefined && definition.usesIdentity?.(settings) === true);
  const usable = isUsable ? provider : unusable(provider, error);
  return { name, config, definition, provider: usable, serialKey: `${config.kind}|${definition.serialKey(settings)}`, calls };
}

export async function makeTargets(parts: TargetParts): Promise<Target[]> {
  return Promise.all(Object.entries(parts.config.targets).map(([name, config]) => targetOf(name, config, parts)));
}
