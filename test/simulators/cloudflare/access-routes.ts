// Routes of IP Access rules and of zones: who may call them, what they take.
import type { AccessRules } from "./access-rules.ts";
import { CloudflareRefusal } from "./refusal.ts";
import type { Input, Route } from "./routes.ts";
import { accountNeed, type Need, zoneNeed } from "./tokens.ts";
import type { Zone } from "./zone.ts";

interface Level {
  readonly name: "accounts" | "zones";
  need(id: string, access: "Read" | "Write"): Need;
  rules(input: Input, id: string): AccessRules;
}

/** Groups as the vendor's reference names them; the edit of a thing reads it too. */
function groupsOf(name: string, access: "Read" | "Write"): readonly string[] {
  return access === "Read" ? [`${name} Read`, `${name} Write`] : [`${name} Write`];
}

const levels: readonly Level[] = [
  {
    name: "accounts",
    need: (id, access) => accountNeed(id, ...groupsOf("Account Firewall Access Rules", access)),
    rules: ({ world }, id) => world.account(id).accessRules,
  },
  {
    name: "zones",
    need: (id, access) => zoneNeed(id, ...groupsOf("Firewall Services", access)),
    rules: ({ world }, id) => world.account(world.zone(id).account).accessRules,
  },
];

const listQuery = ["page", "per_page", "order", "direction", "match", "mode", "notes", "configuration.value", "configuration.target"];

function routesOf({ name, need, rules }: Level): readonly Route[] {
  const prefix = name === "accounts" ? "access" : "zoneAccess";
  const all = new RegExp(`^/${name}/([0-9a-f]{32})/firewall/access_rules/rules$`);
  const one = new RegExp(`^/${name}/([0-9a-f]{32})/firewall/access_rules/rules/([0-9a-f]{32})$`);
  const reader = ([id = ""]: readonly string[]) => need(id, "Read");
  const writer = ([id = ""]: readonly string[]) => need(id, "Write");
  const at = (input: Input) => ({ level: input.ids[0] ?? "", id: input.ids[1] ?? "", held: rules(input, input.ids[0] ?? "") });
  return [
    {
      name: `${prefix}.list`,
      method: "GET",
      path: all,
      query: listQuery,
      need: reader,
      run: (input) => at(input).held.list(at(input).level, input.query),
    },
    { name: `${prefix}.create`, method: "POST", path: all, need: writer, run: (input) => at(input).held.create(at(input).level, input.body) },
    { name: `${prefix}.get`, method: "GET", path: one, need: reader, run: (input) => at(input).held.get(at(input).level, at(input).id) },
    { name: `${prefix}.edit`, method: "PATCH", path: one, need: writer, run: (input) => at(input).held.edit(at(input).level, at(input).id, input.body) },
    { name: `${prefix}.delete`, method: "DELETE", path: one, need: writer, run: (input) => at(input).held.delete(at(input).level, at(input).id) },
  ];
}

function zoneView(zone: Zone): unknown {
  return { id: zone.id, name: zone.name, status: zone.status, paused: zone.paused, account: { id: zone.account, name: "acme" } };
}

const zoneGroup = "Zone Read";

const zoneRoutes: readonly Route[] = [
  {
    name: "zones.get",
    method: "GET",
    path: /^\/zones\/([0-9a-f]{32})$/,
    need: ([id = ""]) => zoneNeed(id, zoneGroup),
    run: ({ ids, world }) => ({ result: zoneView(world.zone(ids[0] ?? "")) }),
  },
  {
    // Shows the zones that the token may read: none, when it may read none.
    name: "zones.list",
    method: "GET",
    path: /^\/zones$/,
    query: ["page", "per_page", "account.id"],
    need: () => null,
    run: ({ query, world, may }) => {
      const [page, perPage] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 20)];
      if (!Number.isInteger(page) || page < 1 || !Number.isInteger(perPage) || perPage < 5 || perPage > 50)
        throw new CloudflareRefusal(400, 6007, "Malformed pagination");
      const account = query.get("account.id");
      const all = world.zones().filter((zone) => (account === null || zone.account === account) && may(zoneNeed(zone.id, zoneGroup)));
      const result = all.slice((page - 1) * perPage, page * perPage).map(zoneView);
      return { result, resultInfo: { page, per_page: perPage, count: result.length, total_count: all.length } };
    },
  },
];

export const accessRoutes: readonly Route[] = [...levels.flatMap(routesOf), ...zoneRoutes];
