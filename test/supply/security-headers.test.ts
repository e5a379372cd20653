// The judge of headers, on answers that lack one thing each; and the sandbox's page server, whose every answer it judges.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { securityHeaders } from "../../functions/routes/problem.ts";
import { createJournal } from "../sandbox/page/journal.ts";
import { type Page, startPage } from "../sandbox/page/server.ts";
import { securityFaults } from "./security-headers.ts";

const right = { ...securityHeaders, "content-type": "application/json" };
const judged = (change: Readonly<Record<string, string>>, status = 200) => securityFaults(status, new Headers({ ...right, ...change }), "{}");

describe("the judge", () => {
  test("pass: what the API sends", () => {
    expect(judged({})).toEqual([]);
  });

  test.each([
    ["content-security-policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'", "'unsafe-inline'"],
    ["content-security-policy", "default-src 'none'; script-src 'unsafe-eval'; frame-ancestors 'none'", "'unsafe-eval'"],
    ["content-security-policy", "default-src 'none'; script-src https://cdn.example; frame-ancestors 'none'", "https://cdn.example"],
    ["content-security-policy", "default-src *; frame-ancestors 'none'", "allows *"],
    ["content-security-policy", "script-src 'none'; frame-ancestors 'none'", "no default-src"],
    ["content-security-policy", "default-src 'none'", "no frame-ancestors"],
    ["content-security-policy", "", "no default-src"],
    ["x-content-type-options", "", "nosniff"],
    ["referrer-policy", "origin", "referrer-policy"],
    ["cache-control", "public, max-age=60", "cache-control"],
    ["cache-control", "private, no-cache", "cache-control"],
    ["content-type", "text/html", "content-type is text/html"],
    ["access-control-allow-origin", "*", "access-control-allow-origin"],
    ["set-cookie", "a=b", "set-cookie"],
  ])("find: %s: %s", (name, value, message) => {
    expect(judged({ [name]: value }).join("\n")).toContain(message);
  });

  test("find: a body of no type", () => {
    expect(securityFaults(200, new Headers(securityHeaders), "x")).toEqual(["200: a body without a content-type"]);
  });
});

describe("the sandbox's page", () => {
  let page: Page;
  beforeAll(async () => {
    page = await startPage({ firewalls: [], journal: createJournal(), worker: { url: () => "http://127.0.0.1:9", key: "none" }, environmentLine: "env" });
  });
  afterAll(() => page.close());

  test.each([
    ["GET", "", 200],
    ["GET", "page.css", 200],
    ["GET", "page.js", 200],
    ["GET", "icon.svg", 200],
    ["GET", "state", 200],
    ["GET", "none", 404],
    ["GET", "..%2fserver.ts", 404],
    ["POST", "", 405],
    ["HEAD", "", 405],
  ])("hold: %s /%s", async (method, path, status) => {
    const answer = await fetch(`${page.url}${path}`, { method });
    expect([answer.status, securityFaults(answer.status, answer.headers, await answer.text(), { html: true })]).toEqual([status, []]);
  });

  test("hold: the stream of events, and a refused one when too many look", async () => {
    const aborts: AbortController[] = [];
    const answers: Response[] = [];
    for (let watcher = 0; watcher <= 20; watcher += 1) {
      const abort = new AbortController();
      aborts.push(abort);
      answers.push(await fetch(`${page.url}events`, { signal: abort.signal }));
    }
    const faults = answers.flatMap((answer) => securityFaults(answer.status, answer.headers, "", { html: true }));
    expect([answers[0]?.status, answers.at(-1)?.status, faults]).toEqual([200, 503, []]);
    for (const abort of aborts) abort.abort();
  });
});
