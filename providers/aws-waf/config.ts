// The aws-waf part of a target in `portcullis.yaml`: what may be written, and what to write instead when it is wrong.
// Emits plain JSON that it accepts again unchanged. Refuses unknown keys and ARNs that do not belong together; holds no secret.
import * as v from "valibot";
import { type AwsAccount, accountEntries, unknownKey } from "../internal/aws/account.ts";

/** AWS WAF quotas and limits per account and region (developer guide, "AWS WAF quotas", checked 2026-11-25). */
export const wafLimits = {
  addressesPerSet: 10_000,
  setsPerRegion: 100,
  /** Of any one Create, Put or Update action; fixed. */
  writesPerSecond: 1,
  /** Of any one Get or List action; fixed. */
  readsPerSecond: 5,
  /** Longest description (botocore wafv2/2019-07-29 EntityDescription, checked 2026-11-25). */
  descriptionChars: 256,
} as const;

export type Family = 4 | 6;
export const families = [4, 6] as const satisfies readonly Family[];

/** What an ARN of WAFv2 says; `scope` as the API calls it. */
export interface WafArn {
  readonly arn: string;
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly scope: "REGIONAL" | "CLOUDFRONT";
  readonly type: "ipset" | "webacl";
  readonly name: string;
  readonly id: string;
}

/** `arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/NAME/ID`; `global` for CloudFront, which lives in us-east-1 (WAFv2 API reference, checked 2026-11-25). */
function patternOf(type: WafArn["type"]): RegExp {
  const home = "arn:(aws(?:-[a-z]+)*):wafv2:([a-z]{2}(?:-[a-z]+){1,3}-\\d{1,2}):(\\d{12})";
  return new RegExp(`^${home}:(regional|global)/${type}/([\\w-]{1,128})/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$`);
}

const patterns = { ipset: patternOf("ipset"), webacl: patternOf("webacl") } as const;

/** CloudFront's are answered for in us-east-1 and nowhere else (WAFv2 API reference, checked 2026-11-25). */
const cloudFrontRegion = "us-east-1";

function readArn(arn: string, type: WafArn["type"]): WafArn | null {
  const [, partition, region, account, scope, name, id] = patterns[type].exec(arn) ?? [];
  if (partition === undefined || region === undefined || account === undefined || name === undefined || id === undefined) return null;
  const isGlobal = scope === "global";
  if (isGlobal && region !== cloudFrontRegion) return null;
  return { arn, partition, region, account, scope: isGlobal ? "CLOUDFRONT" : "REGIONAL", type, name, id };
}

/** Of settings that were parsed, and of nothing else. */
export function arnOf(arn: string): WafArn {
  const read = readArn(arn, "ipset") ?? readArn(arn, "webacl");
  if (read === null) throw new Error(`${arn} passed the settings' schema and is no ARN of AWS WAF`);
  return read;
}

function arn(key: string, type: WafArn["type"]) {
  const example = `arn:aws:wafv2:eu-west-1:111122223333:regional/${type}/NAME/11111111-2222-3333-4444-555555555555`;
  const message = `${key} must be the ARN of a WAFv2 ${type === "ipset" ? "IP set" : "web ACL"} such as ${example} (for CloudFront: us-east-1 and global/${type})`;
  return v.pipe(
    v.string(message),
    v.regex(patterns[type], message),
    v.check((text) => readArn(text, type) !== null, message),
  );
}

const { region, ...credentialEntries } = accountEntries;

/** What `discover` needs: where to look. */
export const searchSchema = v.pipe(
  v.strictObject(
    {
      region,
      ...credentialEntries,
      scope: v.optional(v.picklist(["REGIONAL", "CLOUDFRONT"], "scope must be REGIONAL or CLOUDFRONT"), "REGIONAL"),
    },
    unknownKey("region, scope, assumeRole, endpoint, stsEndpoint"),
  ),
  v.check(({ scope, region: where }) => scope === "REGIONAL" || where === cloudFrontRegion, "scope CLOUDFRONT is looked for in region us-east-1 only"),
);

interface Named {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly webAcl: string;
}

function homeOf(text: string): string {
  return text.split("/", 1).join();
}

function belongTogether({ ipv4, ipv6, webAcl }: Named): boolean {
  return [ipv4, ipv6].every((set) => set === undefined || homeOf(set) === homeOf(webAcl));
}

export const settingsSchema = v.pipe(
  v.strictObject(
    { ipv4: v.exactOptional(arn("ipv4", "ipset")), ipv6: v.exactOptional(arn("ipv6", "ipset")), webAcl: arn("webAcl", "webacl"), ...credentialEntries },
    unknownKey("ipv4, ipv6, webAcl, assumeRole, endpoint, stsEndpoint"),
  ),
  v.check(({ ipv4, ipv6 }) => ipv4 !== undefined || ipv6 !== undefined, "name at least one IP set: ipv4, ipv6 or both; a set holds one family"),
  v.check(({ ipv4, ipv6 }) => ipv4 === undefined || ipv4 !== ipv6, "ipv4 and ipv6 must be two IP sets; a set holds one family"),
  v.check((settings) => belongTogether(settings), "ipv4, ipv6 and webAcl must be of one account, region and scope"),
  v.check(
    ({ assumeRole, webAcl }) => assumeRole === undefined || assumeRole.roleArn.split(":")[4] === webAcl.split(":")[4],
    "assumeRole.roleArn must be a role of the account that webAcl is in: IP sets are not shared between accounts",
  ),
);

export type AwsWafSettings = v.InferOutput<typeof settingsSchema>;

/** One IP set of a target. */
export interface SetName extends WafArn {
  readonly family: Family;
  /** Id of the target's other set; null when it has one only. */
  readonly partner: string | null;
}

/** The target's sets, IPv4 first. */
export function setsOf(settings: AwsWafSettings): readonly SetName[] {
  const named = [
    { family: 4 as const, own: settings.ipv4, other: settings.ipv6 },
    { family: 6 as const, own: settings.ipv6, other: settings.ipv4 },
  ];
  return named.flatMap(({ family, own, other }) =>
    own === undefined ? [] : [{ ...arnOf(own), family, partner: other === undefined ? null : arnOf(other).id }],
  );
}

const whereSchema = v.union([v.looseObject({ webAcl: v.string() }), v.looseObject({ region })]);

/** Where these settings call: a target's, or those that `init` searches with before there is any target. Null: nowhere. */
export function regionToCall(settings: unknown): string | null {
  const read = v.safeParse(whereSchema, settings);
  if (!read.success) return null;
  return typeof read.output.webAcl === "string" ? (readArn(read.output.webAcl, "webacl")?.region ?? null) : String(read.output.region);
}

export function accountOf(settings: AwsWafSettings): AwsAccount {
  const { ipv4: _v4, ipv6: _v6, webAcl, ...rest } = settings;
  return { ...rest, region: arnOf(webAcl).region };
}

export function slotOf(family: Family): string {
  return `ipv${family}`;
}
