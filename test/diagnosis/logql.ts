// As much of Loki's LogQL as the example rules use, over lines as they are logged: how many lines with these fields there were within a time, by the
// value of one field. Anything else is refused, so that no rule is misread.

export interface LoggedLine {
  readonly atMs: number;
  /** As it leaves the process: one line of JSON. */
  readonly line: string;
}

const rule = /^sum by \((\w+)\) \(count_over_time\(\{job="portcullis"\} \| json((?: \| \w+="[^"]*")+) \[(\d+)([mhd])\]\)\) > (\d+)$/;
const rangesMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The values for which the expression is true at `nowMs`. */
export function firingLines(expression: string, lines: readonly LoggedLine[], nowMs: number): readonly string[] {
  const [, by = "", fields = "", count = "", unit = "", most = ""] = rule.exec(expression) ?? [];
  if (by === "") throw new Error(`not a form that the example rules use: ${expression}`);
  const wanted = [...fields.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value] as const);
  const counts = new Map<string, number>();
  for (const { atMs, line } of lines) {
    const record = JSON.parse(line) as Record<string, unknown>;
    if (atMs <= nowMs - Number(count) * (rangesMs[unit] ?? 0) || atMs > nowMs) continue;
    if (!wanted.every(([name, value]) => record[name] === value)) continue;
    const group = String(record[by] ?? "");
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].flatMap(([group, found]) => (found > Number(most) ? [group] : []));
}
