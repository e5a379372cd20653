// The one grammar of durations: a whole number and a unit, such as 90s, 15m, 4h, 7d. Refuses everything else, so that
// no spelling can mean two things.

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const units = ["d", "h", "m", "s"] as const;
const pattern = /^([1-9][0-9]{0,8})([smhd])$/;

/** What to write instead, for refusals. */
export const durationHint = "write a whole number and a unit: 90s, 15m, 4h or 7d";

/** Milliseconds, or null when the text is not a duration. */
export function parseDuration(text: string): number | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const unit = units.find((name) => name === match[2]);
  return unit === undefined ? null : Number(match[1]) * unitMs[unit];
}

/** The shortest exact spelling, in the largest unit that divides it. */
export function durationText(milliseconds: number): string {
  const unit = units.find((name) => milliseconds % unitMs[name] === 0);
  return unit === undefined || milliseconds === 0 ? `${milliseconds / 1_000}s` : `${milliseconds / unitMs[unit]}${unit}`;
}
