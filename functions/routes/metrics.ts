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

function targetMetrics(targets: readonly (readonly [string, TargetSnapshot])[], now: EpochMs): string {
  const each = (read: (target: TargetSnapshot) => number) => targets.map(([name, target]) => ({ labels: { target: name }, value: read(target) }));
  const pools = (read: (pool: TargetSnapshot["pools"][number]) => number) =>
    targets.flatMap(([name, target]) => target.pools.map((pool) => ({ labels: { target: name, pool: pool.name }, value: read(pool) })));
  const errors = targets.flatMap(([name, target]) => (target.error === null ? [] : [{ labels: { target: name, code: target.error.code }, value: 1 }]));
  const seen = targets.flatMap(([name, target]) =>
    target.observedAt === null ? [] : [{ labels: { target: name }, value: Math.max(0, (now - target.observedAt) / 1_000) }],
  );
  return [
    metric(
      "portcullis_target_limit",
      "Entries of ours that the target can hold.",
      pools((pool) => pool.limit),
    ),
    metric(
      "portcullis_target_used",
      "Entries of ours that take up room.",
      pools((pool) => pool.used),
    ),
    metric(
      "portcullis_target_room",
      "Entries of ours that still fit.",
      pools((pool) => pool.limit - pool.used),
    ),
    metric(
      "portcullis_target_entries",
      "Entries of ours at the target.",
      each((target) => target.ours),
    ),
    metric(
      "portcullis_target_foreign",
      "Entries at the target that are not ours.",
      each((target) => target.foreign),
    ),
    metric(
      "portcullis_target_shed",
      "Blocks for which there is no room.",
      each((target) => target.shed.length),
    ),
    metric(
      "portcullis_target_pending",
      "Steps planned and not yet carried out.",
      each((target) => target.pending),
    ),
    metric(
      "portcullis_target_drift",
      "Differences not of our doing, seen in the last visit.",
      each((target) => target.drift.length),
    ),
    metric(
      "portcullis_target_orphans",
      "Entries of ours without a record.",
      each((target) => target.orphans?.cidrs.length ?? 0),
    ),
    metric(
      "portcullis_target_enforcing",
      "1 when the target really enforces.",
      each((target) => (target.enforcing.yes ? 1 : 0)),
    ),
    metric(
      "portcullis_target_stopped",
      "1 when frozen or draining by request.",
      each((target) => (target.stopped === null ? 0 : 1)),
    ),
    metric(
      "portcullis_target_failed",
      "1 when the last visit did not complete.",
      each((target) => (target.error === null ? 0 : 1)),
    ),
    metric("portcullis_target_error", "Why the last visit did not complete.", errors),
    metric("portcullis_target_observed_age_seconds", "Time since the target was last observed.", seen),
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
