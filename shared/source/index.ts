// Every adapter by name. A source of the configuration without one, or the reverse, does not compile.
import type { EventSource } from "../config.ts";
import { falco } from "./falco.ts";
import { guardduty } from "./guardduty.ts";
import type { SourceAdapter } from "./source.ts";

export type { IgnoredBecause, SourceAdapter, SourceEntry, SourceRules } from "./source.ts";

export const adapters: Readonly<Record<EventSource, SourceAdapter>> = { guardduty, falco };
