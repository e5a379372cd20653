// What the build demands of clients whose credential is a topic of SNS or stands in a URL: each mistake is named, with what to write.
import { describe, expect, it } from "vitest";
import { changed, configOf, digest, lineOf, problemsOf, validText } from "./support.ts";

const arn = "arn:aws:sns:eu-west-1:123456789012:guardduty";

const text = `${validText.replace("targets:\n", "")}`.replace(
  "  aws-web:",
  `  falco:
    pathKeys: ["${digest("c")}"]
    scopes: [alert:generic]
    from: [192.0.2.20]
    longest: 1h
  guardduty:
    sns: { topics: [${arn}] }
    scopes: [alert:elastalert]
targets:
  aws-web:`,
);

describe("clients that cannot sign", () => {
  it("emit: digests without their mark, topics, version 2 unless said otherwise; nothing for clients without", () => {
    const { clients } = configOf(text);
    expect(clients.falco?.pathKeys).toEqual(["c".repeat(64)]);
    expect(clients.guardduty?.sns).toEqual({ topics: [arn], sha1: false });
    expect(configOf(changed(`topics: [${arn}]`, `topics: [${arn}], sha1: true`, text)).clients.guardduty?.sns?.sha1).toBe(true);
    expect(Object.keys(clients.admin ?? {})).toEqual(Object.keys(configOf(validText).clients.admin ?? {}));
    expect(clients.admin).not.toHaveProperty("pathKeys");
  });

  it.each([
    ["a path secret with two sources", "[alert:generic]", "[alert:generic, alert:elastalert]", "write exactly one, an alert source: `scopes: [alert:generic]`"],
    ["a path secret that may do more than alert", "[alert:generic]", "[block]", "write exactly one, an alert source: `scopes: [alert:generic]`"],
    ["a path secret from anywhere", "    from: [192.0.2.20]\n", "", "add `from: […]` with the sender's own addresses"],
    [
      "a path secret for ranges",
      "    from: [192.0.2.20]\n",
      "    from: [192.0.2.20]\n    widest: { ipv4: 24 }\n",
      "write { ipv4: 32, ipv6: 64 }, or leave it out",
    ],
    ["a path secret for long", "    from: [192.0.2.20]\n    longest: 1h", "    from: [192.0.2.20]\n    longest: 2h", "write `longest: 1h` or less"],
    ["a path secret whose length of leases is the default", "20]\n    longest: 1h\n", "20]\n", "write `longest: 1h` or less"],
    ["a topic with two sources", "[alert:elastalert]", "[alert:elastalert, lift]", "write exactly one, an alert source: `scopes: [alert:generic]`"],
    ["a secret that is a key as well", digest("c"), digest("b"), "make a secret of its own with `portcullis key NAME --path`"],
    ["a secret twice", `["${digest("c")}"]`, `["${digest("c")}", "${digest("c")}"]`, "give every client a path secret of its own"],
    ["a topic twice", `[${arn}]`, `[${arn}, ${arn}]`, "give every client a topic of its own"],
    ["no topics", `[${arn}]`, "[]", "write the ARNs of those that are this client, or leave `sns` out"],
    ["a topic that is none", arn, "guardduty", "write it as SNS shows it, such as arn:aws:sns:eu-west-1:123456789012:alerts"],
    ["a FIFO topic, which cannot deliver over HTTPS", arn, `${arn}.fifo`, "write it as SNS shows it, such as arn:aws:sns:eu-west-1:123456789012:alerts"],
    ["an option that is none", `[${arn}]`, `[${arn}], sha1: 1`, "write true or false"],
  ])("refuse: %s", (_title, from, to, remedy) => {
    expect(problemsOf(changed(from, to, text)).map((problem) => problem.remedy)).toEqual([remedy]);
  });

  it("refuse: one topic of two clients, at the second's line, by the first's name", () => {
    const twice = changed("targets:\n", `  second:\n    sns: { topics: [${arn}] } # here\n    scopes: [alert:generic]\ntargets:\n`, text);
    expect(problemsOf(twice)).toMatchObject([{ line: lineOf(twice, "# here"), message: "the same topic as client guardduty" }]);
  });

  it("refuse: the secret itself in place of its digest, without repeating it", () => {
    const problems = problemsOf(changed(digest("c"), "portcullis_hunter2", text));
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });
});
