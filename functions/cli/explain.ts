// `explain`: why an address is blocked, why it is not, and where. Reads only.
import { cidrText, isHost, parseCidr } from "../../shared/address/index.ts";
import { type Command, CommandError, exitCodes, type Invocation, isSet, UsageError } from "./command.ts";
import { createFunctionClient, functionHelp, functionOptions, plain, plainJson } from "./function-client.ts";
import { readable } from "./readable.ts";

async function run({ values, positionals, io }: Invocation): Promise<0> {
  const asked = positionals[0];
  if (asked === undefined) throw new UsageError("name the address");
  const parsed = parseCidr(asked);
  if (!parsed.ok) throw new CommandError(parsed.error.message);
  const text = cidrText(parsed.value);
  const path = isHost(parsed.value) ? text.slice(0, text.indexOf("/")) : text;
  const answer = await createFunctionClient(values, io).get(`/v1/blocks/${path}`);
  if (isSet(values, "json")) io.out(plainJson(answer));
  else for (const line of readable(answer)) io.out(plain(line));
  return exitCodes.ok;
}

export const explainCommand: Command = {
  name: "explain",
  summary: "say why an address is blocked or not, and where",
  usage: "portcullis explain IP [--json] [--url URL]",
  help: ["Asks the function (GET /v1/blocks/IP).", "  --json      print the answer as it came", ...functionHelp, "Changes nothing."].join("\n"),
  options: { ...functionOptions, json: { type: "boolean" } },
  positionalsMax: 1,
  run,
};
