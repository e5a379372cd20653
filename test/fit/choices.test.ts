// What may be chosen, block by block, against the rules read one by one; and how few questions about protection that takes.
import { assert as check, property } from "fast-check";
import { expect, it } from "vitest";
import { blockOf, type Cidr, cidrKey, contains, type Family } from "../../shared/address/index.ts";
import { createChoices } from "../../shared/fit/choices.ts";
import { blockOfChoice } from "../../shared/fit/forest.ts";
import { createTrie } from "../../shared/fit/trie.ts";
import { below, crowded, legalIn } from "./forests.ts";
import { boundOf, bystandersAnywhere, collateral, type Instance, isAllowedLength } from "./support.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);

interface Legal {
  readonly weight: number;
  readonly collateral: number;
  readonly stands: boolean;
}

/** Every block around a source, those that hold the same sources together, the longest first. */
function edgesOf({ sources }: Instance, family: Family): readonly (readonly Cidr[])[] {
  const own = sources.filter(({ cidr }) => cidr.family === family);
  const edges = new Map<string, Map<string, Cidr>>();
  for (const { cidr } of own) {
    for (let length = cidr.length; length >= 0; length -= 1) {
      const block = blockOf(family, cidr.first, length);
      const held = own.flatMap((source, place) => (contains(block, source.cidr) ? [place] : [])).join();
      const edge = edges.get(held) ?? new Map<string, Cidr>();
      edges.set(held, edge.set(cidrKey(block), block));
    }
  }
  return [...edges.values()].map((edge) => [...edge.values()].sort((a, b) => b.length - a.length));
}

/** What may be chosen, and how much may not for being a mere part. */
function legalOf(request: Instance, family: Family): { readonly legal: Map<string, Legal>; readonly parts: number } {
  const { sources, collateral: policy, standing = [] } = request;
  const lengths = family === 4 ? request.lengths.ipv4 : request.lengths.ipv6;
  const bound = boundOf(policy);
  const isPossible = (cidr: Cidr): boolean => isAllowedLength(lengths, cidr.length) && request.isTaken?.(cidr) !== true;
  const isSource = (cidr: Cidr): boolean => sources.some((source) => cidrKey(source.cidr) === cidrKey(cidr));
  const isStanding = (cidr: Cidr): boolean => standing.some((one) => cidrKey(one) === cidrKey(cidr));
  // For one rule, the source that holds it stops all that a mere part does.
  const isMerePart = (cidr: Cidr): boolean =>
    !isSource(cidr) && sources.some(({ cidr: wide }) => wide.length < cidr.length && contains(wide, cidr) && isPossible(wide) && !request.isProtected(wide));
  const legal = new Map<string, Legal>();
  let parts = 0;
  for (const edge of edgesOf(request, family)) {
    const longest = edge.find(isPossible);
    const stands = edge.find(isStanding);
    for (const cidr of new Set([longest, stands])) {
      if (cidr === undefined || !isPossible(cidr) || request.isProtected(cidr)) continue;
      const cost = bystandersAnywhere(cidr, sources);
      if (cost > bound) continue;
      if (cidr !== stands && isMerePart(cidr)) {
        parts += 1;
        continue;
      }
      const weight = sources.reduce((sum, source) => sum + (contains(cidr, source.cidr) ? source.weight : 0), 0);
      legal.set(cidrKey(cidr), { weight, collateral: cost, stands: cidr === stands });
    }
  }
  return { legal, parts };
}

it("choices: of the blocks that hold the same sources the longest possible one, and what stands; none that breaks a rule, no mere part", () => {
  let [parts, standing, legal] = [0, 0, 0];
  check(
    property(crowded, collateral, (base, policy) => {
      const request: Instance = { ...base, collateral: policy };
      for (const family of [4, 6] as const) {
        const { legal: expected, parts: mere } = legalOf(request, family);
        const choices = createChoices(createTrie(request.sources, family), request);
        const members = legalIn(choices);
        const cidrOf = (at: number): Cidr => blockOfChoice(choices, request.sources, at);
        const found = members.map((at): readonly [string, Legal] => [
          cidrKey(cidrOf(at)),
          { weight: choices.weight[at] ?? 0, collateral: choices.collateral[at] ?? 0, stands: choices.standing[at] === 1 },
        ]);
        expect(new Map(found)).toEqual(expected);
        expect(found).toHaveLength(expected.size);
        // Links say what lies in what, and what is below comes before.
        for (const at of members) {
          const under = below(choices, at);
          expect(under.every((one) => one < at)).toBe(true);
          const inside = members.filter((one) => one !== at && contains(cidrOf(at), cidrOf(one)));
          expect(members.filter((one) => under.includes(one))).toEqual(inside);
        }
        legal += members.length;
        standing += members.filter((at) => choices.standing[at] === 1).length;
        parts += mere;
      }
    }),
    { numRuns: runs },
  );
  expect({ legal: legal > runs, standing: standing > runs / 10, parts: parts > runs / 10 }).toEqual({ legal: true, standing: true, parts: true });
});

it("questions: none about a block twice, none about what lies in a block that holds nothing protected", () => {
  check(
    property(crowded, (base) => {
      const clear: Cidr[] = [];
      const asked = new Set<string>();
      const request: Instance = {
        ...base,
        isProtected: (cidr) => {
          expect(asked.has(cidrKey(cidr))).toBe(false);
          expect(clear.filter((around) => contains(around, cidr)).map(cidrKey)).toEqual([]);
          asked.add(cidrKey(cidr));
          const isProtected = base.isProtected(cidr);
          if (!isProtected) clear.push(cidr);
          return isProtected;
        },
      };
      for (const family of [4, 6] as const) createChoices(createTrie(request.sources, family), request);
    }),
    { numRuns: runs },
  );
});
