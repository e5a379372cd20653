// Which hosts may be called, and what is said about a call that went wrong.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, constantFrom, domain, property, string, webPath } from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { createTransport, hostMatches, hostRefusal, type TransportOptions } from "../../functions/runtime/transport.ts";
import { PortcullisError } from "../../shared/errors.ts";
import type { HttpRequest, HttpResponse } from "../../shared/ports.ts";

const aws = { hostSuffixes: [".amazonaws.com"], allowedHosts: undefined } as const;

function allowed(url: string, options: Pick<TransportOptions, "hostSuffixes" | "allowedHosts"> = aws): boolean {
  return hostRefusal(url, options) === null;
}

describe("allowed hosts", () => {
  it.each(["https://ec2.eu-west-1.amazonaws.com/", "https://EC2.eu-west-1.AmazonAWS.com/?Action=x", "https://ec2.eu-west-1.amazonaws.com:443/"])(
    "hostRefusal: allows %s",
    (url) => {
      expect(allowed(url)).toBe(true);
    },
  );

  it.each([
    "https://amazonaws.com/",
    "https://evilamazonaws.com/",
    "https://ec2.amazonaws.com.evil.test/",
    "https://evil.test/.amazonaws.com",
    "https://evil.test?.amazonaws.com",
    "https://evil.test#.amazonaws.com",
    "https://evil.test\\.amazonaws.com/",
    "https://ec2.amazonaws.com@evil.test/",
    "https://user@ec2.amazonaws.com/",
    "https://user:pass@ec2.amazonaws.com/",
    "https://:pass@ec2.amazonaws.com/",
    "https://ec2.amazonaws.com./",
    "https://ec2.amazonaws.com%2eevil.test/",
    "https://ec2.amazonaws.com%00.evil.test/",
    "https://ec2。amazonaws。com.evil.test/",
    "https://ec2.amazonaws.com:8443/",
    "https://ec2.amazonaws.com:80/",
    "http://ec2.amazonaws.com/",
    "http://ec2.amazonaws.com:443/",
    "ftp://ec2.amazonaws.com/",
    "file:///etc/passwd",
    "data:text/plain,.amazonaws.com",
    "//ec2.amazonaws.com/",
    "",
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "https://[::1]/",
  ])("hostRefusal: refuses %s", (url) => {
    expect(hostRefusal(url, aws)?.code).toBe("FORBIDDEN");
  });

  it("hostRefusal: allows a host outside the vendor's only with its exact port", () => {
    const options = { ...aws, allowedHosts: " 127.0.0.1:4566 ,Localhost:80, proxy.example, proxy.example:8443,[::1]:9000" };
    for (const url of [
      "http://127.0.0.1:4566/",
      "https://127.0.0.1:4566/",
      "http://localhost/",
      "https://proxy.example/",
      "https://proxy.example:8443/x",
      "http://[::1]:9000/",
    ]) {
      expect(allowed(url, options), url).toBe(true);
    }
    for (const url of [
      "http://127.0.0.1:4567/",
      "http://127.0.0.1/",
      "http://proxy.example:443/",
      "https://a.proxy.example/",
      "https://proxy.example:9000/",
      "http://proxy.example:8443/",
    ]) {
      expect(allowed(url, options), url).toBe(false);
    }
    expect(allowed("http://127.1:4566/", options)).toBe(true);
    expect(allowed("https://anything.example/", { ...aws, allowedHosts: "*,,:443,.example:443" })).toBe(false);
  });

  it("hostMatches: a suffix holds on a dot boundary only, and never for the bare suffix", () => {
    assert(
      property(domain(), (host) => {
        expect(hostMatches(`${host}.amazonaws.com`, ".amazonaws.com")).toBe(true);
        expect(hostMatches(`${host}amazonaws.com`, ".amazonaws.com")).toBe(false);
        expect(hostMatches(`amazonaws.com.${host}`, ".amazonaws.com")).toBe(false);
        expect(hostMatches(host, host)).toBe(true);
        expect(hostMatches(`x.${host}`, host)).toBe(false);
        expect(hostMatches(host, "")).toBe(false);
        expect(hostMatches(host, ".")).toBe(false);
      }),
    );
  });

  it("hostRefusal: whatever stands before or after it, what is allowed is a host below the suffix", () => {
    const glue = constantFrom("", "@", ":", "/", "\\", "?", "#", "%2f", "%40", "..", ".", ";", "&", "\t", "\n", " ", "。");
    assert(
      property(
        string({ maxLength: 12 }),
        glue,
        constantFrom("ec2.amazonaws.com", ".amazonaws.com"),
        glue,
        domain(),
        webPath(),
        (before, one, host, two, other, path) => {
          const url = `https://${before}${one}${host}${two}${other}${path}`;
          if (!allowed(url)) return;
          expect(new URL(url).hostname.endsWith(".amazonaws.com")).toBe(true);
          expect(new URL(url)).toMatchObject({ protocol: "https:", username: "", password: "", port: "" });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("createTransport: a refused host is never asked, counted or shown with its query", async () => {
    const counted: string[] = [];
    const send = createTransport({ ...aws, fetch: () => Promise.reject(new Error("asked")), onCall: (host) => counted.push(host) });
    const refused = await codeOf(send({ method: "GET", url: "https://evil.test/?token=secret", headers: {} }));
    expect(refused.code).toBe("FORBIDDEN");
    expect(refused.message).not.toContain("secret");
    expect(counted).toEqual([]);
  });
});

async function codeOf(sent: Promise<HttpResponse>): Promise<PortcullisError> {
  const thrown: unknown = await sent.then(
    () => new Error("it was answered"),
    (error: unknown) => error,
  );
  if (thrown instanceof PortcullisError) return thrown;
  throw thrown;
}

async function startServer(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function requestTo(host: string, method: string): HttpRequest {
  return { method, url: `http://${host}/`, headers: { "x-test": "1" }, ...(method === "GET" ? {} : { body: "a=1" }) };
}

const methods = [
  ["GET", "PROVIDER_UNAVAILABLE"],
  ["POST", "OUTCOME_UNKNOWN"],
  ["PUT", "OUTCOME_UNKNOWN"],
  ["DELETE", "OUTCOME_UNKNOWN"],
] as const;

describe("a call", () => {
  it("createTransport: gives status, headers in lower case and the whole body, and counts itself", async () => {
    const counted: string[] = [];
    const host = await startServer(
      createServer((request, response) => {
        response.writeHead(418, { "X-Echo": String(request.headers["x-test"]) });
        request.pipe(response);
      }),
    );
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host, onCall: (one) => counted.push(one) });
    const answer = await send(requestTo(host, "POST"));
    expect(answer).toMatchObject({ status: 418, body: "a=1", headers: { "x-echo": "1" } });
    expect(counted).toEqual([host]);
  });

  it("createTransport: lets a spent budget forbid the call", async () => {
    const spent = new PortcullisError("PROVIDER_UNAVAILABLE", "no calls left");
    const send = createTransport({
      ...aws,
      fetch: () => Promise.reject(new Error("asked")),
      onCall: () => {
        throw spent;
      },
    });
    expect(await codeOf(send({ method: "GET", url: "https://ec2.amazonaws.com/", headers: {} }))).toBe(spent);
  });

  it.each(methods)("createTransport: a %s that meets no server was not sent", async (method) => {
    const server = createServer();
    const host = await startServer(server);
    await new Promise<void>((done) => server.close(() => done()));
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host });
    expect((await codeOf(send(requestTo(host, method)))).code).toBe("PROVIDER_UNAVAILABLE");
  });

  it.each(methods)("createTransport: a %s whose connection drops is %s", async (method, code) => {
    const host = await startServer(createServer((request) => request.socket.destroy()));
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host });
    expect((await codeOf(send(requestTo(host, method)))).code).toBe(code);
  });

  it.each(methods)("createTransport: a %s whose answer breaks off is %s", async (method, code) => {
    const host = await startServer(
      createServer((request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half", () => request.socket.destroy());
      }),
    );
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host });
    expect((await codeOf(send(requestTo(host, method)))).code).toBe(code);
  });

  it.each(methods)("createTransport: a %s that is never answered is %s", async (method, code) => {
    const host = await startServer(createServer(() => undefined));
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host, timeoutMs: 50 });
    const error = await codeOf(send(requestTo(host, method)));
    expect(error.code).toBe(code);
    expect(error.message).toContain("50 ms");
  });

  it.each(methods)("createTransport: a %s whose answer never ends is %s", async (method, code) => {
    const host = await startServer(createServer((_request, response) => void response.writeHead(200).write("…")));
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host, timeoutMs: 50 });
    expect((await codeOf(send(requestTo(host, method)))).code).toBe(code);
  });

  it.each(methods)("createTransport: a %s with more answer than allowed is %s", async (method, code) => {
    const host = await startServer(createServer((_request, response) => void response.end("x".repeat(5_000))));
    const bounded = (bytesMax: number) => createTransport({ fetch, hostSuffixes: [], allowedHosts: host, bytesMax });
    expect((await codeOf(bounded(4_999)(requestTo(host, method)))).code).toBe(code);
    expect((await bounded(5_000)(requestTo(host, method))).body).toHaveLength(5_000);
  });

  it.each([301, 302, 303, 307, 308])("createTransport: does not follow a %i", async (status) => {
    const asked: string[] = [];
    const host = await startServer(
      createServer((request, response) => {
        asked.push(request.url ?? "");
        response.writeHead(status, { location: "/elsewhere" }).end();
      }),
    );
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host });
    expect((await codeOf(send(requestTo(host, "GET")))).code).toBe("PROVIDER_UNAVAILABLE");
    expect((await codeOf(send(requestTo(host, "POST")))).code).toBe("OUTCOME_UNKNOWN");
    expect(asked).toEqual(["/", "/"]);
  });

  it("createTransport: stops when told to, before and during the call", async () => {
    const host = await startServer(createServer(() => undefined));
    const send = createTransport({ fetch, hostSuffixes: [], allowedHosts: host, timeoutMs: 20_000 });
    expect((await codeOf(send(requestTo(host, "POST"), { aborted: true }))).code).toBe("PROVIDER_UNAVAILABLE");
    const controller = new AbortController();
    const sent = codeOf(send(requestTo(host, "POST"), controller.signal));
    setTimeout(() => controller.abort(), 20);
    expect((await sent).code).toBe("OUTCOME_UNKNOWN");
  });

  it("createTransport: an error that nobody knows is unknown for a write", async () => {
    const send = createTransport({ ...aws, fetch: () => Promise.reject(new TypeError("Network connection lost.")) });
    expect((await codeOf(send({ method: "POST", url: "https://ec2.amazonaws.com/", headers: {} }))).code).toBe("OUTCOME_UNKNOWN");
    expect((await codeOf(send({ method: "GET", url: "https://ec2.amazonaws.com/", headers: {} }))).code).toBe("PROVIDER_UNAVAILABLE");
  });

  it("createTransport: several addresses of which one may have been reached are unknown for a write", async () => {
    const failed = (...codes: readonly string[]) =>
      new TypeError("fetch failed", { cause: new AggregateError(codes.map((code) => Object.assign(new Error(code), { code }))) });
    const post = { method: "POST", url: "https://ec2.amazonaws.com/", headers: {} };
    const send = (error: Error) => createTransport({ ...aws, fetch: () => Promise.reject(error) })(post);
    expect((await codeOf(send(failed("ECONNREFUSED", "ENETUNREACH")))).code).toBe("PROVIDER_UNAVAILABLE");
    expect((await codeOf(send(failed("ECONNREFUSED", "ECONNRESET")))).code).toBe("OUTCOME_UNKNOWN");
  });
});
