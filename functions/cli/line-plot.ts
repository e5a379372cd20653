// Draws lines over a logarithmic axis as SVG text: axes, one line per series with its name at the end, nothing else.
// Of its own, because chart libraries that need no browser are many times this size.

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Plot {
  readonly title: string;
  readonly across: string;
  readonly up: string;
  readonly series: readonly Series[];
  /** A place on the horizontal axis to point out. */
  readonly mark?: { readonly at: number; readonly name: string };
}

const size = { width: 860, height: 480 } as const;
const area = { left: 80, right: 650, top: 50, bottom: 420 } as const;
/** Told apart also without colour vision (Okabe and Ito, 2008). */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"] as const;
const nameGap = 15;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** 1, 2 or 5 times a power of ten, about `count` of them up to `most`. */
function niceSteps(most: number, count: number): number[] {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
}

function decades(least: number, most: number): number[] {
  const found: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) {
    for (const factor of [1, 2, 5]) if (factor * power >= least && factor * power <= most) found.push(factor * power);
  }
  return found;
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, more: string): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;
}

/** Heights for the names at the ends of the lines, moved apart where they would overlap. */
function nameHeights(ends: readonly number[]): number[] {
  const order = ends.map((end, at) => ({ end, at })).sort((a, b) => a.end - b.end || a.at - b.at);
  const heights: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { end, at } of order) {
    last = Math.max(end, last + nameGap);
    heights[at] = last;
  }
  return heights;
}

export function linePlot({ title, across, up, series, mark }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  const [least, most] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))];
  const highest = Math.max(...all.map(([, y]) => y), Number.MIN_VALUE);
  const spread = Math.log(most / least) || 1;
  const xOf = (x: number): number => area.left + (Math.log(x / least) / spread) * (area.right - area.left);
  const yOf = (y: number): number => area.bottom - (y / highest) * (area.bottom - area.top);
  const grid = niceSteps(highest, 6).flatMap((y) => [
    line(area.left, yOf(y), area.right, yOf(y), 'stroke="#ddd"'),
    text(area.left - 8, yOf(y) + 4, y.toLocaleString("en"), 'text-anchor="end"'),
  ]);
  const ticks = decades(least, most).map((x) => text(xOf(x), area.bottom + 18, x.toLocaleString("en"), 'text-anchor="middle"'));
  const heights = nameHeights(series.map(({ points }) => yOf(points.at(-1)?.[1] ?? 0)));
  const lines = series.flatMap(({ name, points }, at) => {
    const colour = colours[at % colours.length] ?? "#000000";
    const path = points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(" ");
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      text(area.right + 8, (heights[at] ?? 0) + 4, name, `fill="${colour}"`),
    ];
  });
  const marked =
    mark === undefined || mark.at < least || mark.at > most
      ? []
      : [
          line(xOf(mark.at), area.top, xOf(mark.at), area.bottom, 'stroke="#555" stroke-dasharray="4 3"'),
          text(xOf(mark.at), area.top - 6, mark.name, 'text-anchor="middle"'),
        ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${size.width}" height="${size.height}" fill="#fff"/>`,
    text(area.left, 22, title, 'font-size="15"'),
    ...grid,
    line(area.left, area.bottom, area.right, area.bottom, 'stroke="#333"'),
    ...ticks,
    text((area.left + area.right) / 2, area.bottom + 42, across, 'text-anchor="middle"'),
    text(18, (area.top + area.bottom) / 2, up, `text-anchor="middle" transform="rotate(-90 18 ${(area.top + area.bottom) / 2})"`),
    ...marked,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}
