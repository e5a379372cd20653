// Every route of the simulated API: who may call it, what it takes, what it does. A route that is not here does not exist.
import { accessRoutes } from "./access-routes.ts";
import type { Account, ItemInput, List } from "./account.ts";
import { cloudflareLimits } from "./limits.ts";
import { CloudflareRefusal, fields, type Success, textField } from "./refusal.ts";
import { accountNeed, type Need, zoneNeed } from "./tokens.ts";
import { customPhase, type Zone } from "./zone.ts";

export interface World {
  readonly account: (id: string) => Account;
  readonly zone: (id: string) => Zone;
  readonly zones: () => readonly Zone[];
}

export interface Input {
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly world: World;
  /** What else the token may do. */
  readonly may: (need: Need) => boolean;
}

export interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly query?: readonly string[];
  /** Null: any token may call. */
  need(ids: readonly string[]): Need | null;
  run(input: Input): Success;
}

const lists = "Account Filter Lists";
const listReader = ([account = ""]: readonly string[]) => accountNeed(account, `${lists} Read`, `${lists} Write`);
const listWriter = ([account = ""]: readonly string[]) => accountNeed(account, `${lists} Write`);
const ruleReader = ([zone = ""]: readonly string[]) => zoneNeed(zone, "Zone WAF Read", "Zone WAF Write");
const ruleWriter = ([zone = ""]: readonly string[]) => zoneNeed(zone, "Zone WAF Write");

function accountOf({ ids, world }: Input): Account {
  const account = world.account(ids[0] ?? "");
  account.settle();
  return account;
}

function listOf(input: Input): List {
  const list = accountOf(input).lists.get(input.ids[1] ?? "");
  if (list === undefined) throw new CloudflareRefusal(404, 10001, "could not find list");
  return list;
}

/** In whole seconds, as in every example of the docs (Lists API, JSON object, 2026-11-20). */
const stamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}/, "");

function listView(list: List): unknown {
  const { id, name, kind, description } = list;
  const times = { created_on: stamp(list.createdMs), modified_on: stamp(list.modifiedMs) };
  return { id, name, kind, description, num_items: list.items.size, num_referencing_filters: 0, ...times };
}

function itemsOf(list: List): readonly unknown[] {
  return [...list.items.values()].map(({ id, ip, comment, createdMs, modifiedMs }) => ({
    id,
    ip,
    ...(comment === null ? {} : { comment }),
    created_on: stamp(createdMs),
    modified_on: stamp(modifiedMs),
  }));
}

/** A page of items; the cursor is opaque to callers. */
function itemsPage(input: Input): Success {
  const { query } = input;
  const perPage = Number(query.get("per_page") ?? 25);
  if (!Number.isInteger(perPage) || perPage < 1 || perPage > cloudflareLimits.perPage)
    throw new CloudflareRefusal(400, 10011, "per_page must be from 1 to 500");
  const cursor = query.get("cursor");
  const start = cursor === null ? 0 : Number(/^c(\d+)$/.exec(Buffer.from(cursor, "base64url").toString())?.[1] ?? Number.NaN);
  if (Number.isNaN(start)) throw new CloudflareRefusal(400, 10012, "invalid cursor");
  const search = query.get("search");
  const all = itemsOf(listOf(input)).filter((item) => search === null || (item as { ip: string }).ip.startsWith(search));
  const end = start + perPage;
  const after = end < all.length ? { after: Buffer.from(`c${end}`).toString("base64url") } : {};
  return { result: all.slice(start, end), resultInfo: { cursors: after } };
}

function itemInputs(body: unknown): readonly ItemInput[] {
  if (!Array.isArray(body)) throw new CloudflareRefusal(400, 10013, "the body must be an array of items");
  return body.map((one: unknown) => {
    const { ip, comment } = fields(one, ["ip", "comment"]);
    const value = textField(ip, "ip", 64);
    return comment === undefined ? { ip: value } : { ip: value, comment: textField(comment, "comment", cloudflareLimits.commentChars) };
  });
}

function deletedIds(body: unknown): readonly string[] {
  const { items } = fields(body, ["items"]);
  if (!Array.isArray(items) || items.length === 0) throw new CloudflareRefusal(400, 10014, "items must name at least one item");
  return items.map((one: unknown) => textField(fields(one, ["id"]).id, "id", 64));
}

function operationView(input: Input): Success {
  const operation = accountOf(input).operations.get(input.ids[1] ?? "");
  if (operation === undefined) throw new CloudflareRefusal(404, 10015, "could not find operation");
  const { id, outcome } = operation;
  if (outcome === null) return { result: { id, status: operation.startMs <= input.world.account(input.ids[0] ?? "").nowMs ? "running" : "pending" } };
  return { result: { id, ...outcome, completed: stamp(operation.endMs) } };
}

function createList(input: Input): Success {
  const body = fields(input.body, ["name", "kind", "description"]);
  const description = textField(body.description, "description", cloudflareLimits.descriptionChars, "");
  const made = accountOf(input).addList({ name: textField(body.name, "name", 100), kind: textField(body.kind, "kind", 20), description });
  return { result: listView(made) };
}

function updateList(input: Input): Success {
  const list = listOf(input);
  list.description = textField(fields(input.body, ["description"]).description, "description", cloudflareLimits.descriptionChars, list.description);
  list.modifiedMs = accountOf(input).nowMs;
  return { result: listView(list) };
}

const accepted = ({ id }: { readonly id: string }): Success => ({ result: { operation_id: id } });
const listPath = /^\/accounts\/([0-9a-f]{32})\/rules\/lists\/([0-9a-f]{32})$/;
const itemsPath = /^\/accounts\/([0-9a-f]{32})\/rules\/lists\/([0-9a-f]{32})\/items$/;
const rulePath = /^\/zones\/([0-9a-f]{32})\/rulesets\/([0-9a-f]{32})\/rules\/([0-9a-f]{32})$/;

const listRoutes: readonly Route[] = [
  {
    name: "lists.list",
    method: "GET",
    path: /^\/accounts\/([0-9a-f]{32})\/rules\/lists$/,
    need: listReader,
    run: (input) => ({ result: [...accountOf(input).lists.values()].map(listView) }),
  },
  { name: "lists.create", method: "POST", path: /^\/accounts\/([0-9a-f]{32})\/rules\/lists$/, need: listWriter, run: createList },
  { name: "lists.get", method: "GET", path: listPath, need: listReader, run: (input) => ({ result: listView(listOf(input)) }) },
  { name: "lists.update", method: "PUT", path: listPath, need: listWriter, run: updateList },
  {
    name: "lists.delete",
    method: "DELETE",
    path: listPath,
    need: listWriter,
    run: (input) => {
      const { id } = listOf(input);
      accountOf(input).lists.delete(id);
      return { result: { id } };
    },
  },
  {
    name: "operations.get",
    method: "GET",
    path: /^\/accounts\/([0-9a-f]{32})\/rules\/lists\/bulk_operations\/([0-9a-f]{32})$/,
    need: listReader,
    run: operationView,
  },
];

const itemRoutes: readonly Route[] = [
  { name: "items.list", method: "GET", path: itemsPath, query: ["per_page", "cursor", "search"], need: listReader, run: itemsPage },
  {
    name: "items.create",
    method: "POST",
    path: itemsPath,
    need: listWriter,
    run: (input) => accepted(accountOf(input).add(listOf(input), itemInputs(input.body))),
  },
  {
    name: "items.replace",
    method: "PUT",
    path: itemsPath,
    need: listWriter,
    run: (input) => accepted(accountOf(input).replace(listOf(input), itemInputs(input.body))),
  },
  {
    name: "items.delete",
    method: "DELETE",
    path: itemsPath,
    need: listWriter,
    run: (input) => accepted(accountOf(input).remove(listOf(input), deletedIds(input.body))),
  },
  {
    name: "items.get",
    method: "GET",
    path: /^\/accounts\/([0-9a-f]{32})\/rules\/lists\/([0-9a-f]{32})\/items\/([0-9a-f]{32})$/,
    need: listReader,
    run: (input) => {
      const item = itemsOf(listOf(input)).find((one) => (one as { id: string }).id === input.ids[2]);
      if (item === undefined) throw new CloudflareRefusal(404, 10016, "could not find item");
      return { result: item };
    },
  },
];

const zoneOf = ({ ids, world }: Input) => world.zone(ids[0] ?? "");

const ruleRoutes: readonly Route[] = [
  {
    name: "entrypoint.get",
    method: "GET",
    path: new RegExp(`^/zones/([0-9a-f]{32})/rulesets/phases/${customPhase}/entrypoint$`),
    need: ruleReader,
    run: (input) => ({ result: zoneOf(input).view }),
  },
  {
    name: "rulesets.create",
    method: "POST",
    path: /^\/zones\/([0-9a-f]{32})\/rulesets$/,
    need: ruleWriter,
    run: (input) => ({ result: zoneOf(input).create(input.body) }),
  },
  {
    name: "rules.create",
    method: "POST",
    path: /^\/zones\/([0-9a-f]{32})\/rulesets\/([0-9a-f]{32})\/rules$/,
    need: ruleWriter,
    run: (input) => ({ result: zoneOf(input).addRule(input.ids[1] ?? "", input.body) }),
  },
  {
    name: "rules.edit",
    method: "PATCH",
    path: rulePath,
    need: ruleWriter,
    run: (input) => ({ result: zoneOf(input).editRule(input.ids[1] ?? "", input.ids[2] ?? "", input.body) }),
  },
  {
    name: "rules.delete",
    method: "DELETE",
    path: rulePath,
    need: ruleWriter,
    run: (input) => ({ result: zoneOf(input).deleteRule(input.ids[1] ?? "", input.ids[2] ?? "") }),
  },
];

export const routes: readonly Route[] = [...listRoutes, ...itemRoutes, ...ruleRoutes, ...accessRoutes];
