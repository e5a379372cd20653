// The small schemas that the sections of the configuration are made of; each message says what to write.
import * as v from "valibot";
import { limits } from "../limits.ts";
import { durationHint, durationText, parseDuration } from "../request/duration.ts";
import { canonical, shown } from "./problem.ts";

/** Message and remedy in one text; `validate.ts` takes them apart again. */
export function says(message: string, remedy: string): string {
  return `${message}; ${remedy}`;
}

export const namePattern = /^[a-z][a-z0-9-]{0,31}$/;
export const secretNamePattern = /^[A-Z][A-Z0-9_]{0,63}$/;

export const nameRemedy = `start with a letter and use lower-case letters, digits and dashes, at most ${limits.nameCharsMax} characters`;

export function isName(text: string): boolean {
  // These two are own to every object's prototype, and a table keyed by them would surprise someone.
  return namePattern.test(text) && text !== "constructor" && text !== "prototype";
}

export const nameSchema = v.pipe(
  v.string(says("not a name", nameRemedy)),
  v.regex(namePattern, (issue) => says(`${shown(issue.input)} is not a usable name`, nameRemedy)),
  v.check(isName, (issue) => says(`${shown(issue.input)} is not a usable name`, nameRemedy)),
);

/** What `parseDuration` reads, for editors; held to agree with it by test/config/. */
const durationPattern = /^[1-9][0-9]{0,8}[smhd]$/;

export interface DurationRange {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** A duration in its range; comes out in milliseconds. */
export function durationSchema(range: DurationRange) {
  const most = durationText(range.mostMs);
  const least = durationText(range.leastMs);
  return v.pipe(
    v.string((issue) => says(`${shown(issue.input)} has no unit of time`, durationHint)),
    v.regex(durationPattern, (issue) => says(`${shown(issue.input)} is not a duration`, durationHint)),
    v.transform((text) => parseDuration(text) ?? Number.NaN),
    v.check((ms) => ms <= range.mostMs, says(`longer than the longest allowed, ${most}`, `write ${most} or less`)),
    v.check((ms) => ms >= range.leastMs, says(`shorter than the shortest allowed, ${least}`, `write ${least} or more`)),
  );
}

export function integerSchema(least: number, most: number) {
  const remedy = `write a whole number from ${least} to ${most}`;
  return v.pipe(
    v.number((issue) => says(`${shown(issue.input)} is not a number`, remedy)),
    v.integer((issue) => says(`${issue.input} is not a whole number`, remedy)),
    v.minValue(least, (issue) => says(`${issue.input} is too small`, remedy)),
    v.maxValue(most, (issue) => says(`${issue.input} is too large`, remedy)),
  );
}

/** A number in its bounds, whole or not. */
export function numberSchema(least: number, most: number) {
  const remedy = `write a number from ${least} to ${most}`;
  return v.pipe(
    v.number((issue) => says(`${shown(issue.input)} is not a number`, remedy)),
    v.finite((issue) => says(`${issue.input} is not a number`, remedy)),
    v.minValue(least, (issue) => says(`${issue.input} is too small`, remedy)),
    v.maxValue(most, (issue) => says(`${issue.input} is too large`, remedy)),
  );
}

export function factorSchema(most: number) {
  const remedy = `write a number above 1, up to ${most}, such as 4`;
  return v.pipe(
    v.number((issue) => says(`${shown(issue.input)} is not a number`, remedy)),
    v.gtValue(1, (issue) => says(`${issue.input} makes nothing grow`, `${remedy}; \`escalate: false\` turns it off`)),
    v.maxValue(most, (issue) => says(`${issue.input} is too large`, remedy)),
  );
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(words: T) {
  return v.picklist(words, (issue) => says(`${shown(issue.input)} is not known here`, `write one of: ${words.join(", ")}`));
}

export function listOf<T extends v.GenericSchema>(item: T, most: number) {
  return v.pipe(
    v.array(item, (issue) => says(`${shown(issue.input)} is not a list`, "write [item, item], or one item per line after a dash")),
    v.maxLength(most, (issue) => says(`${issue.input.length} items`, `write at most ${most}`)),
  );
}

const rangeRemedy = "write an address such as 203.0.113.7 or a range such as 203.0.113.0/24";

/** One address or range, in any legal spelling; comes out canonical. */
export const cidrSchema = v.pipe(
  v.string((issue) => says(`${shown(issue.input)} is not an address`, rangeRemedy)),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const read = canonical(dataset.value);
    if (read.ok) return read.text;
    addIssue({ message: read.why.includes("; ") ? read.why : says(read.why, rangeRemedy) });
    return NEVER;
  }),
);

/** A range that a client calls from. */
export const originSchema = v.pipe(
  cidrSchema,
  v.check(
    (range) => !range.endsWith("/0"),
    (issue) => says(`${issue.input} is everyone`, "name the client's networks, or leave `from` out to allow any"),
  ),
);

/** A range that is never blocked. */
export const protectedSchema = v.pipe(
  cidrSchema,
  v.check(
    (range) => Number(range.split("/")[1]) >= limits.protectShortestPrefix,
    (issue) => says(`${issue.input} protects so much that it must be a typo`, `write a range of /${limits.protectShortestPrefix} or longer`),
  ),
);

export const prefixLengths = {
  ipv4: integerSchema(limits.shortestPrefix.ipv4, 32),
  ipv6: integerSchema(limits.shortestPrefix.ipv6, 128),
} as const;
