// `check`: is the configuration right, what does an operator have to know about it, and (online) are the targets as it says?
// Reads only.
import { displayCidr } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import { presetAges } from "../../shared/protect/index.ts";
import type { Observation } from "../../shared/provider.ts";
import { type Command, type CommandIo, type ExitCode, exitCodes, type Invocation, isSet, UsageError } from "./command.ts";
import { type BoundTarget, bindTargets, type ConfigInUse, configOptions, loadConfig } from "./config-in-use.ts";
import { plain } from "./function-client.ts";

const dayMs = 86_400_000;

function sayOffline({ config, definitions }: ConfigInUse, io: CommandIo): void {
  const targets = Object.entries(config.targets);
  io.out(`clients: ${Object.keys(config.clients).length}, targets: ${targets.length}`);
  for (const [name, target] of targets)
    io.out(`${name}: ${target.kind}, mode ${target.mode}${target.maxEntries === null ? "" : `, at most ${target.maxEntries} entries`}`);
  for (const kind of new Set(targets.map(([, target]) => target.kind))) {
    for (const caveat of definitions[kind]?.caveats ?? []) io.out(`note on ${kind}: ${caveat}`);
  }
  for (const age of presetAges(io.now(), config.protect.presets)) {
    if (age.stale)
      io.out(`warning: the protect preset ${age.name} was checked ${Math.floor(age.ageMs / dayMs)} days ago; update Portcullis, or list its ranges yourself`);
  }
  for (const { name, mode, title } of config.playbooks ?? []) io.out(plain(`playbook ${name}: mode ${mode}: ${title}`));
  for (const [name, client] of Object.entries(config.clients)) {
    if (client.scopes.includes("admin") && client.from === null) io.out(`note: client ${name} may do everything from anywhere; \`from\` would narrow that`);
  }
}

function warningsOf(observation: Observation, target: BoundTarget, now: number): readonly string[] {
  const warnings: string[] = [];
  if (!observation.enforcing.yes) warnings.push(`not enforcing: ${observation.enforcing.why}`);
  if (observation.storeId === null) warnings.push(`no store's mark: nothing is written there before \`portcullis setup ${target.name}\``);
  if (observation.serverDate !== null && Math.abs(observation.serverDate - now) > limits.serverClockSkewMs)
    warnings.push(`this machine's clock and the cloud's differ by ${Math.round(Math.abs(observation.serverDate - now) / 1_000)} s`);
  for (const { cidr, partial } of observation.ours) if (partial !== null) warnings.push(`entry ${displayCidr(cidr)} is partial: ${partial}`);
  for (const pool of observation.pools) if (pool.limit === 0) warnings.push(`no room in ${pool.name}`);
  return warnings;
}

async function sayOnline(target: BoundTarget, io: CommandIo): Promise<boolean> {
  const observed = await target.provider.observe();
  if (!observed.ok) {
    io.err(plain(`${target.name}: ${observed.error.code}: ${observed.error.message}`));
    return false;
  }
  const { value } = observed;
  const room = value.pools
    .map((pool) => `${pool.name} ${value.ours.filter(({ cidr }) => pool.families.includes(cidr.family)).length} of ${pool.limit}`)
    .join(", ");
  const enforcing = value.enforcing.yes ? "enforcing" : "not enforcing";
  io.out(
    plain(
      `${target.name}: ${enforcing}; ${value.ours.length} ours, ${value.foreign.length} foreign; room: ${room || "not told"}; store ${value.storeId ?? "none"}`,
    ),
  );
  for (const warning of warningsOf(value, target, io.now())) io.out(plain(`${target.name}: warning: ${warning}`));
  if (value.terminal === null) return true;
  io.err(plain(`${target.name}: cannot be used: ${value.terminal}`));
  return false;
}

async function run({ values, positionals, io }: Invocation): Promise<ExitCode> {
  const inUse = await loadConfig(values);
  if (!isSet(values, "online")) {
    if (positionals.length > 0) throw new UsageError("targets are named with --online only");
    sayOffline(inUse, io);
    return exitCodes.ok;
  }
  const results: boolean[] = [];
  for (const target of bindTargets(inUse, positionals, io)) results.push(await sayOnline(target, io));
  return results.every((good) => good) ? exitCodes.ok : exitCodes.failed;
}

export const checkCommand: Command = {
  name: "check",
  summary: "check the configuration, and the targets with --online",
  usage: "portcullis check [--online [TARGET…]] [--config FILE]",
  help: [
    "Checks the configuration as `gen` does, and says what its kinds cannot do and which protect presets are old.",
    "  --online       observe each target: is it enforcing, what room has it, whose mark is on it. Credentials are read from the",
    "                 environment by the names in the configuration",
    "  --config FILE  another configuration",
    "Changes nothing. Exit code 1 when the configuration is wrong or a target cannot be observed or used.",
  ].join("\n"),
  options: { ...configOptions, online: { type: "boolean" } },
  positionalsMax: 16,
  run,
};
