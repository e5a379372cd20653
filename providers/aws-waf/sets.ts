// Reading and writing one IP set. Missing is not empty: an answer without the set that was asked for, or with an address list that
// cannot be read whole, says nothing about what stands.
import * as v from "valibot";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { Purpose } from "../internal/aws/credentials.ts";
import type { Answered, Client } from "./client.ts";
import { meaningOf } from "./codes.ts";
import type { SetName } from "./config.ts";

/** An IP set as WAF gives it. */
export interface NativeSet {
  readonly name: SetName;
  readonly version: "IPV4" | "IPV6";
  readonly description: string;
  /** As WAF spells them. */
  readonly addresses: readonly string[];
  readonly lockToken: string;
}

export type ReadSet =
  | { readonly found: true; readonly set: NativeSet; readonly serverDate: EpochMs | null }
  | { readonly found: false; readonly name: SetName; readonly serverDate: null };

const answerSchema = v.looseObject({
  IPSet: v.looseObject({
    ARN: v.string(),
    IPAddressVersion: v.picklist(["IPV4", "IPV6"]),
    Description: v.nullish(v.string()),
    Addresses: v.array(v.string()),
  }),
  LockToken: v.pipe(v.string(), v.minLength(1)),
});

function named(set: SetName) {
  return { Name: set.name, Scope: set.scope, Id: set.id };
}

export async function readSet(client: Client, name: SetName, purpose: Purpose, signal?: Signal): Promise<Result<ReadSet>> {
  const what = `GetIPSet of ${name.name}`;
  const call = { action: "GetIPSet", body: named(name), what, purpose, effect: "read" } as const;
  const sent = await client.send(call, signal);
  if (!sent.ok) return sent;
  const { answer, circumstances } = sent.value;
  if (answer.kind === "error" && meaningOf(answer) === "missing") return ok({ found: false, name, serverDate: null });
  if (answer.kind !== "ok") return client.failure(call, answer, circumstances);
  const read = v.safeParse(answerSchema, answer.content);
  if (!read.success || read.output.IPSet.ARN !== name.arn)
    return fail("PROVIDER_UNAVAILABLE", `${what} answered without a readable ${name.arn}; nothing is concluded from it`);
  const { IPSet, LockToken } = read.output;
  const set = { name, version: IPSet.IPAddressVersion, description: IPSet.Description ?? "", addresses: IPSet.Addresses, lockToken: LockToken };
  return ok({ found: true, set, serverDate: answer.serverDate });
}

export interface SetUpdate {
  readonly name: SetName;
  readonly description: string;
  /** All that the set holds afterwards. */
  readonly addresses: readonly string[];
  readonly lockToken: string;
}

export interface Updated extends Answered {
  readonly what: string;
}

/** Replaces the set. The description goes along each time: whether leaving it out would keep it is not documented. */
export async function writeSet(client: Client, update: SetUpdate, purpose: Purpose, signal?: Signal): Promise<Result<Updated>> {
  const { name, description, addresses, lockToken } = update;
  const what = `UpdateIPSet of ${name.name} with ${addresses.length} addresses`;
  const text = description === "" ? {} : { Description: description };
  const body = { ...named(name), ...text, Addresses: [...addresses], LockToken: lockToken };
  const sent = await client.send({ action: "UpdateIPSet", body, what, purpose, effect: "write" }, signal);
  return sent.ok ? ok({ ...sent.value, what }) : sent;
}
