// The one event of a message, and which ends it names: for tests of what a source says by one field.
import type { DetectionEvent } from "../../shared/event/event.ts";
import { adapters } from "../../shared/source/index.ts";
import type { SourceAdapter, SourceEntry } from "../../shared/source/source.ts";
import { withSamples } from "./samples.ts";

export const [them, us, inside, more] = ["203.0.113.7", "198.51.100.4", "10.0.0.4", "203.0.113.9"] as const;

/** So many addresses one after the other. */
export const hosts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `2001:db8::${(from + index).toString(16)}`);

/** An adapter, or the name of one of the product's. */
type Adapter = SourceAdapter | keyof typeof adapters;

export function entryOf(adapter: Adapter, message: object): SourceEntry | undefined {
  return (typeof adapter === "string" ? adapters[adapter] : adapter).read(message, withSamples)[0];
}

export function eventOf(adapter: Adapter, message: object): DetectionEvent {
  const entry = entryOf(adapter, message);
  if (entry?.kind !== "event") throw new Error(JSON.stringify(entry));
  return entry.event;
}

export const plain = (addresses: readonly string[]) => addresses.map((text) => text.replace(/\/(?:32|128)$/, ""));

/** Direction, attackers, ours. */
export function ends(adapter: Adapter, message: object): readonly unknown[] {
  const { direction, actor, victim } = eventOf(adapter, message);
  return [direction, plain(actor.addresses), plain(victim.addresses)];
}
