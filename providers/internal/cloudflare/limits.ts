// Numbers of Cloudflare's API that every kind of Cloudflare keeps to, with where they come from; looked at 2026-11-20. Data only.

export const callLimits = {
  /** API reference, limits: 1,200 requests in five minutes per token or user; then everything is refused for five minutes. */
  callsPerWindow: 1_200,
  callWindowMs: 5 * 60_000,
  /** Calls of the window that we use: the rest is for whoever else uses the token. */
  ownCallsPerWindow: 1_000,
} as const;
