// Types that would fail silently: the platform's real bindings fit our ports, and none of them has become `any`.
// Checked by `npm run types`; the run only keeps the file honest.
import type { DurableObjectNamespace, DurableObjectState, KVNamespace } from "@cloudflare/workers-types";
import { describe, expectTypeOf, test } from "vitest";
import type { CoordinatorHost } from "../functions/coordinator/durable-object.ts";
import type { WorkerEnv } from "../functions/runtime/workers.ts";
import type { workersKvStore } from "../functions/stores/workers-kv.ts";
import type { ErrorCode } from "../shared/errors.ts";
import type { Signal, Store } from "../shared/ports.ts";
import type { Provider } from "../shared/provider.ts";

describe("types", () => {
  test("bindings: Workers KV and the object's namespace and state are what the drivers take", () => {
    expectTypeOf<KVNamespace>().not.toBeAny();
    expectTypeOf<Parameters<typeof workersKvStore>[0]>().toEqualTypeOf<KVNamespace>();
    expectTypeOf<ReturnType<typeof workersKvStore>>().toEqualTypeOf<Store>();
    expectTypeOf<NonNullable<WorkerEnv["PORTCULLIS_COORDINATOR"]>>().toEqualTypeOf<DurableObjectNamespace>();
    expectTypeOf<ConstructorParameters<typeof CoordinatorHost>[1]>().toEqualTypeOf<DurableObjectState>();
    expectTypeOf<WorkerEnv["PORTCULLIS_KV"]>().toEqualTypeOf<KVNamespace>();
  });

  test("ports: a platform's AbortSignal fits, and nothing at the core's edge is any", () => {
    expectTypeOf<AbortSignal>().toExtend<Signal>();
    expectTypeOf<Awaited<ReturnType<Provider["apply"]>>>().not.toBeAny();
    expectTypeOf<Awaited<ReturnType<Provider["observe"]>>>().not.toBeAny();
    expectTypeOf<ErrorCode>().not.toEqualTypeOf<string>();
  });
});
