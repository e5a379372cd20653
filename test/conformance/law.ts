// What a law is: a sentence and its proof, as data, so that any runner on any runtime can hold it.
export interface Law<Harness> {
  readonly name: string;
  readonly run: (harness: Harness) => Promise<void>;
}

/** Fails a law when nothing is thrown; runners need no assertion library. */
export async function mustThrow(call: () => Promise<unknown>, what: string): Promise<void> {
  try {
    await call();
  } catch {
    return;
  }
  throw new Error(`${what}: nothing was thrown`);
}
