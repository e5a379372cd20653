// Every route of the API, in one list. `functions/app.ts` mounts it; the tests walk it.
import { createBlocks } from "./blocks.ts";
import type { Route } from "./call.ts";

export const routes: readonly Route[] = [createBlocks];
