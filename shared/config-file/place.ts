// Where at a cloud a target's entries stand, so that two targets never claim the same place and a moved target is noticed.
// Refuses to know any kind by name: the kind's `serialKey` and, where there is one, its `rules` range say it all.
import type { ProviderDefinition } from "../provider.ts";

export interface TargetPlace {
  /** Kind, what is written one at a time, and (without a range) the settings that tell two targets there apart. */
  readonly name: string;
  /** First and last rule number, for kinds whose settings have `rules: { first, last }`; null: all of it. */
  readonly span: readonly [number, number] | null;
}

function spanOf(settings: unknown): readonly [number, number] | null {
  if (settings === null || typeof settings !== "object" || !("rules" in settings)) return null;
  const { rules } = settings;
  if (rules === null || typeof rules !== "object" || !("first" in rules) || !("last" in rules)) return null;
  return typeof rules.first === "number" && typeof rules.last === "number" ? [rules.first, rules.last] : null;
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

export function placeOf(definition: ProviderDefinition, settings: unknown): TargetPlace {
  const span = spanOf(settings);
  const key = `${definition.kind} ${definition.serialKey(settings)}`;
  return { name: span === null ? `${key} ${sortedJson(settings)}` : key, span };
}

export function placesOverlap(a: TargetPlace, b: TargetPlace): boolean {
  if (a.name !== b.name) return false;
  return a.span === null || b.span === null || (a.span[0] <= b.span[1] && b.span[0] <= a.span[1]);
}

/** Whether everything that stood in `before` is still inside `now`. */
export function placeHolds(now: TargetPlace, before: TargetPlace): boolean {
  if (now.name !== before.name) return false;
  if (now.span === null || before.span === null) return now.span === before.span;
  return now.span[0] <= before.span[0] && before.span[1] <= now.span[1];
}
