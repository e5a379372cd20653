// `sign`: signs a body as a Standard Webhooks sender does (spec 1.0.0, v1 HMAC-SHA256), for scripts and for trying out.
// Refuses to take the secret as an argument, where the shell's history would keep it, and to print it.
import { alertSources } from "../../shared/config.ts";
import { importSecret, signMessage } from "../auth/signature.ts";
import { type Command, CommandError, type CommandIo, exitCodes, type Invocation, isSet, textOption, UsageError } from "./command.ts";
import { isJsonTable } from "./function-client.ts";

/** Which route takes a signed body of which type. */
const routeOfType: Readonly<Record<string, string>> = {
  block: "/v1/blocks",
  lift: "/v1/lifts",
  exempt: "/v1/exemptions",
  reconcile: "/v1/reconcile",
  stop: "/v1/stop",
  store: "/v1/store",
  ...Object.fromEntries(alertSources.map((source) => [`alert.${source}`, `/v1/alerts/${source}`])),
};

/** The exact bytes to sign. A `--type` that the body lacks is put into it: a signature is good for the route its type names. */
function typedBody(text: string, type: string | undefined): { readonly body: string; readonly type: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CommandError('the body is not JSON; write for example --data \'{"type":"block","ip":"203.0.113.7"}\'');
  }
  if (!isJsonTable(value)) throw new CommandError("the body is not a JSON object");
  const own = value.type;
  if (own === undefined && type === undefined) throw new UsageError(`the body has no type; give --type (${Object.keys(routeOfType).join(", ")})`);
  if (own === undefined) return { body: JSON.stringify({ type, ...value }), type: type ?? "" };
  if (typeof own !== "string") throw new CommandError("the body's type is not a text");
  if (type !== undefined && own !== type) throw new CommandError("the body's type and --type differ");
  return { body: text, type: own };
}

async function secretKey(values: Invocation["values"], io: CommandIo): Promise<CryptoKey> {
  const name = textOption(values, "secret-env");
  if (name === undefined) throw new UsageError("say which environment variable holds the secret: --secret-env NAME");
  const secret = io.env[name];
  if (secret === undefined || secret === "") throw new CommandError(`${name} is not set in the environment`);
  const key = await importSecret(secret.trim());
  if (key === null) throw new CommandError(`${name} does not hold a signing secret: whsec_ and base64`);
  return key;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function numberOption(values: Invocation["values"], name: string): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,12}$/.test(text)) throw new UsageError(`--${name} is not a number of seconds since 1970`);
  return Number(text);
}

function messageId(values: Invocation["values"], io: CommandIo): string {
  const id = textOption(values, "id") ?? `msg_${Buffer.from(io.randomBytes(18)).toString("base64url")}`;
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(id)) throw new UsageError("--id has other characters than letters, digits, _ and -, or more than 128");
  return id;
}

async function run({ values, io }: Invocation): Promise<0> {
  const key = await secretKey(values, io);
  const { body, type } = typedBody(textOption(values, "data") ?? (await io.input()), textOption(values, "type"));
  const id = messageId(values, io);
  const timestamp = numberOption(values, "at") ?? Math.floor(io.now() / 1_000);
  const signature = await signMessage(key, id, timestamp, new TextEncoder().encode(body));
  const headers = ["content-type: application/json", `webhook-id: ${id}`, `webhook-timestamp: ${timestamp}`, `webhook-signature: ${signature}`];
  if (!isSet(values, "curl")) {
    for (const header of headers) io.out(header);
    io.out("");
    io.out(body);
    return exitCodes.ok;
  }
  const path = Object.hasOwn(routeOfType, type) ? routeOfType[type] : undefined;
  if (path === undefined) throw new CommandError(`no route takes a signed body of this type; write one of: ${Object.keys(routeOfType).join(", ")}`);
  const base = (textOption(values, "url") ?? io.env.PORTCULLIS_URL)?.replace(/\/+$/, "");
  const url = base === undefined ? `"$PORTCULLIS_URL${path}"` : quoted(`${base}${path}`);
  io.out(`curl ${headers.map((header) => `-H ${quoted(header)}`).join(" ")} --data-binary ${quoted(body)} ${url}`);
  return exitCodes.ok;
}

export const signCommand: Command = {
  name: "sign",
  summary: "sign a body with a client's signing secret",
  usage: "portcullis sign --secret-env NAME [--type TYPE] [--data JSON] [--curl] [--url URL] [--id ID] [--at SECONDS]",
  help: [
    "Prints the Standard Webhooks headers for a body, an empty line and the exact body, or a whole curl line.",
    "  --secret-env NAME  environment variable that holds the whsec_… secret",
    `  --type TYPE        operation, put into the body when it has none: ${Object.keys(routeOfType).join(", ")}`,
    "  --data JSON        the body; else standard input",
    "  --curl             print a curl line instead; --url or PORTCULLIS_URL says where",
    "  --id ID            message id (the same id is the same message); else random",
    "  --at SECONDS       time of signing; else now. A signature is good for five minutes.",
    "Nothing is sent. Reverse: none needed.",
  ].join("\n"),
  options: {
    "secret-env": { type: "string" },
    type: { type: "string" },
    data: { type: "string" },
    curl: { type: "boolean" },
    url: { type: "string" },
    id: { type: "string" },
    at: { type: "string" },
  },
  positionalsMax: 0,
  run,
};
