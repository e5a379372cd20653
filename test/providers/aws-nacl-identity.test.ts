// Signing in to AWS by the platform's identity, without any stored key: the simulated STS is judged by the vendor's SDK, and the
// provider by the simulated STS.
import { AssumeRoleWithWebIdentityCommand, STSClient, STSServiceException } from "@aws-sdk/client-sts";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { Secret } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import { changed, problemsOf } from "../config/support.ts";
import { type AwsSimulator, fillPolicy } from "../simulators/aws.ts";
import { aclId, keys, policies, roleArn, startFixture } from "../simulators/aws-fixtures.ts";
import { audience, foreignKey, identityProvider, issuer, subject, tokenAt } from "../simulators/aws-issuer.ts";
import { type TestPorts, testPorts } from "./ports.ts";

let aws: AwsSimulator;
let ports: TestPorts;

beforeEach(async () => {
  ports = testPorts({});
  aws = await startFixture({
    nowMs: ports.clock.now,
    identityProviders: [identityProvider],
    roles: [{ name: "blocker", policy: fillPolicy(policies.run, { acl: aclId }), trusts: [], trustsTokens: { issuer, audience, subject } }],
  });
  aws.acl(aclId).tag({ "portcullis:store": "store-acme-prod", "portcullis:range": "1-40" });
});

afterEach(() => aws.close());

describe("the simulated STS, by the vendor's SDK", () => {
  const ask = async (token: string, more: object = {}): Promise<string> => {
    const client = new STSClient({ endpoint: aws.url, region: "eu-west-1", maxAttempts: 1 });
    try {
      const input = { RoleArn: roleArn, RoleSessionName: "portcullis", WebIdentityToken: token, ...more };
      const { Credentials, SubjectFromWebIdentityToken } = await client.send(new AssumeRoleWithWebIdentityCommand(input));
      return `${SubjectFromWebIdentityToken} until ${Credentials?.Expiration?.toISOString()}`;
    } catch (thrown) {
      return thrown instanceof STSServiceException ? `${thrown.name} ${thrown.$metadata.httpStatusCode}` : String(thrown);
    }
  };

  test.each(["RS256", "ES256"] as const)("assume: a token signed with %s is exchanged for a session", async (algorithm) => {
    const ends = new Date(ports.clock.now() + 900_000).toISOString();
    expect(await ask(tokenAt(ports.clock.now(), {}, algorithm), { DurationSeconds: 900 })).toBe(`${subject} until ${ends}`);
  });

  test("refuse: another subject, audience, issuer or key, a token too old, no token, a role that trusts none", async () => {
    const now = ports.clock.now();
    expect(await ask(tokenAt(now, { sub: "deployment:acme/portcullis/development" }))).toBe("AccessDenied 403");
    expect(await ask(tokenAt(now, { aud: "somebody" }))).toBe("InvalidIdentityTokenException 400");
    expect(await ask(tokenAt(now, { iss: "https://elsewhere.test" }))).toBe("InvalidIdentityTokenException 400");
    expect(await ask(tokenAt(now, {}, "ES256", foreignKey()))).toBe("InvalidIdentityTokenException 400");
    expect(await ask(tokenAt(now - 600_000))).toBe("ExpiredTokenException 400");
    expect(await ask("no.token")).toBe("InvalidIdentityTokenException 400");
    expect(await ask(tokenAt(now), { RoleArn: `${roleArn}-not` })).toBe("AccessDenied 403");
    expect(await ask(tokenAt(now), { DurationSeconds: 60 })).toBe("InvalidParameterValue 400");
  });
});

describe("aws-nacl by identity", () => {
  const written = () => ({ region: "eu-west-1", acl: aclId, rules: { first: 1, last: 40 }, endpoint: aws.url, stsEndpoint: aws.url });
  const settings = () => v.parse(awsNacl.settings, { ...written(), assumeRole: { roleArn, webIdentity: true } });
  const identity =
    (token: () => string): NonNullable<ProviderPorts["identity"]> =>
    async (asked) => {
      expect(asked).toBe(audience);
      return new Secret(token());
    };

  test("observe: signs in with a fresh token, once per session, without any key", async () => {
    let tokens = 0;
    const provider = awsNacl.create(settings(), {
      ...ports,
      identity: identity(() => {
        tokens += 1;
        return tokenAt(ports.clock.now());
      }),
    });
    for (let looks = 0; looks < 2; looks += 1) expect((await provider.observe()).ok).toBe(true);
    expect([tokens, aws.calls("AssumeRoleWithWebIdentity"), aws.calls("DescribeNetworkAcls")]).toEqual([1, 1, 2]);
    ports.advance(56 * 60_000);
    expect((await provider.observe()).ok).toBe(true);
    expect([tokens, aws.calls("AssumeRoleWithWebIdentity")]).toEqual([2, 2]);
    const policy = aws.log.find((call) => call.action === "AssumeRoleWithWebIdentity")?.parameters.Policy ?? "";
    expect(policy).toContain(`network-acl/${aclId}`);
    expect(aws.log.some((call) => call.action === "AssumeRole")).toBe(false);
  });

  test("fail: in words, with no token in them, when STS refuses it or the platform gives none", async () => {
    const token = tokenAt(ports.clock.now(), { sub: "deployment:acme/portcullis/development" });
    const refused = await awsNacl.create(settings(), { ...ports, identity: identity(() => token) }).observe();
    expect(refused.ok ? "" : `${refused.error.code} ${refused.error.message}`).toMatch(
      /^PROVIDER_AUTH AssumeRoleWithWebIdentity of arn:.* AccessDenied .* trust policy/,
    );
    const forged = await awsNacl.create(settings(), { ...ports, identity: identity(() => tokenAt(ports.clock.now(), {}, "ES256", foreignKey())) }).observe();
    expect(forged.ok ? "" : forged.error.message).toContain("issuer, aud and sub");
    const none = await awsNacl
      .create(settings(), {
        ...ports,
        identity: async () => {
          throw new PortcullisError("PROVIDER_AUTH", "this app has no cloud connection to AWS");
        },
      })
      .observe();
    expect(none.ok ? "" : `${none.error.code} ${none.error.message}`).toBe("PROVIDER_AUTH this app has no cloud connection to AWS");
    for (const text of [JSON.stringify(ports.logs), JSON.stringify(refused), JSON.stringify(forged)]) expect(text).not.toContain(token.slice(0, 40));
    aws.faults.next.push({ action: "AssumeRoleWithWebIdentity", mishap: { kind: "drop", committed: false } });
    const lost = await awsNacl.create(settings(), { ...ports, identity: identity(() => tokenAt(ports.clock.now())) }).observe();
    expect(lost.ok ? "" : lost.error.code).toBe("PROVIDER_UNAVAILABLE");
  });

  test("fall back: where no platform vouches, a person's own keys are used as they are, and without them it says what to do", async () => {
    const bare = await awsNacl.create(settings(), ports).observe();
    expect(bare.ok ? "" : `${bare.error.code} ${bare.error.message}`).toMatch(/^PROVIDER_AUTH .*webIdentity.*accessKeyId and secretAccessKey/);
    const own = { accessKeyId: new Secret(keys.run.accessKeyId), secretAccessKey: new Secret(keys.run.secretAccessKey) };
    expect((await awsNacl.create(settings(), { ...ports, secrets: own }).observe()).ok).toBe(true);
    expect(aws.calls("AssumeRoleWithWebIdentity") + aws.calls("AssumeRole")).toBe(0);
  });

  test("configure: no credentials are asked for, an external id is refused", () => {
    const parsed = v.safeParse(awsNacl.settings, { ...written(), assumeRole: { roleArn, webIdentity: true, externalId: "acme-7f3a" } });
    expect(parsed.success ? "" : parsed.issues.map((issue) => issue.message).join()).toContain("pin aud and sub");
    const line = "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }\n";
    const role = (more: string) => `    assumeRole: { roleArn: "${roleArn}"${more} }\n`;
    expect(problemsOf(changed(line, role(", webIdentity: true")))).toEqual([]);
    expect(problemsOf(changed(line, role(""))).map(({ message }) => message)).toContain("the credential accessKeyId is missing");
  });
});
