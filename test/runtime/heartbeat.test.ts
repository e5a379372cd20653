// The dead man's switch: called where the operator allows it, silent nowhere, and its URL printed nowhere.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { sendHeartbeat } from "../../functions/runtime/heartbeat.ts";
import type { LogRecord } from "../../shared/ports.ts";
import { testConfig } from "../coordinator/world.ts";

async function listener(status = 200): Promise<{ host: string; url: string; hits: string[] }> {
  const hits: string[] = [];
  const server = createServer((request, response) => {
    hits.push(request.url ?? "");
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}/ping/secret-token`, hits };
}

async function beat(url: string | undefined, allowedHosts: string | undefined): Promise<LogRecord[]> {
  const logs: LogRecord[] = [];
  const config = testConfig({ heartbeat: { urlSecret: "HEARTBEAT_URL" } });
  await sendHeartbeat({ config, secrets: async () => url, fetch, allowedHosts, log: (record) => logs.push(record) });
  return logs;
}

describe("sendHeartbeat", () => {
  test("send: an allowed host is called once, and nothing is logged", async () => {
    const { host, url, hits } = await listener();
    expect(await beat(url, host)).toEqual([]);
    expect(hits).toEqual(["/ping/secret-token"]);
  });

  test("refuse: a host that the platform's environment does not allow is never called, and the URL is not told", async () => {
    const { url, hits } = await listener();
    const logs = await beat(url, "127.0.0.1:1");
    expect(hits).toEqual([]);
    expect(logs.map((record) => record.event)).toEqual(["heartbeat.failed"]);
    expect(JSON.stringify(logs)).not.toContain("secret-token");
  });

  test("fail: a refusal and a missing secret are logged, never thrown", async () => {
    const { host, url } = await listener(500);
    expect((await beat(url, host)).map((record) => record.event)).toEqual(["heartbeat.refused"]);
    expect((await beat(undefined, host)).map((record) => record.event)).toEqual(["heartbeat.unset"]);
  });
});
