// What becomes of a log record on its way out: below the level that was asked for it is dropped; else it becomes one line of JSON in which
// no text can pose as another line, reorder what is read, or carry a URL's query or a secret path. The last net, not the first: no field holds a secret.
import type { Level } from "../../shared/events.ts";
import type { Json, Log, LogRecord } from "../../shared/ports.ts";

const ranks: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** The secret of `POST /v1/in/{secret}`, in whatever quotes the path of a request. */
const pathSecret = /\/v1\/in\/(?!:secret)[^\s?#"']+/gi;
const textCharsMax = 1_000;
const listItemsMax = 100;

function isLevel(text: string | undefined): text is Level {
  return text !== undefined && Object.hasOwn(ranks, text);
}

function cleanText(text: string): string {
  const plain = text
    .replace(/(https?:\/\/[^\s?#"']*)[?#][^\s"']*/gi, "$1?…")
    .replace(pathSecret, "/v1/in/…")
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
  return plain.length <= textCharsMax ? plain : `${plain.slice(0, textCharsMax)}…`;
}

function clean(value: Json | undefined): Json | undefined {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.slice(0, listItemsMax).map((item: Json) => clean(item) ?? null);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [cleanText(name), clean(inner) ?? null]));
}

export function logLine(record: LogRecord): string {
  return JSON.stringify(Object.fromEntries(Object.entries(record).map(([name, value]) => [name, clean(value)])));
}

/** `level` is what the operator wrote; anything but a level means `info`. */
export function logAbove(log: Log, level: string | undefined): Log {
  const least = ranks[isLevel(level) ? level : "info"];
  return (record) => {
    if (ranks[record.level] >= least) log(record);
  };
}
