// One step, one call that changes something, one outcome. Never throws. Refuses a step that names another list, and a list that
// changed since it was read.
import * as v from "valibot";
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { Signal } from "../../shared/ports.ts";
import type { Outcome, Step } from "../../shared/provider.ts";
import { outcomeOfError } from "../internal/cloudflare/failures.ts";
import type { Operation } from "./batches.ts";
import type { NativeStep } from "./compile.ts";
import { type CloudflareListSettings, claimOf } from "./config.ts";
import { type NativeList, readAccepted } from "./read.ts";
import type { Wire } from "./wire.ts";

const target = { account: v.string(), list: v.string(), storeId: v.nullable(v.string()), itemCount: v.number() };
const nativeSchema = v.variant("verb", [
  v.strictObject({ verb: v.literal("add"), ...target, items: v.array(v.strictObject({ ip: v.string(), comment: v.string() })) }),
  v.strictObject({ verb: v.literal("remove"), ...target, ids: v.array(v.string()), values: v.array(v.string()) }),
  v.strictObject({ verb: v.literal("tell"), text: v.string() }),
]);

type Change = Exclude<NativeStep, { readonly verb: "tell" }>;

/** Counters of a list as they were when its items were read. */
export interface Counters {
  readonly itemCount: number;
  readonly modifiedOn: string;
}

export interface ApplyTools {
  readonly settings: CloudflareListSettings;
  readonly wire: Wire;
  /** Of the last observation; null in an instance that made none. */
  readonly counters: Counters | null;
  readonly accepted: (operation: Operation) => void;
}

function nativeOf(step: Step, settings: CloudflareListSettings): Result<NativeStep> {
  const parsed = v.safeParse(nativeSchema, step.native);
  const isOurs = parsed.success && (parsed.output.verb === "tell" || (parsed.output.list === settings.list && parsed.output.account === settings.account));
  if (isOurs) return ok(parsed.output);
  return fail("PROVIDER_REJECTED", `step ${step.id} is not a step of list ${settings.list}; nothing was sent`, { step: step.id });
}

/** Why the list is not what the step was decided on; null: it is. */
function changeOf(list: NativeList | undefined, native: Change, counters: Counters | null): string | null {
  if (list === undefined) return `list ${native.list} is gone`;
  if (claimOf(list.description) !== native.storeId) return `list ${native.list} was claimed or released meanwhile`;
  const itemCount = counters?.itemCount ?? native.itemCount;
  if (list.itemCount !== itemCount) return `list ${native.list} holds ${list.itemCount} items, where ${itemCount} were read`;
  // An item that was not shown may be its owner's, and adding it again would take it from him.
  if (native.verb === "add" && list.itemCount > native.itemCount) return `list ${native.list} holds ${list.itemCount} items and showed ${native.itemCount}`;
  if (counters !== null && list.modifiedOn !== counters.modifiedOn) return `list ${native.list} was changed since it was read`;
  return null;
}

/** Few enough to be asked for one by one. */
const askedMax = 3;

/** Whether what was to be removed is gone already: then nobody's change stands in the way. */
async function areGone(tools: ApplyTools, list: NativeList, native: Change, signal?: Signal): Promise<boolean> {
  if (native.verb !== "remove" || native.ids.length > askedMax) return false;
  for (const id of native.ids) {
    const what = `reading item ${id} of list ${list.name}`;
    const found = await tools.wire.find({ method: "GET", path: `${tools.wire.itemsPath(list.id)}/${id}`, what }, signal);
    if (!found.ok || found.value !== null) return false;
  }
  return true;
}

async function send(tools: ApplyTools, list: NativeList, native: Change, signal?: Signal): Promise<Outcome> {
  const path = tools.wire.itemsPath(list.id);
  const values = native.verb === "add" ? native.items.map((item) => item.ip) : native.values;
  const what = `${native.verb === "add" ? "adding" : "removing"} ${values.length} items of list ${list.name}`;
  const call =
    native.verb === "add"
      ? { method: "POST" as const, path, what, body: native.items.map((item) => ({ ...item })) }
      : { method: "DELETE" as const, path, what, body: { items: native.ids.map((id) => ({ id })) } };
  const answer = await tools.wire.send(call, "write", signal);
  if (!answer.ok) return outcomeOfError(answer.error, tools.wire.now);
  const operation = readAccepted(answer.value.result);
  if (operation === null) return { kind: "unknown", why: `${what} was accepted without the id of an operation` };
  tools.accepted({ id: operation, verb: native.verb, values, sentAtMs: tools.wire.now });
  // Accepted is not applied: an operation can still fail whole.
  return { kind: "pending", operation };
}

export async function applyStep(tools: ApplyTools, step: Step, signal?: Signal): Promise<Outcome> {
  const parsed = nativeOf(step, tools.settings);
  if (!parsed.ok) return { kind: "failed", error: parsed.error };
  const native = parsed.value;
  if (native.verb === "tell") return { kind: "failed", error: new PortcullisError("PROVIDER_REJECTED", native.text) };
  const lists = await tools.wire.lists(signal);
  if (!lists.ok) return outcomeOfError(lists.error, tools.wire.now);
  const list = lists.value.value.find((candidate) => candidate.name === native.list);
  const changed = changeOf(list, native, tools.counters);
  if (list !== undefined && changed === null) return send(tools, list, native, signal);
  if (list !== undefined && (await areGone(tools, list, native, signal))) return { kind: "already" };
  return { kind: "conflict", why: changed ?? "the list is gone" };
}
