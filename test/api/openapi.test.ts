// The API's description against the API: every route is in it, and real answers have the members it names.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { routes } from "../../functions/routes/index.ts";
import { openapiDocument } from "../../functions/routes/openapi-document.ts";
import { schemas } from "../../functions/routes/openapi-schemas.ts";
import { row, snapshotOf } from "./snapshots.ts";
import { createWorld, get, json, keys, postJson, send, type World } from "./world.ts";

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

function schema(name: string): ObjectSchema {
  return (schemas[name] ?? {}) as ObjectSchema;
}

/** Members that are not described, and described ones that are missing. */
function differences(name: string, value: Readonly<Record<string, unknown>>): readonly string[] {
  const { properties = {}, required = [] } = schema(name);
  const undescribed = name === "Target" ? [] : Object.keys(value).filter((member) => !Object.hasOwn(properties, member));
  return [
    ...undescribed.map((member) => `${name}.${member} is not described`),
    ...required.filter((member) => !Object.hasOwn(value, member)).map((member) => `${name}.${member} is missing`),
  ];
}

test("describe: every route, and nothing else; every reference leads somewhere", () => {
  const text = JSON.stringify(openapiDocument());
  const document = JSON.parse(text);
  const described = Object.entries<Record<string, unknown>>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]+\})?/, "{$1}")}`).sort());
  for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) expect(Object.keys(schemas)).toContain(name);
});

test("describe: the served file is the generated one", () => {
  expect(JSON.parse(readFileSync(new URL("../../functions/openapi.json", import.meta.url), "utf8"))).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
});

test("describe: real answers have the members that are described", async () => {
  const world: World = createWorld();
  world.coordinator.snapshotNow = snapshotOf([row("203.0.113.9")]);
  const block = { ip: "2001:db8:1::7", for: "1h" };
  const blocked = await json(await postJson(world, "/v1/blocks", "writer", block, { prefer: "wait=1" }));
  const alerts = await json(await postJson(world, "/v1/alerts/generic", "detector", [{ ip: "203.0.113.7" }, { ip: "x" }, { ip: "10.0.0.1" }]));
  const listed = await json(await get(world, "/v1/blocks", "reader"));
  const refused = await json(await postJson(world, "/v1/blocks", "writer", { ips: ["x", "10.0.0.1"] }));
  const found = [
    ...differences("BlockAnswer", blocked),
    ...blocked.items.flatMap((item: Record<string, unknown>) => differences("BlockItem", item)),
    ...differences("BlockAnswer", await json(await postJson(world, "/v1/blocks", "watcher", { ...block, dryRun: true }))),
    ...differences("AlertAnswer", alerts),
    ...alerts.items.flatMap((item: Record<string, unknown>) => differences("AlertItem", item)),
    ...differences("BlockList", listed),
    ...listed.blocks.flatMap((item: Record<string, unknown>) => differences("Block", item)),
    ...differences("Explanation", await json(await get(world, "/v1/blocks/2001:db8:1::7", "reader"))),
    ...differences("LiftAnswer", await json(await postJson(world, "/v1/lifts", "writer", { ip: "203.0.113.7" }))),
    ...differences("LiftAnswer", await json(await postJson(world, "/v1/exemptions", "watcher", { ip: "203.0.113.7" }))),
    ...differences("Target", await json(await get(world, "/v1/targets/web", "reader"))),
    ...differences("ReconcileAnswer", await json(await postJson(world, "/v1/reconcile", "admin", {}))),
    ...differences("StopAnswer", await json(await postJson(world, "/v1/stop", "admin", { action: "freeze" }))),
    ...differences("StoreAnswer", await json(await postJson(world, "/v1/store", "admin", {}))),
    ...differences("LegacyAnswer", await json(await send(world, `/blacklistip?accessToken=${keys.legacy}&ip=203.0.113.99`))),
    ...differences("Problem", refused),
  ];
  expect(found).toEqual([]);
});
