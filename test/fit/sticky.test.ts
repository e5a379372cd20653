// How much what stands may count: the search itself, asked with solvers of which every answer is known.
import { assert as check, constantFrom, double, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import type { Solution } from "../../shared/fit/budget.ts";
import type { Chosen } from "../../shared/fit/exact.ts";
import { keepStanding } from "../../shared/fit/sticky.ts";
import { limits } from "../../shared/limits.ts";

/** A solution whose worth is that of its number, and nothing else. */
function solution(number: number): Solution {
  return { chosen: { ipv4: [number], ipv6: [] }, method: "exact" };
}

/** Solves at each bias as told, and remembers which were asked. */
function asked(worthAt: (bias: number | null) => number, lossMax: number) {
  const biases: (number | null)[] = [null];
  const worth = ({ ipv4 }: Chosen): number => worthAt(biases[ipv4[0] ?? 0] ?? null);
  const solveAt = (bias: number): Solution => solution(biases.push(bias) - 1);
  const kept = keepStanding(solution(0), solveAt, worth, lossMax);
  return { ...kept, biases: biases.slice(1), biasSolved: biases[kept.solution.chosen.ipv4[0] ?? 0] ?? null };
}

const shares = constantFrom(0, 0.01, 0.1, 0.5, 1);

describe("how much what stands may count", () => {
  it("bias: twice its weight where that loses no more than allowed, and nothing else is tried", () => {
    check(
      property(double({ min: 1, max: 1e9, noNaN: true }), shares, (best, lossMax) => {
        const found = asked((bias) => (bias === null ? best : best * (1 - lossMax)), lossMax);
        expect(found).toMatchObject({ bias: 1, biases: [1], biasSolved: 1, optimum: best });
      }),
    );
  });

  it("bias: else the most that does, to within the last halving, solved at just that bias, in no more tries than told", () => {
    const step = 2 ** -limits.fitBiasSteps;
    check(
      property(double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), integer({ min: 1, max: 1_000 }), (threshold, best) => {
        const found = asked((bias) => (bias === null || bias <= threshold ? best : best / 2), 0.1);
        expect(found.bias).toBeLessThanOrEqual(threshold);
        expect(found.bias).toBeGreaterThan(threshold - step);
        expect(found.biasSolved).toBe(found.bias);
        expect(found.biases.slice(0, 2)).toEqual([1, 0]);
        expect(found.biases).toHaveLength(2 + limits.fitBiasSteps);
        expect(found.optimum).toBe(best);
      }),
    );
  });

  it("bias: none, and no search, where even a tie loses too much; what stands has no say then", () => {
    const found = asked((bias) => (bias === null ? 8 : 4), 0.1);
    expect(found).toMatchObject({ bias: 0, biases: [1, 0], biasSolved: null, solution: solution(0), optimum: 8 });
  });

  it("loss: as much as allowed and the rounding of a sum, and not a hair more", () => {
    const least = 8 * (1 - 0.5) - 8 * 1e-12;
    expect(asked((bias) => (bias === null ? 8 : 4), 0.5).bias).toBe(1);
    expect(asked((bias) => (bias === null ? 8 : least), 0.5).bias).toBe(1);
    expect(asked((bias) => (bias === null ? 8 : least - 1e-14), 0.5).biasSolved).toBeNull();
  });

  it("optimum: the better one, where a near method happens to do better for what stands", () => {
    expect(asked((bias) => (bias === null ? 8 : 9), 0).optimum).toBe(9);
  });
});
