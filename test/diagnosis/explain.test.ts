// GET /v1/blocks/{ip} against the truth: for random histories what it says of each address is what the simulated firewall enforces, and the cause
// it names is the one that a model of the history knows.
import process from "node:process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cidr, cidrOf, contains, overlaps } from "../../shared/address/index.ts";
import { newWorld } from "../coordinator/world.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { Deployed } from "./deployed.ts";

const minuteMs = 60_000;
const pool = ["203.0.113.1", "203.0.113.2", "192.0.2.201", "192.0.2.202", "203.0.113.0/24", "192.0.2.200"] as const;
const hosts = pool.filter((ip) => !ip.includes("/"));

type Deed =
  | { readonly kind: "block"; readonly ip: string; readonly minutes: number; readonly severity: "low" | "high" }
  | { readonly kind: "lift"; readonly ip: string; readonly exempt: "none" | "20m" }
  | { readonly kind: "wait"; readonly minutes: number }
  | { readonly kind: "stop"; readonly action: "freeze" | "drain" | "resume" | "release" }
  | { readonly kind: "person"; readonly does: "delete" | "add" }
  | { readonly kind: "evict" }
  | { readonly kind: "throttle" };

const ip = fc.constantFrom(...pool);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("block" as const),
      ip,
      minutes: fc.constantFrom(2, 9, 60, 120),
      severity: fc.constantFrom("low" as const, "high" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lift" as const), ip, exempt: fc.constantFrom("none" as const, "20m" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), minutes: fc.constantFrom(1, 5, 30) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("stop" as const),
      action: fc.constantFrom("freeze" as const, "drain" as const, "resume" as const, "release" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("person" as const), does: fc.constantFrom("delete" as const, "add" as const) }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: "evict" as const }, { kind: "throttle" as const }) },
);

interface ModelLease {
  readonly cidr: Cidr;
  readonly at: number;
  readonly until: number;
  liftedAt: number | null;
}

/** What anyone who watched the requests knows. */
class Model {
  readonly leases: ModelLease[] = [];
  readonly exemptions: { readonly cidr: Cidr; readonly until: number }[] = [];

  over(asked: Cidr): readonly ModelLease[] {
    return this.leases.filter((lease) => contains(lease.cidr, asked));
  }

  isLive(asked: Cidr, now: number): boolean {
    return this.over(asked).some((lease) => lease.until > now && lease.liftedAt === null);
  }

  /** Of an address without a live lease. */
  causeOf(asked: Cidr, now: number): string {
    if (this.exemptions.some((exemption) => exemption.until > now && overlaps(exemption.cidr, asked))) return "exempt";
    const overAt = (lease: ModelLease) => Math.min(lease.until, lease.liftedAt ?? lease.until);
    const [last] = [...this.over(asked)].sort((a, b) => overAt(b) - overAt(a));
    if (last === undefined) return "never";
    return last.liftedAt !== null && last.liftedAt <= last.until ? "lifted" : "ended";
  }
}

async function perform(deployed: Deployed, model: Model, what: Deed): Promise<void> {
  const { world } = deployed;
  if (what.kind === "wait") await deployed.minutes(what.minutes);
  else if (what.kind === "evict") world.evict();
  else if (what.kind === "throttle")
    world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "throttle", status: 503, retryAfterSeconds: 30 } });
  else if (what.kind === "stop") await deployed.post("/v1/stop", { action: what.action });
  else if (what.kind === "person") {
    const [entry] = world.ours();
    if (what.does === "delete" && entry !== undefined) world.aws.acl(aclId).delete(entry.number, false);
    if (what.does === "add" && !world.ours().some(({ number }) => number === 39) && world.ours().length < 2)
      world.aws.acl(aclId).create({ number: 39, egress: false, cidr: "192.0.2.200/32", action: "deny" });
  } else if (what.kind === "block") {
    const { items } = await deployed.json(deployed.block(what.ip, { for: `${what.minutes}m`, severity: what.severity }));
    for (const item of items ?? []) model.leases.push({ cidr: cidrOf(item.ip), at: world.now, until: Date.parse(item.until), liftedAt: null });
  } else {
    await deployed.post("/v1/lifts", { ip: what.ip, exempt: what.exempt });
    const cidr = cidrOf(what.ip);
    for (const lease of model.leases) if (contains(cidr, lease.cidr) && lease.until > world.now) lease.liftedAt ??= world.now;
    if (what.exempt !== "none") model.exemptions.push({ cidr, until: world.now + 20 * minuteMs });
  }
}

const liveCauses = ["enforced", "covered", "pending", "held", "shed", "failed", "refused"];
const seen = new Map<string, number>();

/** Asks about every host and holds the answers against the firewall and the model. */
async function judge(deployed: Deployed, model: Model, moment: "settled" | "between"): Promise<void> {
  const { world } = deployed;
  for (const host of hosts) {
    const asked = cidrOf(host);
    const answer = await deployed.json(deployed.get(`/v1/blocks/${host}`));
    const { blocked, cause, entry, why } = answer.targets.web;
    const really = world.ours().some((rule) => contains(cidrOf(rule.cidr), asked)) ? "yes" : "no";
    const told = `${host}: ${blocked}, ${cause}, ${why}; really ${really}`;
    seen.set(`${blocked} ${cause}`, (seen.get(`${blocked} ${cause}`) ?? 0) + 1);
    if (moment === "settled") expect([told, blocked]).toEqual([told, really]);
    else if (blocked !== "unknown") expect([told, blocked === really || cause === "pending" || entry !== null || really === "yes"]).toEqual([told, true]);
    if (blocked === "yes" && moment === "settled") expect(world.ours().some((rule) => rule.cidr === entry.cidr)).toBe(true);
    const isLive = model.isLive(asked, world.now);
    if (isLive) expect([told, liveCauses.includes(cause)]).toEqual([told, true]);
    else expect([told, cause]).toEqual([told, cause === "orphan" ? "orphan" : model.causeOf(asked, world.now)]);
    // An orphan is something that stands and that nobody asked for.
    if (cause === "orphan") expect([told, really, model.causeOf(asked, world.now)]).toEqual([told, moment === "settled" ? "yes" : really, "never"]);
    if (cause === "shed" && moment === "settled") expect(world.ours().length).toBeGreaterThanOrEqual(world.aws.rulesMax - 2);
    if (cause === "enforced" || cause === "covered") expect([told, blocked === "no"]).toEqual([told, moment === "between" && really === "no"]);
    expect(answer.summary).toContain(host);
    expect(answer.summary.endsWith(".")).toBe(true);
  }
}

describe("explain", () => {
  test("law: what is said is what is enforced, and why not is the true cause", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 3, maxLength: 14 }), async (history) => {
        // Room for two rules besides the ACL's own two.
        const deployed = new Deployed(await newWorld({ rulesMax: 4 }));
        await deployed.minutes(3);
        const model = new Model();
        for (const what of history) {
          await perform(deployed, model, what);
          const persons = what.kind === "person" || deployed.world.aws.faults.next.length > 0;
          if (!persons) await judge(deployed, model, "between");
          await deployed.minutes(7);
          await judge(deployed, model, "settled");
        }
      }),
      { numRuns: Number(process.env.LAW_RUNS ?? 60) },
    );
    // The law is worth what it met.
    const met = [...seen.keys()].map((text) => text.split(" ")[1]);
    for (const cause of ["enforced", "shed", "held", "ended", "lifted", "exempt", "never", "orphan"]) expect(met).toContain(cause);
  });
});
