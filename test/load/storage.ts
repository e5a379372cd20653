// What is left in the store and in the coordinator's own storage, counted from their files when the runtime has stopped.
// Reads the local runtime's SQLite files; refuses to write.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".sqlite"))
    .map((path) => join(folder, path));
}

/** Rows of each table with any, by `file: table`. */
export function rowsOf(folder: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const path of filesBelow(folder)) {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all() as { name: string }[];
      for (const { name } of tables) {
        const { count } = database.prepare(`SELECT count(*) AS count FROM "${name.replaceAll('"', '""')}"`).get() as { count: number };
        if (count > 0) counts[`${path.slice(folder.length + 1)}: ${name}`] = count;
      }
    } finally {
      database.close();
    }
  }
  return counts;
}
