// What of the Deno runtime needs no Deno: what it makes of the configuration, and where identity tokens come from.
import { describe, expect, test } from "vitest";
import { configOnDeno, refusedNames } from "../../functions/runtime/deno-config.ts";
import { identityOf } from "../../functions/runtime/deno-identity.ts";
import { testConfig } from "../coordinator/world.ts";

const web = { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings: {}, credentials: { accessKeyId: "AWS_WEB_ID" }, formerly: null } as const;
const config = testConfig({ targets: { web, old: { ...web, mode: "drain" } }, heartbeat: { urlSecret: "BEAT" } });

describe("the configuration on Deno", () => {
  test("take: as it is in production, with a store that is never behind", () => {
    expect(configOnDeno(config, "production")).toEqual({ ...config, store: { stalenessMs: 0 } });
  });

  test.each(["git-branch/production", "preview/abc", "Production", "", undefined])("observe: every target on the timeline %j", (timeline) => {
    expect(Object.values(configOnDeno(config, timeline).targets).map(({ mode }) => mode)).toEqual(["observe", "observe"]);
  });

  test("name: secrets that the platform would not take, wherever they are named", () => {
    expect(refusedNames(config)).toEqual([]);
    const named = testConfig({
      targets: { web: { ...web, credentials: { a: "AWS_ROLE_ARN", b: "DENO_KEY", c: "AWS_ROLE_ARN_2" } } },
      heartbeat: { urlSecret: "OTEL_URL" },
    });
    expect(refusedNames(named)).toEqual(["AWS_ROLE_ARN", "DENO_KEY", "OTEL_URL"]);
  });
});

describe("identity on Deno", () => {
  const identity = (env: Record<string, string>, files: Record<string, string>) =>
    identityOf({
      env: { get: (name) => env[name] },
      readTextFile: async (path) => {
        const text = files[path];
        if (text === undefined) throw new Error("no such file");
        return text;
      },
    });

  test("read: the token for the audience that asks, anew each time", async () => {
    const files = { "aws-token": "one\n" };
    const ask = identity({ AWS_WEB_IDENTITY_TOKEN_FILE: "aws-token" }, files);
    expect((await ask("sts.amazonaws.com")).reveal()).toBe("one");
    files["aws-token"] = "two";
    expect((await ask("sts.amazonaws.com")).reveal()).toBe("two");
  });

  test("fail: in words, for an audience without a connection and for a file that cannot be read", async () => {
    const ask = identity({ AWS_WEB_IDENTITY_TOKEN_FILE: "gone" }, {});
    await expect(ask("api://AzureADTokenExchange")).rejects.toMatchObject({ code: "PROVIDER_AUTH", message: expect.stringContaining("cloud connection") });
    await expect(ask("constructor")).rejects.toMatchObject({ code: "PROVIDER_AUTH" });
    await expect(ask("sts.amazonaws.com")).rejects.toMatchObject({ code: "PROVIDER_UNAVAILABLE" });
  });
});
