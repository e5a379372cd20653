// Every bound and every interval of the product, in one place, with its unit in its name.
// A number that limits something and stands elsewhere is a bug (held by review and `test/tidy.test.ts`).

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const limits = {
  // --- time ---
  /** How far behind Workers KV is taken to be. A choice: the docs give no bound ("60 seconds or more", Cloudflare docs, kv/concepts/how-kv-works, 2026-11). */
  workersKvStalenessMs: 115 * SECOND_MS,
  /** Clock differences between us, senders' event times and clouds that we tolerate. */
  skewMs: 5 * SECOND_MS,
  tickMs: MINUTE_MS,
  /** A full pass (fresh listing, every target observed) happens at least this often. */
  fullPassMs: 5 * MINUTE_MS,
  /** How long records stay in the store after they stopped to matter. */
  retainMs: 48 * HOUR_MS,
  /** `readyz` fails when the last full pass is older than this (three full intervals). */
  readyMs: 15 * MINUTE_MS,
  /** A cloud's clock further from ours than this forbids removals. */
  serverClockSkewMs: MINUTE_MS,
  /** Event times older than this are replaced by the receipt time (late senders). */
  lateEventMs: 15 * MINUTE_MS,
  /** Signature timestamps may differ this much, both ways (Standard Webhooks, 5 minutes). */
  signatureToleranceMs: 5 * MINUTE_MS,
  /** Added to a kind's observeLag for how long a slot with an unknown outcome stays frozen. */
  freezeMs: MINUTE_MS,
  /** An orphan must have been seen in this many full passes … */
  orphanPasses: 3,
  /** … over at least this long before it may go. */
  orphanMs: 15 * MINUTE_MS,
  /** More orphans than max(this, share of ours) are never removed without a person's confirmation. */
  orphansMax: 3,
  orphansShareMax: 0.2,
  /** Snapshot in the store is refreshed at most this often (write budget); the coordinator serves the newest. */
  snapshotEveryMs: HOUR_MS,
  /** How soon after a cloud accepted a change, without saying that it is done, it is looked at again. */
  pendingLookMs: 3 * SECOND_MS,
  /** A target that fails for longer than this is tried at every second tick only. */
  patienceMs: 30 * MINUTE_MS,
  /** Passes woken by new leases start at least this far apart, so that a burst becomes few passes. */
  passSpacingMs: 1 * SECOND_MS,
  /** A plan lists the store and asks the cloud: whoever asks again this soon, with nothing changed since, is told the last one. */
  planEveryMs: 5 * SECOND_MS,
  /** Readiness is asked by anyone, without a credential: the coordinator is asked at most this often by one instance. */
  readinessEveryMs: 5 * SECOND_MS,
  /** Longest a request may wait for the pass (`Prefer: wait=N`). */
  waitMaxSeconds: 10,

  // --- a pass ---
  /** Remote calls of one pass, all targets together. Workers Free allows 50 external subrequests per invocation (Cloudflare docs, workers/platform/limits, 2026). */
  passCallsMax: 45,
  /** Wall time of one pass; a Durable Object alarm may run 15 minutes (Cloudflare docs, 2026), a tick must be over before the next. */
  passWallMs: 45 * SECOND_MS,
  /** Adds of one family that a cloud may refuse in one visit before the rest of that family waits for the next. */
  rejectedAddsMax: 3,
  /** One remote call. */
  callTimeoutMs: 10 * SECOND_MS,
  /** Largest answer read from a cloud. */
  responseBytesMax: 8 * 1024 * 1024,
  /**
   * Pages of one listing (1,000 keys each): more leases than this are refused at accept. As many as fit into an isolate's memory while a pass works on
   * them (`test/pass/most-leases.test.ts`), and into the 1,000 operations that a Worker may ask of KV (Cloudflare docs, kv/platform/limits, 2026).
   */
  listPagesMax: 112,
  /** No client may fill more than this share of what the store can hold: ended records stay for days, and the others need room too. */
  storeShareMax: 0.75,

  // --- requests ---
  bodyBytesMax: 256 * 1024,
  /** A body that is not whole by then is given up: neither workerd nor Deno does so by itself (tried with workerd of wrangler 4.155 and Deno 2.9.5, 2026-11-20). */
  bodyWaitMs: 15 * SECOND_MS,
  ipsPerRequestMax: 100,
  alertItemsMax: 1_000,
  reasonCharsMax: 200,
  alertIdCharsMax: 128,
  alertIdsMax: 8,
  addressCharsMax: 64,

  // --- events of detectors ---
  eventTextCharsMax: 200,
  eventFactsMax: 24,
  eventResourcesMax: 16,
  /** Why an item of a message is no event, as it is told to the sender. */
  entryReasonCharsMax: 300,
  // --- senders that cannot sign our way ---
  /** SNS delivers again for an hour at most, with the time of the first delivery (SNS developer guide, sns-message-delivery-retries, 2026-11); and our clocks differ. */
  snsAgeMs: HOUR_MS + 5 * MINUTE_MS,
  /** Calls to SNS of one instance: certificates, confirmations. Several deliveries at once may each need the same certificate. */
  snsCallsPerMinute: 60,
  /** Lines of the log of one instance about messages that name our topics and are not believed. */
  snsRefusalsPerMinute: 20,
  /** Two per region are in use while SNS changes its key; a certificate is asked for again after a day. */
  snsCertificatesMax: 8,
  snsCertificateKeepMs: DAY_MS,
  snsNoCertificateKeepMs: MINUTE_MS,
  snsCallTimeoutMs: 4 * SECOND_MS,
  snsAnswerBytesMax: 64 * 1024,
  snsKeyBitsMin: 2_048,
  snsKeyBitsMax: 8_192,
  /** Body of a Firehose delivery, unpacked: with its smallest buffer, 1 MiB, in base64, and room for the last record. */
  firehoseBodyBytesMax: 3 * 1024 * 1024,
  /**
   * What a packed body, a packed message or all records of a delivery may unpack to, together. JSON of nothing but empty objects takes up to 19 times
   * its size as values (Node 24, 2026-11-26), and an isolate on Workers has 128 MB.
   */
  unpackedBytesMax: 4 * 1024 * 1024,
  /** Longest lease of a client whose secret travels in a URL. */
  pathKeyLongestMs: HOUR_MS,

  // --- leases ---
  leaseShortestMs: MINUTE_MS,
  leaseLongestMs: 30 * DAY_MS,
  leaseDefaultMs: 4 * HOUR_MS,
  exemptDefaultMs: HOUR_MS,
  exemptLongestMs: 30 * DAY_MS,
  /** A renewal is written only if it gains at least this share of what was asked. */
  renewalGainMin: 0.1,
  /** Growth per return beyond this is a typo. */
  escalateFactorMax: 100,
  escalateMemoryLongestMs: 30 * DAY_MS,
  /** Offences are counted up to here; by then every lease has long reached its longest. */
  offenceMax: 999,
  /** Ended leases that the coordinator remembers so that a return is known as one; the oldest are forgotten first. */
  offencesMax: 50_000,
  /** Shortest prefix a client may ever block, whatever its limits say. */
  shortestPrefix: { ipv4: 8, ipv6: 19 },
  /** A protect entry shorter than this is a typo. */
  protectShortestPrefix: 8,

  // --- scarce rules ---
  /** A block whose last event is this much older weighs half; when `weight.halfLife` does not say. */
  weightHalfLifeMs: 7 * DAY_MS,
  /** Share of its room from which a target is said to be nearly full; when `warnAt` does not say. */
  roomWarnAt: 0.9,
  /** Blocks that stand give their place to heavier ones at most so many a pass, or this share of what stands: a storm redraws no target at once. */
  displacedMax: 16,
  displacedShareMax: 0.25,
  /** Blocks without room that a target's view names; each says so of itself as well. */
  shedNamesMax: 1_000,
  /** Rules of which a target's view tells what they would add. */
  nextRulesShown: 10,

  // --- choosing prefixes (shared/fit) ---
  /** Steps of the exact method (additions of two table entries: about a nanosecond each); above, a price per rule decides. */
  fitStepsMax: 100_000_000,
  /** A search solves many times: each solution may take this share of the steps, as a divisor. */
  fitSearchShare: 50,
  /** Share of the best value that may be given up to keep prefixes that stand. */
  fitLossShareMax: 0.01,
  /** Halvings in the search for how much a standing prefix counts more. */
  fitBiasSteps: 6,

  // --- playbooks ---
  playbooksMax: 200,
  stepsMax: 32,
  casesMax: 200,
  conditionCharsMax: 1_000,
  /** Nodes of a condition's tree: a walk over a list asks each at most once per item. */
  conditionNodesMax: 150,
  conditionDepthMax: 12,
  /** Items of a list written out in a condition. */
  conditionListMax: 64,
  /** Items of an event's list that a condition walks over; with more it answers false and says so. */
  eventListMax: 1_000,
  /** JavaScript's matcher tries every way a pattern could be meant: patterns are short, and so is what they read. */
  patternCharsMax: 100,
  /** Of a pattern that is anchored by ^; one less otherwise. */
  patternRepeatsMax: 2,
  patternChoicesMax: 3,
  patternBarsMax: 16,
  conditionPatternsMax: 4,
  matchedCharsMax: 256,
  throttleLongestMs: DAY_MS,
  throttleMost: 1_000,
  retryTimesMax: 5,
  retryWaitLongestMs: 10 * MINUTE_MS,
  approveLongestMs: DAY_MS,
  /** Of a step that says nothing of `retry`. */
  retryUsualTimes: 5,
  retryUsualWaitMs: 10 * SECOND_MS,

  // --- recorded events ---
  /** Records of events in the store. With more, the oldest that is over makes room; when none is over, new ones are refused. */
  eventRecordsMax: 2_000,
  /** No client may hold more than this share of them. */
  eventShareMax: 0.75,
  /** Of one record as it comes in; what comes of its steps makes it a few times longer, and one value of a Durable Object holds 2 MB (Cloudflare docs, durable-objects/platform/limits, 2026). */
  eventRecordCharsMax: 300_000,
  /** Of all that are not over together: the coordinator has them in memory. */
  eventsOpenCharsMax: 16_000_000,
  /** Addresses that one step of an event acts on, and lines of what came of them. */
  eventAddressesMax: 200,
  /** Events that are over and are known whole without asking the store, which may show them as they were. */
  eventsOverMax: 256,
  /** How long an event that is over stays on record: a redelivery within that time is known as one. SNS and Firehose deliver again for two hours at most. */
  eventRetainMs: DAY_MS,
  /** A dead letter, and whatever is not over yet. */
  eventKeepMs: 14 * DAY_MS,
  /** Events worked off in one round, and side by side. */
  eventsPerRoundMax: 200,
  eventsAtOnce: 8,
  eventRoundMs: 20 * SECOND_MS,
  /** Lives that may end in one try of a step before it is given up: it may be what ends them. */
  stepDeathsMax: 20,
  /** How soon a record that the store did not take is written again. */
  eventSaveAgainMs: 10 * SECOND_MS,
  /** Rows of one page of events: unless asked for, and at most. */
  eventRowsUsual: 50,
  eventRowsMax: 200,
  /** A problem, a title or a message of a playbook. */
  playbookTextCharsMax: 200,

  // --- configuration ---
  clientsMax: 64,
  targetsMax: 16,
  nameCharsMax: 32,
  signedSecretsMax: 16,
  /** Shortest staleness an operator may declare for Workers KV. */
  stalenessShortestMs: MINUTE_MS,
  /** The drop-in for the 2017 API never blocks longer than this. */
  blacklistipLongestMs: HOUR_MS,
  /** Protect presets older than this are reported as stale. */
  presetAgeMs: 180 * DAY_MS,
} as const;

/** How long a removal must wait after the store could last have shown something else: staleness of the store plus clock skew. */
export function settleMs(stalenessMs: number): number {
  return stalenessMs + limits.skewMs;
}
