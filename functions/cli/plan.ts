// `plan`: what a pass would do at each target, without doing it. Reads only.
import { type Command, exitCodes, type Invocation, isSet } from "./command.ts";
import { createFunctionClient, functionHelp, functionOptions, isJsonTable, type JsonTable, plain, plainJson } from "./function-client.ts";
import { readable } from "./readable.ts";

function count(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function summary(plan: JsonTable): string {
  const parts = (["add", "remove", "keep", "shed"] as const).map((word) => `${count(plan[word])} ${word}`);
  return parts.join(", ");
}

/** Names of the deployment's targets, from `GET /v1/targets`: a list of tables with a name, or a table by name. */
export function targetNamesOf(answer: JsonTable): readonly string[] {
  const { targets } = answer;
  if (isJsonTable(targets)) return Object.keys(targets);
  if (!Array.isArray(targets)) return [];
  return targets.flatMap((target: unknown) => (isJsonTable(target) && typeof target.name === "string" ? [target.name] : []));
}

async function run({ values, positionals, io }: Invocation): Promise<0 | 1> {
  const client = createFunctionClient(values, io);
  const names = positionals.length > 0 ? positionals : targetNamesOf(await client.get("/v1/targets"));
  const plans: JsonTable[] = [];
  for (const name of names) plans.push(await client.get(`/v1/targets/${encodeURIComponent(name)}/plan`));
  if (isSet(values, "json")) {
    io.out(plainJson(positionals.length === 1 ? plans[0] : plans));
  } else {
    if (names.length === 0) io.out("the deployment has no targets");
    for (const [index, plan] of plans.entries()) {
      io.out(plain(`${names[index] ?? ""}: ${summary(plan)}`));
      for (const line of readable(plan, "  ")) io.out(plain(line));
    }
  }
  return plans.some((plan) => isJsonTable(plan.error)) ? exitCodes.failed : exitCodes.ok;
}

export const planCommand: Command = {
  name: "plan",
  summary: "show what a pass would do at a target",
  usage: "portcullis plan [TARGET…] [--json] [--url URL]",
  help: [
    "Asks the function (GET /v1/targets/TARGET/plan) and prints what it would add, remove, keep and shed, with the proof of every removal.",
    "  --json      print the answer as it came",
    ...functionHelp,
    "Changes nothing. Exit code 1 when a target could not be observed.",
  ].join("\n"),
  options: { ...functionOptions, json: { type: "boolean" } },
  positionalsMax: 16,
  run,
};
