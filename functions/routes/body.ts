// Reads a request's body within a bound, and its media type. Refuses to interpret the bytes beyond JSON and form syntax.
import { fail, ok, type PortcullisError, type Result } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import { linesOf, quoted } from "../../shared/request/text.ts";

type BodyLimit = "bodyBytesMax" | "firehoseBodyBytesMax";

const tooLarge = (limit: BodyLimit) =>
  fail("PAYLOAD_TOO_LARGE", `The body is larger than ${limits[limit]} bytes.`, { facts: { limit, allowed: limits[limit] } });

const tooSlow = () => fail("INVALID_INPUT", `The body was not whole within ${limits.bodyWaitMs / 1_000} seconds; send it again.`, { field: "body" });

const firstBytes = 4 * 1024;

/** One buffer that doubles: a body sent byte by byte must not cost an object for each. */
class GrowingBody {
  #bytes = new Uint8Array(firstBytes);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(part: Uint8Array): void {
    if (this.#size + part.byteLength > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + part.byteLength));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#size);
    this.#size += part.byteLength;
  }

  whole(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#size);
  }
}

/**
 * The whole body. What Content-Length admits to is refused before reading; what a stream really holds is counted; what has not
 * come when `deadline` is over is given up (null: wait for ever).
 */
export async function readBody(
  request: Request,
  deadline: AbortSignal | null = null,
  limit: BodyLimit = "bodyBytesMax",
): Promise<Result<Uint8Array<ArrayBuffer>>> {
  const declared = request.headers.get("content-length");
  if (declared !== null && /^\d+$/.test(declared) && Number(declared) > limits[limit]) return tooLarge(limit);
  if (request.body === null) return ok(new Uint8Array());
  const body = new GrowingBody();
  const reader = request.body.getReader();
  // Not awaited: a peer that never ends its body must not hold us here either. What is being read ends with it.
  const cancel = () => void reader.cancel().catch(() => undefined);
  deadline?.addEventListener("abort", cancel, { once: true });
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (body.size + part.value.byteLength > limits[limit]) {
        cancel();
        return tooLarge(limit);
      }
      body.add(part.value);
    }
  } catch (thrown) {
    if (deadline?.aborted === true) return tooSlow();
    return fail("INVALID_INPUT", "The body could not be read to its end: the sender broke off.", { field: "body" }, thrown);
  } finally {
    deadline?.removeEventListener("abort", cancel);
  }
  return deadline?.aborted === true ? tooSlow() : ok(body.whole());
}

/** `application/json` of `Application/JSON; charset=utf-8`; empty when missing. */
export function mediaType(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** The content encoding that makes the body unreadable to us; null when it is plain. */
export function contentEncoding(headers: Headers): string | null {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  return encoding === "" || encoding === "identity" ? null : encoding;
}

/** Strict UTF-8 and JSON. Duplicate names: the last one wins, as everywhere in JavaScript. */
export function parseJson(body: Uint8Array): Result<unknown, PortcullisError> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return fail("INVALID_INPUT", "The body is not valid UTF-8; send JSON in UTF-8.", { field: "body" });
  }
  if (text.trim() === "") return fail("INVALID_INPUT", "The body is empty; send one JSON object.", { field: "body" });
  try {
    return ok(JSON.parse(text));
  } catch {
    // The engine's message would quote the body; ours does not.
    return fail("INVALID_INPUT", "The body is not valid JSON; check quotes and commas.", { field: "body" });
  }
}

/** As `parseJson`, or one JSON value on each line, as log shippers send; a line that is none stays the text it is. */
export function parseLines(body: Uint8Array): Result<unknown, PortcullisError> {
  const whole = parseJson(body);
  if (whole.ok) return whole;
  const values: unknown[] = [];
  for (const line of linesOf(new TextDecoder("utf-8").decode(body))) {
    // One more than may be taken: what is too much must be seen to be too much.
    if (values.length > limits.alertItemsMax) break;
    try {
      values.push(JSON.parse(line));
    } catch {
      values.push(line);
    }
  }
  return values.length > 1 && values.some((value) => typeof value !== "string") ? ok(values) : whole;
}

const listFields: ReadonlySet<string> = new Set(["ips", "targets"]);

/** A form as the object that the JSON form of the same request would be: repeated `ip` becomes `ips`. */
export function parseForm(body: Uint8Array): Result<unknown, PortcullisError> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return fail("INVALID_INPUT", "The body is not valid UTF-8; percent-encode the form in UTF-8.", { field: "body" });
  }
  // One walk: asking for each name anew would be quadratic in a body that is all names.
  const form = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const known = form.get(name);
    if (known === undefined) form.set(name, [value]);
    else known.push(value);
  }
  const values: [string, unknown][] = [];
  for (const [name, all] of form) {
    const only = all[0];
    if (name === "ip" && all.length > 1) values.push(["ips", all]);
    else if (listFields.has(name)) values.push([name, all]);
    else if (all.length === 1) values.push([name, only]);
    else return fail("INVALID_INPUT", `${quoted(name)} is given ${all.length} times; only ip and targets may repeat.`, { field: "body" });
  }
  return ok(Object.fromEntries(values));
}

/** The body as an object of fields, by its media type. Signed bodies are JSON whatever the header says: that is what was judged. */
export function parseFields(
  headers: Headers,
  body: Uint8Array,
  options: { readonly form: boolean; readonly signed: boolean },
): Result<unknown, PortcullisError> {
  const encoding = contentEncoding(headers);
  if (encoding !== null) return fail("UNSUPPORTED_MEDIA_TYPE", `The body is encoded as ${quoted(encoding)}; send it plain.`);
  const type = mediaType(headers);
  if (options.signed || type === "application/json") return parseJson(body);
  if (options.form && type === "application/x-www-form-urlencoded") return parseForm(body);
  const wanted = options.form ? "application/json or application/x-www-form-urlencoded" : "application/json";
  return fail("UNSUPPORTED_MEDIA_TYPE", `The content type ${type === "" ? "is missing" : `is ${quoted(type)}`}; this route takes ${wanted}.`);
}
