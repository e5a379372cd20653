// The text of the first `portcullis.yaml`: what `init` found, with a comment on everything a person has to decide.
import { stringify } from "yaml";
import { limits } from "../../shared/limits.ts";
import type { Json } from "../../shared/ports.ts";
import type { Discovery } from "../../shared/provider.ts";
import { plain } from "./function-client.ts";

export interface Starter {
  readonly kind: string;
  readonly found: readonly Discovery[];
  readonly credentials: Readonly<Record<string, string>>;
}

function indented(text: string, blanks: number): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `${" ".repeat(blanks)}${line}`)
    .join("\n");
}

/** A comment is one line, whatever a cloud's name tag holds. */
function comment(text: string, blanks: number): string {
  return `${" ".repeat(blanks)}# ${plain(text)}`;
}

function targetText(discovery: Discovery, name: string, { kind, credentials }: Starter): string {
  const settings: Json = discovery.settings;
  const body = { kind, ...(settings !== null && typeof settings === "object" && !Array.isArray(settings) ? settings : {}), mode: "observe", credentials };
  const comments = [discovery.title, ...discovery.warnings.map((warning) => `warning: ${warning}`)].map((text) => comment(text, 2));
  return [...comments, `  ${name}:`, indented(stringify(body), 4)].join("\n");
}

export function starterText(starter: Starter): string {
  const vendor = starter.kind.split("-")[0] ?? "target";
  const kept = starter.found.slice(0, limits.targetsMax);
  const left = starter.found.length - kept.length;
  return [
    "# yaml-language-server: $schema=./portcullis.schema.json",
    "# Written by `portcullis init`. portcullis.example.yaml explains every part; `npm run gen` checks it.",
    "",
    "owner: portcullis",
    "",
    "protect:",
    "  # Never blocked, whoever asks: your offices, your monitoring.",
    "  ranges: []",
    "  presets: all",
    "",
    "clients:",
    "  admin:",
    "    # Run `npm run portcullis -- key admin` and put the keys: line it prints here.",
    "    keys: []",
    "    scopes: [block, lift, exempt, read, admin]",
    "",
    "# observe: plans and reports, writes nothing. Delete what Portcullis should not look after.",
    "# The function needs credentials of its own, under these names, with the permissions of the kind's policy.json.",
    "targets:",
    ...kept.map((discovery, index) => targetText(discovery, `${vendor}-${index + 1}`, starter)),
    ...(left > 0 ? [comment(`${left} more were found; one deployment takes ${limits.targetsMax}`, 2)] : []),
    "",
  ].join("\n");
}
