// Two targets never claim the same place, and a claim that moved or shrank is noticed.
// Refuses to know any kind: what a place is, its definition says.
import type { Place, ProviderDefinition } from "../provider.ts";

/** The place, named across kinds. */
export function placeOf(definition: ProviderDefinition, settings: unknown): Place {
  const { name, span, also } = definition.place(settings);
  const named = (text: string) => `${definition.kind} ${text}`;
  return { name: named(name), span, ...(also === undefined ? {} : { also: also.map(named) }) };
}

/** Everything that the place names. */
export function namesOf({ name, also = [] }: Place): readonly string[] {
  return [name, ...also];
}

/** What both places name; null: nothing. */
export function sharedName(a: Place, b: Place): string | null {
  return namesOf(a).find((name) => namesOf(b).includes(name)) ?? null;
}

/** Whether everything that stood in `before` is still inside `now`. */
export function placeHolds(now: Place, before: Place): boolean {
  if (!namesOf(before).every((name) => namesOf(now).includes(name))) return false;
  if (now.span === null || before.span === null) return now.span === before.span;
  return now.span[0] <= before.span[0] && before.span[1] <= now.span[1];
}
