// The soak: load for so long, then peace, then every promise looked at. Owns the order of things; judges through the files beside it.
// Stops by itself: at its deadlines, at a signal, and when workerd is gone.

import { securityFaults } from "../supply/security-headers.ts";
import { type Fired, fire } from "./cannon.ts";
import { Clouds, type Refusals, type TargetName, targets } from "./clouds.ts";
import { type Early, Gates } from "./gates.ts";
import { Ledger, type Line } from "./ledger.ts";
import { descendantsNamed, type Growth, growthOf, residentBytes, type Sample } from "./memory.ts";
import { chanceOf } from "./random.ts";
import { Readers } from "./readers.ts";
import { type Rig, startRig } from "./rig.ts";
import { type Sent, Shapes, type Times } from "./shapes.ts";
import { rowsOf } from "./storage.ts";
import { judge, type Row, type Verdict } from "./verdict.ts";

export interface SoakOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Posts per second. */
  readonly perSecond: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Soak {
  readonly seed: number;
  readonly seconds: number;
  readonly posts: Fired;
  readonly reads: Fired;
  /** `shape status` to how many. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly items: Readonly<Record<string, number>>;
  readonly promised: number;
  readonly standing: Verdict;
  readonly over: Verdict;
  readonly early: readonly Early[];
  readonly looks: number;
  readonly most: Readonly<Record<TargetName, number>>;
  readonly delays: Readonly<Record<TargetName, { readonly delaysMs: readonly number[]; readonly unseen: number }>>;
  readonly refusals: Readonly<Record<TargetName, Refusals>>;
  readonly ticks: Readonly<Record<"ok" | "failed", number>>;
  readonly passes: number;
  readonly growth: Growth | null;
  readonly records: { readonly written: number; readonly found: number; readonly lifts: number; readonly liftsFound: number };
  /** Rows in the coordinator's own storage. */
  readonly rows: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
  /** What the Worker logged. */
  readonly log: readonly string[];
}

const tickEveryMs = 10_000;
const lookEveryMs = 500;
const connections = 10;
const readers = { connections: 2, perSecond: 4 } as const;
/** A place whose last change is unknown rests for a minute and the cloud's lag; a throttled cloud may ask for more. */
const patienceMs = 240_000;
/** Settings of the rig: twice SETTLE, and the brake's time. */
const rememberedMs = 10_000;
/** Memory is judged after the first fifth: caches fill, code is compiled. */
const warmUpShare = 0.2;

/** Most leases end within the run; some must stand when it stops. */
function timesFor(seconds: number): Times {
  const most = Math.max(12, Math.min(60, Math.floor(seconds / 2)));
  return { shortSeconds: { least: 6, most }, longShare: 0.1, longSeconds: 3_000 };
}

class Run {
  readonly #rig: Rig;
  readonly #options: SoakOptions;
  readonly #ledger = new Ledger(Date.now);
  readonly #clouds: Clouds;
  readonly #gates: Gates;
  readonly #faults = new Set<string>();
  readonly #statuses: Record<string, number> = {};
  readonly #samples: Sample[] = [];
  readonly #stop = new AbortController();
  readonly #ticks = { ok: 0, failed: 0 };

  constructor(rig: Rig, options: SoakOptions) {
    this.#rig = rig;
    this.#options = options;
    this.#clouds = new Clouds(rig.stack);
    this.#gates = new Gates(this.#ledger, Date.now);
    options.signal.addEventListener("abort", () => this.#stop.abort(), { once: true });
  }

  #fault(text: string): void {
    if (this.#faults.size < 200) this.#faults.add(text);
  }

  #count(name: string): void {
    this.#statuses[name] = (this.#statuses[name] ?? 0) + 1;
  }

  #headers(where: string, status: number, headers: Headers, body: string): void {
    for (const fault of securityFaults(status, headers, body)) this.#fault(`${where}: ${fault}`);
  }

  /** What an answer says that it settled must be so at that very moment, unless its time is over. */
  #checkSettled(sent: Sent, lines: readonly Line[]): void {
    const standing = this.#clouds.standing();
    for (const { ip, targets: told = {}, until } of lines) {
      const key = sent.wanted.find(({ cidr }) => cidr === ip)?.key;
      if (key === undefined || Date.parse(until ?? "") < Date.now() + 1_000) continue;
      for (const target of targets) {
        if (told[target]?.state === "enforced" && !standing[target].keys.has(key))
          this.#fault(`${ip} was answered as enforced at ${target}, and does not stand there`);
      }
    }
  }

  #answered(sent: Sent, status: number, body: string, headers: Headers): void {
    this.#count(`${sent.shape} ${status}`);
    this.#headers(`POST ${sent.path}`, status, headers, body);
    if (!sent.expected.includes(status)) this.#fault(`${sent.shape}: answered with ${status}, expected ${sent.expected.join(" or ")}: ${body.slice(0, 300)}`);
    if (status < 200 || status > 299) this.#ledger.refused(sent);
    else if (sent.shape === "lift") this.#ledger.liftAnswered(sent);
    else this.#promised(sent, status, body);
  }

  #promised(sent: Sent, status: number, body: string): void {
    const { items } = JSON.parse(body) as { readonly items: readonly Line[] };
    for (const fault of this.#ledger.answered(sent, items)) this.#fault(fault);
    if (status === 200 && sent.headers.prefer !== undefined) this.#checkSettled(sent, items);
  }

  async #post(path: string, body: object): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#rig.keys.admin}`, "content-type": "application/json" };
    return fetch(`${this.#rig.stack.url}${path}`, { method: "POST", headers, body: JSON.stringify(body), signal: this.#stop.signal });
  }

  /** Every row of GET /v1/blocks. */
  async #rows(): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const headers = { authorization: `Bearer ${this.#rig.keys.reader}` };
      const response = await fetch(`${this.#rig.stack.url}/v1/blocks?limit=1000${query}`, { headers, signal: this.#stop.signal });
      if (response.status !== 200) throw new Error(`GET /v1/blocks was answered with ${response.status}: ${await response.text()}`);
      const page = (await response.json()) as { readonly next: string | null; readonly blocks: readonly Row[] };
      rows.push(...page.blocks);
      cursor = page.next;
    }
    return rows;
  }

  async #judge(): Promise<Verdict> {
    const rows = await this.#rows();
    return judge(this.#ledger, rows, this.#clouds.standing(), Date.now());
  }

  /** Looks until nothing waits and nothing is wrong, or patience ends. */
  async #settle(isDone: (verdict: Verdict) => boolean): Promise<Verdict> {
    const giveUpAt = Date.now() + patienceMs;
    for (;;) {
      const verdict = await this.#judge();
      if ((isDone(verdict) && verdict.lost.length === 0) || Date.now() > giveUpAt || this.#stop.signal.aborted) return verdict;
      await new Promise((wake) => setTimeout(wake, 1_000));
    }
  }

  /** Everything that the load left standing is lifted by a person. */
  async #liftAll(): Promise<void> {
    const now = Date.now();
    const live = [...this.#ledger.blocks].filter(([, block]) => targets.some((target) => Ledger.until(block, target) > now));
    for (let at = 0; at < live.length; at += 100) {
      const batch = live.slice(at, at + 100);
      const response = await this.#post("/v1/lifts", { ips: batch.map(([, { wanted }]) => wanted.cidr), exempt: "none" });
      if (response.status !== 202) this.#fault(`the lift of ${batch.length} was answered with ${response.status}: ${(await response.text()).slice(0, 300)}`);
      this.#ledger.liftedOutright(batch.map(([key]) => key));
    }
  }

  /** workerd's memory; a dead workerd ends the run. */
  #watchProcess(): () => void {
    const pids = descendantsNamed("workerd");
    if (pids === null || pids.length === 0) {
      this.#options.say("memory: not measured, because this system has no /proc in which workerd could be found");
      return () => undefined;
    }
    const timer = setInterval(() => {
      const bytes = pids.map(residentBytes).filter((one) => one !== null);
      this.#samples.push({ atMs: Date.now(), bytes: bytes.reduce((sum, one) => sum + one, 0) });
      if (bytes.length === pids.length) return;
      this.#fault("workerd ended during the run");
      this.#stop.abort();
    }, 1_000);
    return () => clearInterval(timer);
  }

  async #load(): Promise<{ readonly posts: Fired; readonly reads: Fired }> {
    const { seed, seconds, perSecond } = this.#options;
    const { stack, keys } = this.#rig;
    const shapes = new Shapes({ chance: chanceOf(seed), keys, known: this.#ledger, times: timesFor(seconds) });
    const questions = new Readers(chanceOf(seed + 1), this.#ledger, keys.reader);
    this.#clouds.beginStorm(chanceOf(seed + 2));
    const next = (): Sent => {
      const sent = shapes.next();
      this.#ledger.sent(sent);
      return sent;
    };
    const common = { url: stack.url, seconds, signal: this.#stop.signal };
    const [posts, reads] = await Promise.all([
      fire({ ...common, connections, perSecond, next, answered: (...answer) => this.#answered(...answer) }),
      fire({
        ...common,
        ...readers,
        next: () => questions.next(),
        answered: (sent, status, body, headers) => {
          this.#count(`${sent.kind} ${status}`);
          this.#headers(`GET ${sent.path}`, status, headers, body);
          if (status !== 200) this.#fault(`${sent.kind}: answered with ${status}: ${body.slice(0, 300)}`);
          for (const fault of questions.answered(sent, status, body, Date.now())) this.#fault(fault);
        },
      }),
    ]);
    this.#clouds.endStorm();
    return { posts, reads };
  }

  async #tick(): Promise<void> {
    const outcome = await this.#rig.stack.worker.tick().catch(() => "failed" as const);
    this.#ticks[outcome] += 1;
  }

  #nothingLeft(foreign: Readonly<Record<TargetName, string>>): void {
    const standing = this.#clouds.standing();
    for (const target of targets) {
      if (standing[target].keys.size > 0)
        this.#fault(`${standing[target].keys.size} of ours are left at ${target}: ${[...standing[target].keys].slice(0, 5).join(", ")}`);
      if (this.#clouds.foreign()[target] !== foreign[target]) this.#fault(`what is a person's at ${target} is not as it was`);
    }
  }

  async run(): Promise<Soak> {
    const { say, seed } = this.#options;
    await this.#tick();
    const foreign = this.#clouds.foreign();
    const stopWatching = [this.#watchProcess(), this.#clouds.watchLimits((fault) => this.#fault(fault))];
    const timers = [setInterval(() => void this.#tick(), tickEveryMs), setInterval(() => this.#gates.look(this.#clouds), lookEveryMs)];
    try {
      const { posts, reads } = await this.#load();
      const growth = growthOf(this.#samples.slice(Math.floor(this.#samples.length * warmUpShare)));
      say(`load over: ${posts.answered} of ${posts.sent} posts answered, ${this.#ledger.blocks.size} blocks promised; waiting until all of them are told of`);
      const standing = await this.#settle(({ waiting }) => waiting.length === 0);
      await this.#liftAll();
      say("all that stands is lifted; waiting until it is gone");
      const over = await this.#settle(() => targets.every((target) => this.#clouds.standing()[target].keys.size === 0));
      this.#nothingLeft(foreign);
      // Once more, so that the coordinator forgets what it need not remember.
      await new Promise((wake) => setTimeout(wake, rememberedMs + 2_000));
      const asked = await this.#post("/v1/reconcile", {});
      if (asked.status !== 200) this.#fault(`the last pass was answered with ${asked.status}: ${(await asked.text()).slice(0, 300)}`);
      return await this.#report({ posts, reads, standing, over, growth, seed });
    } finally {
      for (const timer of timers) clearInterval(timer);
      for (const stop of stopWatching) stop();
      this.#stop.abort();
    }
  }

  async #report(found: Pick<Soak, "posts" | "reads" | "standing" | "over" | "growth" | "seed">): Promise<Soak> {
    const keys = (await this.#rig.stack.worker.keys()).map(({ name }) => name);
    const beginning = (prefix: string) => keys.filter((name) => name.startsWith(prefix)).length;
    const delays = (target: TargetName) => this.#gates.delays(target, 20_000);
    await this.#rig.stack.worker.close();
    return {
      ...found,
      seconds: this.#options.seconds,
      statuses: this.#statuses,
      items: this.#ledger.items,
      promised: this.#ledger.blocks.size,
      early: this.#gates.early,
      looks: this.#gates.looks,
      most: this.#gates.most,
      delays: { "aws-web": delays("aws-web"), "azure-hub": delays("azure-hub"), edge: delays("edge") },
      refusals: this.#clouds.refusals(),
      ticks: this.#ticks,
      passes: this.#rig.lines.filter((line) => line.includes('"pass.done"')).length,
      records: { written: this.#ledger.written, lifts: this.#ledger.lifts, found: beginning("lease:"), liftsFound: beginning("lift:") },
      rows: rowsOf(this.#rig.folder),
      faults: [...this.#faults],
      log: this.#rig.lines,
    };
  }
}

export async function soak(options: SoakOptions): Promise<Soak> {
  const rig = await startRig();

  try {
    return await new Run(rig, options).run();
  } finally {
    await rig.close();
  }
}
