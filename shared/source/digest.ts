// SHA-256 (FIPS 180-4) of a text, at once: the platforms' own is asynchronous, and reading an alert is not.
// For names only, which an attacker chooses the input of: two different events must not come to one name. Never for secrets.

/** The first 32 bits of the fractions of the roots of the first primes: square roots start the state, cube roots are the rounds' constants. */
function fractions(count: number, root: (prime: number) => number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) isPrime &&= candidate % divisor !== 0;
    if (isPrime) found.push(((root(candidate) % 1) * 2 ** 32) | 0);
  }
  return found;
}

const initial = fractions(8, Math.sqrt);
const rounds = fractions(64, Math.cbrt);

/** The text in UTF-8, with the padding that the digest wants: a bit, zeros, and the length in bits. */
function padded(text: string): Uint8Array {
  // Three bytes at most for each UTF-16 unit, and a block for the padding.
  const bytes = new Uint8Array(text.length * 3 + 128);
  let size = 0;
  const put = (byte: number) => {
    bytes[size] = byte;
    size += 1;
  };
  for (let at = 0; at < text.length; at += 1) {
    const code = text.codePointAt(at) ?? 0;
    if (code < 0x80) put(code);
    else {
      if (code < 0x800) put(0xc0 | (code >> 6));
      else {
        if (code < 0x1_0000) put(0xe0 | (code >> 12));
        else {
          at += 1;
          put(0xf0 | (code >> 18));
          put(0x80 | ((code >> 12) & 63));
        }
        put(0x80 | ((code >> 6) & 63));
      }
      put(0x80 | (code & 63));
    }
  }
  const bits = size * 8;
  put(0x80);
  while (size % 64 !== 56) put(0);
  for (const word of [Math.floor(bits / 2 ** 32), bits | 0]) for (const shift of [24, 16, 8, 0]) put((word >>> shift) & 255);
  return bytes.subarray(0, size);
}

const turned = (word: number, by: number) => (word >>> by) | (word << (32 - by));

/** The 64 words of a block; one buffer for all blocks of a text, since a body may have thousands. */
function schedule(all: Int32Array, bytes: Uint8Array, from: number): void {
  for (let at = 0; at < 16; at += 1) {
    const first = from + at * 4;
    all[at] = ((bytes[first] ?? 0) << 24) | ((bytes[first + 1] ?? 0) << 16) | ((bytes[first + 2] ?? 0) << 8) | (bytes[first + 3] ?? 0);
  }
  for (let at = 16; at < 64; at += 1) {
    const early = all[at - 15] ?? 0;
    const late = all[at - 2] ?? 0;
    const mixedEarly = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const mixedLate = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    all[at] = (all[at - 16] ?? 0) + mixedEarly + (all[at - 7] ?? 0) + mixedLate;
  }
}

function mix(state: Int32Array, all: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let at = 0; at < 64; at += 1) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + (rounds[at] ?? 0) + (all[at] ?? 0)) | 0;
    const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) state[at] = (state[at] ?? 0) + word;
}

/** 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  const bytes = padded(text);
  const state = Int32Array.from(initial);
  const all = new Int32Array(64);
  for (let from = 0; from < bytes.length; from += 64) {
    schedule(all, bytes, from);
    mix(state, all);
  }
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
