// Who caused what: the ids that tie a request to the pass and to the remote calls it led to (W3C Trace Context, level 1, 2021).
// Pure; ids are for logs and for nothing else: a caller chooses his own, so none may ever decide anything.
import type { Random } from "./ports.ts";

/** One piece of work (a span) of one story (a trace). Plain data: it crosses RPC and storage. */
export interface Trace {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** The span that caused this one; null: it began here. */
  readonly parentId: string | null;
}

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[!-~]*)?$/;
const nothing = /^0+$/;

function hexOf(random: Random, count: number): string {
  const hex = [...random.bytes(count)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // All zeroes means "no id" (W3C Trace Context, 3.2.2).
  return nothing.test(hex) ? `${hex.slice(1)}1` : hex;
}

export function newTrace(random: Random): Trace {
  return { traceId: hexOf(random, 16), spanId: hexOf(random, 8), parentId: null };
}

/** A span of its own within the same trace. */
export function childOf(trace: Trace, random: Random): Trace {
  return { traceId: trace.traceId, spanId: hexOf(random, 8), parentId: trace.spanId };
}

/** The caller's trace and a span of ours in it; null when the header says nothing that may be used (missing, malformed, version ff, all zeroes). */
export function continued(traceparent: string | null, random: Random): Trace | null {
  const [, version, traceId, parentId, rest] = (traceparent === null || traceparent.length > 128 ? null : traceparentPattern.exec(traceparent)) ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined) return null;
  // A later version may say more after the flags; this one may not.
  if (version === "ff" || (version === "00" && rest !== undefined) || nothing.test(traceId) || nothing.test(parentId)) return null;
  return { traceId, spanId: hexOf(random, 8), parentId };
}

/** As a header's value. `01`: recorded, for a line was or will be logged. */
export function traceparentOf({ traceId, spanId }: Trace): string {
  return `00-${traceId}-${spanId}-01`;
}

/** As fields of a log line, by the names that OpenTelemetry gives them in JSON (specs/otel/compatibility/logging_trace_context, 2026). */
export function traceFields({ traceId, spanId, parentId }: Trace): { readonly trace_id: string; readonly span_id: string; readonly parent_span_id?: string } {
  return { trace_id: traceId, span_id: spanId, ...(parentId === null ? {} : { parent_span_id: parentId }) };
}
