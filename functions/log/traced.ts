// Binds a log to the piece of work that writes to it, so that every line of that work can be found by one id.
import type { Log } from "../../shared/ports.ts";
import { type Trace, traceFields } from "../../shared/trace.ts";

/** Lines that name a trace of their own keep it. */
export function traced(log: Log, trace: Trace | undefined): Log {
  if (trace === undefined) return log;
  const fields = traceFields(trace);
  return (record) => log(record.trace_id === undefined ? { ...record, ...fields } : record);
}
