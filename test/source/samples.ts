// Real messages of detectors, by source; where none is free to copy, one written after the vendor's own documentation.
// Each file's origin and licence is in the README beside it.
import { existsSync, readFileSync } from "node:fs";
import type { EventSource } from "../../shared/config.ts";
import { mappingDefaults } from "../../shared/config-file/defaults.ts";
import type { SourceRules } from "../../shared/source/index.ts";

export interface SourceSample {
  readonly source: EventSource;
  readonly name: string;
  readonly payload: unknown;
}

export const rules: SourceRules = { severity: "medium", samples: false, mapping: mappingDefaults.generic };
export const withSamples: SourceRules = { ...rules, samples: true };

function textOf(path: string): string {
  return readFileSync(new URL(`../data/${path}`, import.meta.url), "utf8");
}

export function jsonFile(path: string): unknown {
  return JSON.parse(textOf(path));
}

/** A line may hold the message itself, or have it in `event` or `body` beside who made it. */
function messageOf(line: unknown): unknown {
  const { _test, _how, event, body } = line as { _test?: string; _how?: string; event?: unknown; body?: unknown };
  return _test !== undefined ? event : _how !== undefined ? body : line;
}

function linesOf(text: string): readonly unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line) => messageOf(JSON.parse(line)));
}

export function linesFile(path: string): readonly unknown[] {
  return linesOf(textOf(path));
}

function whole(source: EventSource, ...files: readonly string[]): readonly SourceSample[] {
  return files.map((file) => ({ source, name: file, payload: jsonFile(`${source}/${file}.json`) }));
}

function lines(source: EventSource, ...files: readonly string[]): readonly SourceSample[] {
  return files.flatMap((file) => linesFile(`${source}/${file}.jsonl`).map((payload, at) => ({ source, name: `${file} ${at + 1}`, payload })));
}

export const samples: readonly SourceSample[] = [
  ...whole(
    "guardduty",
    "eventbridge-ssh-brute-force",
    "pascal-credential-access-iam-anomalous-behavior",
    "pascal-recon-ec2-portprobeunprotectedport",
    "pascal-trojan-ec2-blackholetraffic",
    "pascal-trojan-ec2-dnsdataexfiltration",
    "pascal-unauthorizedaccess-ec2-sshbruteforce",
  ),
  ...lines("guardduty", "bare-panther", "written"),
  ...lines("securityhub", "written"),
  ...whole("macie", "written-policy-s3bucketpublic", "written-sensitive-personal"),
  ...lines("falco", "falcosidekick-inputs", "talon-examples", "written"),
  ...lines("crowdsec", "written"),
  ...lines("alertmanager", "written"),
  ...lines("suricata", "crowdsec-hub-tests", "written"),
  ...lines("wazuh", "written"),
  ...lines("aws-waf-logs", "panther"),
  ...lines("cloudflare", "firewall-events-panther", "http-requests-panther", "written"),
  ...lines("custodian", "written"),
  ...lines("cloudevents", "written"),
];

/** Larger files that may not be copied here; empty, and said so, where they are not beside the repository. */
export function besideFiles(folder: string, names: readonly string[]): readonly { readonly name: string; readonly payloads: readonly unknown[] }[] {
  const root = new URL("../../../../shared/data/events/", import.meta.url);
  if (!existsSync(root)) {
    console.warn(`shared/data/events is not beside the repository: ${folder} is tried with the samples in test/data only`);
    return [];
  }
  return names.map((name) => {
    const text = readFileSync(new URL(`${folder}/${name}`, root), "utf8");
    return { name, payloads: name.endsWith(".jsonl") ? linesOf(text) : [JSON.parse(text)] };
  });
}
