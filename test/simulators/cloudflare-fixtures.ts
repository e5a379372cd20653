// A small account to test against: one token per policy, two zones, no list yet. Shared by the tests of the simulator and of every kind of Cloudflare.
import accessPolicy from "../../providers/cloudflare-access-rules/policy.json" with { type: "json" };
import zoneAccessPolicy from "../../providers/cloudflare-access-rules/policy.zone.json" with { type: "json" };
import runPolicy from "../../providers/cloudflare-list/policy.json" with { type: "json" };
import setupPolicy from "../../providers/cloudflare-list/policy.setup.json" with { type: "json" };
import { type CloudflareServerOptions, type CloudflareSimulator, fillTokenPolicy, startCloudflareSimulator, type TokenSeed } from "./cloudflare.ts";

export const accountId = "023e105f4ecef8ad9ca31a8372d0c353";
export const zones = ["9f1839b6152d298aca64c4e906b6d074", "0da42c8d2132a9ddaf714f9e7c920711"] as const;

/** Not secrets: made up here, known to the simulator only. */
export const tokens = {
  run: "run-token-0123456789abcdefghijklmnopqrst",
  setup: "setup-token-0123456789abcdefghijklmnopqr",
  access: "access-token-0123456789abcdefghijklmnopq",
  zoneAccess: "zone-access-token-0123456789abcdefghijkl",
} as const;

export function fixtureTokens(): readonly TokenSeed[] {
  const names = { account: accountId, zones };
  return [
    { value: tokens.run, policies: fillTokenPolicy(runPolicy, names) },
    { value: tokens.setup, policies: fillTokenPolicy(setupPolicy, names) },
    { value: tokens.access, policies: fillTokenPolicy(accessPolicy, names) },
    { value: tokens.zoneAccess, policies: fillTokenPolicy(zoneAccessPolicy, names) },
  ];
}

export function startFixture(options: CloudflareServerOptions = {}): Promise<CloudflareSimulator> {
  return startCloudflareSimulator({ accounts: [{ id: accountId, zones }], tokens: fixtureTokens(), ...options });
}
