// What targets mean together, and what the client of the 2017 API may be.
import { describe, expect, it } from "vitest";
import { changed, configOf, digest, problemsOf, validText } from "./support.ts";

const second = (acl: string, first: number, last: number): string => `${validText}  aws-two:
    kind: aws-nacl
    region: eu-west-1
    acl: ${acl}
    rules: { first: ${first}, last: ${last} }
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
`;

describe("two targets", () => {
  it.each([
    [1, 40],
    [40, 80],
    [10, 20],
    [41, 80],
  ])("readConfigFile: refuses rules %i-%i beside 1-40 on the same ACL, which carries one claim", (first, last) => {
    const [problem, ...rest] = problemsOf(second("acl-0123456789abcdef0", first, last));
    expect(rest).toEqual([]);
    expect(problem).toMatchObject({ path: "targets.aws-two" });
    expect(problem?.message).toContain("claims the same place as target aws-web");
  });

  it("readConfigFile: accepts another ACL", () => {
    expect(problemsOf(second("acl-0123456789abcdef1", 1, 40))).toEqual([]);
  });

  it("readConfigFile: refuses more than sixteen", () => {
    const more = Array.from(
      { length: 16 },
      (_, index) =>
        `  t${index}: { kind: aws-nacl, region: eu-west-1, acl: acl-${String(index).padStart(17, "0")}, rules: { first: 1, last: 2 }, credentials: { accessKeyId: A_B, secretAccessKey: C_D } }`,
    );
    expect(problemsOf(`${validText}${more.join("\n")}\n`).map(({ message }) => message)).toEqual(["17 targets"]);
  });
});

describe("the client of the 2017 API", () => {
  const legacy = (lines: string): string =>
    `${changed("targets:\n", `  legacy:\n    keys: ["${digest("c")}"]\n${lines}targets:\n`)}blacklistip: { client: legacy }\n`;

  it("readConfigFile: accepts one that may only block single addresses for an hour from known networks", () => {
    const text = legacy("    scopes: [block]\n    from: [192.0.2.1]\n    longest: 1h\n");
    expect(configOf(text).blacklistip).toEqual({ client: "legacy" });
  });

  it.each([
    ["no origin", "    scopes: [block]\n    longest: 1h\n", "clients.legacy", /add `from/],
    ["wider than a host", "    scopes: [block]\n    from: [192.0.2.1]\n    longest: 1h\n    widest: { ipv4: 24 }\n", "clients.legacy.widest", /ipv4: 32/],
    ["longer than an hour", "    scopes: [block]\n    from: [192.0.2.1]\n    longest: 2h\n", "clients.legacy.longest", /1h/],
    ["longer by default", "    scopes: [block]\n    from: [192.0.2.1]\n", "clients.legacy.longest", /1h/],
    ["more than blocking", "    scopes: [block, lift]\n    from: [192.0.2.1]\n    longest: 1h\n", "clients.legacy.scopes", /scopes: \[block\]/],
  ])("readConfigFile: refuses %s", (_title, lines, path, remedy) => {
    const problems = problemsOf(legacy(lines));
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.remedy).toMatch(remedy);
  });

  it("readConfigFile: refuses a client that does not exist, with the nearest that does", () => {
    const [problem] = problemsOf(`${validText}blacklistip: { client: detectr }\n`);
    expect(problem).toMatchObject({ path: "blacklistip.client", remedy: 'did you mean "detector"?' });
  });
});

describe("a target that signs in by the platform's identity", () => {
  const role = (more: string): string =>
    changed(
      "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }\n",
      `    assumeRole: { roleArn: "arn:aws:iam::111122223333:role/portcullis"${more} }\n`,
    );

  it("readConfigFile: needs no credentials, and with a role alone both", () => {
    expect(problemsOf(role(", webIdentity: true"))).toEqual([]);
    expect(problemsOf(role("")).map(({ message }) => message)).toEqual(["the credential accessKeyId is missing", "the credential secretAccessKey is missing"]);
  });
});
