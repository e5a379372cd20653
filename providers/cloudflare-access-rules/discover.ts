// Finds accounts and zones whose IP Access rules a target could use, for `init`. Reads only; suggests, never decides.
import * as v from "valibot";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { Json } from "../../shared/ports.ts";
import type { Discovery, ProviderPorts } from "../../shared/provider.ts";
import { AccessRulesApi } from "./api.ts";
import { claimOf, claimValue, type Level, searchSchema } from "./config.ts";
import { ours } from "./limits.ts";

interface Offer {
  readonly title: string;
  readonly level: Level;
  readonly warnings: readonly string[];
}

/** Who has claimed it, or why that cannot be told. */
async function holderOf(api: AccessRulesApi, level: Level): Promise<readonly string[]> {
  const found = await api.rulesFor(level, claimValue);
  if (!found.ok) return [`its rules cannot be read: ${found.error.message}`];
  const holder = found.value.map((rule) => claimOf(rule.notes)).find((store) => store !== null);
  return holder === undefined ? [] : [`already claimed by store ${holder}`];
}

export async function discover(settings: Json, ports: ProviderPorts): Promise<Result<readonly Discovery[]>> {
  const parsed = v.safeParse(searchSchema, settings);
  if (!parsed.success) return fail("CONFIG_INVALID", `cannot look for IP Access rules: ${parsed.issues.map((issue) => issue.message).join("; ")}`);
  const { account, ...rest } = parsed.output;
  const api = new AccessRulesApi(rest.endpoint, ports);
  const zones = await api.zones(account);
  if (!zones.ok) return zones;
  const ids = new Set([...(account === undefined ? [] : [account]), ...zones.value.flatMap((zone) => zone.account.id ?? [])]);
  const accounts = [...ids].map((id): Offer => ({ title: `account ${id}: all its zones`, level: { name: "account", id }, warnings: [] }));
  const single = zones.value.slice(0, ours.zonesMax).map((zone): Offer => {
    const idle = zone.paused ? "paused" : zone.status === "active" ? null : zone.status;
    return { title: `zone ${zone.name} alone`, level: { name: "zone", id: zone.id }, warnings: idle === null ? [] : [`it is ${idle}, so nothing is enforced`] };
  });
  const found: Discovery[] = [];
  for (const { title, level, warnings } of [...accounts, ...single]) {
    found.push({ title, settings: { [level.name]: level.id, ...rest }, warnings: [...warnings, ...(await holderOf(api, level))] });
  }
  return ok(found);
}
