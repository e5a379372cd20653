// Durations as people write them in the configuration: a whole number and a unit, `4h`, `90s`, also `1h30m`.
// Refuses bare numbers: nobody can see whether 3600 means seconds or milliseconds.

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const order = ["d", "h", "m", "s"] as const;

/** Largest unit first, each at most once. Also the pattern that editors check by. */
export const durationPattern = /^(?=\d)(?:\d{1,6}d)?(?:\d{1,6}h)?(?:\d{1,6}m)?(?:\d{1,6}s)?$/;

/** Milliseconds, or null when the text is no duration. */
export function durationMs(text: string): number | null {
  if (!durationPattern.test(text)) return null;
  let total = 0;
  for (const unit of order) {
    const match = new RegExp(`(\\d+)${unit}`).exec(text);
    if (match !== null) total += Number(match[1]) * unitsMs[unit];
  }
  return total;
}

/** The shortest text that `durationMs` reads back; milliseconds below a second are shown, and not read back. */
export function durationText(ms: number): string {
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const unit of order) {
    const count = Math.floor(rest / unitsMs[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitsMs[unit];
  }
  return rest === 0 ? text : `${text}${rest}ms`;
}
