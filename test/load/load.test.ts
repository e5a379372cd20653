// The soak's own parts: that the same seed sends the same, and that each judge finds what it is there to find. The soak itself is
// `npm run soak`, which the pipeline runs for half a minute.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { noFaults } from "../simulators/aws/faults.ts";
import { SimulatedAws } from "../simulators/aws.ts";
import { fire } from "./cannon.ts";
import { acl, Clouds, type Standing, type TargetName, targets } from "./clouds.ts";
import { Gates } from "./gates.ts";
import { keyOfText, Ledger } from "./ledger.ts";
import { descendantsNamed, growthOf, residentBytes } from "./memory.ts";
import { chanceOf } from "./random.ts";
import { Readers } from "./readers.ts";
import { faultsOf, figuresOf, linesOf, memoryRatioMost } from "./report.ts";
import { type Known, mix, type Sent, Shapes, type Wanted } from "./shapes.ts";
import type { Soak } from "./soak.ts";
import { judge, type Row } from "./verdict.ts";

const keys = { signing: `whsec_${Buffer.from("a secret of the test").toString("base64")}`, scanner: "s", detector: "d", eager: "e", admin: "a" };
const times = { shortSeconds: { least: 6, most: 10 }, longShare: 0.1, longSeconds: 3_000 };
const some: Wanted = { cidr: "100.16.0.1/32", key: keyOfText("100.16.0.1/32") };
const known: Known = { again: () => ({ wanted: some, client: "script" }), retire: () => some };

function shapesOf(seed: number): Shapes {
  return new Shapes({ chance: chanceOf(seed), keys, known, times });
}

describe("what is sent", () => {
  test("repeat: the same seed sends the same, another seed does not", () => {
    const sent = (seed: number) => {
      const shapes = shapesOf(seed);
      return Array.from({ length: 300 }, () => shapes.next()).map(({ shape, path, wanted, targets: selected, headers }) => [
        shape,
        path,
        wanted,
        selected,
        Object.keys(headers),
      ]);
    };
    expect(sent(7)).toEqual(sent(7));
    expect(sent(7)).not.toEqual(sent(8));
  });

  test("mix: one in a hundred is invalid, five are repeats, and no fresh address comes twice", () => {
    const shapes = shapesOf(1);
    const all = Array.from({ length: 20_000 }, () => shapes.next());
    expect(Object.values(mix).reduce((sum, share) => sum + share, 0)).toBe(1_000);
    for (const [shape, share] of Object.entries(mix)) {
      const found = all.filter((sent) => sent.shape === shape).length / 20;
      expect([shape, Math.abs(found - share) < 4 * Math.sqrt(share) * 0.3 + 1]).toEqual([shape, true]);
    }
    const fresh = all.filter(({ shape }) => ["signed", "keyed", "alerts"].includes(shape)).flatMap(({ wanted }) => wanted.map(({ key }) => key));
    expect(new Set(fresh).size).toBe(fresh.length);
    expect(all.filter(({ shape }) => shape === "invalid").every(({ wanted, expected }) => wanted.length === 0 && (expected[0] ?? 0) >= 400)).toBe(true);
  });
});

function sentOf(cidrs: readonly string[], more: Partial<Sent> = {}): Sent {
  const wanted = cidrs.map((cidr) => ({ cidr, key: keyOfText(cidr) }));
  return { shape: "keyed", client: "scanner", method: "POST", path: "/v1/blocks", headers: {}, body: "", wanted, targets: null, expected: [202], ...more };
}

const now = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(now + seconds * 1_000).toISOString();

function ledgerWith(cidr: string, untilSeconds: number, more: Partial<Sent> = {}): Ledger {
  const ledger = new Ledger(() => now);
  const sent = sentOf([cidr], more);
  ledger.sent(sent);
  expect(ledger.answered(sent, [{ ip: cidr, status: "created", until: at(untilSeconds) }])).toEqual([]);
  return ledger;
}

describe("the ledger", () => {
  test("promise: until the latest end, at the targets that were selected, until it is lifted", () => {
    const ledger = ledgerWith("100.16.0.1/32", 60, { targets: ["edge"] });
    const block = ledger.blocks.get(keyOfText("100.16.0.1"));
    if (block === undefined) throw new Error("nothing was promised");
    expect([Ledger.until(block, "edge"), Ledger.until(block, "aws-web"), ledger.written]).toEqual([now + 60_000, 0, 1]);
    ledger.sent(sentOf(["100.16.0.1/32"], { shape: "lift" }));
    expect(Ledger.until(block, "edge")).toBe(0);
  });

  test("find: a promise of what was not asked, one without an end, and an address that the answer leaves out", () => {
    const ledger = new Ledger(() => now);
    expect(ledger.answered(sentOf(["100.16.0.1/32"]), [{ ip: "100.16.0.2/32", status: "created", until: at(60) }])).toHaveLength(2);
    expect(ledger.answered(sentOf(["100.16.0.1/32"]), [{ ip: "100.16.0.1/32", status: "created", until: null }])).toHaveLength(1);
    expect(ledger.answered(sentOf(["100.16.0.1/32"]), [])).toEqual([expect.stringContaining("does not name 100.16.0.1/32")]);
  });

  test("promise: nothing by a refusal", () => {
    const ledger = new Ledger(() => now);
    expect(ledger.answered(sentOf(["100.16.0.1/32"]), [{ ip: "100.16.0.1/32", status: "limited" }])).toEqual([]);
    expect([ledger.blocks.size, ledger.written]).toEqual([0, 0]);
  });
});

function standingOf(cidrs: readonly string[], room: "room" | "full" = "room"): Standing {
  return { keys: new Set(cidrs.map(keyOfText)), hasRoom: () => room === "room" };
}

function everywhere(standing: Standing): Readonly<Record<TargetName, Standing>> {
  return { "aws-web": standing, "azure-hub": standing, edge: standing };
}

function rowOf(state: string, more: Partial<Row> & { readonly by?: string } = {}): Row {
  const { by, ...rest } = more;
  const told = { state, ...(by === undefined ? {} : { by }) };
  return { ip: "100.16.0.1/32", until: at(60), targets: { "aws-web": told, "azure-hub": told, edge: told }, ...rest };
}

describe("the verdict", () => {
  const ledger = ledgerWith("100.16.0.1/32", 60);
  const nowhere = standingOf([]);
  const there = standingOf(["100.16.0.1/32"]);
  const wider = standingOf(["100.16.0.0/24"]);
  const widerAsked = (): Ledger => {
    const both = ledgerWith("100.16.0.1/32", 60);
    both.asked.add(keyOfText("100.16.0.0/24"));
    return both;
  };

  test.each([
    ["enforced and standing", ledger, rowOf("enforced"), there],
    ["covered by what stands", widerAsked(), rowOf("covered", { by: "100.16.0.0/24" }), wider],
    ["pending inside a range that stands and ends sooner", widerAsked(), rowOf("pending", { by: "100.16.0.0/24" }), wider],
    ["shed where all is full", ledger, rowOf("shed"), standingOf([], "full")],
    ["held", ledger, rowOf("held"), nowhere],
  ])("pass: %s", (_name, promised, row, standing) => {
    expect(judge(promised, [row], everywhere(standing), now)).toMatchObject({ waiting: [], lost: [] });
  });

  test.each([
    ["enforced, and it does not stand", rowOf("enforced"), nowhere, "does not stand"],
    ["covered by what does not stand", rowOf("covered", { by: "100.16.0.0/24" }), nowhere, "does not stand or does not hold it"],
    ["covered by what does not hold it", rowOf("covered", { by: "100.17.0.0/24" }), standingOf(["100.17.0.0/24"]), "does not stand or does not hold it"],
    ["shed, and there is room", rowOf("shed"), nowhere, "there is room"],
    ["told with an end before the promised one", rowOf("enforced", { until: at(59) }), there, "promised until"],
    ["what nobody asked for", rowOf("enforced"), standingOf(["100.16.0.1/32", "100.16.9.9/32"]), "nobody asked for it"],
    ["a merge with a bystander in it", rowOf("enforced"), standingOf(["100.16.0.1/32", "100.16.0.0/31"]), "nobody asked for it"],
  ])("find: %s", (_name, row, standing, message) => {
    expect(judge(ledger, [row], everywhere(standing), now).lost.join("\n")).toContain(message);
  });

  test("pass: neighbours that share a rule; wait: for one that outlives a part of it", () => {
    const both = ledgerWith("100.16.0.0/32", 60);
    both.sent(sentOf(["100.16.0.1/32"]));
    both.answered(sentOf(["100.16.0.1/32"]), [{ ip: "100.16.0.1/32", status: "created", until: at(20) }]);
    const rows = [{ ...rowOf("covered", { by: "100.16.0.0/31" }), ip: "100.16.0.0/32" }, rowOf("covered", { by: "100.16.0.0/31" })];
    const shared = everywhere(standingOf(["100.16.0.0/31"]));
    expect(judge(both, rows, shared, now)).toMatchObject({ waiting: [], lost: [] });
    expect(judge(both, rows, shared, now + 21_000).waiting.filter((line) => line.includes("a part of it is over"))).toHaveLength(3);
  });

  test("pass: a part of a range that was asked for; find: one that reaches beyond it", () => {
    const rows = [rowOf("enforced")];
    const withParts = (...parts: readonly string[]) => everywhere(standingOf(["100.16.0.1/32", ...parts]));
    expect(judge(widerAsked(), rows, withParts("100.16.0.128/25"), now)).toMatchObject({ waiting: [], lost: [] });
    expect(judge(widerAsked(), rows, withParts("100.16.0.0/23"), now).lost).toHaveLength(3);
  });

  test("wait: for what is pending, failed or unknown, and for what is over and stands", () => {
    for (const rows of [[], [rowOf("pending")], [rowOf("pending", { by: "100.16.0.0/24" })], [rowOf("failed")]])
      expect(judge(ledger, rows, everywhere(nowhere), now).waiting).toHaveLength(3);
    expect(judge(ledger, [], everywhere(there), now + 61_000).waiting).toEqual(targets.map((target) => `100.16.0.1/32 at ${target} is over and stands`));
    expect(judge(ledger, [], everywhere(nowhere), now + 61_000)).toMatchObject({ waiting: [], lost: [] });
  });
});

describe("the gates", () => {
  const lookTwice = (ledger: Ledger, before: Standing, after: Standing): Gates => {
    const gates = new Gates(ledger, () => now);
    gates.look({ standing: () => everywhere(before) });
    gates.look({ standing: () => everywhere(after) });
    return gates;
  };
  const there = standingOf(["100.16.0.1/32"]);

  test("find: one that opens while its lease runs", () => {
    expect(lookTwice(ledgerWith("100.16.0.1/32", 60), there, standingOf([])).early).toHaveLength(3);
  });

  test("pass: an end, a wider entry, a full firewall, a lift, another target's lease", () => {
    const lifted = ledgerWith("100.16.0.1/32", 60);
    lifted.liftedOutright([keyOfText("100.16.0.1")]);
    for (const [ledger, before, after] of [
      [ledgerWith("100.16.0.1/32", 0), there, standingOf([])],
      [ledgerWith("100.16.0.1/32", 60), there, standingOf(["100.16.0.0/24"])],
      [ledgerWith("100.16.0.1/32", 60), standingOf(["100.16.0.1/32"], "full"), standingOf(["100.16.0.2/32"], "full")],
      [lifted, there, standingOf([])],
      [ledgerWith("100.16.0.1/32", 60, { targets: [] }), there, standingOf([])],
    ] as const) {
      expect(lookTwice(ledger, before, after).early).toEqual([]);
    }
  });

  test("find: a rule too many, at the moment it is written", () => {
    const aws = new SimulatedAws({ acls: [{ id: acl, entries: [] }] });
    const faults: string[] = [];
    new Clouds({ aws } as never).watchLimits((fault) => faults.push(fault));
    aws.acl(acl).create({ number: 1, cidr: "100.16.0.1/32", action: "deny" });
    expect(faults).toEqual([]);
    aws.rulesMax = 0;
    aws.acl(acl).delete(1, false);
    aws.rulesMax = 5;
    aws.acl(acl).create({ number: 1, cidr: "100.16.0.1/32", action: "deny" });
    aws.acl(acl).create({ number: 2, cidr: "100.16.0.2/32", action: "deny" });
    aws.rulesMax = 1;
    aws.acl(acl).tag({ some: "change" });
    expect(faults.at(-1)).toContain("2 rules of family 4, limit 1");
    expect(aws.faults).toEqual({ ...noFaults(), decide: expect.any(Function) });
  });
});

describe("the readers", () => {
  test("find: a promised block that is not known", () => {
    const block = ledgerWith("100.16.0.1/32", 60).blocks.get(keyOfText("100.16.0.1")) ?? null;
    const readers = new Readers(chanceOf(1), new Ledger(() => now), "key");
    const reading = { kind: "explain", method: "GET", path: "", headers: {}, block } as const;
    expect(readers.answered(reading, 200, '{"block":null}', now)).toEqual([expect.stringContaining("is not known")]);
    expect(readers.answered(reading, 200, '{"block":{}}', now)).toEqual([]);
    expect(readers.answered(reading, 200, '{"block":null}', now + 59_000)).toEqual([]);
  });
});

describe("memory", () => {
  const samples = (bytesAt: (second: number) => number) => Array.from({ length: 240 }, (_, second) => ({ atMs: second * 1_000, bytes: bytesAt(second) }));

  test("measure: what is flat is flat, and a leak stands out", () => {
    expect(growthOf(samples((second) => 1e8 + (second % 7) * 1e6))?.ratio).toBeCloseTo(1, 2);
    const leak = growthOf(samples((second) => 5e7 + second * 1e6));
    expect(leak?.bytesPerMinute).toBeCloseTo(6e7, -3);
    expect(leak?.ratio).toBeGreaterThan(memoryRatioMost);
    expect(growthOf([])).toBeNull();
  });

  test("look: at this very process, by Linux's own books", () => {
    if (process.platform !== "linux") return console.warn("not looked at: this system keeps no books in /proc");
    expect(residentBytes(process.pid)).toBeGreaterThan(1e6);
    expect(residentBytes(2 ** 22 + 1)).toBeNull();
    expect(descendantsNamed("no program has this name")).toEqual([]);
  });
});

const peace: Soak = {
  seed: 1,
  seconds: 300,
  posts: { sent: 10, answered: 10, perSecond: 5, p50Ms: 10, p99Ms: 50, mostMs: 60, errors: 0 },
  reads: { sent: 2, answered: 2, perSecond: 1, p50Ms: 5, p99Ms: 9, mostMs: 9, errors: 0 },
  statuses: { "keyed 202": 10 },
  items: { created: 10 },
  promised: 10,
  standing: { states: { "aws-web": { shed: 10 }, "azure-hub": { enforced: 10 }, edge: { enforced: 10 } }, waiting: [], lost: [] },
  over: { states: { "aws-web": { over: 10 }, "azure-hub": { over: 10 }, edge: { over: 10 } }, waiting: [], lost: [] },
  early: [],
  looks: 100,
  most: { "aws-web": 1, "azure-hub": 10, edge: 10 },
  delays: { "aws-web": { delaysMs: [], unseen: 0 }, "azure-hub": { delaysMs: [1_000], unseen: 0 }, edge: { delaysMs: [2_000, 3_000], unseen: 0 } },
  refusals: {
    "aws-web": { codes: { RequestLimitExceeded: 2 }, overLimit: 0, calls: 20 },
    "azure-hub": { codes: {}, overLimit: 0, calls: 20 },
    edge: { codes: {}, overLimit: 0, calls: 20 },
  },
  ticks: { ok: 5, failed: 1 },
  passes: 9,
  growth: { samples: 240, firstBytes: 1e8, lastBytes: 1e8, bytesPerMinute: 0, ratio: 1 },
  records: { written: 10, found: 10, lifts: 3, liftsFound: 3 },
  rows: { core: 1, target: 3, snapshot: 2 },
  faults: [],
  log: [],
};

describe("the report", () => {
  test("pass: a run in which every promise was kept", () => {
    expect(faultsOf(peace)).toEqual([]);
    expect(figuresOf(peace).filter(({ met }) => met === false)).toEqual([]);
    expect(linesOf(peace).join("\n")).toContain("10 promised, lost 0");
  });

  const verdict = peace.standing;
  test.each<readonly [string, Partial<Soak>, string]>([
    ["a lost block", { standing: { ...verdict, lost: ["x is lost"] } }, "x is lost"],
    ["one that never settled", { standing: { ...verdict, waiting: ["x waits"] } }, "x waits"],
    ["one that never went", { over: { ...peace.over, waiting: ["x stands"] } }, "x stands"],
    ["a gate that opened early", { early: [{ target: "edge", cidr: "x", millisecondsLeft: 9 }] }, "9 ms before its lease ends"],
    ["an unexpected answer", { faults: ["keyed: answered with 500"] }, "answered with 500"],
    ["an answer that never came", { posts: { ...peace.posts, answered: 9 } }, "1 requests were never answered"],
    ["a record that is missing", { records: { ...peace.records, found: 9 } }, "9 are in the store"],
    ["a record too many", { records: { ...peace.records, found: 11 } }, "11 records are in the store"],
    ["a lift that is missing", { records: { ...peace.records, liftsFound: 2 } }, "2 are in the store"],
    ["storage that keeps what is over", { rows: { recent: 7 } }, '7 rows of "recent"'],
    ["a limit that was passed", { refusals: { ...peace.refusals, "aws-web": { codes: {}, overLimit: 1, calls: 3 } } }, "went over a limit"],
    ["a cloud that nobody called", { refusals: { ...peace.refusals, edge: { codes: {}, overLimit: 0, calls: 0 } } }, "edge was never called"],
    ["ticks that all failed", { ticks: { ok: 0, failed: 9 } }, "no tick succeeded"],
    ["a run in which nothing stood", { standing: peace.over }, "nothing was tried"],
    ["memory that grows", { growth: { samples: 240, firstBytes: 1e8, lastBytes: 3e8, bytesPerMinute: 4e7, ratio: 2 } }, "memory grew"],
  ])("find: %s", (_name, change, message) => {
    expect(faultsOf({ ...peace, ...change }).join("\n")).toContain(message);
  });
});

describe("the cannon", () => {
  async function serve(answer: (body: string) => number): Promise<Server> {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => response.writeHead(answer(body), { "x-echo": body }).end(body));
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return server;
  }
  const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  test("fire: each answer comes with the request it belongs to, and all are counted", async () => {
    const server = await serve((body) => (Number(body) % 10 === 0 ? 500 : 200));
    let count = 0;
    const wrong: string[] = [];
    const found = await fire({
      url: urlOf(server),
      connections: 4,
      perSecond: 80,
      seconds: 1,
      signal: new AbortController().signal,
      next: () => ({ method: "POST", path: "/", headers: {}, body: String(++count) }),
      answered: (sent, status, body, headers) => {
        if (sent.body !== body || headers.get("x-echo") !== body || (status === 500) !== (Number(body) % 10 === 0)) wrong.push(body);
      },
    });
    server.close();
    expect([found.sent, found.answered, found.errors, wrong]).toEqual([80, 80, 0, []]);
  });

  test("stop: at a signal, though the server is gone", async () => {
    const abort = new AbortController();
    const server = await serve(() => 200);
    const ended = fire({
      url: urlOf(server),
      connections: 2,
      perSecond: 20,
      seconds: 600,
      signal: abort.signal,
      next: () => ({ method: "POST", path: "/", headers: {}, body: "x" }),
      answered: () => {
        server.closeAllConnections();
        server.close();
        setTimeout(() => abort.abort(), 200);
      },
    });
    expect((await ended).answered).toBeGreaterThan(0);
  });
});
