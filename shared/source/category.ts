// What kind of thing a source's own name for it tells of, and how grave its word for that is. Words of detectors, never of attackers:
// only a rule's or finding's name is looked at.
import type { Severity } from "../config.ts";
import type { EventCategory } from "../event/event.ts";

/** First match wins, the more telling first. */
const signs: readonly (readonly [EventCategory, RegExp])[] = [
  ["brute-force", /brute.?force|(?:^|[^a-z])bf(?![a-z])|authentication.?fail|failed.?log|login.?attempt|password.?(?:guess|spray)|user.?enum/],
  ["crypto-mining", /crypto.?(?:currency|min)|coin.?min|\bminers?\b|bitcoin|stratum/],
  ["command-and-control", /c&c|\bc2\b|command.?and.?control|backdoor|beacon|botnet/],
  ["denial-of-service", /denial.?of.?service|ddos|(?<![a-z])dos(?:\b|attack|_)|rate.?(?:based|limit)|flood/],
  ["shell", /reverse.?shell|terminal.?shell|shell.?(?:spawn|in.?container|code)|interactive.?shell|web.?shell/],
  ["data-exposure", /exfiltration|exposure|sensitivedata|data.?leak|s3bucketpublic|publicly/],
  ["web-attack", /sqli|sql.?injection|\bxss\b|cross.?site|web.?(?:attack|application|scan)|\bwaf\b|(?:path|directory).?traversal|log4j|\bhttp\b|\bcve\b/],
  ["port-probe", /port.?(?:probe|scan|sweep)|^recon|network.?scan|\bscan(?:ner|ning)?\b|probing/],
  ["credential-access", /credential|iamuser|secrets?\b|access.?key/],
  ["malware", /malware|trojan|virus|ransom|\bworm\b|exploit/],
];

/** Names of rules are short; what is longer is somebody's text. */
const nameCharsMax = 1_000;

export function categoryOf(type: string): EventCategory {
  const text = type.slice(0, nameCharsMax).toLowerCase();
  return signs.find(([, sign]) => sign.test(text))?.[0] ?? "other";
}

/** Of what a web firewall blocked. */
export function webCategory(type: string): EventCategory {
  const found = categoryOf(type);
  return found === "other" ? "web-attack" : found;
}

const words: Readonly<Record<Severity, readonly string[]>> = {
  critical: ["critical", "emergency", "alert", "fatal", "page", "crit"],
  high: ["high", "error", "major"],
  medium: ["medium", "moderate", "warning", "warn"],
  low: ["low", "informational", "info", "notice", "debug", "minor", "none"],
};

/** A source's word for how grave it is; null: none that is known. */
export function severityOf(word: string): Severity | null {
  const text = word.trim().toLowerCase();
  const found = Object.entries(words).find(([, known]) => known.includes(text))?.[0];
  return found === "critical" || found === "high" || found === "medium" || found === "low" ? found : null;
}

/** The severity of a number by the least that each asks for; null when there is no number. */
export function severityFrom(score: number | null, least: { readonly critical: number; readonly high: number; readonly medium: number }): Severity | null {
  if (score === null) return null;
  if (score >= least.critical) return "critical";
  if (score >= least.high) return "high";
  return score >= least.medium ? "medium" : "low";
}
