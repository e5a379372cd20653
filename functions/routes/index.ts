// Every route of the API, in one list. `functions/app.ts` mounts it; the tests walk it.
import { alertRoutes } from "./alerts.ts";
import { blacklistip } from "./blacklistip.ts";
import { explainBlock } from "./block-explain.ts";
import { listBlocks } from "./block-list.ts";
import { createBlocks } from "./blocks.ts";
import type { Route } from "./call.ts";
import { eventRoutes } from "./event-routes.ts";
import { readFeed } from "./feed.ts";
import { firehoseAlerts } from "./firehose.ts";
import { readHealth, readOpenapi, readReadiness } from "./health.ts";
import { createExemptions, createLifts } from "./lifts.ts";
import { readMetrics } from "./metrics.ts";
import { createReconcile, createStop, createStore } from "./operations.ts";
import { pathKeyAlerts } from "./path-key.ts";
import { snsAlerts } from "./sns.ts";
import { listTargets, readPlan, readTarget } from "./targets.ts";

export const routes: readonly Route[] = [
  createBlocks,
  listBlocks,
  explainBlock,
  ...alertRoutes,
  snsAlerts,
  firehoseAlerts,
  pathKeyAlerts,
  ...eventRoutes,
  createLifts,
  createExemptions,
  listTargets,
  readTarget,
  readPlan,
  createReconcile,
  createStop,
  createStore,
  readFeed,
  readMetrics,
  readOpenapi,
  readHealth,
  readReadiness,
  blacklistip,
];
