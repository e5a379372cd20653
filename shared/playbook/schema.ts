// The shape of a playbook file, once for the reader and for editors; each message says what to write.
// Refuses to know YAML: it judges plain values.
import * as v from "valibot";
import { severities } from "../config.ts";
import { shown, suggestion } from "../config-file/problem.ts";
import { sectionObject } from "../config-file/schema.ts";
import { durationSchema, integerSchema, listOf, nameSchema, oneOf, prefixLengths, says } from "../config-file/words.ts";
import { eventCategories } from "../event/event.ts";
import { limits } from "../limits.ts";
import { throttleKeys } from "./playbook.ts";

const lease = { leastMs: limits.leaseShortestMs, mostMs: limits.leaseLongestMs };

function line(what: string) {
  return v.pipe(
    v.string((issue) => says(`${shown(issue.input)} is not a text`, `write ${what} in quotes`)),
    v.trim(),
    v.minLength(1, says("an empty text", `write ${what}`)),
    v.maxLength(limits.playbookTextCharsMax, (issue) => says(`a text of ${issue.input.length} characters`, `write at most ${limits.playbookTextCharsMax}`)),
  );
}

/** One or several; comes out as a list. */
function oneOrMore<const T extends v.GenericSchema<unknown, string>>(item: T, what: string) {
  const list = v.pipe(listOf(item, 64), v.minLength(1, says("an empty list", `name ${what}, or leave the key out to mean any`)));
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === "string" ? [value] : value)),
    list,
  );
}

const category = v.picklist(eventCategories, (issue) => says(`${shown(issue.input)} is not a category of events`, suggestion(issue.input, eventCategories)));

const typeName = v.pipe(
  line("the source's own name, such as Recon:EC2/*"),
  v.check((text) => !text.slice(0, -1).includes("*"), says("a * that is not at the end", "put the * last, as in Recon:*, or compare event.type in `when`")),
  v.check((text) => text !== "*", says("a * alone", "leave `type` out to mean any")),
);

/** What each list of `on` holds. */
export const onItems = { source: line("the adapter's name, such as guardduty"), type: typeName, category } as const;

export const onSchema = v.pipe(
  sectionObject({
    source: v.optional(oneOrMore(onItems.source, "sources")),
    type: v.optional(oneOrMore(onItems.type, "types")),
    category: v.optional(oneOrMore(onItems.category, "categories")),
    status: v.optional(oneOf(["firing", "resolved"]), "firing"),
    sample: v.optional(v.boolean(says("not true or false", "write true to act on tests and samples of the source too, or leave it out")), false),
  }),
  v.check(
    ({ source, type, category }) => source !== undefined || type !== undefined || category !== undefined,
    says("every event of every source", "write at least one of: source, type, category"),
  ),
);

const retrySchema = sectionObject({
  times: integerSchema(1, limits.retryTimesMax),
  wait: v.optional(durationSchema({ leastMs: 1_000, mostMs: limits.retryWaitLongestMs }), "10s"),
});

export const blockSchema = sectionObject({
  addresses: v.optional(
    v.picklist(["actor"], (issue) =>
      says(
        `${shown(issue.input)} is not what can be blocked`,
        issue.input === "victim" ? "write actor: the victim's addresses are ours" : "write actor, or leave it out: the attacker's addresses of the event",
      ),
    ),
    "actor",
  ),
  severity: v.optional(oneOf(severities)),
  targets: v.optional(v.pipe(listOf(nameSchema, limits.targetsMax), v.minLength(1, says("an empty list", "name targets, or leave `targets` out")))),
  prefix: v.optional(sectionObject({ ipv4: v.optional(prefixLengths.ipv4), ipv6: v.optional(prefixLengths.ipv6) })),
});

export const liftSchema = sectionObject({
  addresses: v.optional(
    v.picklist(["actor"], (issue) => says(`${shown(issue.input)} is not what can be lifted`, "write actor, or leave it out")),
    "actor",
  ),
});

export const logSchema = sectionObject({ message: line("what the log is to say") });

/** Keys beside the action. */
export const stepCore = {
  retry: v.optional(retrySchema),
  continueOnError: v.optional(v.boolean(says("not true or false", "write true to go on with the next step when this one fails")), false),
} as const;

/** The keys of a step, by its action. An action of which nothing is said is written `block: {}`. */
export const stepSchemas = {
  block: sectionObject({ block: blockSchema, for: v.optional(durationSchema(lease)), ...stepCore }),
  lift: sectionObject({ lift: liftSchema, ...stepCore }),
  log: sectionObject({ log: logSchema, ...stepCore }),
} as const;

export const whenSchema = v.pipe(
  v.string((issue) => says(`${shown(issue.input)} is not a condition`, 'write CEL in quotes, such as "event.level >= 2", or leave `when` out')),
  v.check((text) => text.trim() !== "", says("an empty condition", "leave `when` out to mean always")),
);

/** All keys but `do`, whose steps are judged one by one. */
export const playbookEntries = {
  name: nameSchema,
  title: line("one line that says what the playbook is for"),
  mode: v.optional(oneOf(["observe", "enforce"]), "observe"),
  on: onSchema,
  when: v.optional(whenSchema),
  throttle: v.optional(
    sectionObject({
      per: v.optional(oneOf(throttleKeys), "actor"),
      most: integerSchema(1, limits.throttleMost),
      every: durationSchema({ leastMs: 1_000, mostMs: limits.throttleLongestMs }),
    }),
  ),
  approve: v.optional(sectionObject({ within: durationSchema({ leastMs: limits.leaseShortestMs, mostMs: limits.approveLongestMs }) })),
} as const;
