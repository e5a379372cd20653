// GET /metrics: the snapshot and what the coordinator knows of itself, as Prometheus text (exposition format 0.0.4). A scrape costs two
// questions and lists nothing. Labels are names of the configuration and words of ours, never an address.
import { type Snapshot, statesOf, type TargetSnapshot } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { presetAges } from "../../shared/protect/index.ts";
import type { Vitals } from "../coordinator/contract.ts";
import { counterHelp } from "../log/counters.ts";
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

/** One gauge with its help and every sample; nothing at all when there are none. */
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
  ["portcullis_target_shed", "Blocks for which there is no room.", (target) => target.room?.shed.blocks ?? target.shed.length],
  [
    "portcullis_target_shed_weight",
    "What the blocks weigh for which there is no room; a fresh one of medium severity is 1.",
    (target) => target.room?.shed.weight ?? 0,
  ],
  ["portcullis_target_placed_weight", "What the blocks weigh that have a place.", (target) => target.room?.placed.weight ?? 0],
  ["portcullis_target_used_share", "How full the fullest pool is, 0 to 1.", (target) => target.room?.usedShare ?? 0],
  ["portcullis_target_free", "Entries of ours that still fit, where least do.", (target) => target.room?.free ?? 0],
  ["portcullis_target_room_warning", "1 when nearly full, or when something found no room.", (target) => (target.room?.warning == null ? 0 : 1)],
  ["portcullis_target_widened", "Entries that no lease asked for as they are (at most 100 are counted).", (target) => target.room?.widened.length ?? 0],
  ["portcullis_target_pending", "Steps planned and not yet carried out.", (target) => target.pending],
  ["portcullis_target_drift", "Differences not of our doing, seen in the last visit.", (target) => target.drift.length],
  ["portcullis_target_orphans_unsafe", "1 when there are more orphans than may be removed unasked.", (target) => (target.orphans?.unsafe === true ? 1 : 0)],
  ["portcullis_target_orphans", "Entries of ours without a record.", (target) => target.orphans?.cidrs.length ?? 0],
  ["portcullis_target_enforcing", "1 when the target really enforces.", (target) => (target.enforcing.yes ? 1 : 0)],
  ["portcullis_target_stopped", "1 when frozen or draining by request.", (target) => (target.stopped === null ? 0 : 1)],
  ["portcullis_target_failed", "1 when the last visit did not complete.", (target) => (target.error === null ? 0 : 1)],
];

/**
 * How long the oldest live block waits to be enforced: promise P1, measured. Of a target that could not be looked at, only what came after the
 * last look is known to wait.
 */
function oldestWaitingSeconds(snapshot: Snapshot, name: string, now: EpochMs): number {
  const target = snapshot.targets[name];
  const isBlind = target?.error != null && target.observedAt !== snapshot.at;
  const waiting = liveRows(snapshot, now).flatMap((row) => {
    const state = statesOf(snapshot, row)[name]?.state;
    const isKnown = isBlind && row.at < (target?.observedAt ?? 0);
    return (state === "pending" || state === "failed") && !isKnown ? [(now - row.at) / 1_000] : [];
  });
  return Math.max(0, ...waiting);
}

type NamedTarget = readonly [string, TargetSnapshot];

function errorSamples([name, { error }]: NamedTarget): readonly Sample[] {
  return error === null ? [] : [{ labels: { target: name, code: error.code }, value: 1 }];
}

function targetMetrics(snapshot: Snapshot, now: EpochMs): string {
  const targets: readonly NamedTarget[] = Object.entries(snapshot.targets);
  const each = (read: (name: string, target: TargetSnapshot) => number) =>
    targets.map(([name, target]): Sample => ({ labels: { target: name }, value: read(name, target) }));
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
    metric(
      "portcullis_target_oldest_waiting_seconds",
      "Time for which the oldest live block waits to be enforced.",
      each((name) => oldestWaitingSeconds(snapshot, name, now)),
    ),
    metric(
      "portcullis_target_overdue_seconds",
      "Time for which an entry has stood whose leases are all over.",
      each((_name, { overdueSince }) => (overdueSince == null ? 0 : Math.max(0, (now - overdueSince) / 1_000))),
    ),
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
    targetMetrics(snapshot, now),
  ].join("");
}

/** Counters with their help, in the order of the table. */
function counterMetrics(counters: Vitals["counters"]): string {
  return Object.entries(counterHelp)
    .map(([name, help]) => {
      const series = Object.entries(counters).filter(([key]) => key === name || key.startsWith(`${name}{`));
      if (series.length === 0) return "";
      return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${series.map(([key, value]) => `${key} ${value}\n`).join("")}`;
    })
    .join("");
}

function eventMetrics({ states, oldestOpenAt, max }: NonNullable<Vitals["events"]>, now: EpochMs): string {
  const byState = Object.entries(states).map(([state, value]): Sample => ({ labels: { state }, value }));
  return [
    metric("portcullis_events", "Events on record, by state; dead: a step failed for good, and a person has to look.", byState),
    metric("portcullis_events_limit", "Events that can be on record.", one(max)),
    metric(
      "portcullis_events_oldest_waiting_seconds",
      "Time for which the oldest event with steps left waits.",
      one(oldestOpenAt === null ? 0 : Math.max(0, (now - oldestOpenAt) / 1_000)),
    ),
  ].join("");
}

function vitalMetrics(vitals: Vitals, now: EpochMs): string {
  const each = (read: (target: Vitals["targets"][string]) => number) =>
    Object.entries(vitals.targets).map(([name, target]): Sample => ({ labels: { target: name }, value: read(target) }));
  const start = "When memory began; it is unbroken since, and counters count from then.";
  return [
    metric("portcullis_memory_start_time_seconds", start, one(vitals.memorySince / 1_000)),
    metric("portcullis_pass_failures", "Full passes in a row that were not clean.", one(vitals.passFailures)),
    metric("portcullis_heartbeat_failures", "Heartbeats in a row that failed.", one(vitals.heartbeatFailures)),
    metric("portcullis_store_records", "Records in the store, at most.", one(vitals.records)),
    metric("portcullis_store_records_limit", "Records beyond which no new lease is taken.", one(vitals.recordsMax)),
    metric(
      "portcullis_target_frozen_places",
      "Places that rest because a call's outcome is unknown.",
      each(({ frozenPlaces }) => frozenPlaces),
    ),
    metric(
      "portcullis_target_throttled_seconds",
      "Time until the target may be asked again.",
      each(({ throttledUntil }) => Math.max(0, (throttledUntil - now) / 1_000)),
    ),
    vitals.events === undefined ? "" : eventMetrics(vitals.events, now),
    counterMetrics(vitals.counters),
  ].join("");
}

function presetMetrics(call: Call): string {
  const ages = presetAges(call.now, call.deps.config.protect.presets);
  const samples = ages.map(({ name, ageMs }): Sample => ({ labels: { preset: name }, value: ageMs / 1_000 }));
  return metric("portcullis_protect_preset_age_seconds", "Age of the data of a protect preset.", samples);
}

async function serveMetrics(call: Call): Promise<Response> {
  const [snapshot, vitals] = await Promise.all([call.coordinator.snapshot(), call.coordinator.vitals()]);
  const present = metric("portcullis_snapshot_present", "1 when a pass has reported.", one(snapshot === null ? 0 : 1));
  const parts = [snapshot === null ? "" : snapshotMetrics(snapshot, call.now), vitals === null ? "" : vitalMetrics(vitals, call.now), presetMetrics(call)];
  const body = present + parts.join("");
  return new Response(body, { status: 200, headers: { ...securityHeaders, "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
}

export const readMetrics: GuardedRoute = { method: "GET", path: "/metrics", access: "metrics", operation: null, handle: serveMetrics };
