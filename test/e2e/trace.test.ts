// One trace id, from a caller's header to each cloud: in the real runtimes, through the coordinator's object and through Deno's lock, the log's lines
// of one block are found by its trace id alone, and none of them has a key or a secret.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Demo, startDemo } from "../sandbox/demo.ts";
import { runtimes } from "../sandbox/stack.ts";

const targets = ["aws-web", "azure-hub", "edge"] as const;

type Line = Readonly<Record<string, unknown>>;

function parsed(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}

describe.each(runtimes)("a trace in %s", (runtime) => {
  const lines: string[] = [];
  let demo: Demo;
  beforeAll(async () => {
    demo = await startDemo({ clouds: ["azure", "cloudflare"], runtime, onLog: (text) => lines.push(...text.split("\n")) });
  }, 120_000);
  afterAll(async () => demo?.stack.close());

  const found = (traceId: string): readonly Line[] => lines.filter((line) => line.includes(traceId)).flatMap((line) => [parsed(line) ?? {}]);

  async function until(what: string, holds: () => boolean): Promise<void> {
    for (let tries = 0; tries < 60; tries += 1) {
      if (holds()) return;
      if (tries % 5 === 4) await demo.stack.worker.tick();
      await new Promise((resume) => setTimeout(resume, 500));
    }
    throw new Error(`not within bounds: ${what}; there is ${JSON.stringify(lines.slice(-30), null, 1)}`);
  }

  test("follow: the request, what it recorded, the pass and the change at every cloud", { timeout: 120_000 }, async () => {
    const traceId = randomBytes(16).toString("hex");
    const headers = { authorization: `Bearer ${demo.keys.admin}`, prefer: "wait=8", traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const response = await fetch(`${demo.stack.url}/v1/blocks`, { method: "POST", headers, body: new URLSearchParams({ ip: "203.0.113.77", for: "60s" }) });
    expect([response.status < 300, response.headers.get("traceresponse")]).toEqual([true, expect.stringContaining(traceId)]);

    const written = (line: Line, target: string) => line.event === "remote.call" && line.target === target && line.purpose === "write";
    await until("a change at every cloud, the request, the records and the pass, under one trace", () => {
      const mine = found(traceId);
      const events = mine.map(({ event }) => event);
      const said = ["http.answered", "leases.accepted", "pass.done"].every((event) => events.includes(event));
      return said && targets.every((target) => mine.some((line) => written(line, target)));
    });
    const mine = found(traceId);
    expect(mine.find(({ event }) => event === "http.answered")).toMatchObject({
      "http.request.method": "POST",
      "http.route": "/v1/blocks",
      client: "admin",
      items: { created: 1 },
      parent_span_id: "00f067aa0ba902b7",
    });
    for (const target of targets) {
      const call = mine.find((line) => written(line, target));
      expect(call).toMatchObject({
        "server.address": "127.0.0.1",
        "http.request.method": expect.any(String),
        "url.path": expect.stringMatching(/^\//),
        duration_ms: expect.any(Number),
      });
      expect(mine.some((line) => line.event === "step.applied" && line.target === target)).toBe(true);
    }
  });

  test("measure: a scrape and an explanation tell of the same block, from the coordinator's memory", async () => {
    const headers = { authorization: `Bearer ${demo.keys.admin}` };
    const metrics = await (await fetch(`${demo.stack.url}/metrics`, { headers })).text();
    for (const target of targets) expect(metrics).toMatch(new RegExp(`^portcullis_remote_calls_total\\{target="${target}",answer="2xx"\\} [1-9]`, "m"));
    expect(metrics).toMatch(/^portcullis_items_total\{client="admin",status="created"\} 1$/m);
    const told = (await (await fetch(`${demo.stack.url}/v1/blocks/203.0.113.77`, { headers })).json()) as {
      summary: string;
      targets: Record<string, { blocked: string; cause: string }>;
    };
    expect(told.summary).toMatch(/^203\.0\.113\.77 is (?:not )?blocked at /);
    for (const target of targets) expect(["enforced", "pending", "ended"]).toContain(told.targets[target]?.cause);
  });

  test("withhold: no line has a key or a secret of a client or a cloud", () => {
    const { stack, keys } = demo;
    const secrets = [...Object.values(keys), stack.environment.AWS_WEB_SECRET, ...Object.values(stack.others.bindings)].filter((text) => text !== undefined);
    const log = lines.join("\n");
    expect(lines.length).toBeGreaterThan(5);
    for (const secret of secrets) if (!/^[0-9a-f-]{36}$/.test(secret)) expect(log).not.toContain(secret);
  });
});
