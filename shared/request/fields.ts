// Strict reading of a request's fields: every field has a type and a bound, unknown ones are refused by name,
// and every problem is collected, not only the first. Never walks deeper than the fields it knows.
import { type Cidr, parseCidr } from "../address/index.ts";
import { type Severity, severities } from "../config.ts";
import { limits } from "../limits.ts";
import { durationHint, parseDuration } from "./duration.ts";
import type { Problem } from "./problem.ts";
import { cleanText, quoted, textLength } from "./text.ts";

export interface AskedAddress {
  readonly field: string;
  readonly asked: Cidr;
}

/** Reads named fields of one object. Absent is `undefined`; a problem also reads as absent, and is noted. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly problems: Problem[] = [];
  /** Whether there are fields to read at all. */
  readonly readable: boolean;

  constructor(raw: unknown, known: readonly string[]) {
    if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
      this.#values = new Map();
      this.readable = false;
      this.wrong("body", `must be one JSON object with fields such as ${known.slice(0, 3).join(", ")}; it is ${quoted(raw)}`);
      return;
    }
    this.#values = new Map(Object.entries(raw));
    this.readable = true;
    const unknown = [...this.#values.keys()].filter((name) => !known.includes(name));
    for (const name of unknown.slice(0, limits.ipsPerRequestMax))
      this.wrong(cleanText(name).slice(0, 64) || "?", `is not a field of this route; it takes ${known.join(", ")}`);
  }

  wrong(field: string, reason: string): void {
    this.problems.push({ code: "INVALID_INPUT", field, reason });
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  raw(name: string): unknown {
    return this.#values.get(name);
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    if (value === undefined || typeof value === "string") return value;
    this.wrong(name, `must be a text; it is ${quoted(value)}`);
    return undefined;
  }

  flag(name: string): boolean {
    const value = this.#values.get(name);
    if (value === undefined) return false;
    if (typeof value === "boolean") return value;
    // A form can send nothing but text.
    if (value === "true" || value === "false") return value === "true";
    this.wrong(name, `must be true or false; it is ${quoted(value)}`);
    return false;
  }

  choice<T extends string>(name: string, options: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = options.find((option) => option === value);
    if (found === undefined) this.wrong(name, `must be one of ${options.join(", ")}; it is ${quoted(value)}`);
    return found;
  }

  duration(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const milliseconds = parseDuration(value);
    if (milliseconds === null) this.wrong(name, `${quoted(value)} is not a duration; ${durationHint}`);
    return milliseconds ?? undefined;
  }

  severity(): Severity | undefined {
    return this.choice("severity", severities);
  }

  /** The `type` that a signed body must carry; when it is there it must name this route's operation. */
  operation(expected: string): void {
    const value = this.text("type");
    if (value !== undefined && value !== expected) this.wrong("type", `must be "${expected}" on this route; it is ${quoted(value)}`);
  }

  reason(): string {
    const cleaned = cleanText(this.text("reason") ?? "");
    const length = textLength(cleaned);
    if (length > limits.reasonCharsMax) this.wrong("reason", `has ${length} characters; at most ${limits.reasonCharsMax} are kept, so write a shorter one`);
    return cleaned;
  }

  /** A list of distinct texts; a single text stands for a list of one. */
  names(name: string, countMax: number): readonly string[] | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length === 0 || list.length > countMax) {
      this.wrong(name, `must name 1 to ${countMax}; it names ${list.length}`);
      return undefined;
    }
    const names: string[] = [];
    for (const [at, entry] of list.entries()) {
      if (typeof entry !== "string") this.wrong(`${name}[${at}]`, `must be a text; it is ${quoted(entry)}`);
      else if (!names.includes(entry)) names.push(entry);
    }
    return names;
  }

  /** `ip` (one) or `ips` (several), each canonical; what cannot be read is a problem with its position. */
  addresses(): readonly AskedAddress[] {
    const one = this.#values.get("ip");
    const many = this.#values.get("ips");
    if (one !== undefined && many !== undefined) this.wrong("ips", "cannot be given together with ip; put every address in ips");
    if (many === undefined) {
      if (one === undefined) this.wrong("ip", "is missing; give one address or CIDR as ip, or up to 100 as ips");
      return one === undefined ? [] : this.#address("ip", one);
    }
    if (!Array.isArray(many)) {
      this.wrong("ips", `must be a list of addresses; it is ${quoted(many)}`);
      return [];
    }
    if (many.length === 0 || many.length > limits.ipsPerRequestMax) {
      this.wrong("ips", `must hold 1 to ${limits.ipsPerRequestMax} addresses; it holds ${many.length}, so send several requests`);
      return [];
    }
    return many.flatMap((value: unknown, at) => this.#address(`ips[${at}]`, value));
  }

  #address(field: string, value: unknown): readonly AskedAddress[] {
    if (typeof value !== "string") {
      this.wrong(field, `must be a text with one address; it is ${quoted(value)}`);
      return [];
    }
    const parsed = parseCidr(value);
    if (parsed.ok) return [{ field, asked: parsed.value }];
    this.wrong(field, cleanText(parsed.error.message));
    return [];
  }
}
