// All that is answered over HTTP about events, in one table: compiled in with the playbooks, and not without.
import { takeByPlaybooks } from "../routes/alert-playbooks.ts";
import { agreeToApproval, showApproval } from "../routes/approve.ts";
import type { EventPages } from "../routes/call.ts";
import { listEvents, readEvent, replayEvent } from "../routes/events.ts";

export const eventPages: EventPages = {
  take: takeByPlaybooks,
  list: listEvents,
  read: readEvent,
  replay: replayEvent,
  show: showApproval,
  agree: agreeToApproval,
};
