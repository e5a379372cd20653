// Messages in no format of their own: fields are where the mapping says, as for the sources `elastalert` and `generic`.
import { limits } from "../limits.ts";
import { firstValues, valuesAt } from "../request/paths.ts";
import { severityOf } from "./category.ts";
import { textOf } from "./json.ts";
import type { Draft, SourceRules } from "./source.ts";

/** A draft of what the mapping finds; it names no attacker where the mapping leads to none. */
export function mappedDraft(item: object, rules: SourceRules, type: string): Draft {
  const { mapping } = rules;
  const first = (paths: readonly string[]) => firstValues(item, paths, 1)?.values[0];
  const reason = textOf(first(mapping.reason));
  return {
    key: mapping.id.filter((path) => path !== "_id").flatMap((path) => valuesAt(item, path, limits.alertIdsMax)),
    type: type || reason,
    title: reason || type,
    severity: severityOf(textOf(first(mapping.severity))),
    at: first(mapping.at),
    attackers: firstValues(item, mapping.ip, limits.alertItemsMax + 1)?.values ?? [],
  };
}
