// What of the configuration is different on Deno Deploy: a strong store, no writes and no heartbeat outside production, names that variables may not have.
import type { Config, TargetConfig } from "../../shared/config.ts";

/** Deno docs, deploy/reference/env_vars_and_contexts, 2026. */
const refusedPrefixes = ["DENO_", "LD_", "OTEL_"];
const refusedWhole: ReadonlySet<string> = new Set([
  "AWS_ROLE_ARN",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "GCP_WORKLOAD_PROVIDER_ID",
  "GCP_SERVICE_ACCOUNT_EMAIL",
  "GCP_PROJECT_ID",
  "AZURE_CLIENT_ID",
  "AZURE_TENANT_ID",
  "AZURE_FEDERATED_TOKEN_FILE",
]);

function secretNames(config: Config): readonly string[] {
  const names = [
    ...Object.values(config.clients).flatMap((client) => client.secrets),
    ...Object.values(config.targets).flatMap((target) => Object.values(target.credentials)),
    ...(config.approvals === undefined ? [] : [config.approvals.secret]),
    ...(config.heartbeat === null ? [] : [config.heartbeat.urlSecret]),
  ];
  return [...new Set(names)];
}

/** Names of secrets that cannot be set on this platform. */
export function refusedNames(config: Config): readonly string[] {
  return secretNames(config).filter((name) => refusedWhole.has(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix)));
}

function observed(target: TargetConfig): TargetConfig {
  return { ...target, mode: "observe" };
}

/** `timeline` is DENO_TIMELINE: `production`, `git-branch/NAME`, `preview/ID`, or nothing outside the platform. */
export function configOnDeno(config: Config, timeline: string | undefined): Config {
  // Reads of Deno KV are strong unless asked otherwise, and we never ask (Deno docs, deploy/kv/operations, 2026).
  const strong = { ...config, store: { stalenessMs: 0 } };
  if (timeline === "production") return strong;
  const targets = Object.fromEntries(Object.entries(config.targets).map(([name, target]) => [name, observed(target)]));
  // A preview that ticks on must not keep the operator's dead man's switch quiet when production has stopped.
  return { ...strong, targets, heartbeat: null };
}
