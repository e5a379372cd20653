// The bounded loop of `drain --direct`, against a firewall that answers whatever a cloud may answer.
import { describe, expect, it } from "vitest";
import type { BoundTarget } from "../../functions/cli/config-in-use.ts";
import { drainDirect } from "../../functions/cli/drain-direct.ts";
import { cidrOf } from "../../shared/address/index.ts";
import { fail, ok, PortcullisError } from "../../shared/errors.ts";
import type { Entry, Observation, Outcome, Provider } from "../../shared/provider.ts";
import { definitions } from "../config/support.ts";

const now = 1_800_000_000_000;

interface Firewall {
  readonly provider: Provider;
  readonly standing: Map<string, Entry>;
  readonly applied: string[];
}

/** Removes what it is told to, after giving the scripted outcomes; `commits` says whether those took effect. */
function firewall(outcomes: readonly Outcome[], commits = false, observation: Partial<Observation> = {}): Firewall {
  const standing = new Map(
    ["203.0.113.1", "203.0.113.2", "203.0.113.3"].map((ip, index) => [String(index), { id: String(index), cidr: cidrOf(ip), partial: null }]),
  );
  const script = [...outcomes];
  const applied: string[] = [];
  const provider: Provider = {
    admit: () => ({ kind: "accept" }),
    observe: async () =>
      ok({
        ours: [...standing.values()],
        foreign: [{ id: "f", summary: "someone's" }],
        pools: [],
        storeId: "store0123",
        enforcing: { yes: true },
        terminal: null,
        serverDate: null,
        ...observation,
      }),
    compile: ({ changes }) =>
      changes.flatMap((change) =>
        change.verb === "remove"
          ? [{ id: change.entry.id, summary: `remove ${change.entry.id}`, slots: [], adds: [], removes: [change.entry.id], native: change.entry.id }]
          : [],
      ),
    apply: async (step) => {
      applied.push(step.id);
      const outcome = script.shift() ?? { kind: "applied" };
      const effective = outcome.kind === "applied" || outcome.kind === "already" || commits;
      if (effective) standing.delete(step.id);
      return outcome;
    },
    setup: async () => fail("UNSUPPORTED", "not here"),
  };
  return { provider, standing, applied };
}

interface Drained {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly slept: readonly number[];
}

async function drain(provider: Provider, options: { readonly dryRun?: boolean; readonly unclaimed?: boolean } = {}): Promise<Drained> {
  const definition = definitions["aws-nacl"];
  if (definition === undefined) throw new Error("no aws-nacl");
  const target: BoundTarget = {
    name: "web",
    config: { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null },
    definition,
    provider,
  };
  const out: string[] = [];
  const err: string[] = [];
  const slept: number[] = [];
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    env: {},
    input: async () => "",
    now: () => now,
    randomBytes: (count: number) => new Uint8Array(count),
  };
  const sleep = async (ms: number) => void slept.push(ms);
  const code = await drainDirect(target, { io, sleep, dryRun: options.dryRun ?? false, unclaimed: options.unclaimed ?? false });
  return { code, out: out.join("\n"), err: err.join("\n"), slept };
}

describe("drain --direct", () => {
  it.each<readonly [string, Outcome, boolean]>([
    ["unknown, and it took effect", { kind: "unknown", why: "lost" }, true],
    ["unknown, and it did not", { kind: "unknown", why: "lost" }, false],
    ["conflict", { kind: "conflict", why: "changed" }, false],
    ["pending", { kind: "pending", operation: "op-1" }, true],
    ["throttled", { kind: "throttled", retryAtMs: now + 5_000, why: "slow down" }, false],
    ["already", { kind: "already" }, true],
  ])("drainDirect: looks again and finishes after an outcome: %s", async (_title, outcome, commits) => {
    const { provider, standing } = firewall([outcome], commits);
    const { code, out } = await drain(provider);
    expect(code).toBe(0);
    expect(standing.size).toBe(0);
    expect(out).toContain("web: empty; 1 foreign entries stand as they were");
  });

  it("drainDirect: waits as long as the cloud asks, and gives up when that is too long", async () => {
    const patient = await drain(firewall([{ kind: "throttled", retryAtMs: now + 5_000, why: "slow" }]).provider);
    expect(patient.slept).toEqual([5_000]);
    const hopeless = await drain(firewall([{ kind: "throttled", retryAtMs: now + 3_600_000, why: "slow" }]).provider);
    expect(hopeless).toMatchObject({ code: 1, slept: [] });
  });

  it("drainDirect: stops at a failure, with its code", async () => {
    const { provider, standing } = firewall([{ kind: "applied" }, { kind: "failed", error: new PortcullisError("PROVIDER_AUTH", "denied") }]);
    const { code, err } = await drain(provider);
    expect(code).toBe(1);
    expect(err).toContain("PROVIDER_AUTH: denied");
    expect(standing.size).toBe(2);
  });

  it("drainDirect: ends after a bounded number of rounds when someone keeps closing the gates", async () => {
    const { provider, applied } = firewall(Array.from({ length: 1_000 }, () => ({ kind: "unknown", why: "lost" }) as const));
    const { code, err } = await drain(provider);
    expect(code).toBe(1);
    expect(applied.length).toBeLessThanOrEqual(10);
    expect(err).toContain("portcullis stop web --direct");
  });

  it("drainDirect: touches nothing in a dry run, without a mark, or where the target cannot be used", async () => {
    for (const [observation, options, code] of [
      [{}, { dryRun: true }, 0],
      [{ storeId: null }, {}, 1],
      [{ terminal: "the ACL is gone" }, {}, 1],
    ] as const) {
      const { provider, applied } = firewall([], false, observation);
      expect(await drain(provider, options)).toMatchObject({ code });
      expect(applied).toEqual([]);
    }
    const { provider, standing } = firewall([], false, { storeId: null });
    expect(await drain(provider, { unclaimed: true })).toMatchObject({ code: 0 });
    expect(standing.size).toBe(0);
  });

  it("drainDirect: fails when the target cannot be observed", async () => {
    const { provider } = firewall([]);
    const blind: Provider = { ...provider, observe: async () => fail("PROVIDER_UNAVAILABLE", "no answer") };
    expect(await drain(blind)).toMatchObject({ code: 1, err: "web: PROVIDER_UNAVAILABLE: no answer" });
  });
});
