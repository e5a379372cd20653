// The one event of a message, and which ends it names: for tests of what a source says by one field.
import type { DetectionEvent } from "../../shared/event/event.ts";
import type { SourceAdapter, SourceEntry } from "../../shared/source/source.ts";
import { withSamples } from "./samples.ts";

export const [them, us, inside, more] = ["203.0.113.7", "198.51.100.4", "10.0.0.4", "203.0.113.9"] as const;

export function entryOf(adapter: SourceAdapter, message: object): SourceEntry | undefined {
  return adapter.read(message, withSamples)[0];
}

export function eventOf(adapter: SourceAdapter, message: object): DetectionEvent {
  const entry = entryOf(adapter, message);
  if (entry?.kind !== "event") throw new Error(JSON.stringify(entry));
  return entry.event;
}

export const plain = (addresses: readonly string[]) => addresses.map((text) => text.replace(/\/(?:32|128)$/, ""));

/** Direction, attackers, ours. */
export function ends(adapter: SourceAdapter, message: object): readonly unknown[] {
  const { direction, actor, victim } = eventOf(adapter, message);
  return [direction, plain(actor.addresses), plain(victim.addresses)];
}
