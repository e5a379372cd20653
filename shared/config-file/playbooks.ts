// The playbooks that `portcullis.yaml` names, each read and checked as `portcullis playbook test` checks it, and against this configuration: what it
// names must be here, and what is not run yet is refused. Pure: the files' texts come as an argument.
import type { Config } from "../config.ts";
import { actionsOf, type Playbook } from "../playbook/playbook.ts";
import { readPlaybook } from "../playbook/read.ts";
import { placed, readYaml, type YamlFile } from "./document.ts";
import { byPlace, finding, type Path, type Problem, shown, suggestion } from "./problem.ts";
import type { Sections } from "./schema.ts";

/** What stands at a place that the configuration names; null: nothing. `file` is the name to show. */
export type PlaybookText = (place: string) => { readonly text: string; readonly file: string } | null;

export const starterPrefix = "starter:";

export interface ReadPlaybooks {
  readonly playbooks: readonly Playbook[];
  readonly problems: readonly Problem[];
}

type Entry = NonNullable<Sections["playbooks"]>[number];

function pathOf(text: string): Path {
  return text.split(/[.[\]]+/).flatMap((part) => (part === "" ? [] : [/^\d+$/.test(part) ? Number(part) : part]));
}

/** What of the configuration playbooks lean on. */
export interface Surroundings {
  readonly targets: Config["targets"];
  /** Whether it says how a person is asked. */
  readonly asks: boolean;
}

/** What a playbook may say by itself, and not in this configuration. */
function misfits(playbook: Playbook, yaml: YamlFile, { targets, asks }: Surroundings): readonly Problem[] {
  const names = Object.keys(targets);
  const unknown = actionsOf(playbook).flatMap(({ path, step }) =>
    step.action !== "block" || step.targets === null
      ? []
      : step.targets.flatMap((name, at) =>
          names.includes(name)
            ? []
            : [finding([...pathOf(path), "block", "targets", at], `${shown(name)} names no target of the configuration`, suggestion(name, names))],
        ),
  );
  const remedy = "add `approvals: { secret: NAME }` to the configuration, or let the playbook observe";
  const noLink = finding(["approve"], "a person is asked by a signed link, and the configuration says nothing of links", remedy, "key");
  const isMute = playbook.approve !== null && playbook.mode === "enforce" && !asks;
  return placed([...unknown, ...(isMute ? [noLink] : [])], yaml);
}

function readOne({ place, mode }: { readonly place: string; readonly mode?: Playbook["mode"] | undefined }, read: PlaybookText, around: Surroundings) {
  const found = read(place);
  if (found === null) return null;
  const playbook = readPlaybook(found.text, found.file);
  if (!playbook.ok) return { playbook: null, file: found.file, problems: playbook.problems };
  const moded = mode === undefined ? playbook.playbook : { ...playbook.playbook, mode };
  const yaml = readYaml(found.text, found.file).file;
  return { playbook: moded, file: found.file, problems: yaml === null ? [] : misfits(moded, yaml, around) };
}

function missing(place: string): string {
  return place.startsWith(starterPrefix) ? "there is no such playbook in the starter set" : "there is no such file";
}

/** Every problem of every file, and of their names together. */
export function readPlaybooks(entries: readonly Entry[], read: PlaybookText, around: Surroundings, config: YamlFile): ReadPlaybooks {
  const problems: Problem[] = [];
  const playbooks = new Map<string, { readonly playbook: Playbook; readonly file: string }>();
  for (const [at, entry] of entries.entries()) {
    const wanted = typeof entry === "string" ? { place: entry } : { place: entry.file, mode: entry.mode };
    const one = readOne(wanted, read, around);
    const path = typeof entry === "string" ? ["playbooks", at] : ["playbooks", at, "file"];
    if (one === null) {
      const remedy = `write a path from the configuration's folder, or ${starterPrefix}NAME as in functions/playbooks`;
      problems.push(...placed([finding(path, `${shown(wanted.place)}: ${missing(wanted.place)}`, remedy)], config));
      continue;
    }
    problems.push(...[...one.problems].sort(byPlace));
    if (one.playbook === null) continue;
    const { name } = one.playbook;
    const earlier = playbooks.get(name);
    if (earlier === undefined) playbooks.set(name, { playbook: one.playbook, file: one.file });
    // What has a name twice would be counted, throttled and told of as one.
    else problems.push(...placed([finding(path, `the playbook ${shown(name)} is already read from ${earlier.file}`, "name each once")], config));
  }
  return { playbooks: [...playbooks.values()].map(({ playbook }) => playbook), problems };
}
