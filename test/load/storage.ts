// What is left in the coordinator's own storage, counted from the local runtime's SQLite files when it has stopped. Refuses to write.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".sqlite"))
    .map((path) => join(folder, path));
}

function keysIn(path: string): readonly string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    // The runtime keeps files of its own beside the objects'.
    const isObject = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_cf_KV'").all().length > 0;
    if (!isObject) return [];
    return (database.prepare("SELECT key FROM _cf_KV").all() as { key: string }[]).map(({ key }) => key);
  } finally {
    database.close();
  }
}

/** Rows of the coordinator's storage, by the first word of their keys (functions/stores/README.md names them). */
export function rowsOf(folder: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const path of filesBelow(join(folder, "do"))) {
    for (const key of keysIn(path)) {
      const word = key.split(":")[0] ?? key;
      counts[word] = (counts[word] ?? 0) + 1;
    }
  }
  return counts;
}
