// A small account to test against: one token per policy, two zones, no list yet. Shared by the simulator's tests and cloudflare-list's.
import runPolicy from "../../providers/cloudflare-list/policy.json" with { type: "json" };
import setupPolicy from "../../providers/cloudflare-list/policy.setup.json" with { type: "json" };
import { type CloudflareServerOptions, type CloudflareSimulator, fillTokenPolicy, startCloudflareSimulator, type TokenSeed } from "./cloudflare.ts";

export const accountId = "023e105f4ecef8ad9ca31a8372d0c353";
export const zones = ["9f1839b6152d298aca64c4e906b6d074", "0da42c8d2132a9ddaf714f9e7c920711"] as const;

/** Not secrets: made up here, known to the simulator only. */
export const tokens = { run: "run-token-0123456789abcdefghijklmnopqrst", setup: "setup-token-0123456789abcdefghijklmnopqr" } as const;

export function fixtureTokens(): readonly TokenSeed[] {
  const names = { account: accountId, zones };
  return [
    { value: tokens.run, policies: fillTokenPolicy(runPolicy, names) },
    { value: tokens.setup, policies: fillTokenPolicy(setupPolicy, names) },
  ];
}

export function startFixture(options: CloudflareServerOptions = {}): Promise<CloudflareSimulator> {
  return startCloudflareSimulator({ accounts: [{ id: accountId, zones }], tokens: fixtureTokens(), ...options });
}
