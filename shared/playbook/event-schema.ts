// A detection event as a person writes it: whole, as `playbook explain` reads it, or in part, as cases do. Refuses fields that an event does not have.
import * as v from "valibot";
import { severities } from "../config.ts";
import { shown } from "../config-file/problem.ts";
import { sectionObject } from "../config-file/schema.ts";
import { cidrSchema, integerSchema, listOf, oneOf, says } from "../config-file/words.ts";
import { type DetectionEvent, eventCategories } from "../event/event.ts";
import { limits } from "../limits.ts";

const text = v.string((issue) => says(`${shown(issue.input)} is not a text`, "write it in quotes"));
const flag = v.boolean(says("not true or false", "write true or false"));
const optionalText = v.optional(text);
const number = integerSchema(0, Number.MAX_SAFE_INTEGER);
const addresses = v.optional(listOf(cidrSchema, limits.eventListMax), []);
const fact = v.union(
  [v.string(), v.pipe(v.number(), v.finite()), v.boolean()],
  says("not a text, a number, true or false", "keep facts flat: one name, one value"),
);

/** Conditions see what is not known as an empty text, and so may people write it. */
const direction = v.pipe(
  oneOf(["inbound", "outbound", ""]),
  v.transform((word) => (word === "" ? null : word)),
);

const resource = sectionObject({ kind: text, id: text, account: optionalText, region: optionalText, namespace: optionalText });

const fields = {
  id: v.optional(text, "case"),
  source: v.optional(text, "test"),
  type: v.optional(text, "test"),
  category: v.optional(oneOf(eventCategories), "other"),
  title: v.optional(text, ""),
  severity: v.optional(oneOf(severities), "medium"),
  at: v.optional(v.nullable(number), null),
  status: v.optional(oneOf(["firing", "resolved"]), "firing"),
  sample: v.optional(flag, false),
  direction: v.optional(v.nullable(direction), null),
  actor: v.optional(sectionObject({ addresses, user: optionalText, process: optionalText }), {}),
  victim: v.optional(sectionObject({ addresses }), {}),
  resources: v.optional(listOf(resource, limits.eventListMax), []),
  forMs: v.optional(v.nullable(number), null),
  evidence: v.optional(v.record(v.string(), fact, says("not a map of facts", "write { name: value }")), {}),
};

/** Every field may be left out; what is then taken says nothing. */
export const eventSchema = sectionObject(fields);

/** As an adapter makes it: what it says, it says. */
export const wholeEventSchema = sectionObject({ ...fields, id: text, source: text, type: text, category: oneOf(eventCategories), severity: oneOf(severities) });

type Written = v.InferOutput<typeof eventSchema>;

/** Fields that nobody wrote are absent, not undefined. */
function dropped<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

export function eventOf(written: Written): DetectionEvent {
  return { ...written, actor: dropped(written.actor), resources: written.resources.map(dropped) };
}
