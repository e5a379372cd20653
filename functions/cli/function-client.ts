// Talks to the running function: one request at a time, with a deadline, and its refusals as an operator can read them.
// Refuses to send the key anywhere but over https (or to loopback), and to follow redirects.
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { HttpResponse } from "../../shared/ports.ts";
import { createTransport } from "../runtime/transport.ts";
import { CommandError, type CommandIo, type OptionValues, textOption, UsageError } from "./command.ts";

/** A pass asked for may take its whole wall time before the answer comes. */
const timeoutMs = limits.passWallMs + limits.callTimeoutMs;

export type JsonTable = Readonly<Record<string, unknown>>;

export interface FunctionClient {
  readonly origin: string;
  get(path: string): Promise<JsonTable>;
  post(path: string, body: JsonTable): Promise<JsonTable>;
}

export const functionOptions = { url: { type: "string" } } as const;

export const functionHelp = [
  "  --url URL   where the function answers; else PORTCULLIS_URL",
  "The key of an admin client (scopes admin and read) is read from PORTCULLIS_KEY, never from an argument.",
];

export function isJsonTable(value: unknown): value is JsonTable {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Characters that move the cursor, hide text or turn its direction around: control, format, line and paragraph separators. */
const unfit = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Text from elsewhere, safe for a terminal. One line. */
export function plain(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.replace(unfit, "�");
}

/** The same for text of several lines. */
export function plainLines(text: string): string {
  return text.split("\n").map(plain).join("\n");
}

/** JSON that means the same and is safe for a terminal: JSON itself escapes fewer characters than terminals obey. */
export function plainJson(value: unknown): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // By UTF-16 units, as JSON escapes are.
  const fit = (line: string) => line.replace(unfit, (found) => found.split("").map(escaped).join(""));
  return (JSON.stringify(value, null, 2) ?? "").split("\n").map(fit).join("\n");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** An answer that is not 2xx, in words: problem details as they were meant, anything else by its status alone. */
export function refusalText(response: HttpResponse, what: string): string {
  let body: unknown = null;
  try {
    body = JSON.parse(response.body);
  } catch {
    // Some proxy's page; its text is of no use.
  }
  if (!isJsonTable(body) || typeof body.code !== "string") return `${what} answered ${response.status}, and not as Portcullis does; check the URL`;
  const errors = listOf(body.errors).flatMap((one) => (isJsonTable(one) ? [`  ${plain(one.field ?? "")}: ${plain(one.reason ?? one.code ?? "")}`] : []));
  const remedy = typeof body.remedy === "string" ? [plain(body.remedy)] : [];
  const wait = typeof body.retryAfterSeconds === "number" ? [`Try again in ${body.retryAfterSeconds} s.`] : [];
  const help = typeof body.help === "string" ? [`More: ${plain(body.help)}`] : [];
  const trace = /^00-([0-9a-f]{32})-/.exec(response.headers.traceresponse ?? "")?.[1];
  const found = trace === undefined ? [] : [`In the log as trace ${trace}.`];
  const lines = [`${plain(body.code)} (${response.status}): ${plain(body.detail ?? body.title ?? "")}`, ...errors, ...remedy, ...wait, ...help, ...found];
  return lines.join("\n");
}

function originOf(text: string): URL {
  if (!URL.canParse(text)) throw new UsageError("--url (or PORTCULLIS_URL) is not a URL; write https://portcullis.example.workers.dev");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") throw new UsageError("--url (or PORTCULLIS_URL) names a user; the key goes into PORTCULLIS_KEY");
  if (url.search !== "" || url.hash !== "") throw new UsageError("--url (or PORTCULLIS_URL) has a query or fragment; write only scheme, host and path");
  return url;
}

function parsed(response: HttpResponse, what: string): JsonTable {
  if (response.status < 200 || response.status > 299) throw new CommandError(refusalText(response, what));
  try {
    const body: unknown = JSON.parse(response.body);
    if (isJsonTable(body)) return body;
  } catch {
    // Said below.
  }
  throw new CommandError(`${what} answered ${response.status} without a JSON object; check the URL`);
}

export function createFunctionClient(values: OptionValues, io: CommandIo): FunctionClient {
  const urlText = textOption(values, "url") ?? io.env.PORTCULLIS_URL;
  const key = io.env.PORTCULLIS_KEY;
  if (urlText === undefined || urlText === "") throw new UsageError("say where the function is: --url or PORTCULLIS_URL");
  if (key === undefined || key === "") throw new UsageError("PORTCULLIS_KEY is not set; it holds the key of an admin client");
  const url = originOf(urlText);
  const port = url.port === "" ? (url.protocol === "http:" ? "80" : "443") : url.port;
  const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: `${url.hostname}:${port}`, timeoutMs });
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  const call = async (method: string, path: string, body: JsonTable | null): Promise<JsonTable> => {
    const headers = { authorization: `Bearer ${key}`, accept: "application/json", ...(body === null ? {} : { "content-type": "application/json" }) };
    try {
      const response = await send({ method, url: `${base}${path}`, headers, ...(body === null ? {} : { body: JSON.stringify(body) }) });
      return parsed(response, `${method} ${path}`);
    } catch (thrown) {
      if (!(thrown instanceof PortcullisError)) throw thrown;
      throw new CommandError(`${method} ${path}: ${thrown.message}`);
    }
  };
  return { origin: url.origin, get: (path) => call("GET", path, null), post: (path, body) => call("POST", path, body) };
}
