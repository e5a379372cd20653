// What only aws-nacl does: reading an ACL, pairs and halves, room, claims, numbering. The laws of every kind are in aws-nacl.test.ts.
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { compile } from "../../providers/aws-nacl/compile.ts";
import { type NativeEntry, observationOf } from "../../providers/aws-nacl/convert.ts";
import { cidrOf, cidrText } from "../../shared/address/index.ts";
import type { Entry, Observation } from "../../shared/provider.ts";
import { adds, bring, carryOut, look, plan, removes } from "../conformance/provider/harness.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { type AwsHarness, type AwsHarnessOptions, awsHarness, settingsFor, storeId } from "./aws-nacl-harness.ts";

async function harnessFor(options: AwsHarnessOptions = {}): Promise<AwsHarness> {
  const harness = await awsHarness(options);
  onTestFinished(() => harness.close());
  return harness;
}

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("2001:db8:7::/64");

describe("observe", () => {
  test("classify: only a deny of all protocols inside the range is ours", async () => {
    const { aws, provider } = await harnessFor({ rules: { first: 10, last: 20 } });
    const acl = aws.acl(aclId);
    acl.create({ number: 10, cidr: "203.0.113.7/32" });
    acl.create({ number: 11, cidr: "2001:db8:7::/64" });
    acl.create({ number: 12, cidr: "203.0.113.8/32", protocol: "6", ports: { from: 22, to: 22 } });
    acl.create({ number: 13, cidr: "203.0.113.9/32", action: "allow" });
    acl.create({ number: 9, cidr: "203.0.113.10/32" });
    acl.create({ number: 21, cidr: "203.0.113.11/32" });
    acl.create({ number: 14, cidr: "203.0.113.12/32", egress: true });
    acl.create({ number: 15, cidr: "::ffff:203.0.113.13/128" });
    const seen = await look(provider());
    expect(seen.ours.map((entry) => entry.id)).toEqual(["in:10=203.0.113.7/32", "in:11=2001:db8:7::/64"]);
    expect(seen.foreign.map((entry) => entry.id)).toEqual(
      expect.arrayContaining(["in:12", "in:13", "in:9", "in:21", "out:14", "in:15", "in:100", "in:101", "in:32767", "in:32768", "out:100"]),
    );
    expect(seen.foreign.find((entry) => entry.id === "in:12")?.summary).toBe("ingress rule 12: deny 203.0.113.8/32, protocol 6");
  });

  test("count: room per family is the quota less what is not ours, in the worse direction; numbers are one pool", async () => {
    const { aws, provider } = await harnessFor({ direction: "both", rules: { first: 1, last: 30, limit: 25 } });
    const acl = aws.acl(aclId);
    acl.create({ number: 5, cidr: "203.0.113.8/32", protocol: "6", ports: { from: 22, to: 22 } });
    acl.create({ number: 5, egress: true, cidr: "2001:db8::/64", protocol: "6", ports: { from: 22, to: 22 } });
    acl.create({ number: 6, egress: true, cidr: "203.0.113.8/32", protocol: "17", ports: { from: 53, to: 53 } });
    acl.create({ number: 60, egress: true, cidr: "203.0.113.9/32" });
    expect((await look(provider())).pools).toEqual([
      { name: "IPv4 rules", families: [4], limit: 25 - 4 },
      { name: "IPv6 rules", families: [6], limit: 25 - 3 },
      { name: "numbers 1–30", families: [4, 6], limit: 30 - 2 },
    ]);
  });

  test("count: room is never negative", async () => {
    const { aws, provider } = await harnessFor({ rules: { first: 1, last: 1, limit: 2 } });
    aws.acl(aclId).create({ number: 1, cidr: "203.0.113.8/32", action: "allow" });
    expect((await look(provider())).pools.map((pool) => pool.limit)).toEqual([0, 0, 0]);
  });

  test("pair: halves of one address are an entry; a half alone is partial; the same address twice is two entries", async () => {
    const { aws, provider } = await harnessFor({ direction: "both" });
    const acl = aws.acl(aclId);
    for (const [number, egress] of [
      [3, false],
      [7, false],
      [4, true],
    ] as const)
      acl.create({ number, egress, cidr: "203.0.113.7/32" });
    acl.create({ number: 9, egress: true, cidr: "203.0.113.8/32" });
    const seen = await look(provider());
    expect(seen.ours.map((entry) => [entry.id, entry.partial])).toEqual([
      ["in:3+out:4=203.0.113.7/32", null],
      ["in:7=203.0.113.7/32", "the egress half is missing"],
      ["out:9=203.0.113.8/32", "the ingress half is missing"],
    ]);
  });

  test("enforce: no without a subnet, no after an earlier allow, and it says which", async () => {
    const { aws, provider } = await harnessFor({ direction: "both", rules: { first: 1, last: 40 } });
    const why = async () => (await look(provider())).enforcing;
    expect(await why()).toEqual({ yes: true });
    aws.acl(aclId).create({ number: 30, egress: true, cidr: "10.0.0.0/8", action: "allow" });
    expect(await why()).toMatchObject({ yes: false, why: expect.stringContaining("egress rule 30") });
    aws.acl(aclId).create({ number: 39, cidr: "10.0.0.0/8", action: "allow", protocol: "6", ports: { from: 443, to: 443 } });
    expect(await why()).toMatchObject({ yes: false, why: expect.stringContaining("ingress rule 39") });
    aws.acl(aclId).associate([]);
    expect(await why()).toMatchObject({ yes: false, why: expect.stringContaining("no subnet") });
  });

  test("stop: a missing ACL and a claim that does not fit are terminal, and nothing is concluded about entries", async () => {
    const { aws, provider } = await harnessFor();
    aws.acl(aclId).tag({ "portcullis:range": "1-20" });
    const misfit = await provider().observe();
    expect(misfit).toMatchObject({ ok: true, value: { terminal: expect.stringMatching(/range 1-20 .*configured for rules 1-40/), storeId } });
    aws.acl(aclId).untag([{ key: "portcullis:range", value: null }]);
    expect(await provider().observe()).toMatchObject({ ok: true, value: { terminal: expect.stringContaining("no range") } });
    aws.deleteAcl(aclId);
    expect(await provider().observe()).toMatchObject({
      ok: true,
      value: { terminal: expect.stringContaining("does not exist"), ours: [], pools: [], storeId: null },
    });
  });
});

describe("compile and apply", () => {
  test("number: the lowest free ones, around what is foreign, one number space for both families", async () => {
    const harness = await harnessFor();
    harness.aws.acl(aclId).create({ number: 2, cidr: "192.0.2.1/32", protocol: "6", ports: { from: 22, to: 22 } });
    await bring(harness, harness.provider(), () => adds([a, b, cidrOf("203.0.113.8/32")]));
    const numbers = harness.aws
      .acl(aclId)
      .state.entries.filter((entry) => !entry.egress && entry.number <= 40)
      .map((entry) => [entry.number, entry.cidr]);
    expect(numbers).toEqual([
      [1, "203.0.113.7/32"],
      [2, "192.0.2.1/32"],
      [3, "2001:db8:7::/64"],
      [4, "203.0.113.8/32"],
    ]);
  });

  test("repair: a half gets only what it lacks; removing a half removes only what stands", async () => {
    const harness = await harnessFor({ direction: "both" });
    harness.aws.acl(aclId).create({ number: 3, egress: true, cidr: "203.0.113.7/32" });
    const whole = await bring(harness, harness.provider(), () => adds([a]));
    expect(whole.ours.map((entry) => entry.id)).toEqual(["in:1+out:3=203.0.113.7/32"]);
    expect(harness.aws.calls("CreateNetworkAclEntry")).toBe(1);
    harness.aws.acl(aclId).delete(1, false);
    await bring(harness, harness.provider(), (seen) => removes(seen.ours));
    expect(harness.aws.calls("DeleteNetworkAclEntry")).toBe(1);
    expect((await look(harness.provider())).ours).toEqual([]);
  });

  test("swap: in place, at a full quota, one call per direction", async () => {
    const harness = await harnessFor({ direction: "both", rules: { first: 1, last: 2 } });
    const full = await bring(harness, harness.provider(), () => adds([a, cidrOf("203.0.113.8/32")]));
    const [entry] = full.ours;
    const steps = plan(harness.provider(), full, entry === undefined ? [] : [{ verb: "swap", entry, cidr: b }]);
    expect(steps.map((step) => step.summary)).toEqual([
      `deny 2001:db8:7::/64 in place of what stood as ingress rule 1 of ${aclId}`,
      `deny 2001:db8:7::/64 in place of what stood as egress rule 1 of ${aclId}`,
    ]);
    await carryOut(harness.provider(), steps);
    expect(harness.aws.calls("ReplaceNetworkAclEntry")).toBe(2);
  });

  test("leave out: a late answer that names a place twice forbids touching it", async () => {
    const { settings } = await harnessFor({ direction: "both" });
    const entry = (id: string, partial: string | null): Entry => ({ id, cidr: a, partial });
    const half = entry("in:3=203.0.113.7/32", "the egress half is missing");
    const observation = { ...nothing, ours: [entry("in:3+out:3=203.0.113.7/32", null), half] };
    expect(compile({ changes: removes([half]), standing: [], frozen: new Set(), observation }, settings)).toEqual([]);
    expect(compile({ changes: adds([a]), standing: [], frozen: new Set(), observation }, settings)).toEqual([]);
  });

  test("leave out: an entry that was not observed is never deleted by its number", async () => {
    const { settings } = await harnessFor();
    const other: Entry = { id: "in:3=203.0.113.9/32", cidr: cidrOf("203.0.113.9/32"), partial: null };
    const observation = { ...nothing, ours: [{ id: "in:3=203.0.113.7/32", cidr: a, partial: null }] };
    expect(compile({ changes: removes([other]), standing: [], frozen: new Set(), observation }, settings)).toEqual([]);
  });
});

const nothing: Observation = { ours: [], foreign: [], pools: [], storeId: null, enforcing: { yes: true }, terminal: null, serverDate: null };

describe("observe, for any ACL", () => {
  const entries = fc.uniqueArray(
    fc.record({
      number: fc.integer({ min: 1, max: 15 }),
      egress: fc.boolean(),
      at: fc.integer({ min: 1, max: 4 }),
      protocol: fc.constantFrom("-1", "-1", "-1", "6"),
      action: fc.constantFrom("deny", "deny", "deny", "allow"),
    }),
    { selector: ({ number, egress }) => `${number}${egress}`, maxLength: 20 },
  );

  test("hold: every rule is in exactly one entry, ours only by range, shape and direction; room is never more than what is left", () => {
    fc.assert(
      fc.property(entries, fc.constantFrom("ingress", "both"), (rules, direction) => {
        const settings = settingsFor("https://ec2.eu-west-1.amazonaws.com/", { direction, rules: { first: 3, last: 10 } });
        const native = rules.map(({ number, egress, at, protocol, action }): NativeEntry => {
          return { direction: egress ? "out" : "in", number, family: 4, cidr: `203.0.113.${at}/32`, protocol, action };
        });
        const acl = { id: aclId, vpc: "vpc-1", isDefault: false, subnets: ["subnet-1"], entries: native, tags: new Map() };
        const seen = observationOf(acl, settings, null);
        const ours = seen.ours.flatMap((entry) => (entry.id.split("=")[0] ?? "").split("+").map((slot) => `${slot}=${cidrText(entry.cidr)}`));
        const expected = native.filter(
          (entry) =>
            entry.protocol === "-1" && entry.action === "deny" && entry.number >= 3 && entry.number <= 10 && (direction === "both" || entry.direction === "in"),
        );
        expect(ours.sort()).toEqual(expected.map((entry) => `${entry.direction}:${entry.number}=${entry.cidr}`).sort());
        expect(ours.length + seen.foreign.length).toBe(native.length);
        const whole = (entry: Entry) => direction === "ingress" || entry.id.includes("+");
        expect(seen.ours.every((entry) => (entry.partial === null) === whole(entry))).toBe(true);
        expect(new Set(seen.ours.map((entry) => entry.id)).size).toBe(seen.ours.length);
        const busiest = Math.max(...(direction === "both" ? ["in", "out"] : ["in"]).map((which) => native.filter((entry) => entry.direction === which).length));
        expect(seen.pools[0]?.limit).toBeLessThanOrEqual(20 - busiest + ours.length);
      }),
      { numRuns: 300 },
    );
  });
});
