// Numbers of Cloudflare's IP Access rules that this kind keeps to, each with where it comes from; all looked at 2026-11-20. Data only.

export const accessLimits = {
  /** WAF, IP Access rules: "each Cloudflare account can have a maximum of 50,000 rules". */
  rulesPerAccount: 50_000,
  /** No page gives the most; others ask for 1,000. A server that gives fewer is followed. */
  rulesPerPage: 1_000,
  /** WAF, IP Access rules, parameters: the only ranges there are. Single addresses besides. */
  lengths: { 4: [16, 24, 32], 6: [32, 48, 64, 128] },
} as const;

export const ours = {
  /** Pages of one reading: more would leave nothing of a pass's calls. */
  pagesMax: 40,
  /** How long an account found full is taken as full. */
  fullMs: 60 * 60_000,
  /** Zones that `init` looks at. */
  zonesPerPage: 50,
  zonesMax: 15,
} as const;
