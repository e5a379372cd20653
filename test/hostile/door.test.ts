// The built Worker in workerd, over raw sockets: what HTTP itself lets a stranger say. One deployment for all of it; the one
// slow body takes as long as the product lets it.
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Demo, startDemo } from "../sandbox/demo.ts";

let demo: Demo;
const logged: string[] = [];
let written = 0;

beforeAll(async () => {
  demo = await startDemo({ onLog: (line) => logged.push(line) });
  written = (await demo.stack.worker.keys()).length;
}, 120_000);
afterAll(async () => demo?.stack.close());

const admin = () => `authorization: Bearer ${demo.keys.admin}\r\n`;

/** Sends bytes as they are; everything that came back until an answer was whole or the connection ended. */
function raw(...parts: readonly (string | Buffer)[]): Promise<string> {
  const url = new URL(demo.stack.url);
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(Number(url.port), url.hostname, () => {
      for (const part of parts) socket.write(part);
    });
    const done = () => {
      socket.destroy();
      resolve(got);
    };
    socket.on("data", (data) => {
      got += data.toString("latin1");
      const [head = "", body = ""] = got.split("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      if (length !== undefined && body.length >= Number(length)) done();
    });
    socket.on("close", done);
    socket.on("error", done);
  });
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
const request = (line: string, headers: string, body = "") =>
  `${line} HTTP/1.1\r\nhost: portcullis.test\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
const block = JSON.stringify({ ip: "203.0.113.7", for: "1m" });
const json = "content-type: application/json\r\n";

async function nothingWritten(): Promise<void> {
  expect((await demo.stack.worker.keys()).length).toBe(written);
}

describe("the Worker in workerd", () => {
  test("slow: a body that never ends is given up, with and without a credential", { timeout: 60_000 }, async () => {
    const open = (headers: string) => raw(`POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${headers}${json}content-length: 1000\r\n\r\n{"ip"`);
    const answers = await Promise.all([
      open(admin()),
      open(""),
      raw(`POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${admin()}${json}transfer-encoding: chunked\r\n\r\n`),
    ]);
    expect(answers.map(statusOf)).toEqual([400, 400, 400]);
    for (const answer of answers) expect(answer).toContain("was not whole within");
    await nothingWritten();
  });

  test("packed: a gzip body reaches the routes as it was sent, and is refused", async () => {
    const packed = gzipSync(block);
    const head = `POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${admin()}${json}content-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`;
    expect(statusOf(await raw(head, packed))).toBe(415);
    await nothingWritten();
  });

  test("big: what Content-Length admits to is refused at once", async () => {
    expect(statusOf(await raw(`POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${admin()}content-length: 999999999\r\n\r\n`))).toBe(413);
  });

  test("coordinator: its verbs cannot be reached from outside, whatever the Host header or the target says", async () => {
    const verb = JSON.stringify({ verb: "storeId", args: [true] });
    const accept = JSON.stringify({ verb: "accept", args: [{ client: "admin", items: [], allOrNothing: false, dryRun: false }] });
    for (const body of [verb, accept]) {
      for (const line of [
        "POST /",
        "POST https://coordinator/",
        "POST http://coordinator/",
        "POST //coordinator/",
        "POST /coordinator",
        "POST /cdn-cgi/handler/scheduled",
        "GET /cdn-cgi/handler/scheduled",
        "POST /__scheduled",
      ]) {
        const answer = await raw(`${line} HTTP/1.1\r\nhost: coordinator\r\n${admin()}${json}content-length: ${body.length}\r\n\r\n${body}`);
        expect([line, statusOf(answer) >= 400 || answer === ""]).toEqual([line, true]);
      }
    }
    await nothingWritten();
  });

  test("smuggle: two lengths, a length beside chunks, or a second request in the body never make two requests of one", async () => {
    const inner = request("POST /v1/blocks", `${admin()}${json}`, block);
    const answers = [
      await raw(`POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${json}content-length: 4\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`),
      await raw(`GET /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`),
      await raw(`GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`),
      await raw(`GET /healthz\r\nx: y HTTP/1.1\r\n\r\n`),
      await raw(`GET /healthz HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\n ${demo.keys.admin}\r\n\r\n`),
    ];
    for (const answer of answers) expect(answer.match(/HTTP\/1\.1 2\d\d/g)?.length ?? 0).toBeLessThanOrEqual(1);
    await nothingWritten();
  });

  test("methods: an override header, TRACE, OPTIONS and unknown methods do nothing, and no origin is let in", async () => {
    for (const method of ["TRACE", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "CONNECT"]) {
      const answer = await raw(
        request(
          `${method} /v1/blocks`,
          `${admin()}${json}origin: https://evil.example\r\naccess-control-request-method: POST\r\nx-http-method-override: POST\r\n`,
          block,
        ),
      );
      expect([method, statusOf(answer) >= 400 || answer === ""]).toEqual([method, true]);
      expect(answer.toLowerCase()).not.toContain("access-control-");
    }
    const overridden = await raw(request("GET /v1/blocks", `${admin()}x-http-method-override: POST\r\nx-method-override: POST\r\n`));
    expect(statusOf(overridden)).toBe(200);
    await nothingWritten();
  });

  test("headers: two credentials, folded or doubled, are none; nothing that was sent comes back in a header", async () => {
    for (const headers of [
      `${admin()}authorization: Bearer other\r\n`,
      `authorization: Bearer other\r\n${admin()}`,
      `${admin()}x-api-key: other\r\n`,
      `x-api-key: other, ${demo.keys.admin}\r\n`,
      `cookie: authorization=Bearer ${demo.keys.admin}\r\n`,
    ])
      expect(statusOf(await raw(request("POST /v1/blocks", `${headers}${json}`, block)))).toBe(401);
    const answer = await raw(
      request(
        "GET /v1/blocks/evil%0d%0aset-cookie:%20a=b",
        `${admin()}x-echo: marker-7f3a\r\nprefer: wait=5\r\ntraceparent: 00-${"a".repeat(32)}-${"b".repeat(16)}-01; marker-7f3a\r\n`,
      ),
    );
    const head = answer.split("\r\n\r\n")[0] ?? "";
    expect([statusOf(answer), /set-cookie|marker-7f3a/i.test(head)]).toEqual([404, false]);
    await nothingWritten();
  });

  test("paths: no spelling of a path gets past the door of the route it names, and none names another file or route", async () => {
    const spellings = [
      "/v1/%62locks",
      "/v1//blocks",
      "/v1/./blocks",
      "/v1/x/../blocks",
      "/v1/x/%2e%2e/blocks",
      "/V1/BLOCKS",
      "/v1/blocks/",
      "/v1/blocks;x",
      "/v1/blocks%00",
      "/v1/blocks%2f",
      "/healthz/../v1/blocks",
      "/healthz%2f..%2fv1/blocks",
      "\\v1\\blocks",
    ];
    for (const path of spellings) {
      const stranger = statusOf(await raw(request(`POST ${path}`, json, block)));
      expect([path, stranger === 401 || stranger === 404 || stranger === 405 || stranger === 400]).toEqual([path, true]);
    }
    await nothingWritten();
  });

  test("logs: after all of this no line holds the key, and none was forged", () => {
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.filter((line) => line.includes(demo.keys.admin))).toEqual([]);
    for (const line of logged) expect(/\p{Cc}/u.test(line.trim())).toBe(false);
  });
});
