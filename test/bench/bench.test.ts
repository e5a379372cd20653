// The figures that are counts, not times, with their aims: the same on every machine, so a change that misses one fails here.
import { describe, expect, test } from "vitest";
import { countSmallBurst } from "./burst.ts";
import { countCalls, firstOperation } from "./calls.ts";
import { countBlockWrites, countIdleDay } from "./counts.ts";
import { compare, replay } from "./escalation.ts";
import { type Figure, jsonOf, markdownTable, summarise } from "./figures.ts";

function valuesOf(figures: readonly Figure[]): Record<string, number> {
  return Object.fromEntries(figures.map((figure) => [figure.name, figure.value]));
}

describe("what the product costs", () => {
  test("block: a new one is one write to the store, a repeat none", async () => {
    const { figures } = await countBlockWrites();
    expect(valuesOf(figures)).toEqual({ "block.kvWrites": 1, "block.kvWritesRepeat": 0 });
  });

  test("tick: a day without news stays within a third of what the free plan allows", async () => {
    const values = valuesOf((await countIdleDay()).figures);
    expect(values["idleTick.kvLists"]).toBeLessThanOrEqual(333);
    expect(values["idleTick.kvWrites"]).toBe(0);
    // Three targets, one look each per full pass, one full pass per five minutes.
    expect(values["idleTick.remoteCalls"]).toBeLessThanOrEqual(3 * 288);
  });

  test("escalation: a replay counts days after the first, leases and rule-hours, growing and fixed", async () => {
    const hour = 3_600_000;
    const start = Date.UTC(2026, 0, 5, 12);
    const daily = { key: "4:cb007107/32", moments: Array.from({ length: 6 }, (_, day) => start + 24 * day * hour) };
    const once = { key: "4:cb007108/32", moments: [start + 1] };
    const rule = { factor: 30, maxMs: 48 * hour, memoryMs: 720 * hour };
    const setting = { firstMs: hour, longestMs: 720 * hour };
    // 1 h, 30 h from the second day over the third, 48 h from the fourth: its end is the moment of the sixth event, which is not after it.
    expect(await replay([daily, once], { ...setting, escalate: rule })).toEqual({ returning: 5, covered: 2, leases: 5, ruleHours: 1 + 30 + 48 + 1 + 1 });
    expect(await replay([daily, once], setting)).toEqual({ returning: 5, covered: 0, leases: 7, ruleHours: 7 });
    const { fixedMs, fixed, growing } = await compare([daily, once], "every day", { ...setting, escalate: rule });
    expect(fixed.ruleHours).toBeGreaterThanOrEqual(growing.ruleHours);
    expect(fixed.ruleHours - growing.ruleHours).toBeLessThan(fixedMs / hour);
  });

  test("burst: each of two hundred addresses is enforced or named as shed, in at most twice the least calls", async () => {
    const end = await countSmallBurst(200);
    expect([end.lost, end.enforced + end.shed, end.enforced]).toEqual([[], 200, end.stands]);
    expect(end.remoteCalls).toBeLessThanOrEqual(2 * end.leastCalls);
  });
});

describe("what a pass with work to do costs", () => {
  test("call: as few as pages and batches allow; Cloudflare's second operation costs a second look", async () => {
    const { kinds, full } = await countCalls();
    const [aws, azure, cloudflare] = kinds;
    expect([aws, azure, full].map((count) => count?.calls.length)).toEqual([aws?.least, azure?.least, full.least]);
    // Lists, three pages, two zones, the look before the write, the write.
    expect(firstOperation(cloudflare?.calls ?? [])).toHaveLength(8);
    expect(cloudflare?.calls.length).toBeLessThanOrEqual(18);
  });
});

describe("the table", () => {
  test("summarise: the middle of the samples, and both ends", () => {
    expect(summarise([9, 1, 5])).toEqual({ median: 5, least: 1, most: 9, count: 3 });
    expect(summarise([4, 2]).median).toBe(3);
  });

  test("print: an aim that is missed stands out, and the JSON holds bare numbers", () => {
    const figure: Figure = { name: "a.b", value: 0.25, unit: "×", baseline: "one", aim: "≥ 0.5", met: false };
    expect(markdownTable([figure])).toContain("| `a.b` | 0.25 × | one | ≥ 0.5 | **no** |");
    expect(JSON.parse(jsonOf([figure], "about"))).toEqual({ "a.b": 0.25, about: "about" });
  });
});
