// Checks for laws that run under any test runner and any runtime: a plain throw with both sides in the message.

export function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Compares as JSON text, so that order counts. */
export function mustEqual(found: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  must(left === right, `${what}: found ${left}, expected ${right}`);
}
