// `key`: makes a credential. The one command whose output is a secret; it is printed once and kept nowhere.

import { isName, nameRemedy } from "../../shared/config-file/words.ts";
import { type Command, CommandError, exitCodes, type Invocation, isSet, UsageError } from "./command.ts";

const keyBytes = 32;

/** `portcullis_` makes a leaked key findable by secret scanners; what follows is 256 random bits. */
function newKey(random: Uint8Array): string {
  return `portcullis_${Buffer.from(random).toString("base64url")}`;
}

async function digestOf(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return `sha256:${Buffer.from(digest).toString("hex")}`;
}

function secretName(client: string): string {
  return `${client.toUpperCase().replaceAll("-", "_")}_SIGNING`;
}

function signedText(client: string, secret: string): string {
  const name = secretName(client);
  return [
    `Signing secret of client ${client}, shown this once:`,
    "",
    `  ${secret}`,
    "",
    "1. Store it where the function runs, and paste it when asked:",
    `     npx wrangler secret put ${name}`,
    "2. In portcullis.yaml, under this client (several names while rotating):",
    `     secrets: [${name}]`,
    "3. Give it to the sender. To sign by hand:",
    `     npm run portcullis -- sign --secret-env ${name} --type block --data '{"type":"block","ip":"203.0.113.7"}' --curl`,
    "",
    "To take it back: remove the name from `secrets`, deploy, then `npx wrangler secret delete` it.",
  ].join("\n");
}

function keyText(client: string, key: string, digest: string): string {
  return [
    `Key of client ${client}, shown this once; only its digest belongs in the configuration:`,
    "",
    `  ${key}`,
    "",
    "1. In portcullis.yaml, under this client (several digests while rotating); safe in git:",
    `     keys: ["${digest}"]`,
    "2. Deploy, and give the key to the sender. For example:",
    `     curl -H "Authorization: Bearer $KEY" -H 'Prefer: wait=5' -d ip=203.0.113.7 -d for=4h "$URL/v1/blocks"`,
    "",
    "To take it back: remove the digest and deploy.",
  ].join("\n");
}

function pathText(client: string, secret: string, digest: string): string {
  return [
    `URL for client ${client}, shown this once; only the digest of its last part belongs in the configuration:`,
    "",
    `  $PORTCULLIS_URL/v1/in/${secret}`,
    "",
    "1. In portcullis.yaml, under this client (several digests while rotating); safe in git:",
    `     pathKeys: ["${digest}"]`,
    "   Such a client has one alert scope, `from` ranges, single addresses and `longest: 1h` at most; the build says so if not.",
    "2. Deploy, and give the URL to the sender, with your function's own address. For Falco, in falco.yaml, with json_output: true:",
    "     http_output: { enabled: true, url: (the URL) }",
    "",
    "Whoever sees the URL has the secret: prefer a header wherever the sender can set one. To take it back: remove the digest and deploy.",
  ].join("\n");
}

async function run({ values, positionals, io }: Invocation): Promise<0> {
  const client = positionals[0];
  if (client === undefined) throw new UsageError("name the client the key is for");
  if (!isName(client)) throw new CommandError(`not a usable client name; ${nameRemedy}`);
  if (isSet(values, "signed") && isSet(values, "path")) throw new UsageError("--signed and --path are two kinds of credential; choose one");
  if (isSet(values, "signed")) {
    io.out(signedText(client, `whsec_${Buffer.from(io.randomBytes(keyBytes)).toString("base64")}`));
    return exitCodes.ok;
  }
  const key = newKey(io.randomBytes(keyBytes));
  const text = isSet(values, "path") ? pathText : keyText;
  io.out(text(client, key, await digestOf(key)));
  return exitCodes.ok;
}

export const keyCommand: Command = {
  name: "key",
  summary: "make a key or signing secret for a client",
  usage: "portcullis key NAME [--signed | --path]",
  help: [
    "Prints a random 256-bit key once, its sha256: line for the configuration, and a curl line.",
    "  --signed   print a Standard Webhooks signing secret (whsec_…) and how to store it instead",
    "  --path     print a URL with the secret in its path, for senders that can set no header, and its digest instead",
    "Nothing is stored and nothing is sent. Reverse: remove the digest (or secret name) from portcullis.yaml and deploy.",
  ].join("\n"),
  options: { signed: { type: "boolean" }, path: { type: "boolean" } },
  positionalsMax: 1,
  run,
};
