// `npm run mutation [-- ROOM …] [-- --ci]`: breaks the code on purpose, one expression at a time, and says which breaks
// no test noticed. Works on a copy; the tree stays as it is. Rooms and thresholds: rooms.ts; what the rest means: README.md.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";
import { type Mutation, type MutationReport, mutationOf, mutationText, type RoomReport, reportOf } from "./report.ts";
import { type Room, rooms } from "./rooms.ts";
import { survivors } from "./survivors.ts";

const root = resolve(import.meta.dirname, "../..");
/** Ignored by git. */
const reports = "coverage/mutation";

function roomsNamed(names: readonly string[], ci: boolean): readonly Room[] {
  const unknown = names.filter((name) => !rooms.some((room) => room.name === name));
  if (unknown.length > 0) throw new Error(`there is no room ${unknown.join(", ")}; there are ${rooms.map((room) => room.name).join(", ")}`);
  if (names.length > 0) return rooms.filter((room) => names.includes(room.name));
  return ci ? rooms.filter((room) => room.ci) : rooms;
}

async function mutate(room: Room, concurrency: number, files: readonly string[]): Promise<readonly Mutation[]> {
  process.env.MUTATION_TESTS = room.tests.join("\n");
  const jsonReport = `${reports}/${room.name}.json`;
  await new Stryker({
    configFile: "test/mutation/stryker.config.json",
    mutate: [...(files.length > 0 ? files : room.mutate)],
    htmlReporter: { fileName: `${reports}/${room.name}.html` },
    jsonReporter: { fileName: jsonReport },
    concurrency,
  }).runMutationTest();
  // The report has the sources as they were copied: the tree may have changed since.
  const report = JSON.parse(await readFile(jsonReport, "utf8")) as MutationReport;
  return Object.entries(report.files).flatMap(([file, { source, mutants }]) => mutants.map((mutant) => mutationOf(mutant, file, source)));
}

/** Prints the room and answers whether it holds. */
function judge(room: Room, report: RoomReport): boolean {
  const { survived, broken, wrongNotes, score } = report;
  for (const mutation of [...survived, ...broken]) console.log(mutationText(mutation));
  for (const note of [...wrongNotes, ...report.staleNotes]) console.log(note);
  const holds = score >= room.scoreMin && broken.length === 0 && wrongNotes.length === 0 && report.mutants > 0;
  console.log(
    `${room.name}: ${report.mutants} mutants, ${report.killed} killed, ${report.equivalent} equivalent, ${survived.length} survived: ` +
      `${score.toFixed(1)} % (at least ${room.scoreMin} %)${holds ? "" : ": FAILED"}\n`,
  );
  return holds;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ci: { type: "boolean", default: false }, concurrency: { type: "string", default: "1" }, file: { type: "string", multiple: true, default: [] } },
});
process.chdir(root);
let holds = true;
for (const room of roomsNamed(positionals, values.ci)) {
  const mutations = await mutate(room, Number(values.concurrency), values.file);
  const isHeld = judge(room, reportOf(mutations, survivors));
  holds &&= isHeld;
}
if (!holds) {
  console.log("A score below its room's least, or a wrong note. Write the test that notices, or note in test/mutation/survivors.json why nothing can.");
  process.exitCode = 1;
}
