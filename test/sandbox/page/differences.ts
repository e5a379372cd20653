// What happened between two looks at a firewall, for clouds whose changes come as whole rules or as bulk operations.
import type { ConsoleRow, ConsoleView, Happening } from "./console-view.ts";

/** More of one kind than this, in one look, are counted and not listed. */
const listedMax = 3;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, listedMax).join(", ");
  return names.length > listedMax ? `${shown} and ${names.length - listedMax} more` : shown;
}

function rowsOf(view: ConsoleView): ReadonlyMap<string, ConsoleRow> {
  return new Map(view.tables.flatMap(({ caption, rows }) => rows.map((row): [string, ConsoleRow] => [`${caption} ${row.id}`, row])));
}

/** Its name, with what it blocks unless the name says so, and whose it is unless it is ours. */
function described(row: ConsoleRow): string {
  const unsaid = row.cidrs.filter((cidr) => !row.name.includes(cidr.replace(/\/(?:32|128)$/, "")));
  return `${row.name}${unsaid.length > 0 ? ` with ${listed(unsaid)}` : ""}${row.ours ? "" : " (not ours)"}`;
}

function are(names: readonly string[], one: string, many: string): string {
  return `${listed(names)} ${names.length === 1 ? one : many}`;
}

function changesOf(before: ConsoleRow, after: ConsoleRow): readonly Happening[] {
  const gained = after.cidrs.filter((cidr) => !before.cidrs.includes(cidr));
  const lost = before.cidrs.filter((cidr) => !after.cidrs.includes(cidr));
  const happenings: Happening[] = [];
  if (gained.length > 0) happenings.push({ tone: "appears", text: `${are(gained, "appears", "appear")} in ${after.name}` });
  if (lost.length > 0) happenings.push({ tone: "gone", text: `${are(lost, "is", "are")} gone from ${after.name}` });
  if (happenings.length === 0 && JSON.stringify([before.cells, before.ours]) !== JSON.stringify([after.cells, after.ours])) {
    happenings.push({ tone: "changed", text: `${described(after)} is changed` });
  }
  return happenings;
}

export function differences(before: ConsoleView, after: ConsoleView): readonly Happening[] {
  const [old, now] = [rowsOf(before), rowsOf(after)];
  const appeared = [...now].filter(([id]) => !old.has(id)).map(([, row]) => described(row));
  const gone = [...old].filter(([id]) => !now.has(id)).map(([, row]) => described(row));
  const changed = [...now].flatMap(([id, row]) => {
    const previous = old.get(id);
    return previous === undefined ? [] : changesOf(previous, row);
  });
  return [
    ...(appeared.length === 0 ? [] : [{ tone: "appears", text: are(appeared, "appears", "appear") } as const]),
    ...changed,
    ...(gone.length === 0 ? [] : [{ tone: "gone", text: are(gone, "is gone", "are gone") } as const]),
  ];
}

/** Looks now and again; tells what differs. For what changes without saying so. */
export function watchByLooking(view: () => ConsoleView, tell: (happening: Happening) => void, everyMs: number): { look(): void; stop(): void } {
  let before = view();
  const look = (): void => {
    const after = view();
    const happened = differences(before, after);
    before = after;
    for (const happening of happened) tell(happening);
  };
  const timer = setInterval(look, everyMs);
  return { look, stop: () => clearInterval(timer) };
}
