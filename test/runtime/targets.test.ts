// What the runtime makes of the configured targets: one that cannot work says why, and holds up no other.
import { describe, expect, test } from "vitest";
import { deploymentOf } from "../../functions/runtime/deployment.ts";
import { makeTargets } from "../../functions/runtime/targets.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import type { TargetConfig } from "../../shared/config.ts";
import { testConfig } from "../coordinator/world.ts";

function target(acl: string, credentials: Record<string, string>): TargetConfig {
  const settings = { region: "eu-west-1", acl, rules: { first: 1, last: 40, limit: 20 }, direction: "ingress" };
  return { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings, credentials, formerly: null };
}

const config = testConfig({
  targets: {
    whole: target("acl-0123456789abcdef0", { accessKeyId: "ID", secretAccessKey: "SECRET" }),
    unset: target("acl-0123456789abcdef1", { accessKeyId: "ID", secretAccessKey: "MISSING" }),
  },
});

function parts(secrets: Readonly<Record<string, string>>) {
  const refuse = async (): Promise<Response> => {
    throw new Error("no network in this test");
  };
  return {
    config,
    definitions: { "aws-nacl": awsNacl as never },
    secrets: async (name: string) => secrets[name],
    fetch: refuse,
    allowedHosts: undefined,
    clock: { now: () => 0 },
    random: { bytes: (count: number) => new Uint8Array(count) },
    log: () => undefined,
  };
}

describe("makeTargets", () => {
  test("secrets: a missing one fails its own target by name, with nothing sent, and admits all the same", async () => {
    const [whole, unset] = await makeTargets(parts({ ID: "AKIAEXAMPLEEXAMPLE12", SECRET: "s3cret-value" }));
    const seen = await unset?.provider.observe();
    expect(seen).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining("MISSING") } });
    expect([unset?.calls.made, whole?.serialKey === unset?.serialKey]).toEqual([0, false]);
    expect(JSON.stringify([seen, whole, unset])).not.toContain("s3cret-value");
  });

  test("kinds: one that is not compiled in is refused, also by an inherited name", async () => {
    const strange = { ...config, targets: { odd: { ...target("acl-0123456789abcdef0", {}), kind: "constructor" } } };
    await expect(makeTargets({ ...parts({}), config: strange })).rejects.toThrow(/not compiled in/);
  });
});

describe("deploymentOf", () => {
  test("name: the same configuration has the same name, any change another", () => {
    expect(deploymentOf(config)).toBe(deploymentOf(structuredClone(config)));
    expect(deploymentOf({ ...config, protect: { ...config.protect, ranges: ["192.0.2.1/32"] } })).not.toBe(deploymentOf(config));
    expect(deploymentOf({ ...config, protect: { ...config.protect, presets: [] } })).not.toBe(deploymentOf(config));
  });
});
