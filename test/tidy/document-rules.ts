// House rules about what documents must say, what every kind of firewall must bring, and what no file may reveal.
import { errorTraits } from "../../shared/errors.ts";
import { keyPrefixes } from "../../shared/keys.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { resolvePath } from "./import-rules.ts";
import { type Finding, matchLines, type Repository, type Rule } from "./repository.ts";

/** Findings for the names that no code mark in `path` starts with: "stop" as a plain word documents nothing. */
function unmentioned(repository: Repository, path: string, names: readonly string[], what: string): readonly Finding[] {
  const text = repository.files.get(path);
  if (text === undefined) return [{ path, line: 1, message: `does not exist; write it and document every ${what}: ${names.join(", ")}` }];
  return names
    .filter((name) => !new RegExp(`\`${name}(?!\\w)`).test(text))
    .map((name) => ({ path, line: 1, message: `does not document the ${what} \`${name}\`` }));
}

export const documentedErrors: Rule = {
  name: "documented errors",
  check: (repository) => unmentioned(repository, "functions/README.md", Object.keys(errorTraits), "error code"),
};

export const documentedKeys: Rule = {
  name: "documented keys",
  check: (repository) => unmentioned(repository, "functions/stores/README.md", Object.values(keyPrefixes), "key prefix"),
};

/** What each kind brings, as paths; `{kind}` stands for its name. */
const kindFiles: readonly (readonly [string, string])[] = [
  ["providers/{kind}/index.ts", "its definition"],
  ["providers/{kind}/README.md", "permissions, configuration, limits with dates, and what it cannot do"],
  ["providers/{kind}/policy.json", "the pasteable form of its permissions"],
  ["test/providers/{kind}.test.ts", "the conformance suite and its own cases"],
];

function kindsOf(repository: Repository): readonly string[] {
  const folders = [...repository.files.keys()].flatMap((path) => /^providers\/([^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(folders)].filter((kind) => kind !== "internal");
}

function kindFindings(repository: Repository, kind: string): readonly Finding[] {
  const paths = [...repository.files.keys()];
  const missing = kindFiles
    .map(([pattern, why]) => [pattern.replace("{kind}", kind), why] as const)
    .filter(([path]) => !repository.files.has(path))
    .map(([path, why]) => ({ path, line: 1, message: `does not exist; every kind has ${why}` }));
  const vendor = kind.split("-")[0] ?? kind;
  const simulator = [kind, vendor].some((name) => paths.some((path) => path === `test/simulators/${name}.ts` || path.startsWith(`test/simulators/${name}/`)));
  const listed = (repository.files.get("providers/index.ts") ?? "").includes(`"./${kind}/index.ts"`);
  return [
    ...missing,
    ...(simulator
      ? []
      : [
          {
            path: `test/simulators/${kind}.ts`,
            line: 1,
            message: `does not exist; every kind has a strict simulator, of its own or of its vendor (${vendor})`,
          },
        ]),
    ...(listed ? [] : [{ path: "providers/index.ts", line: 1, message: `does not list the kind ${kind}` }]),
  ];
}

/** What a definition fails to say: its own kind, its permissions, its limits with a source and the date they were checked. */
export function definitionFaults(kind: string, definition: Pick<ProviderDefinition, "kind" | "permissions" | "limits">): readonly string[] {
  const faults = [
    definition.kind === kind ? null : `is listed as ${kind} and calls itself ${definition.kind}`,
    definition.permissions.length > 0 ? null : "names no permissions",
    definition.limits.length > 0 ? null : "names no limits",
    ...definition.limits.map((limit) => {
      const dated = /^20\d{2}-\d{2}-\d{2}$/.test(limit.checked) && !Number.isNaN(Date.parse(limit.checked));
      return dated && limit.source !== "" ? null : `has the limit ${limit.name} without a source and the date it was checked`;
    }),
  ];
  return faults.filter((fault) => fault !== null);
}

export const completeKinds: Rule = {
  name: "complete kinds",
  check: (repository) => kindsOf(repository).flatMap((kind) => kindFindings(repository, kind)),
};

/** Text without code blocks and code spans, with its line breaks kept. */
function prose(markdown: string): string {
  return markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, "")).replace(/`[^`\n]*`/g, "");
}

function linkTargets(line: string): readonly string[] {
  const inline = [...line.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const references = [...line.matchAll(/^\s*\[[^\]]+\]:\s*(\S+)/g)];
  return [...inline, ...references].map((match) => match[1] ?? "");
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function hasAnchor(markdown: string, anchor: string): boolean {
  const blocksOut = markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
  return [...blocksOut.matchAll(/^#{1,6}\s+(.+)$/gm)].some((match) => anchorOf(match[1] ?? "") === anchor);
}

function linkFault(repository: Repository, from: string, link: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return null;
  const [target = "", anchor = ""] = link.split("#");
  const path = target === "" ? from : decodeURIComponent(target.startsWith("/") ? target.slice(1) : resolvePath(from, target)).replace(/\/$/, "");
  const folder = [...repository.files.keys()].some((name) => path === "" || name.startsWith(`${path}/`));
  const text = repository.files.get(path);
  if (text === undefined && !folder) return `links to ${link}, which does not exist`;
  return anchor !== "" && path.endsWith(".md") && text !== undefined && !hasAnchor(text, anchor) ? `links to ${link}, but there is no such heading` : null;
}

export const documentLinks: Rule = {
  name: "document links",
  check: (repository) =>
    [...repository.files].flatMap(([path, text]) => {
      if (!path.endsWith(".md")) return [];
      return prose(text)
        .split("\n")
        .flatMap((line, at) =>
          linkTargets(line).flatMap((link) => {
            const message = linkFault(repository, path, link);
            return message === null ? [] : [{ path, line: at + 1, message }];
          }),
        );
    }),
};

const machinePaths = /(?<![\w.:/-])\/(?:work|root|tmp\/bash|home\/\w+|Users\/\w+)\b[/\w.-]*/;
const registryHosts =
  /\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com|[\w.-]*(?:artifactory|nexus|verdaccio|jfrog)[\w.-]*\.\w+|pypi\.org|proxy\.golang\.org)\b/i;

export const machineTraces: Rule = {
  name: "machine traces",
  check: (repository) =>
    [...repository.files].flatMap(([path, text]) => {
      if (path.startsWith("test/tidy/")) return [];
      return [
        ...matchLines(path, text, machinePaths, (match) => `names ${match}, a path of one machine; write a relative path`),
        ...matchLines(path, text, registryHosts, (match) => `names the registry host ${match}; leave it to the user's own settings`),
      ];
    }),
};

export const lockfile: Rule = {
  name: "lockfile",
  check: (repository) => {
    const text = repository.files.get("package-lock.json");
    if (text === undefined) return [{ path: "package-lock.json", line: 1, message: "does not exist; commit it" }];
    return matchLines("package-lock.json", text, /"resolved"\s*:/, () => "has a resolved address; install with omit-lockfile-registry-resolved=true");
  },
};
