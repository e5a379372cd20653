// Two targets never claim the same place, and a claim that moved or shrank is noticed.
// Refuses to know any kind: what a place is, its definition says.
import type { Place, ProviderDefinition } from "../provider.ts";

/** The place, named across kinds. */
export function placeOf(definition: ProviderDefinition, settings: unknown): Place {
  const { name, span } = definition.place(settings);
  return { name: `${definition.kind} ${name}`, span };
}

export function samePlace(a: Place, b: Place): boolean {
  return a.name === b.name;
}

/** Whether everything that stood in `before` is still inside `now`. */
export function placeHolds(now: Place, before: Place): boolean {
  if (now.name !== before.name) return false;
  if (now.span === null || before.span === null) return now.span === before.span;
  return now.span[0] <= before.span[0] && before.span[1] <= now.span[1];
}
