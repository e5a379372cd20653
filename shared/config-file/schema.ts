// The shape of `portcullis.yaml`, section by section. What a section means together with others is `clients.ts` and `targets.ts`.
// Every default is safe: observe mode, all presets on, small limits.
import * as v from "valibot";
import { type AlertSource, alertSources, type MappedSource, plainScopes, type Scope, severities } from "../config.ts";
import { limits } from "../limits.ts";
import { topicPattern } from "../sns/topic.ts";
import { configDefaults, mappingDefaults } from "./defaults.ts";
import { secretLookOf, shown, suggestion } from "./problem.ts";
import {
  durationSchema,
  factorSchema,
  integerSchema,
  listOf,
  nameSchema,
  numberSchema,
  oneOf,
  originSchema,
  prefixLengths,
  protectedSchema,
  says,
  secretNamePattern,
} from "./words.ts";

/** The least that may be written; the sandbox, whose store is never behind, lowers them. */
export interface Floors {
  readonly stalenessMs: number;
  readonly leaseMs: number;
}

export const productionFloors: Floors = { stalenessMs: limits.stalenessShortestMs, leaseMs: limits.leaseShortestMs };

const scopes: readonly Scope[] = [...plainScopes, ...alertSources.map((source): Scope => `alert:${source}`)];
export const targetModes = ["observe", "enforce", "drain"] as const;

export function sectionObject<const T extends v.ObjectEntries>(entries: T) {
  return v.strictObject(entries, (issue) => says(`${shown(issue.input)} is not a map of keys`, `write some of: ${Object.keys(entries).join(", ")}`));
}

/** `sha256:` and 64 hex digits. Whatever else stands there may be the key itself, so it is never repeated. */
const keySchema = v.pipe(
  v.string(says("not the digest of a key", "write sha256: and 64 hex digits, as `portcullis key NAME` prints them")),
  v.check(
    (text) => /^sha256:/.test(text) || !/^[0-9a-fA-F]{64}$/.test(text),
    says(
      "64 hex digits without `sha256:`: a digest, or a key that must not be here",
      "if it is a digest, write sha256: before it; if it is the key, treat it as leaked and make a new one with `portcullis key NAME`",
    ),
  ),
  v.check(
    (text) => /^sha256:/.test(text),
    says("this looks like a key itself, not its digest", "treat it as leaked: make a new one with `portcullis key NAME` and write the sha256: line it prints"),
  ),
  v.regex(/^sha256:[0-9a-f]{64}$/, says("not sha256: and 64 lower-case hex digits", "copy the line that `portcullis key NAME` prints")),
);

export const secretNameSchema = v.pipe(
  v.string(says("not the name of a secret", "write the name under which the platform holds it, such as AWS_WEB_ID")),
  v.check(
    (text) => secretLookOf(text) === null || (secretNamePattern.test(text) && text.includes("_") && !text.startsWith("AKIA")),
    (issue) =>
      says(
        `this looks like ${secretLookOf(issue.input) ?? "a secret"} itself, not the name of one`,
        "treat it as leaked and replace it; store the new one with `wrangler secret put NAME` and write that NAME here",
      ),
  ),
  v.check((text) => !text.startsWith("PORTCULLIS_"), says("names that begin with PORTCULLIS_ are Portcullis's own", "choose another name for the secret")),
  v.regex(
    secretNamePattern,
    says("not the name of a secret", "write its name in capitals, digits and underscores, such as AWS_WEB_ID; the value belongs in the platform's secrets"),
  ),
);

const scopeSchema = v.picklist(scopes, (issue) => says(`${shown(issue.input)} is not a scope`, suggestion(issue.input, scopes)));

/** False, or how leases grow for whoever comes back. */
function escalateSchema(floors: Floors) {
  const { escalate } = configDefaults;
  const rule = sectionObject({
    factor: v.optional(factorSchema(limits.escalateFactorMax), escalate.factor),
    max: v.optional(durationSchema({ leastMs: floors.leaseMs, mostMs: limits.leaseLongestMs }), escalate.max),
    memory: v.optional(durationSchema({ leastMs: floors.leaseMs, mostMs: limits.escalateMemoryLongestMs }), escalate.memory),
  });
  return v.union([v.literal(false), rule], (issue) =>
    says(`${shown(issue.input)} is no escalation`, "write false, or some of { factor: 4, max: 30d, memory: 30d }; {} takes all defaults"),
  );
}

const topicSchema = v.pipe(
  v.string((issue) => says(`${shown(issue.input)} is not a topic`, "write its ARN, such as arn:aws:sns:eu-west-1:123456789012:alerts")),
  v.regex(topicPattern, (issue) =>
    says(`${shown(issue.input)} is not the ARN of a standard SNS topic`, "write it as SNS shows it, such as arn:aws:sns:eu-west-1:123456789012:alerts"),
  ),
);

const snsSchema = sectionObject({
  topics: v.pipe(listOf(topicSchema, 32), v.minLength(1, says("no topics", "write the ARNs of those that are this client, or leave `sns` out"))),
  sha1: v.optional(
    v.boolean((issue) => says(`${shown(issue.input)} is neither true nor false`, "write true or false")),
    false,
  ),
});

export function clientSchema(floors: Floors) {
  return sectionObject({
    keys: v.optional(listOf(keySchema, 8), []),
    secrets: v.optional(listOf(secretNameSchema, 8), []),
    pathKeys: v.optional(listOf(keySchema, 8), []),
    sns: v.optional(snsSchema),
    scopes: v.pipe(listOf(scopeSchema, scopes.length), v.minLength(1, says("no scopes", `write one of: ${scopes.join(", ")}`))),
    from: v.optional(v.pipe(listOf(originSchema, 100), v.minLength(1, says("an empty list", "name the client's networks, or leave `from` out to allow any")))),
    longest: v.optional(durationSchema({ leastMs: floors.leaseMs, mostMs: limits.leaseLongestMs }), configDefaults.clientLongest),
    widest: v.optional(
      sectionObject({ ipv4: v.optional(prefixLengths.ipv4, configDefaults.widest.ipv4), ipv6: v.optional(prefixLengths.ipv6, configDefaults.widest.ipv6) }),
      {},
    ),
    targets: v.optional(
      v.pipe(listOf(nameSchema, limits.targetsMax), v.minLength(1, says("an empty list", "name targets, or leave `targets` out to allow all"))),
    ),
    live: v.optional(integerSchema(1, limits.listPagesMax * 1_000), configDefaults.clientLive),
    newPerMinute: v.optional(integerSchema(1, 10_000), configDefaults.clientNewPerMinute),
    mode: v.optional(oneOf(["enforce", "observe"]), "enforce"),
    escalate: v.optional(escalateSchema(floors)),
  });
}

/** How many bystanders a scarce rule may block: `none`, a budget, or a price per bystander. */
const collateralSchema = v.pipe(
  v.union(
    [
      v.literal("none"),
      sectionObject({
        max: v.optional(integerSchema(0, 100_000_000)),
        price: v.optional(numberSchema(0, 1_000_000)),
        widest: v.optional(
          sectionObject({
            ipv4: v.optional(prefixLengths.ipv4, configDefaults.collateralWidest.ipv4),
            ipv6: v.optional(prefixLengths.ipv6, configDefaults.collateralWidest.ipv6),
          }),
          {},
        ),
      }),
    ],
    says("not a policy for bystanders", "write none, { max: 256 } or { price: 0.1 }"),
  ),
  v.check(
    (collateral) => collateral === "none" || (collateral.max === undefined) !== (collateral.price === undefined),
    says("neither or both of `max` and `price`", "write one of them: { max: 256 } is a budget, { price: 0.1 } a price per bystander"),
  ),
);

/** The part of a target that is the same for every kind; all other keys belong to the kind. */
export const targetCoreEntries = {
  kind: v.string(says("no kind", "write the kind of firewall, such as aws-nacl")),
  mode: v.optional(oneOf(targetModes), "observe"),
  maxEntries: v.optional(integerSchema(1, 100_000)),
  credentials: v.optional(v.record(v.string(), secretNameSchema, says("not a map of credential names", "write { name: SECRET_NAME }")), {}),
  formerly: v.optional(nameSchema),
  spill: v.optional(nameSchema),
  collateral: v.optional(collateralSchema, "none"),
  lossMax: v.optional(numberSchema(0, 0.5)),
  warnAt: v.optional(numberSchema(0.1, 1)),
} as const;

const dottedPath = v.pipe(
  v.string((issue) => says(`${shown(issue.input)} is not a path`, "write a dotted path, such as source.ip")),
  v.regex(/^[A-Za-z0-9_@-]+(?:\.[A-Za-z0-9_@-]+){0,9}$/, (issue) => says(`${shown(issue.input)} is not a path`, "write a dotted path, such as source.ip")),
);

function alertSchema(source: MappedSource, floors: Floors) {
  const paths = (from: readonly string[]) =>
    v.optional(v.pipe(listOf(dottedPath, 16), v.minLength(1, says("an empty list", "write at least one path, or leave the key out"))), [...from]);
  const mapping = mappingDefaults[source];
  return sectionObject({
    mapping: v.optional(
      sectionObject({ ip: paths(mapping.ip), at: paths(mapping.at), reason: paths(mapping.reason), severity: paths(mapping.severity), id: paths(mapping.id) }),
      {},
    ),
    for: v.optional(durationSchema({ leastMs: floors.leaseMs, mostMs: limits.leaseLongestMs })),
    severity: v.optional(oneOf(severities)),
  });
}

/** A source with a format of its own needs no mapping. */
function eventSourceSchema(floors: Floors) {
  return sectionObject({
    for: v.optional(durationSchema({ leastMs: floors.leaseMs, mostMs: limits.leaseLongestMs })),
    severity: v.optional(oneOf(severities)),
    samples: v.optional(
      v.boolean((issue) => says(`${shown(issue.input)} is neither true nor false`, "write samples: true to take the source's tests")),
      false,
    ),
  });
}

function alertsSchema(floors: Floors) {
  const source = () => v.optional(eventSourceSchema(floors));
  return sectionObject({
    elastalert: v.optional(alertSchema("elastalert", floors), {}),
    generic: v.optional(alertSchema("generic", floors), {}),
    guardduty: source(),
    securityhub: source(),
    macie: source(),
    falco: source(),
    crowdsec: source(),
    alertmanager: source(),
    suricata: source(),
    wazuh: source(),
    "aws-waf-logs": source(),
    cloudflare: source(),
    custodian: source(),
    cloudevents: source(),
  } satisfies Readonly<Record<AlertSource, v.GenericSchema>>);
}

const originSchemaOfLinks = v.pipe(
  v.string((issue) => says(`${shown(issue.input)} is not an address`, "write where the function is reached, such as https://portcullis.example.com")),
  v.regex(/^https:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?$/i, (issue) =>
    says(`${shown(issue.input)} is not an https address without a path`, "write where the function is reached, such as https://portcullis.example.com"),
  ),
);

const playbookPlace = v.pipe(
  v.string((issue) => says(`${shown(issue.input)} is not a file`, "write its path, such as playbooks/c2.yaml, or starter:NAME")),
  v.minLength(1, says("an empty path", "write the playbook's path, or starter:NAME")),
  v.maxLength(512, says("a path of more than 512 characters", "write the playbook's path, or starter:NAME")),
);

/** A file, or a file with another mode than it says itself. */
const playbookEntrySchema = v.union(
  [playbookPlace, sectionObject({ file: playbookPlace, mode: v.optional(oneOf(["observe", "enforce"])) })],
  says("not a playbook", "write its path, starter:NAME, or { file: starter:NAME, mode: enforce }"),
);

/** Every section but `clients` and `targets`, whose members are checked one by one. */
export function sectionSchemas(floors: Floors, presetNames: readonly string[]) {
  const lease = { leastMs: floors.leaseMs, mostMs: limits.leaseLongestMs };
  return {
    owner: nameSchema,
    store: v.optional(
      sectionObject({ staleness: v.optional(durationSchema({ leastMs: floors.stalenessMs, mostMs: 3_600_000 }), `${limits.workersKvStalenessMs / 1_000}s`) }),
      {},
    ),
    defaults: v.optional(
      sectionObject({
        for: v.optional(durationSchema(lease), "4h"),
        shortest: v.optional(durationSchema(lease), `${floors.leaseMs / 1_000}s`),
        severity: v.optional(oneOf(severities), "medium"),
        exemptFor: v.optional(durationSchema({ leastMs: 60_000, mostMs: limits.exemptLongestMs }), "1h"),
        widen: v.optional(
          sectionObject({ ipv4: v.optional(prefixLengths.ipv4, configDefaults.widen.ipv4), ipv6: v.optional(prefixLengths.ipv6, configDefaults.widen.ipv6) }),
          {},
        ),
        escalate: v.optional(escalateSchema(floors)),
      }),
      {},
    ),
    protect: v.optional(
      sectionObject({
        ranges: v.optional(listOf(protectedSchema, 1_000), []),
        presets: v.optional(v.union([v.literal("all"), listOf(oneOf(presetNames), presetNames.length)], presetsMessage(presetNames)), "all"),
      }),
      {},
    ),
    weight: v.optional(sectionObject({ halfLife: v.optional(durationSchema({ leastMs: 60_000, mostMs: 365 * 86_400_000 }), "7d") }), {}),
    brake: v.optional(
      sectionObject({
        new: v.optional(integerSchema(1, 100_000), configDefaults.brakeNew),
        per: v.optional(durationSchema({ leastMs: 1_000, mostMs: 3_600_000 }), configDefaults.brakePer),
      }),
      {},
    ),
    alerts: v.optional(alertsSchema(floors), {}),
    playbooks: v.optional(
      v.pipe(listOf(playbookEntrySchema, limits.playbooksMax), v.minLength(1, says("an empty list", "name playbooks, or leave `playbooks` out"))),
    ),
    approvals: v.optional(sectionObject({ secret: secretNameSchema, url: v.optional(originSchemaOfLinks) })),
    blacklistip: v.optional(sectionObject({ client: nameSchema })),
    heartbeat: v.optional(sectionObject({ urlSecret: secretNameSchema })),
  } as const;
}

function presetsMessage(presetNames: readonly string[]): string {
  return says("not a choice of presets", `write all, or a list of: ${presetNames.join(", ")}`);
}

export type Sections = { [K in keyof ReturnType<typeof sectionSchemas>]: v.InferOutput<ReturnType<typeof sectionSchemas>[K]> };
export type EscalateSection = v.InferOutput<ReturnType<typeof escalateSchema>>;
export type ClientSection = v.InferOutput<ReturnType<typeof clientSchema>>;
