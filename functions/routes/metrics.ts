// GET /metrics: the snapshot as Prometheus text (exposition format 0.0.4). Gauges only, so a scrape costs one read.
import type { Snapshot, TargetSnapshot } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { liveRows } from "./block-list.ts";
import type { Call, GuardedRoute } from "./call.ts";
import { securityHeaders } from "./problem.ts";

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

function escapedLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function sampleLine(name: string, { labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

/** One metric with its help and every sample; nothing at all when there are none. */
function metric(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.map((sample) => sampleLine(name, sample)).join("")}`;
}

function one(value: number): readonly Sample[] {
  return [{ labels: {}, value }];
}

function ageSeconds(at: EpochMs | null, now: EpochMs): readonly Sample[] {
  return at === null ? [] : one(Math.max(0, (now - at) / 1_000));
}

type Pool = TargetSnapshot["pools"][number];

/** One value per pool of a target. */
const poolGauges: readonly (readonly [string, string, (pool: Pool) => number])[] = [
  ["portcullis_target_limit", "Entries of ours that the target can hold.", (pool) => pool.limit],
  ["portcullis_target_used", "Entries of ours that take up room.", (pool) => pool.used],
  ["portcullis_target_room", "Entries of ours that still fit.", (pool) => pool.limit - pool.used],
];

/** One value per target. */
const targetGauges: readonly (readonly [string, string, (target: TargetSnapshot) => number])[] = [
  ["portcullis_target_entries", "Entries of ours at the target.", (target) => target.ours],
  ["portcullis_target_foreign", "Entries at the target that are not ours.", (target) => target.foreign],
  ["portcullis_target_shed", "Blocks for which there is no room.", (target) => target.shed.length],
  ["portcullis_target_pending", "Steps planned and not yet carried out.", (target) => target.pending],
  ["portcullis_target_drift", "Differences not of our doing, seen in the last visit.", (target) => target.drift.length],
  ["portcullis_target_orphans", "Entries of ours without a record.", (target) => target.orphans?.cidrs.length ?? 0],
  ["portcullis_target_enforcing", "1 when the target really enforces.", (target) => (target.enforcing.yes ? 1 : 0)],
  ["portcullis_target_stopped", "1 when frozen or draining by request.", (target) => (target.stopped === null ? 0 : 1)],
  ["portcullis_target_failed", "1 when the last visit did not complete.", (target) => (target.error === null ? 0 : 1)],
];

type NamedTarget = readonly [string, TargetSnapshot];

function errorSamples([name, { error }]: NamedTarget): readonly Sample[] {
  return error === null ? [] : [{ labels: { target: name, code: error.code }, value: 1 }];
}

function targetMetrics(targets: readonly NamedTarget[], now: EpochMs): string {
  const pools = targets.flatMap(([name, target]) => target.pools.map((pool) => ({ labels: { target: name, pool: pool.name }, pool })));
  const ages = targets.flatMap(([name, { observedAt }]) => ageSeconds(observedAt, now).map(({ value }) => ({ labels: { target: name }, value })));
  return [
    ...poolGauges.map(([name, help, read]) =>
      metric(
        name,
        help,
        pools.map(({ labels, pool }) => ({ labels, value: read(pool) })),
      ),
    ),
    ...targetGauges.map(([name, help, read]) =>
      metric(
        name,
        help,
        targets.map(([target, seen]) => ({ labels: { target }, value: read(seen) })),
      ),
    ),
    metric("portcullis_target_error", "Why the last visit did not complete.", targets.flatMap(errorSamples)),
    metric("portcullis_target_observed_age_seconds", "Time since the target was last observed.", ages),
  ].join("");
}

function snapshotMetrics(snapshot: Snapshot, now: EpochMs): string {
  const exemptions = snapshot.exemptions.filter((exemption) => exemption.until > now).length;
  return [
    metric("portcullis_leases_live", "Blocks with a live lease.", one(liveRows(snapshot, now).length)),
    metric("portcullis_leases_held", "Leases held by the brake.", one(snapshot.held)),
    metric("portcullis_exemptions_live", "Exemptions in force.", one(exemptions)),
    metric("portcullis_store_complete", "1 when all records were read and understood.", one(snapshot.complete ? 1 : 0)),
    metric("portcullis_snapshot_age_seconds", "Time since the snapshot was taken.", ageSeconds(snapshot.at, now)),
    metric("portcullis_full_pass_age_seconds", "Time since the last full pass ended.", ageSeconds(snapshot.fullAt, now)),
    targetMetrics(Object.entries(snapshot.targets), now),
  ].join("");
}

async function serveMetrics(call: Call): Promise<Response> {
  const snapshot = await call.coordinator.snapshot();
  const present = metric("portcullis_snapshot_present", "1 when a pass has reported.", one(snapshot === null ? 0 : 1));
  const body = snapshot === null ? present : present + snapshotMetrics(snapshot, call.now);
  return new Response(body, { status: 200, headers: { ...securityHeaders, "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
}

export const readMetrics: GuardedRoute = { method: "GET", path: "/metrics", access: "metrics", operation: null, handle: serveMetrics };
