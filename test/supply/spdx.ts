// Reads an SPDX licence expression and says whether a list of licences satisfies it. A form that it does not know satisfies nothing.
// Grammar: SPDX specification 2.3, annex D (checked 2026-11).

type Tokens = { readonly words: readonly string[]; at: number };

function take(tokens: Tokens): string | undefined {
  const word = tokens.words[tokens.at];
  tokens.at += 1;
  return word;
}

/** `LICENCE`, `LICENCE WITH EXCEPTION` (listed as those three words), or an expression in brackets. */
function readPart(tokens: Tokens, isListed: (licence: string) => boolean): boolean | null {
  const word = take(tokens);
  if (word === undefined || word === ")" || word === "AND" || word === "OR" || word === "WITH") return null;
  if (word === "(") {
    const inner = readChoice(tokens, isListed);
    return take(tokens) === ")" ? inner : null;
  }
  if (tokens.words[tokens.at] !== "WITH") return isListed(word);
  take(tokens);
  const exception = take(tokens);
  return exception === undefined ? null : isListed(`${word} WITH ${exception}`);
}

/** All of them must be listed; AND binds more tightly than OR. */
function readAll(tokens: Tokens, isListed: (licence: string) => boolean): boolean | null {
  let result = readPart(tokens, isListed);
  while (tokens.words[tokens.at] === "AND") {
    take(tokens);
    const next = readPart(tokens, isListed);
    result = result === null || next === null ? null : result && next;
  }
  return result;
}

/** One of them is enough: we may choose. */
function readChoice(tokens: Tokens, isListed: (licence: string) => boolean): boolean | null {
  let result = readAll(tokens, isListed);
  while (tokens.words[tokens.at] === "OR") {
    take(tokens);
    const next = readAll(tokens, isListed);
    result = result === null || next === null ? null : result || next;
  }
  return result;
}

/** Whether `expression` can be satisfied with the licences listed. */
export function isSatisfied(expression: string, listed: Readonly<Record<string, string>>): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? [];
  const tokens: Tokens = { words, at: 0 };
  const result = readChoice(tokens, (licence) => Object.hasOwn(listed, licence));
  return result === true && tokens.at === words.length;
}
