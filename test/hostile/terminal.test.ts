// Text from elsewhere on the operator's screen: a function, a cloud or a proxy that answers with control characters must not move
// the cursor, hide a line, or turn what is read around. The CLI as a process, and the writer of log lines.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { logLine } from "../../functions/log/line.ts";
import type { LogRecord } from "../../shared/ports.ts";
import { startFakeFunction } from "../cli/fake-function.ts";
import { portcullis, type Ran, temporaryFolder } from "../cli/run.ts";
import { digest } from "../config/support.ts";
import { aclId } from "../simulators/aws-fixtures.ts";

/** Clear the screen, by two kinds of escape; set a title; go back to the line's beginning; turn the direction around; hide. */
const nasty = "\u001b[2J\u009b2J\u001b]0;owned\u0007\rok\u202egnihton\u2066\u200b\u2028\u0085\u0008";
const unfit = /[^\P{Cc}\n]|\p{Cf}|[\u2028\u2029]/u;

function saysNothingUnfit({ out, err }: Ran): void {
  expect([unfit.exec(out), unfit.exec(err)]).toEqual([null, null]);
}

const evil = { name: nasty, why: nasty, [nasty]: nasty, list: [nasty, { [nasty]: [nasty] }] };

describe("a function that answers with control characters", () => {
  const commands: readonly (readonly string[])[] = [
    ["explain", "203.0.113.7"],
    ["explain", "203.0.113.7", "--json"],
    ["plan", "web"],
    ["plan", "web", "--json"],
    ["stop"],
    ["stop", "--release"],
    ["drain", "--all"],
  ];

  test.for([200, 422, 500])("print: none of them, in any command, as an answer of status %s", { timeout: 120_000 }, async (status) => {
    const refusal = { code: nasty, detail: nasty, title: nasty, remedy: nasty, errors: [{ field: nasty, reason: nasty }] };
    const body = status === 200 ? evil : refusal;
    const server = await startFakeFunction(
      Object.fromEntries(
        ["GET /v1/blocks/203.0.113.7", "GET /v1/targets", "GET /v1/targets/web", "GET /v1/targets/web/plan", "POST /v1/stop", "POST /v1/reconcile"].map(
          (route) => [route, { status, body }],
        ),
      ),
    );
    for (const args of commands) {
      const ran = await portcullis(args, { cwd: temporaryFolder(), env: { PORTCULLIS_URL: server.url, PORTCULLIS_KEY: "canary-admin-key" } });
      expect(ran.out.length + ran.err.length).toBeGreaterThan(0);
      saysNothingUnfit(ran);
      expect(ran.out + ran.err).not.toContain("canary-admin-key");
      if (args.includes("--json") && status === 200) expect(JSON.parse(ran.out)).toEqual(evil);
    }
  });
});

describe("a cloud that answers with control characters", () => {
  test("print: none of them, in any command that goes to the clouds", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(400, { "content-type": "text/xml" });
      response.end(`<Response><Errors><Error><Code>${nasty}</Code><Message>${nasty}</Message></Error></Errors><RequestID>${nasty}</RequestID></Response>`);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const cwd = temporaryFolder();
    const target = `{ kind: aws-nacl, region: eu-west-1, acl: ${aclId}, rules: { first: 1, last: 40 }, endpoint: "${url}", mode: enforce, credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }`;
    writeFileSync(
      join(cwd, "portcullis.yaml"),
      `owner: acme\nclients: { admin: { keys: ["${digest("a")}"], scopes: [admin, read], from: [192.0.2.1] } }\ntargets: { web: ${target} }\n`,
    );
    const store = await startFakeFunction({ "POST /v1/store": { status: 200, body: { storeId: "store0123456789", minted: false } } });
    const env = {
      AWS_WEB_ID: "AKIACANARYCANARYCAN1",
      AWS_WEB_SECRET: "canary-cloud-secret",
      AWS_ACCESS_KEY_ID: "AKIACANARYCANARYCAN1",
      AWS_SECRET_ACCESS_KEY: "canary-cloud-secret",
      PORTCULLIS_ALLOWED_HOSTS: new URL(url).host,
      PORTCULLIS_URL: store.url,
      PORTCULLIS_KEY: "canary-admin-key",
    };
    for (const args of [
      ["setup"],
      ["stop", "--direct"],
      ["drain", "--direct", "--all"],
      ["init", "--config", "new.yaml", "--region", "eu-west-1", "--endpoint", url],
    ]) {
      const ran = await portcullis(args, { cwd, env });
      expect(ran.out + ran.err).toContain("gnihton");
      saysNothingUnfit(ran);
      expect(ran.out + ran.err).not.toMatch(/canary/);
    }
  }, 120_000);
});

describe("a log", () => {
  test("write: one line of plain characters, whatever any field or its name holds, and no query of any URL", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constant(nasty), fc.constant('"}\n{"level":"info","event":"forged"}'));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("why", "message", "target"), fc.oneof(text, fc.array(text), fc.dictionary(text, text))), (fields) => {
        const line = logLine({ level: "warn", event: "pass.done", ...fields } as unknown as LogRecord);
        expect(unfit.exec(line)).toBeNull();
        expect(line.includes("\n")).toBe(false);
        JSON.parse(line);
      }),
    );
    for (const url of ["https://x.example/a?accessToken=canary", "http://x.example/a?b=canary", "HTTPS://X.example?canary", "https://x.example/#canary"])
      expect(logLine({ level: "warn", event: "pass.done", why: `GET ${url} failed` } as unknown as LogRecord)).not.toContain("canary");
  });
});
