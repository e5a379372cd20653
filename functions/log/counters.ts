// Numbers that only grow, kept in the coordinator's memory and saved with each pass: they cost no write of their own, and begin anew when
// memory is lost (`portcullis_memory_start_time_seconds` says when). Labels are names of the configuration or words of ours, so they are few.

/** Every counter, with what it counts: the help text of `/metrics`. */
export const counterHelp = {
  portcullis_passes_total: "Passes that were not quiet, by what woke them.",
  portcullis_steps_total: "Changes sent to a target, by what came of them.",
  portcullis_remote_calls_total: "Calls to a target's cloud, by class of the answer's status; none: there was no answer.",
  portcullis_target_throttles_total: "How often a target's cloud asked us to slow down.",
  portcullis_drift_total: "Differences at a target that were not of our doing.",
  portcullis_items_total: "Blocks asked for, by client and by what came of them.",
  portcullis_events_total: "Events of detectors that were asked of the playbooks, by client and by what came of them.",
  portcullis_event_steps_total: "Tries of playbooks' steps, by action and by what came of them.",
  portcullis_lifted_leases_total: "Live leases that were lifted.",
  portcullis_unauthenticated_requests_total: "Requests without a valid credential; told once a minute by each instance.",
  portcullis_store_puts_total: "Records and snapshots written to the store.",
  portcullis_store_listings_total: "Whole listings of the store.",
  portcullis_heartbeats_total: "Heartbeats after clean ticks, by outcome.",
} as const satisfies Record<string, string>;

export type CounterName = keyof typeof counterHelp;

/** More series than this are not begun: the configuration bounds them, this bounds a fault of ours. */
const seriesMax = 2_000;

function seriesOf(name: CounterName, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/[^A-Za-z0-9_.-]/g, "_")}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

export class Counters {
  readonly #values: Record<string, number>;

  /** `values` is grown in place, so that who keeps it can save it. */
  constructor(values: Record<string, number>) {
    this.#values = values;
  }

  add(name: CounterName, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const series = seriesOf(name, labels);
    const before = Object.hasOwn(this.#values, series) ? this.#values[series] : undefined;
    if (by <= 0 || (before === undefined && Object.keys(this.#values).length >= seriesMax)) return;
    this.#values[series] = (before ?? 0) + by;
  }

  /** By series, as the exposition format writes them. */
  read(): Readonly<Record<string, number>> {
    return { ...this.#values };
  }
}
