// Real messages of detectors, by source; where none is free to copy, one written after the vendor's own documentation.
// Each file's origin and licence is in the README beside it.
import { existsSync, readFileSync } from "node:fs";
import type { AlertSource } from "../../shared/config.ts";
import { mappingDefaults } from "../../shared/config-file/defaults.ts";
import type { SourceRules } from "../../shared/source/index.ts";

export interface SourceSample {
  readonly source: AlertSource;
  readonly name: string;
  readonly payload: unknown;
}

export const rules: SourceRules = { severity: "medium", samples: false, mapping: mappingDefaults.generic };
export const withSamples: SourceRules = { ...rules, samples: true };

/** One folder for each source. */
export const dataRoot = new URL("../data/", import.meta.url);

function textOf(path: string): string {
  return readFileSync(new URL(path, dataRoot), "utf8");
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

function whole(source: AlertSource, ...files: readonly string[]): readonly SourceSample[] {
  return files.map((file) => ({ source, name: file, payload: jsonFile(`${source}/${file}.json`) }));
}

function lines(source: AlertSource, ...files: readonly string[]): readonly SourceSample[] {
  return files.flatMap((file) => linesFile(`${source}/${file}.jsonl`).map((payload, at) => ({ source, name: `${file} ${at + 1}`, payload })));
}

export const samples: readonly SourceSample[] = [
  ...lines("elastalert", "http-post-captured", "written"),
  ...lines("generic", "written"),
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
  ...lines("securityhub", "aws-user-guide", "written"),
  ...whole("macie", "written-policy-s3bucketpublic", "written-sensitive-personal"),
  ...lines("falco", "falcosidekick-inputs", "talon-examples", "written"),
  ...lines("crowdsec", "crowdsec-tests", "written"),
  ...lines("alertmanager", "written"),
  ...lines("suricata", "crowdsec-hub-tests", "written"),
  ...lines("wazuh", "written"),
  ...lines("aws-waf-logs", "panther"),
  ...lines("cloudflare", "firewall-events-panther", "http-requests-panther", "written"),
  ...lines("custodian", "c7n-mailer-tests", "written"),
  ...lines("cloudevents", "spec-examples", "written"),
];

/** Larger files than should be copied here, by the folder in which they lie beside the repository. */
const beside: { readonly [S in AlertSource]?: readonly string[] } = {
  guardduty: [
    "guardduty/pascalcase_Recon-EC2-PortProbeEMRUnprotectedPort.json",
    "guardduty/pascalcase_Trojan-EC2-DGADomainRequest-B.json",
    "guardduty/pascalcase_UnauthorizedAccess-EC2-MaliciousIPCaller.json",
    "guardduty/pascalcase_UnauthorizedAccess-EC2-MetadataDNSRebind.json",
    "guardduty/pascalcase_UnauthorizedAccess-EC2-TorClient.json",
  ],
  "aws-waf-logs": ["aws_waf/waf_logs_panther_dev.jsonl", "aws_waf/waf_ocsf.raw.json"],
};

/** None, and said so, where they are not. */
export function besideFiles(source: AlertSource): readonly { readonly name: string; readonly payloads: readonly unknown[] }[] {
  const root = new URL("../../../shared/data/events/", import.meta.url);
  const names = beside[source] ?? [];
  if (names.length > 0 && !existsSync(root)) {
    console.warn(`source: ../shared/data/events is absent; ${source} was tried with the samples in test/data only`);
    return [];
  }
  return names.map((name) => {
    const text = readFileSync(new URL(name, root), "utf8");
    return { name, payloads: name.endsWith(".jsonl") ? linesOf(text) : [JSON.parse(text)] };
  });
}
