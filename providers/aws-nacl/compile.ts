// From the core's changes to numbered EC2 calls, in the core's order. Pure and deterministic: no clock, no randomness.
// Takes the lowest free number of the range; never a foreign number, never a frozen slot. What cannot be placed whole is left out.
import { type Cidr, cidrText, sameCidr } from "../../shared/address/index.ts";
import type { Change, CompileRequest, Entry, Step } from "../../shared/provider.ts";
import type { AwsNaclSettings } from "./config.ts";
import { inRange } from "./convert.ts";
import { type Direction, directionsOf, directionWords, entryIdOf, type Numbers, numbersOf, partialOf, placeOf, slotOf, slotsOf } from "./slots.ts";

export type NativeVerb = "create" | "replace" | "delete";

/** What one step sends: all that `apply` may use. A delete carries its address for the log; EC2 deletes by number. */
export interface NativeStep {
  readonly verb: NativeVerb;
  readonly acl: string;
  readonly direction: Direction;
  readonly number: number;
  readonly family: 4 | 6;
  readonly cidr: string;
}

/** The ACL as it will be after the steps compiled so far. */
interface Board {
  readonly settings: AwsNaclSettings;
  readonly frozen: ReadonlySet<string>;
  readonly used: Readonly<Record<Direction, Set<number>>>;
  /** Ids of entries that a later change removes. */
  readonly leaving: ReadonlySet<string>;
  ours: readonly Entry[];
}

function boardOf(request: CompileRequest, settings: AwsNaclSettings): Board {
  const used = { in: new Set<number>(), out: new Set<number>() };
  for (const entry of request.observation.ours) {
    const numbers = numbersOf(entry.id);
    if (numbers?.in != null) used.in.add(numbers.in);
    if (numbers?.out != null) used.out.add(numbers.out);
  }
  for (const entry of request.observation.foreign) {
    const place = placeOf(entry.id);
    if (place !== null) used[place.direction].add(place.number);
  }
  const leaving = new Set(request.changes.flatMap((change) => (change.verb === "remove" ? [change.entry.id] : [])));
  return { settings, frozen: request.frozen, used, leaving, ours: request.observation.ours };
}

function lowestFree(board: Board, direction: Direction): number | null {
  for (let number = board.settings.rules.first; number <= board.settings.rules.last; number += 1) {
    if (!board.used[direction].has(number) && !board.frozen.has(slotOf(direction, number))) return number;
  }
  return null;
}

const summaries = {
  create: (place: string, cidr: string) => `deny ${cidr} as ${place}`,
  replace: (place: string, cidr: string) => `deny ${cidr} in place of what stood as ${place}`,
  delete: (place: string, cidr: string) => `delete the deny of ${cidr}, ${place}`,
} as const satisfies Record<NativeVerb, (place: string, cidr: string) => string>;

interface Move {
  readonly verb: NativeVerb;
  readonly direction: Direction;
  readonly number: number;
  readonly cidr: Cidr;
  /** Entries before and after this one call. */
  readonly before: readonly Entry[];
  readonly after: readonly Entry[];
}

/** Makes the step and moves the board on. */
function take(board: Board, move: Move): Step {
  const { acl } = board.settings;
  const slot = slotOf(move.direction, move.number);
  const gone = move.before.map((entry) => entry.id);
  if (move.verb === "delete") board.used[move.direction].delete(move.number);
  else board.used[move.direction].add(move.number);
  board.ours = [...board.ours.filter((entry) => !gone.includes(entry.id)), ...move.after];
  const native: NativeStep = { verb: move.verb, acl, direction: move.direction, number: move.number, family: move.cidr.family, cidr: cidrText(move.cidr) };
  return {
    id: `aws-nacl/${acl}/${move.verb}/${slot}/${cidrText(move.cidr)}`,
    summary: summaries[move.verb](`${directionWords[move.direction]} rule ${move.number} of ${acl}`, cidrText(move.cidr)),
    slots: [slot],
    adds: move.after,
    removes: gone,
    native: { ...native },
  };
}

function entryOf(board: Board, numbers: Numbers, cidr: Cidr): readonly Entry[] {
  if (numbers.in === null && numbers.out === null) return [];
  return [{ id: entryIdOf(numbers, cidr), cidr, partial: partialOf(numbers, board.settings.direction) }];
}

/** Numbers for every direction that has none yet; null when one cannot be had. */
function fill(board: Board, numbers: Numbers): Numbers | null {
  const filled: { in: number | null; out: number | null } = { ...numbers };
  for (const direction of directionsOf(board.settings.direction)) {
    filled[direction] ??= lowestFree(board, direction);
    if (filled[direction] === null) return null;
  }
  return filled;
}

/**
 * The numbers of an entry that may be touched; null when it does not stand, a slot is frozen or out of range, or another
 * entry of the observation claims the same slot (a late answer: which of the two stands is not known).
 */
function touchable(board: Board, entry: Entry): Numbers | null {
  const numbers = numbersOf(entry.id);
  if (numbers === null || !board.ours.some((other) => other.id === entry.id)) return null;
  const slots = slotsOf(numbers);
  if (slots.some((slot) => board.frozen.has(slot))) return null;
  if ([numbers.in, numbers.out].some((number) => number !== null && !inRange(board.settings.rules, number))) return null;
  const others = board.ours.filter((other) => other.id !== entry.id).flatMap((other) => slotsOf(numbersOf(other.id) ?? { in: null, out: null }));
  return slots.some((slot) => others.includes(slot)) ? null : numbers;
}

/**
 * A lone half in this direction that is to go anyway. A swap that was cut short leaves one, and at a full quota the missing half
 * of its successor finds room nowhere but in its place.
 */
function leavingHalf(board: Board, direction: Direction): Entry | null {
  const other = direction === "in" ? "out" : "in";
  const halves = board.ours.filter((entry) => {
    const numbers = board.leaving.has(entry.id) ? touchable(board, entry) : null;
    return numbers !== null && numbers[direction] !== null && numbers[other] === null;
  });
  const numberOf = (entry: Entry) => numbersOf(entry.id)?.[direction] ?? 0;
  return halves.sort((a, b) => numberOf(a) - numberOf(b))[0] ?? null;
}

/** Ingress first: it is the half that stops an attacker. */
function addSteps(board: Board, cidr: Cidr): Step[] {
  const standing = board.ours.filter((entry) => sameCidr(entry.cidr, cidr));
  if (standing.some((entry) => entry.partial === null)) return [];
  const half = standing[0];
  return half === undefined ? createAll(board, cidr) : complete(board, half);
}

function createAll(board: Board, cidr: Cidr): Step[] {
  let numbers: Numbers = { in: null, out: null };
  const target = fill(board, numbers);
  if (target === null) return [];
  let before: readonly Entry[] = [];
  const steps: Step[] = [];
  for (const direction of directionsOf(board.settings.direction)) {
    const number = target[direction];
    if (number === null) continue;
    numbers = { ...numbers, [direction]: number };
    const after = entryOf(board, numbers, cidr);
    steps.push(take(board, { verb: "create", direction, number, cidr, before, after }));
    before = after;
  }
  return steps;
}

/** Adds the one half that is missing. */
function complete(board: Board, half: Entry): Step[] {
  const numbers = numbersOf(half.id);
  const direction = directionsOf(board.settings.direction).find((wanted) => numbers?.[wanted] === null);
  if (numbers === null || direction === undefined) return [];
  const leaver = leavingHalf(board, direction);
  const number = leaver === null ? lowestFree(board, direction) : (numbersOf(leaver.id)?.[direction] ?? null);
  if (number === null) return [];
  const after = entryOf(board, { ...numbers, [direction]: number }, half.cidr);
  const before = leaver === null ? [half] : [half, leaver];
  return [take(board, { verb: leaver === null ? "create" : "replace", direction, number, cidr: half.cidr, before, after })];
}

function removeSteps(board: Board, entry: Entry): Step[] {
  let numbers = touchable(board, entry);
  if (numbers === null) return [];
  let before: readonly Entry[] = [entry];
  const steps: Step[] = [];
  for (const direction of ["in", "out"] as const) {
    const number: number | null = numbers[direction];
    if (number === null) continue;
    numbers = { ...numbers, [direction]: null };
    const after = entryOf(board, numbers, entry.cidr);
    steps.push(take(board, { verb: "delete", direction, number, cidr: entry.cidr, before, after }));
    before = after;
  }
  return steps;
}

/** Each half is replaced in place, in one call, so that the quota is never passed and no gate opens in between. */
function swapSteps(board: Board, entry: Entry, cidr: Cidr): Step[] {
  if (board.ours.some((other) => sameCidr(other.cidr, cidr))) return [];
  let old = touchable(board, entry);
  const target = old === null ? null : fill(board, old);
  if (old === null || target === null) return [];
  let fresh: Numbers = { in: null, out: null };
  let before: readonly Entry[] = [entry];
  const steps: Step[] = [];
  for (const direction of directionsOf(board.settings.direction)) {
    const number = target[direction];
    if (number === null) continue;
    const verb = old[direction] === null ? "create" : "replace";
    old = { ...old, [direction]: null };
    fresh = { ...fresh, [direction]: number };
    const after = [...entryOf(board, fresh, cidr), ...entryOf(board, old, entry.cidr)];
    steps.push(take(board, { verb, direction, number, cidr, before, after }));
    before = after;
  }
  return steps;
}

function stepsFor(board: Board, change: Change): Step[] {
  switch (change.verb) {
    case "add":
      return addSteps(board, change.cidr);
    case "remove":
      return removeSteps(board, change.entry);
    case "swap":
      return swapSteps(board, change.entry, change.cidr);
  }
}

export function compile(request: CompileRequest, settings: AwsNaclSettings): readonly Step[] {
  const board = boardOf(request, settings);
  return request.changes.flatMap((change) => stepsFor(board, change));
}
