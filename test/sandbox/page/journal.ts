// What has happened in the sandbox, newest last: one list for the shell and the page. Forgets the oldest; decides nothing.
import type { Happening } from "./console-view.ts";

export interface JournalEntry extends Happening {
  readonly id: number;
  readonly atMs: number;
  /** Where; null for what happened at the door. */
  readonly target: string | null;
}

export interface Journal {
  readonly entries: readonly JournalEntry[];
  tell(target: string | null, happening: Happening): void;
  /** Calls for every entry from now on; call the result to stop. */
  onEntry(listener: (entry: JournalEntry) => void): () => void;
}

const keptMax = 100;

export function createJournal(nowMs: () => number = Date.now): Journal {
  const entries: JournalEntry[] = [];
  const listeners = new Set<(entry: JournalEntry) => void>();
  let told = 0;
  return {
    entries,
    tell(target, { tone, text }) {
      told += 1;
      const entry = { id: told, atMs: nowMs(), target, tone, text };
      entries.push(entry);
      if (entries.length > keptMax) entries.shift();
      for (const listener of listeners) listener(entry);
    },
    onEntry(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
