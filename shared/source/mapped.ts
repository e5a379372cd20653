// Messages in no format of their own: fields are where the mapping says. ElastAlert's matches are such, and anything else's.
import { limits } from "../limits.ts";
import { firstValues, valuesAt } from "../request/paths.ts";
import { createAdapter } from "./adapter.ts";
import { severityOf } from "./category.ts";
import { own, textOf } from "./json.ts";
import { type Draft, eventOf, invalid, type Reading, type SourceAdapter, type SourceRules } from "./source.ts";

/** Elasticsearch's `_index` and `_id` name one document together; `_id` alone names nothing. */
function documentOf(item: object): string {
  const [index, id] = [textOf(own(item, "_index")), textOf(own(item, "_id"))];
  return id === "" || index === "" ? id : `${index}/${id}`;
}

/** A draft of what the mapping finds; it names no attacker where the mapping leads to none. */
export function mappedDraft(item: object, rules: SourceRules, type: string): Draft {
  const { mapping } = rules;
  const first = (paths: readonly string[]) => firstValues(item, paths, 1)?.values[0];
  const reason = textOf(first(mapping.reason));
  return {
    key: [...mapping.id.filter((path) => path !== "_id").flatMap((path) => valuesAt(item, path, limits.alertIdsMax)), documentOf(item)],
    type: type || reason,
    // A reason may be a template with an attacker's words in it: no category is read out of that.
    ...(type === "" ? { category: "other" } : {}),
    title: reason || type,
    severity: severityOf(textOf(first(mapping.severity))),
    at: first(mapping.at),
    attackers: firstValues(item, mapping.ip, limits.alertItemsMax + 1)?.values ?? [],
  };
}

function readItem(item: object, rules: SourceRules): Reading {
  const draft = mappedDraft(item, rules, "");
  if (draft.attackers.length > 0) return eventOf(draft);
  return invalid(rules.mapping.ip[0] ?? "ip", `no address: none of ${rules.mapping.ip.join(", ")} is there and not null`);
}

/** No wrapper is taken off: a mapping may lead through any member there is. */
export const elastalert: SourceAdapter = createAdapter({ name: "elastalert", title: "ElastAlert", wrappers: [], read: readItem });
export const generic: SourceAdapter = createAdapter({ name: "generic", title: "the mapped source", wrappers: [], read: readItem });
