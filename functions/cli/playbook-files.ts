// Finds playbooks and the cases beside them on disk: `NAME.yaml` and `NAME.cases.yaml`. Every problem of every file is kept.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Problem } from "../../shared/config-file/index.ts";
import { limits } from "../../shared/limits.ts";
import { type PlaybookCase, readCases } from "../../shared/playbook/cases.ts";
import { type CompiledPlaybook, compilePlaybook } from "../../shared/playbook/decide.ts";
import { readPlaybook } from "../../shared/playbook/read.ts";
import { CommandError } from "./command.ts";
import { repositoryRoot } from "./definitions.ts";

export interface FoundPlaybook {
  /** As it is shown. */
  readonly file: string;
  readonly casesFile: string;
  readonly compiled: CompiledPlaybook;
  /** null: there is no file of cases. */
  readonly cases: readonly PlaybookCase[] | null;
}

export interface FoundPlaybooks {
  readonly playbooks: readonly FoundPlaybook[];
  readonly problems: readonly Problem[];
}

const starterSet = join(repositoryRoot, "functions/playbooks");
const isYaml = /\.ya?ml$/;
const isCases = /\.cases\.ya?ml$/;

function shownPath(path: string): string {
  return relative(process.cwd(), path) || ".";
}

/** Playbooks' paths in a folder, by name; or the one that was named, by itself or by its cases. */
function pathsIn(place: string): readonly string[] {
  if (!existsSync(place)) throw new CommandError(`there is no ${shownPath(place)}; name a playbook, or a folder with playbooks`);
  if (!statSync(place).isDirectory()) return [place.replace(isCases, (ending) => ending.replace(".cases", ""))];
  const names = readdirSync(place).filter((name) => isYaml.test(name) && !isCases.test(name));
  if (names.length === 0) throw new CommandError(`${shownPath(place)} holds no playbook; write NAME.yaml and NAME.cases.yaml there`);
  if (names.length > limits.playbooksMax) throw new CommandError(`${shownPath(place)} holds ${names.length} playbooks, more than ${limits.playbooksMax}`);
  return names.toSorted().map((name) => join(place, name));
}

function readText(path: string): string | null {
  return existsSync(path) && statSync(path).isFile() ? readFileSync(path, "utf8") : null;
}

function findOne(path: string): { readonly found: FoundPlaybook | null; readonly problems: readonly Problem[] } {
  const text = readText(path);
  if (text === null) throw new CommandError(`there is no ${shownPath(path)}; name a playbook, or a folder with playbooks`);
  const file = shownPath(path);
  const casesPath = path.replace(isYaml, (ending) => `.cases${ending}`);
  const casesText = readText(casesPath);
  const read = readPlaybook(text, file);
  const cases = casesText === null ? null : readCases(casesText, shownPath(casesPath), (name) => readText(resolve(dirname(casesPath), name)));
  const problems = [...(read.ok ? [] : read.problems), ...(cases === null || cases.ok ? [] : cases.problems)];
  if (!read.ok || cases?.ok === false) return { found: null, problems };
  return { found: { file, casesFile: shownPath(casesPath), compiled: compilePlaybook(read.playbook), cases: cases?.cases ?? null }, problems };
}

/** What has a name twice would be counted, throttled and told of as one. */
function sameNames(playbooks: readonly FoundPlaybook[]): readonly Problem[] {
  const first = new Map<string, string>();
  return playbooks.flatMap(({ file, compiled }) => {
    const { name } = compiled.playbook;
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, file);
    const message = `the name ${JSON.stringify(name)} is taken by ${earlier}`;
    return earlier === undefined ? [] : [{ file, line: 1, column: 1, path: "name", message, remedy: "choose another" }];
  });
}

/** `place`: a file, a folder, or nothing for the starter set. */
export function findPlaybooks(place: string | undefined): FoundPlaybooks {
  const read = pathsIn(place === undefined ? starterSet : resolve(place)).map(findOne);
  const playbooks = read.flatMap(({ found }) => (found === null ? [] : [found]));
  return { playbooks, problems: [...read.flatMap(({ problems }) => problems), ...sameNames(playbooks)] };
}
