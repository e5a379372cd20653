// Reads the fields of lifts, exemptions, reconcile, stop and store. Pure; every problem is collected.
// Refuses to know the client: what it may do is judged by the routes.
import { limits } from "../limits.ts";
import { durationHint, durationText, parseDuration } from "./duration.ts";
import { type AskedAddress, Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";
import { quoted } from "./text.ts";

interface Read<T> {
  readonly request: T;
  readonly problems: readonly Problem[];
}

export interface LiftFields {
  readonly addresses: readonly AskedAddress[];
  /** Whose leases; `*`: everyone's. */
  readonly client: string;
  /** undefined: not said; null: no exemption. */
  readonly exemptMs: number | null | undefined;
}

function readExempt(fields: Fields): number | null | undefined {
  const value = fields.raw("exempt");
  if (value === undefined) return undefined;
  if (value === 0 || value === "0" || value === "none") return null;
  const milliseconds = typeof value === "string" ? parseDuration(value) : null;
  if (milliseconds === null) fields.wrong("exempt", `${quoted(value)} is not a duration; ${durationHint}, or "none" for no exemption`);
  else boundExemption(fields, "exempt", milliseconds);
  return milliseconds ?? undefined;
}

function boundExemption(fields: Fields, field: string, milliseconds: number): void {
  const longest = limits.exemptLongestMs;
  if (milliseconds > longest)
    fields.wrong(field, `${durationText(milliseconds)} is longer than ${durationText(longest)}, the longest exemption; for good, use the protect list`);
}

function readClient(fields: Fields): string {
  const name = fields.text("client") ?? "*";
  if (name !== "*" && (!/^[A-Za-z0-9._-]+$/.test(name) || name.length > limits.nameCharsMax))
    fields.wrong("client", `${quoted(name)} is no client's name; leave it out for everyone's leases`);
  return name;
}

export function readLift(raw: unknown): Read<LiftFields> {
  const fields = new Fields(raw, ["ip", "ips", "client", "exempt", "type"]);
  if (!fields.readable) return { request: { addresses: [], client: "*", exemptMs: null }, problems: fields.problems };
  fields.operation("lift");
  return { request: { addresses: fields.addresses(), client: readClient(fields), exemptMs: readExempt(fields) }, problems: fields.problems };
}

export interface ExemptionFields {
  readonly addresses: readonly AskedAddress[];
  readonly forMs: number | null;
}

export function readExemption(raw: unknown): Read<ExemptionFields> {
  const fields = new Fields(raw, ["ip", "ips", "for", "type"]);
  if (!fields.readable) return { request: { addresses: [], forMs: null }, problems: fields.problems };
  fields.operation("exempt");
  const forMs = fields.duration("for");
  if (forMs !== undefined) boundExemption(fields, "for", forMs);
  return { request: { addresses: fields.addresses(), forMs: forMs ?? null }, problems: fields.problems };
}

export interface ReconcileFields {
  readonly confirm: { readonly target: string; readonly digest: string } | null;
}

export function readReconcile(raw: unknown): Read<ReconcileFields> {
  const fields = new Fields(raw, ["confirm", "type"]);
  fields.operation("reconcile");
  if (!fields.has("confirm")) return { request: { confirm: null }, problems: fields.problems };
  const inner = new Fields(fields.raw("confirm"), ["target", "digest"]);
  const target = inner.text("target");
  const digest = inner.text("digest");
  if (inner.readable && (target === undefined || digest === undefined || !/^[A-Za-z0-9:_-]{1,128}$/.test(digest))) {
    inner.wrong("digest", "confirm needs the target's name and the digest that GET /v1/targets shows for its orphans");
  }
  const problems = [
    ...fields.problems,
    ...inner.problems.map((problem) => ({ ...problem, field: problem.field === "body" ? "confirm" : `confirm.${problem.field}` })),
  ];
  return { request: { confirm: target === undefined || digest === undefined ? null : { target, digest } }, problems };
}

export const stopActions = ["freeze", "drain", "resume", "release"] as const;

export interface StopFields {
  readonly action: (typeof stopActions)[number];
  readonly targets: readonly string[] | undefined;
}

export function readStop(raw: unknown): Read<StopFields> {
  const fields = new Fields(raw, ["action", "targets", "type"]);
  if (!fields.readable) return { request: { action: "freeze", targets: undefined }, problems: fields.problems };
  fields.operation("stop");
  if (!fields.has("action")) fields.wrong("action", `is missing; it is one of ${stopActions.join(", ")}`);
  return {
    request: { action: fields.choice("action", stopActions) ?? "freeze", targets: fields.names("targets", limits.targetsMax) },
    problems: fields.problems,
  };
}

export interface ReplayFields {
  /** Which event it is meant for; undefined: the one that the path names. */
  readonly event: string | undefined;
}

export function readReplay(raw: unknown): Read<ReplayFields> {
  const fields = new Fields(raw, ["event", "type"]);
  if (!fields.readable) return { request: { event: undefined }, problems: fields.problems };
  fields.operation("replay");
  return { request: { event: fields.text("event") }, problems: fields.problems };
}

export function readStore(raw: unknown): Read<null> {
  const fields = new Fields(raw, ["type"]);
  fields.operation("store");
  return { request: null, problems: fields.problems };
}
