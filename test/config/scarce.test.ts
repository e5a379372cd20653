// What a configuration says of scarce rules: weights, bystanders, spills. Every mistake is told with what to write instead.
import { describe, expect, test } from "vitest";
import { defaultTargets, spillTargets } from "../../shared/config.ts";
import { changed, configOf, problemsOf } from "./support.ts";

const second = (lines: string): string => `  large:
    kind: aws-nacl
    region: eu-west-1
    acl: acl-0123456789abcdef1
    rules: { first: 1, last: 40 }
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
${lines}`;

const withTarget = (lines: string, other = ""): string => `${changed("mode: observe", `mode: observe\n${lines}`)}${second(other)}`;

describe("scarce rules", () => {
  test("absent: nothing is widened, nothing spills, and every target is a default one", () => {
    const config = configOf(withTarget(""));
    expect(config.weight).toEqual({ halfLifeMs: 7 * 86_400_000 });
    expect(Object.values(config.targets).flatMap(({ spill, collateral, lossMax, warnAt }) => [spill, collateral, lossMax, warnAt])).toEqual(
      Array.from({ length: 8 }, () => undefined),
    );
    expect([defaultTargets(config), [...spillTargets(config)]]).toEqual([["aws-web", "large"], []]);
  });

  test("written: in the units that the product uses", () => {
    const config = configOf(`${withTarget("    spill: large\n    collateral: { price: 0.1 }\n    lossMax: 0\n    warnAt: 0.5\n")}weight: { halfLife: 12h }\n`);
    expect(config.weight).toEqual({ halfLifeMs: 12 * 3_600_000 });
    expect(config.targets["aws-web"]).toMatchObject({
      spill: "large",
      collateral: { allow: { kind: "price", price: 0.1 }, widest: { ipv4: 24, ipv6: 56 } },
      lossMax: 0,
      warnAt: 0.5,
    });
    expect(defaultTargets(config)).toEqual(["aws-web"]);
    const budget = configOf(withTarget("    collateral: { max: 256, widest: { ipv4: 22 } }\n"));
    expect(budget.targets["aws-web"]?.collateral).toEqual({ allow: { kind: "max", units: 256 }, widest: { ipv4: 22, ipv6: 56 } });
    expect(configOf(withTarget("    collateral: none\n")).targets["aws-web"]?.collateral).toBeUndefined();
  });

  test.each([
    ["a target that is not there", "    spill: larg\n", "", "targets.aws-web.spill", /no target "larg"/, /did you mean "large"/],
    ["itself", "    spill: aws-web\n", "", "targets.aws-web.spill", /circle/, /last of the chain/],
    ["neither budget nor price", "    collateral: {}\n", "", "targets.aws-web.collateral", /neither or both/, /max: 256/],
    ["both", "    collateral: { max: 1, price: 1 }\n", "", "targets.aws-web.collateral", /neither or both/, /max: 256/],
    ["a word", "    collateral: some\n", "", "targets.aws-web.collateral", /not a policy for bystanders/, /none, \{ max: 256 \}/],
    ["a loss of more than half", "    lossMax: 0.9\n", "", "targets.aws-web.lossMax", /too large/, /from 0 to 0.5/],
    ["a share that is no number", "    warnAt: often\n", "", "targets.aws-web.warnAt", /not a number/, /from 0.1 to 1/],
  ])("refused: %s", (_title, lines, other, path, message, remedy) => {
    const problems = problemsOf(withTarget(lines, other));
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.message).toMatch(message);
    expect(problems[0]?.remedy).toMatch(remedy);
  });

  test("refused: a circle of two, at both ends", () => {
    const problems = problemsOf(withTarget("    spill: large\n", "    spill: aws-web\n"));
    expect(problems.map(({ path }) => path)).toEqual(["targets.aws-web.spill", "targets.large.spill"]);
  });

  test("read: a target that cannot be read is still there to spill into", () => {
    const problems = problemsOf(withTarget("    spill: large\n", "    mode: sometimes\n"));
    expect(problems.map(({ path }) => path)).toEqual(["targets.large.mode"]);
  });
});
