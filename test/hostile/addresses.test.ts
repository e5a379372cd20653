// One address, many parsers: what a caller wrote, what the store's key says, what the plan places, what each cloud's strict
// simulator holds. The judge here is Node's own reading of addresses and plain arithmetic, none of the product's code.
import { isIP } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cidrFromKey } from "../../shared/address/index.ts";
import { plainText, spellingOf } from "../address/generators.ts";
import { azureWorld } from "../providers/azure-nsg-world.ts";
import { cloudflareWorld } from "../providers/cloudflare-list-world.ts";
import { bearer, doorOf, type HostileWorld, hostileWorld, json, post, send } from "./world.ts";

const minute = 60_000;

interface Block {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly length: number;
}

function numberOf(text: string, family: 4 | 6): bigint {
  if (family === 4) return text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  // The URL standard's serialisation: no dotted tail, groups compressed once.
  const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = "", tail = ""] = host.split("::");
  const groups = (half: string) => (half === "" ? [] : half.split(":"));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: host.includes("::") ? missing : 0 }, () => "0"), ...groups(tail)];
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

const mapped = 0xffffn << 32n;

/** What a spelling means; null for what must be refused. Only addresses and plain CIDRs in canonical decimal mean anything. */
function meaningOf(text: string): Block | null {
  const trimmed = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  const [address = "", lengthText, ...rest] = trimmed.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes("%")) return null;
  const family = version === 4 ? 4 : 6;
  const bits = family === 4 ? 32 : 128;
  if (lengthText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return null;
  const length = lengthText === undefined ? bits : Number(lengthText);
  const first = numberOf(address, family);
  if (length > bits || (first & ((1n << BigInt(bits - length)) - 1n)) !== 0n) return null;
  if (family === 6 && length >= 96 && first >> 32n === 0xffffn) return { family: 4, first: first - mapped, length: length - 96 };
  return { family, first, length };
}

function widened({ family, first, length }: Block): Block {
  return family === 4 || length <= 64 ? { family, first, length } : { family, first: (first >> 64n) << 64n, length: 64 };
}

/** Blocks that nobody protects and every client here may ask for. */
function isOrdinary({ family, first, length }: Block): boolean {
  return family === 4 && length >= 24 && first >> 24n >= 11n && first >> 24n <= 99n;
}

const named = ({ family, first, length }: Block) => `${family}:${first.toString(16)}/${length}`;

const hex = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
const byte = fc.nat(255);
const four = fc.tuple(fc.integer({ min: 11, max: 99 }), byte, byte, byte).map((bytes) => plainText(4, hex(bytes)));
const six = fc
  .array(fc.oneof(fc.constant(0), byte), { minLength: 14, maxLength: 14 })
  .chain((bytes) => spellingOf(`2a0${hex(bytes).slice(0, 1)}${hex(bytes)}`.slice(0, 32)));
const inSix = four.chain((text) => spellingOf(`00000000000000000000ffff${hex(text.split(".").map(Number))}`));
const range = fc.oneof(
  fc.tuple(byte, byte).map(([a, b]) => `57.${a}.${b}.0/24`),
  byte.map((a) => `2a0e:${a.toString(16)}::/48`),
);
const good = fc.oneof(four, six, inSix, range);

/** Small changes that some parser somewhere reads as the same address, or as another one. */
const hostile = fc
  .tuple(
    good,
    fc.constantFrom(
      ...[
        "\0",
        "%00",
        "%25eth0",
        "%eth0",
        "\u200b",
        "\u0660",
        "１",
        "0",
        "00",
        "0x",
        ".",
        ":",
        "::",
        "/",
        "/32",
        "/033",
        "/ 32",
        "/24/32",
        ":80",
        "[",
        "]",
        " ",
        "\n",
        "\t",
        ",8.8.8.8",
        ";",
        "@1.1.1.1",
        "#",
        "?",
        "\\",
        "e1",
        "+",
        "-",
        "。",
        "/255.255.255.0",
      ],
    ),
    fc.nat(),
  )
  .map(([text, insertion, at]) => text.slice(0, at % (text.length + 1)) + insertion + text.slice(at % (text.length + 1)));
const odd = fc.constantFrom(
  "0177.0.0.1",
  "0x7f.1",
  "127.1",
  "2130706433",
  "1.2.3",
  "1.2.3.4.5",
  "256.1.1.1",
  "::ffff:0:0/95",
  "::1.2.3.4",
  "64:ff9b::5.6.7.8",
  "2002:0506:0708::",
  "fe80::1%1",
  "::",
  "::/0",
  "0/0",
  "localhost",
  "1.1.1.1.in-addr.arpa",
);
const spelling = fc.oneof({ weight: 3, arbitrary: good }, { weight: 3, arbitrary: hostile }, { weight: 1, arbitrary: odd });

interface Cloud {
  readonly name: string;
  readonly count: number;
  open(): Promise<{ readonly world: HostileWorld; standing(): readonly string[] }>;
}

const clouds: readonly Cloud[] = [
  {
    name: "aws",
    count: 14,
    open: async () => {
      const world = await hostileWorld();
      return { world, standing: () => world.behind.ours().map(({ cidr }) => cidr) };
    },
  },
  {
    name: "azure",
    count: 60,
    open: async () => {
      const behind = await azureWorld();
      return { world: doorOf(behind), standing: () => behind.sources() };
    },
  },
  {
    name: "cloudflare",
    count: 60,
    open: async () => {
      const behind = await cloudflareWorld();
      return { world: doorOf(behind), standing: () => behind.values() };
    },
  },
];

test.for(clouds)(
  "agree: what is accepted is the same address in the answer, the store's key, the plan and $name; all else is refused whole",
  { timeout: 120_000 },
  async ({ count, open }) => {
    let accepted = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(spelling, { minLength: 1, maxLength: count }), async (spellings) => {
        const { world, standing } = await open();
        await world.behind.advance(2 * minute);
        const expected = new Set<string>();
        for (const text of spellings) {
          const { puts } = world.behind.kv.counts;
          const response = await post(world, "/v1/blocks", "admin", { ip: text });
          const meant = meaningOf(text);
          if (response.status >= 300) {
            refused += 1;
            expect([text, response.status, world.behind.kv.counts.puts - puts]).toEqual([text, response.status, 0]);
            // Refused as unreadable exactly when it means nothing; otherwise for a named reason.
            expect([text, response.status === 400]).toEqual([text, meant === null]);
            expect([text, meant !== null && isOrdinary(meant)]).toEqual([text, false]);
            continue;
          }
          accepted += 1;
          expect([text, meant === null]).toEqual([text, false]);
          if (meant === null) continue;
          const block = widened(meant);
          const [item] = (await json(response)).items as { ip: string; asked: string }[];
          expect([text, named(meaningOf(item?.asked ?? "") ?? meant), named(meaningOf(item?.ip ?? "") ?? meant)]).toEqual([text, named(meant), named(block)]);
          expected.add(named(block));
        }
        const plan = await json(await send(world, `/v1/targets/${Object.keys(world.behind.config.targets)[0]}/plan`, { headers: bearer("reader") }));
        await world.behind.advance(3 * minute);
        const listed = await world.behind.kv.list(null, "lease:");
        const keys = listed.keys.map(({ name }) => {
          const cidr = cidrFromKey(name.slice("lease:".length).replace(/(\/\d+):.*/, "$1"));
          return cidr === null ? name : named({ family: cidr.family, first: BigInt(`0x${cidr.first}`), length: cidr.length });
        });
        const read = (texts: readonly string[]) => texts.map((text) => named(meaningOf(text) ?? { family: 4, first: -1n, length: 0 })).sort();
        const wanted = [...expected].sort();
        expect([...new Set(keys)].sort()).toEqual(wanted);
        expect(read([...plan.add, ...plan.keep])).toEqual(wanted);
        // A wider block stands for what lies inside it.
        expect(read(standing())).toEqual(wanted);
      }),
      { numRuns: 12 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(10);
  },
);

test("agree: no spelling of a protected address gets past the protect list", async () => {
  const world = await hostileWorld();
  const inside = fc.constantFrom("198.51.100.7", "10.0.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "255.255.255.255", "224.0.0.1");
  const spelled = inside.chain((text) =>
    fc.oneof(
      fc.constant(text),
      spellingOf(`00000000000000000000ffff${hex(text.split(".").map(Number))}`),
      fc.constantFrom(`${text}/32`, ` ${text}\r\n`, `64:ff9b::${text}`, `::${text}`, `::ffff:${text}/128`),
    ),
  );
  const before = world.behind.kv.counts.puts;
  await fc.assert(
    fc.asyncProperty(spelled, async (text) => {
      expect([text, (await post(world, "/v1/blocks", "admin", { ip: text })).status]).toEqual([text, 422]);
      const answer = await json(await post(world, "/v1/alerts/elastalert", "detector", [{ source: { ip: text } }]));
      expect([text, answer.items[0].status]).toEqual([text, "refused"]);
    }),
  );
  expect(world.behind.kv.counts.puts).toBe(before);
});
