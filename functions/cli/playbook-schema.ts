// The JSON Schema of a playbook for editors, made from the schemas that the reader checks with.
// Refuses to be the judge: conditions are checked by `playbook test`, with the fields of an event.
import * as v from "valibot";
import { limits } from "../../shared/limits.ts";
import { onItems, onSchema, playbookEntries, stepSchemas } from "../../shared/playbook/schema.ts";
import { asObject, converted, described, type JsonObject } from "./editor-schema.ts";

/** What an editor shows beside a key. */
const descriptions: Readonly<Record<string, string>> = {
  name: "By which it is known in the log and to the throttle; one playbook has it.",
  title: "One line that says what it is for.",
  mode: "observe (when left out): says what it would do. enforce: does it.",
  on: "Which events it looks at. At least one of source, type, category.",
  when: 'CEL over `event`, such as: event.direction == "inbound" && event.level >= 2. Left out: always.',
  throttle: "At most so many firings within a time, counted apart for each actor, each event, or for the playbook.",
  approve: "A person has to agree, by a signed link, within this time.",
  do: "Steps, in order.",
};

const onDescriptions: Readonly<Record<string, string>> = {
  source: "Adapters' names, such as guardduty.",
  type: "The source's own names; a * at the end stands for any rest.",
  category: "What kind of thing happened.",
  status: "resolved: when the source takes an event back.",
  sample: "true: tests and samples of the source too.",
};

const stepDescriptions: Readonly<Record<string, string>> = {
  block: "Blocks the attacker's addresses of the event.",
  lift: "Ends the blocks of the attacker's addresses.",
  log: "Writes a line to the log.",
  for: "How long it lasts; left out: as long as the event asks for, or the configuration's default.",
  retry: "Tries again when it fails.",
  continueOnError: "Goes on with the next step when this one fails.",
};

function orList(item: v.GenericSchema): JsonObject {
  const one = converted(item);
  return { anyOf: [one, { type: "array", items: one, minItems: 1, maxItems: 64 }] };
}

function onJson(): JsonObject {
  const plain = converted(onSchema);
  const lists = Object.fromEntries(Object.entries(onItems).map(([key, item]) => [key, orList(item)]));
  const properties = { ...lists, ...Object.fromEntries(Object.entries(asObject(plain.properties)).filter(([key]) => !Object.hasOwn(lists, key))) };
  const some = Object.keys(lists).map((key) => ({ required: [key] }));
  return described({ ...plain, properties, anyOf: some }, onDescriptions);
}

/** `block:` with nothing after it is an action of which nothing is said. */
function actionJson(schema: v.GenericSchema, action: string): JsonObject {
  const step = converted(schema);
  const properties = asObject(step.properties);
  const inner = action === "log" ? properties[action] : { anyOf: [properties[action], { type: "null" }] };
  return described({ ...step, properties: { ...properties, [action]: inner } }, stepDescriptions);
}

export function playbookSchema(): JsonObject {
  const head = converted(v.strictObject(playbookEntries));
  const actions = Object.entries(stepSchemas).map(([action, schema]) => actionJson(schema, action));
  const together = {
    type: "object",
    properties: { together: { type: "array", items: { anyOf: actions }, minItems: 2, maxItems: limits.stepsMax, description: "Steps side by side." } },
    required: ["together"],
    additionalProperties: false,
  };
  const steps = { type: "array", items: { anyOf: [...actions, together] }, minItems: 1, maxItems: limits.stepsMax };
  const properties = { ...asObject(head.properties), on: onJson(), do: steps };
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Portcullis playbook",
    description: "Shape of a playbook, for editors. `portcullis playbook test` checks more.",
    type: "object",
    properties,
    required: ["name", "title", "on", "do"],
    additionalProperties: false,
  };
  return described(schema, descriptions);
}
