// As much of PromQL as the example rules use, over scrapes in the exposition format: a comparison of a sum of terms, where a term is a selector,
// `increase(selector[range])`, `time()` or a number, joined by `-` or `/` on equal labels. Anything else is refused, so that no rule is misread.

export type Samples = ReadonlyMap<string, number>;

export interface Scrape {
  readonly atMs: number;
  readonly samples: Samples;
}

interface Sample {
  /** Labels in order, as text; empty for none. */
  readonly labels: string;
  readonly value: number;
}

const linePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (-?[0-9.e+]+|NaN)$/;

/** By series. Refuses what is no exposition: an unknown line, a series twice, a series without TYPE. */
export function parseScrape(text: string): Samples {
  const samples = new Map<string, number>();
  const typed = new Map<string, string>();
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (gauge|counter)$/.exec(line);
    if (type !== null) typed.set(type[1] ?? "", type[2] ?? "");
    if (line === "" || line.startsWith("#")) continue;
    const [, name = "", labels = "", value = ""] = linePattern.exec(line) ?? [];
    if (!typed.has(name)) throw new Error(`not an exposition line, or without a type: ${line}`);
    if ((typed.get(name) === "counter") !== name.endsWith("_total")) throw new Error(`${name} is a ${typed.get(name)}`);
    if (samples.has(name + labels)) throw new Error(`twice: ${line}`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

const selectorPattern = /^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{([^}]*)\})?$/;
const rangesMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Names of metrics that an expression reads. */
export function metricsOf(expression: string): readonly string[] {
  return [...expression.matchAll(/\b([a-z][a-z0-9_]*_[a-z0-9_]+|up)\b/g)].map(([, name]) => name ?? "").filter((name) => !/=$/.test(name));
}

function select(text: string, samples: Samples): readonly Sample[] {
  const [, name, matchers = ""] = selectorPattern.exec(text.trim()) ?? [];
  if (name === undefined) throw new Error(`no selector: ${text}`);
  const wanted = matchers === "" ? [] : matchers.split(",").map((part) => part.trim());
  return [...samples].flatMap(([series, value]): Sample[] => {
    const [found, rest = ""] = series.split("{");
    const labels = rest.replace(/\}$/, "");
    if (found !== name || !wanted.every((matcher) => labels.split(",").includes(matcher))) return [];
    return [{ labels, value }];
  });
}

/** Without extrapolation; a counter that began anew counts from zero. */
function increase(selector: string, rangeMs: number, scrapes: readonly Scrape[]): readonly Sample[] {
  const last = scrapes.at(-1);
  if (last === undefined) return [];
  const within = scrapes.filter(({ atMs }) => atMs >= last.atMs - rangeMs);
  return select(selector, last.samples).map(({ labels }) => {
    let grown = 0;
    let before: number | null = null;
    for (const { samples } of within) {
      // A series that was not there yet stood at zero.
      const value = select(selector, samples).find((sample) => sample.labels === labels)?.value ?? 0;
      if (before !== null) grown += value >= before ? value - before : value;
      before = value;
    }
    return { labels, value: grown };
  });
}

function term(text: string, scrapes: readonly Scrape[]): readonly Sample[] | number {
  const trimmed = text.trim();
  const last = scrapes.at(-1);
  if (last === undefined) throw new Error("nothing was scraped");
  if (/^[0-9.]+$/.test(trimmed)) return Number(trimmed);
  if (trimmed === "time()") return last.atMs / 1_000;
  const grown = /^increase\((.+)\[(\d+)([mhd])\]\)$/.exec(trimmed);
  if (grown !== null) return increase(grown[1] ?? "", Number(grown[2]) * (rangesMs[grown[3] ?? ""] ?? 0), scrapes);
  return select(trimmed, last.samples);
}

function joined(left: readonly Sample[] | number, operator: string, right: readonly Sample[] | number): readonly Sample[] {
  const apply = (a: number, b: number) => (operator === "-" ? a - b : a / b);
  if (typeof left !== "number" && typeof right !== "number") {
    return left.flatMap(({ labels, value }) => right.filter((other) => other.labels === labels).map((other) => ({ labels, value: apply(value, other.value) })));
  }
  if (typeof left === "number" && typeof right !== "number") return right.map(({ labels, value }) => ({ labels, value: apply(left, value) }));
  throw new Error("not a form that the example rules use");
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "==": (a, b) => a === b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
};

/** The series for which the expression is true now. */
export function firing(expression: string, scrapes: readonly Scrape[]): readonly Sample[] {
  const [, left = "", comparison = "", right = ""] = /^(.+?) (==|>=|>|<) ([0-9.]+)$/.exec(expression) ?? [];
  const compare = comparisons[comparison];
  if (compare === undefined) throw new Error(`not a comparison with a number: ${expression}`);
  const [, first, operator, second] = /^(.+) ([-/]) (.+)$/.exec(left) ?? [];
  const samples =
    first === undefined || operator === undefined || second === undefined ? term(left, scrapes) : joined(term(first, scrapes), operator, term(second, scrapes));
  if (typeof samples === "number") throw new Error(`no metric in ${expression}`);
  return samples.filter(({ value }) => compare(value, Number(right)));
}
