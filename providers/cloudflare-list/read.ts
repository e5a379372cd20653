// From Cloudflare's JSON to what this kind works with. Pure. Refuses to guess: what cannot be read whole is null, never shorter.
// Shapes: cloudflare/api-schemas and the types of the vendor's TypeScript client 7.3.0 (2026-11-20).
import * as v from "valibot";

const id = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/));
const text = v.nullish(v.string(), "");

const listSchema = v.pipe(
  v.looseObject({ id, name: v.string(), kind: v.string(), num_items: v.pipe(v.number(), v.integer(), v.minValue(0)), description: text, modified_on: text }),
  v.transform((list) => ({
    id: list.id,
    name: list.name,
    kind: list.kind,
    itemCount: list.num_items,
    description: list.description,
    modifiedOn: list.modified_on,
  })),
);
const itemSchema = v.pipe(
  v.looseObject({ id, ip: v.string(), comment: text }),
  v.transform((item) => ({ id: item.id, ip: item.ip, comment: item.comment })),
);
const operationSchema = v.looseObject({ id, status: v.picklist(["pending", "running", "completed", "failed"]), error: text });
const acceptedSchema = v.looseObject({ operation_id: id });
const ruleSchema = v.looseObject({
  id,
  ref: text,
  action: text,
  expression: text,
  description: text,
  enabled: v.optional(v.boolean(), true),
});
const rulesetSchema = v.looseObject({ id, rules: v.optional(v.array(ruleSchema), []) });

export type NativeList = v.InferOutput<typeof listSchema>;
export type NativeItem = v.InferOutput<typeof itemSchema>;
export type NativeOperation = v.InferOutput<typeof operationSchema>;
export type NativeRule = v.InferOutput<typeof ruleSchema>;
export type NativeRuleset = v.InferOutput<typeof rulesetSchema>;

function read<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T | null {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? parsed.output : null;
}

export const readLists = (value: unknown): readonly NativeList[] | null => read(v.array(listSchema), value);
export const readList = (value: unknown): NativeList | null => read(listSchema, value);
export const readItems = (value: unknown): readonly NativeItem[] | null => read(v.array(itemSchema), value);
export const readOperation = (value: unknown): NativeOperation | null => read(operationSchema, value);
export const readAccepted = (value: unknown): string | null => read(acceptedSchema, value)?.operation_id ?? null;
export const readRuleset = (value: unknown): NativeRuleset | null => read(rulesetSchema, value);
