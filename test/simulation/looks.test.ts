// The judge of looks before writes, by itself: what it finds, and what it must not hold against anybody.
import { describe, expect, it } from "vitest";
import { Looks } from "./clouds/looks.ts";

const shown = { id: "list", items: 3, modifiedSecond: 1_000 };

function lookedAt(...steps: readonly (readonly ["lists" | "items", typeof shown])[]): Looks {
  const looks = new Looks();
  for (const [what, as] of steps) looks.served("one", what, as);
  return looks;
}

describe("who looked before writing", () => {
  it("pass: the list is as it was when its items were read", () => {
    expect(lookedAt(["lists", shown], ["items", shown], ["lists", shown]).writes("one")).toBe(null);
  });

  it.each([
    ["one item more", { ...shown, items: 4 }],
    ["a later change", { ...shown, modifiedSecond: 1_001 }],
    ["another list of that name", { ...shown, id: "another" }],
  ])("find: the last look showed %s", (_what, changed) => {
    const looks = lookedAt(["lists", shown], ["items", shown], ["lists", changed]);
    expect(looks.writes("one")).toContain("wrote all the same");
    // Who reads the items again has decided on what is there now.
    looks.served("one", "items", changed);
    expect(looks.writes("one")).toBe(null);
  });

  it("pass: nothing was read yet, and what another was shown", () => {
    const looks = lookedAt(["lists", shown], ["items", shown], ["lists", { ...shown, items: 4 }]);
    expect(looks.writes("another")).toBe(null);
    looks.served("another", "lists", shown);
    expect(looks.writes("another")).toBe(null);
  });
});
