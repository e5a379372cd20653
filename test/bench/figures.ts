// What a bench reports, and the plain statistics behind it. Owns the table's form; measures nothing.

/** One line of the table; `value` is what the JSON holds under `name`. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run where that is possible. */
  readonly baseline: string;
  readonly aim: string;
  /** Null: reported, with no aim of its own. */
  readonly met: boolean | null;
}

/** What one bench found: its figures, and what a reader needs to judge them. */
export interface Report {
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** The middle of the samples and how far they lie apart. */
export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error("a summary needs at least one sample");
  return { median: (low + high) / 2, least: sorted[0] ?? low, most: sorted.at(-1) ?? high, count: sorted.length };
}

export function rounded(value: number): number {
  if (Number.isInteger(value)) return value;
  return Number(value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3));
}

export function shownSpread({ median, least, most, count }: Summary, unit = ""): string {
  return `median of ${count}: ${rounded(median)}${unit}, from ${rounded(least)} to ${rounded(most)}`;
}

function cells({ name, value, unit, baseline, aim, met }: Figure): readonly string[] {
  const verdict = met === null ? "" : met ? "yes" : "**no**";
  return [`\`${name}\``, `${rounded(value).toLocaleString("en")}${unit === "" ? "" : ` ${unit}`}`, baseline, aim, verdict];
}

const head = ["Figure", "Value", "Baseline", "Aim", "Met"] as const;

export function markdownTable(figures: readonly Figure[]): string {
  const row = (values: readonly string[]) => `| ${values.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...figures.map((figure) => row(cells(figure)))].join("\n");
}

export function plainTable(figures: readonly Figure[]): string {
  const rows = [head, ...figures.map((figure) => cells(figure).map((cell) => cell.replaceAll(/[`*]/g, "")))];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The machine-readable form: every figure under its own name, and nothing else but `about`. */
export function jsonOf(figures: readonly Figure[], about: unknown): string {
  return `${JSON.stringify({ ...Object.fromEntries(figures.map((figure) => [figure.name, figure.value])), about }, null, 2)}\n`;
}
