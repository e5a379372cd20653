// A small valid configuration, and ways to break it one line at a time.

import { awsNacl } from "../../providers/aws-nacl/index.ts";
import type { Config } from "../../shared/config.ts";
import { type ConfigInput, type Problem, type ReadConfig, readConfigFile } from "../../shared/config-file/index.ts";
import { presetNames } from "../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";

export const definitions: Readonly<Record<string, ProviderDefinition>> = {
  "aws-nacl": awsNacl as ProviderDefinition<never> as ProviderDefinition,
};

export const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

export const validText = `owner: acme
defaults: { for: 4h }
protect: { ranges: [198.51.100.0/24] }
clients:
  admin:
    keys: ["${digest("a")}"]
    scopes: [block, lift, read, admin]
  detector:
    keys: ["${digest("b")}"]
    scopes: [block]
    from: [192.0.2.10]
    longest: 1h
targets:
  aws-web:
    kind: aws-nacl
    region: eu-west-1
    acl: acl-0123456789abcdef0
    rules: { first: 1, last: 40, limit: 20 }
    mode: observe
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
`;

export function read(text: string, extra: Partial<ConfigInput> = {}): ReadConfig {
  return readConfigFile({ text, file: "portcullis.yaml", definitions, presetNames, lock: null, ...extra });
}

/** The valid text with one piece replaced; throws when the piece is not there, so that no test goes stale silently. */
export function changed(from: string, to: string, text: string = validText): string {
  if (!text.includes(from)) throw new Error(`the text does not hold ${JSON.stringify(from)}`);
  return text.replace(from, () => to);
}

export function problemsOf(text: string, extra: Partial<ConfigInput> = {}): readonly Problem[] {
  const result = read(text, extra);
  return result.ok ? [] : result.problems;
}

export function configOf(text: string, extra: Partial<ConfigInput> = {}): Config {
  const result = read(text, extra);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.config;
}

/** Line (from 1) on which a piece of text first stands. */
export function lineOf(text: string, piece: string): number {
  const at = text.indexOf(piece);
  if (at < 0) throw new Error(`the text does not hold ${JSON.stringify(piece)}`);
  return text.slice(0, at).split("\n").length;
}
