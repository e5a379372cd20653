// How much work hostile input can cause: counted in port calls and in steps of our own code, never in time.
// Each law doubles or multiplies the input and holds the work to what grows no faster than it.
import { describe, expect, test } from "vitest";
import { parseForm } from "../../functions/routes/body.ts";
import { limits } from "../../shared/limits.ts";
import { readAlerts } from "../../shared/request/alert.ts";

const mapping = { ip: ["ips", "ip"], at: ["at"], reason: ["reason"], severity: [], id: ["id"] };
const rules = { mapping, severity: "medium" } as const;

/** Counts what a form's reading asks of the platform's parser. */
function formSteps(names: number): number {
  const body = new TextEncoder().encode(Array.from({ length: names }, (_, at) => at.toString(36)).join("&"));
  let steps = 0;
  const { getAll } = URLSearchParams.prototype;
  URLSearchParams.prototype.getAll = function counted(this: URLSearchParams, name: string) {
    // Each looks at every pair.
    steps += this.size;
    return getAll.call(this, name);
  };
  try {
    parseForm(body);
  } finally {
    URLSearchParams.prototype.getAll = getAll;
  }
  return steps;
}

describe("a body", () => {
  test("bound: a form of very many names is read in one walk, not one walk for each name", () => {
    expect(formSteps(20_000)).toBeLessThanOrEqual(20_000 * 4);
  });
});

describe("a batch", () => {
  const garbage = (count: number) => Array.from({ length: count }, (_, at) => `198.18.${at >> 8}.${at & 255}`);

  test("name: addresses of one alert beyond the limit are never dropped without a word", () => {
    const entries = readAlerts({ ips: [...garbage(limits.alertItemsMax), "203.0.113.7"] }, rules);
    const told = entries.some((entry) => entry.kind === "invalid" || (entry.kind === "address" && entry.asked.first === "cb007107"));
    expect(told).toBe(true);
  });

  test("take: one alert stuffed with addresses does not push its neighbours out", () => {
    for (const stuffed of [limits.alertItemsMax + 1, limits.alertItemsMax, limits.alertItemsMax - 1]) {
      const neighbours = Array.from({ length: 20 }, (_, at) => ({ ip: `203.0.113.${at}` }));
      const entries = readAlerts([{ ips: garbage(stuffed) }, ...neighbours], rules);
      const taken = entries.flatMap((entry) => (entry.kind === "address" && entry.asked.first.startsWith("cb0071") ? [entry.item] : []));
      expect([stuffed, taken]).toEqual([stuffed, neighbours.map((_, at) => at + 1)]);
      expect(entries.length).toBeLessThanOrEqual(limits.alertItemsMax + 1);
      expect(entries.filter((entry) => entry.kind === "invalid").map((entry) => entry.item)).toEqual([0]);
    }
  });
});
