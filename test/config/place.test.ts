// A target that claims two places at once: neither may be another target's, and neither may be left behind.
import { describe, expect, it } from "vitest";
import { awsWaf } from "../../providers/aws-waf/index.ts";
import { type Lock, lockText, readLock } from "../../shared/config-file/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { digest, read } from "./support.ts";

const definitions = { "aws-waf": awsWaf as ProviderDefinition<never> as ProviderDefinition };
const home = "arn:aws:wafv2:eu-west-1:111122223333:regional";
const set = (at: number) => `${home}/ipset/set-${at}/11111111-2222-4333-8444-00000000000${at}`;
const webAcl = `${home}/webacl/edge/11111111-2222-4333-8444-00000000000a`;

interface Sets {
  readonly ipv4?: number;
  readonly ipv6?: number;
}

function configWith(targets: Readonly<Record<string, Sets>>): string {
  const lines = Object.entries(targets).map(([name, sets]) => {
    const named = Object.entries(sets).map(([key, at]) => `${key}: "${set(at)}"`);
    return `  ${name}: { kind: aws-waf, ${named.join(", ")}, webAcl: "${webAcl}", mode: enforce, credentials: { accessKeyId: A_B, secretAccessKey: C_D } }`;
  });
  return `owner: acme\nclients: { admin: { keys: ["${digest("a")}"], scopes: [read], from: [192.0.2.1] } }\ntargets:\n${lines.join("\n")}\n`;
}

function messages(targets: Readonly<Record<string, Sets>>, lock: Lock | null = null): readonly string[] {
  const result = read(configWith(targets), { definitions, lock });
  return result.ok ? [] : result.problems.map(({ message }) => message);
}

function lockOf(targets: Readonly<Record<string, Sets>>): Lock {
  const result = read(configWith(targets), { definitions });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const again = readLock(lockText(result.lock));
  if (again === null) throw new Error("the lock's own text is no lock");
  return again;
}

describe("a target of two places", () => {
  it("claims: no other target may name either of them", () => {
    expect(messages({ a: { ipv4: 1, ipv6: 2 }, b: { ipv4: 3, ipv6: 4 } })).toEqual([]);
    const clashes: readonly Sets[] = [{ ipv4: 1 }, { ipv6: 2 }, { ipv4: 3, ipv6: 2 }, { ipv4: 1, ipv6: 4 }];
    for (const other of clashes) expect(messages({ a: { ipv4: 1, ipv6: 2 }, b: other })).toEqual([expect.stringContaining("same place as target a")]);
    expect(messages({ a: { ipv4: 1, ipv6: 2 }, b: { ipv4: 3, ipv6: 2 } })).toEqual([expect.stringContaining(set(2))]);
  });

  it("moves: a second place may come, and neither may go or be exchanged while entries may stand there", () => {
    const before = lockOf({ a: { ipv4: 1, ipv6: 2 } });
    expect(messages({ a: { ipv4: 1, ipv6: 2 } }, before)).toEqual([]);
    for (const now of [{ ipv4: 1 }, { ipv6: 2 }, { ipv4: 1, ipv6: 4 }, { ipv4: 3, ipv6: 2 }])
      expect(messages({ a: now }, before)).toEqual([expect.stringMatching(/another place than in the last build .* and /)]);
    expect(messages({ a: { ipv4: 1, ipv6: 2 } }, lockOf({ a: { ipv6: 2 } }))).toEqual([]);
  });
});
