// CloudEvents 1.0 of any source, structured or in a batch: `data` is read by the mapping of the source `generic`.
// An event of Falco, whose data has a format of its own, is Falco's to read: post it to that source.
import { createAdapter } from "./adapter.ts";
import { awsWrappers, cloudEvent } from "./delivery.ts";
import { isObject, own, textAt } from "./json.ts";
import { mappedDraft } from "./mapped.ts";
import { eventOf, invalid, type Reading, type SourceRules } from "./source.ts";

function readEvent(event: object, rules: SourceRules): Reading {
  const data = cloudEvent(event);
  if (data === undefined) return invalid("data", "is no CloudEvent with data: specversion and data must be there");
  if (!isObject(data)) return invalid("data", "the data of this CloudEvent is no JSON object");
  const draft = mappedDraft(data, rules, textAt(event, "type"));
  return eventOf({
    ...draft,
    // Together they name one event (spec 1.0.2, 3.1.1), whoever delivers it and however often.
    key: [own(event, "source"), own(event, "id")],
    at: draft.at ?? own(event, "time"),
    evidence: { subject: own(event, "subject"), eventSource: own(event, "source") },
  });
}

export const cloudevents = createAdapter({ name: "cloudevents", title: "CloudEvents", wrappers: awsWrappers, read: readEvent });
