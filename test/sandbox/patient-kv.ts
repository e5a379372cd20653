// Deno's local database is a file that answers "database is locked" when two processes write at once; the platform's waits its turn.
// So that several processes can share one here, this waits in its place. Changes nothing else.
import type { DenoAtomic, DenoKv } from "../../functions/runtime/deno-api.ts";

const triesMax = 400;
const pauseMs = 10;

async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (thrown) {
      // Nothing was done then: SQLite could not begin.
      if (tries === triesMax || !(thrown instanceof Error && thrown.message.includes("database is locked"))) throw thrown;
      await new Promise((wake) => setTimeout(wake, pauseMs));
    }
  }
}

export function patientKv(kv: DenoKv): DenoKv {
  return {
    get: (key) => patiently(() => kv.get(key)),
    getMany: (keys) => patiently(() => kv.getMany(keys)),
    list: (range, options) => {
      const listed = kv.list(range, options);
      const next = listed.next.bind(listed);
      listed.next = () => patiently(next);
      return listed;
    },
    atomic: (): DenoAtomic => {
      const operation = kv.atomic();
      const commit = operation.commit.bind(operation);
      operation.commit = () => patiently(commit);
      return operation;
    },
    close: () => kv.close(),
  };
}
