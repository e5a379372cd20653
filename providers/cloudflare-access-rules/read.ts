// From Cloudflare's JSON to what this kind works with. Pure. Refuses to guess: what cannot be read whole is null, never shorter.
// Shapes: cloudflare/api-schemas and the types of the vendor's TypeScript client 7.3.0 (2026-11-20).
import * as v from "valibot";
import type { EpochMs } from "../../shared/ports.ts";

const id = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/));

function timeOf(text: string): EpochMs | null {
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

const ruleSchema = v.pipe(
  v.looseObject({
    id,
    mode: v.string(),
    configuration: v.looseObject({ target: v.string(), value: v.string() }),
    notes: v.nullish(v.string(), ""),
    created_on: v.nullish(v.string(), ""),
    scope: v.nullish(v.looseObject({ type: v.nullish(v.string()) })),
  }),
  v.transform((rule) => ({
    id: rule.id,
    mode: rule.mode,
    target: rule.configuration.target,
    value: rule.configuration.value,
    notes: rule.notes,
    /** Null when the answer does not say. */
    createdMs: timeOf(rule.created_on),
    /** `user`, `organization` or `zone`; null when the answer does not say. */
    scope: rule.scope?.type ?? null,
  })),
);
const zoneSchema = v.pipe(
  v.looseObject({
    id,
    name: v.string(),
    status: v.string(),
    paused: v.optional(v.boolean(), false),
    account: v.nullish(v.looseObject({ id: v.nullish(v.string()), name: v.nullish(v.string()) })),
  }),
  v.transform(({ account, ...zone }) => ({
    id: zone.id,
    name: zone.name,
    status: zone.status,
    paused: zone.paused,
    account: { id: account?.id ?? null, name: account?.name ?? "" },
  })),
);

export type NativeRule = v.InferOutput<typeof ruleSchema>;
export type NativeZone = v.InferOutput<typeof zoneSchema>;

function read<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T | null {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? parsed.output : null;
}

export const readRule = (value: unknown): NativeRule | null => read(ruleSchema, value);
export const readRules = (value: unknown): readonly NativeRule[] | null => read(v.array(ruleSchema), value);
export const readZone = (value: unknown): NativeZone | null => read(zoneSchema, value);
export const readZones = (value: unknown): readonly NativeZone[] | null => read(v.array(zoneSchema), value);
