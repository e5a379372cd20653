// Finds lists of addresses in an account that a target could use, for `init`. Reads only; suggests, never decides.
import * as v from "valibot";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { Json } from "../../shared/ports.ts";
import type { Discovery, ProviderPorts } from "../../shared/provider.ts";
import { accountSchema, type CloudflareAccount, claimOf } from "./config.ts";
import { cloudflareLimits } from "./limits.ts";
import type { NativeList } from "./read.ts";
import { Wire } from "./wire.ts";

const ownName = "portcullis";
const noZones = "no zone is named: write the ids of the zones to protect under zones, or nothing is enforced";

function counted(items: number): string {
  return items === 1 ? "1 item" : `${items} items`;
}

function discoveryOf(list: NativeList, account: CloudflareAccount, left: number): Discovery {
  const holder = claimOf(list.description);
  const warnings = [noZones];
  if (holder !== null) warnings.push(`list ${list.name} is already claimed by store ${holder}`);
  else if (list.itemCount > 0)
    warnings.push(`list ${list.name} holds ${counted(list.itemCount)} of others: a list of its own is safer (see shared in the README)`);
  if (left < 1_000) warnings.push(`the account's lists leave room for ${Math.max(0, left)} of ${cloudflareLimits.itemsPerAccount} items`);
  return { title: `list ${list.name} (${counted(list.itemCount)})`, settings: { ...account, list: list.name, zones: [] }, warnings };
}

export async function discover(settings: Json, ports: ProviderPorts): Promise<Result<readonly Discovery[]>> {
  const parsed = v.safeParse(accountSchema, settings);
  if (!parsed.success) return fail("CONFIG_INVALID", `cannot look for lists: ${parsed.issues.map((issue) => issue.message).join("; ")}`);
  const account = parsed.output;
  const lists = await new Wire(account, ports).lists();
  if (!lists.ok) return lists;
  const all = lists.value.value;
  const left = cloudflareLimits.itemsPerAccount - all.reduce((sum, list) => sum + list.itemCount, 0);
  const found = all.filter((list) => list.kind === "ip").map((list) => discoveryOf(list, account, left));
  if (all.some((list) => list.name === ownName)) return ok(found);
  const fresh = { title: `list ${ownName} (new: setup makes it)`, settings: { ...account, list: ownName, zones: [] }, warnings: [noZones] };
  return ok([fresh, ...found]);
}
