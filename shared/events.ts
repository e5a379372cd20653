// Every line that Portcullis logs: its name, what it says, and its fields. The type of a log record is made from this table, so that no
// line can be named or filled otherwise; `functions/log/README.md` is made from it too.
// Names with dots are OpenTelemetry's (semantic conventions 1.27 and later, HTTP stable) wherever it has one for the same thing.

/** When a line is written: always (`info`, `warn`, `error`), or only when the operator asks for more (`debug`). */
export type Level = "debug" | "info" | "warn" | "error";

interface LogEvent {
  readonly levels: readonly Level[];
  readonly says: string;
  readonly fields: readonly string[];
}

/** On every line that belongs to a request, a pass or a remote call. */
export const traceFieldNames = ["trace_id", "span_id", "parent_span_id"] as const;

export const events = {
  // --- requests ---
  "http.answered": {
    levels: ["debug", "info", "warn"],
    says: "A request was answered. Reads that succeed: debug. Without a valid credential, or no such route: warn, at most twenty a minute and instance; `suppressed` counts the others since the last",
    fields: ["http.request.method", "http.route", "http.response.status_code", "error.type", "client", "client.address", "duration_ms", "items", "suppressed"],
  },
  "http.failed": { levels: ["error"], says: "A request met an error that nobody expected", fields: ["http.request.method", "http.route", "name", "why"] },
  "deployment.unusable": {
    levels: ["error"],
    says: "The deployment cannot answer anything: its configuration or its database is not what it needs",
    fields: ["message"],
  },
  "alerts.not_taken": { levels: ["warn"], says: "Parts of an alert that nobody will send again were not taken", fields: ["client", "source", "counts"] },
  "blocks.settle_failed": { levels: ["warn"], says: "Blocks are recorded; waiting for their pass failed", fields: ["client"] },
  "lifts.settle_failed": { levels: ["warn"], says: "Lifts are recorded; waiting for their pass failed", fields: ["client"] },
  "auth.secret_missing": { levels: ["error"], says: "A client's signing secret is not set on the platform", fields: ["client", "secret"] },
  "sns.refused": {
    levels: ["warn"],
    says: "A message that names a topic of a client was not believed (at most twenty a minute and instance), or its subscription was not confirmed",
    fields: ["client", "why"],
  },
  "sns.confirmed": { levels: ["info"], says: "SNS was told that we take the messages of a client's topic", fields: ["client", "topic"] },
  "sns.unsubscribed": {
    levels: ["warn"],
    says: "Somebody ended the subscription of a client's topic, or tried to: nothing is sent any more unless it is subscribed again",
    fields: ["client", "topic"],
  },
  "auth.secret_unusable": { levels: ["error"], says: "A client's signing secret is no `whsec_` secret", fields: ["client", "secret"] },

  // --- the coordinator ---
  "coordinator.unreachable": { levels: ["error"], says: "The coordinator did not answer; blocks are recorded without it", fields: ["why"] },
  "queue.unreachable": {
    levels: ["warn"],
    says: "An event is recorded, and the queue did not take word of it; the tick works it off (Workers)",
    fields: ["why"],
  },
  "leases.accepted": {
    levels: ["info"],
    says: "Records of leases became durable; `escalated` counts those that are longer than asked because the address came back, by offence number",
    fields: ["client", "items", "escalated"],
  },
  "leases.lifted": { levels: ["info"], says: "Lifts became durable", fields: ["client", "blocks", "leases", "exempt_until"] },
  "stop.changed": { levels: ["warn"], says: "An operator stopped, resumed or released", fields: ["action", "targets"] },
  "lock.release.failed": { levels: ["warn"], says: "The lock could not be given back; it ends by itself (Deno)", fields: ["message"] },
  "wake.failed": { levels: ["warn"], says: "A pass between ticks could not run; the tick makes up for it (Deno)", fields: ["message"] },
  "snapshot.store.failed": { levels: ["warn"], says: "The store did not take its copy of the snapshot", fields: ["message", "visits"] },
  "snapshot.unreadable": { levels: ["error"], says: "The stored snapshot cannot be read; the next tick replaces it", fields: ["message"] },

  // --- events and playbooks (`event.` is about one event of a detector) ---
  "playbook.logged": {
    levels: ["info"],
    says: "A playbook's `log` step: what it is to say, about which event. Written at least once",
    fields: ["playbook", "message", "id", "client", "source", "type", "severity", "actor"],
  },
  "event.done": { levels: ["info"], says: "An event is over, and recorded so", fields: ["id", "client", "state", "source", "type", "playbooks"] },
  "event.step.failed": {
    levels: ["warn"],
    says: "A step did not succeed; `next` is when it is tried again, null when it is not",
    fields: ["id", "client", "playbook", "step", "message", "tries", "next"],
  },
  "event.dead": {
    levels: ["error"],
    says: "A dead letter: a step of an event failed for good. `GET /v1/events/{id}` explains it, `POST /v1/events/{id}/replay` tries it again",
    fields: ["id", "client", "state", "source", "type", "playbooks", "failures"],
  },
  "event.asking": {
    levels: ["warn"],
    says: "A playbook waits for a person's word. `link` shows what it would do and has it done, once: whoever reads this line may. Null: the secret of links is not usable",
    fields: ["id", "client", "playbook", "until", "link"],
  },
  "event.agreed": { levels: ["info"], says: "A person agreed by the link", fields: ["id", "client", "playbook"] },
  "approvals.secret_unusable": {
    levels: ["error"],
    says: "The secret that links are signed with is not set on the platform, or shorter than 24 characters",
    fields: ["secret"],
  },
  "event.replayed": { levels: ["info"], says: "Somebody put a dead letter back to work", fields: ["id", "client", "by"] },
  "event.save.failed": { levels: ["warn"], says: "The store did not take how far an event has come; it is written again", fields: ["id", "message"] },
  "event.unreadable": { levels: ["error"], says: "The record of an event cannot be read", fields: ["id"] },
  "events.failed": { levels: ["error"], says: "Events could not be worked off; the next wake or tick tries again", fields: ["message"] },

  // --- passes ---
  "tick.quiet": { levels: ["debug"], says: "A tick had nothing to do and asked nobody", fields: ["failed"] },
  "tick.beside": {
    levels: ["info"],
    says: "A tick met another one that is still at work in its process, and left it at that (without a coordinator only)",
    fields: [],
  },
  "pass.done": {
    levels: ["info", "error"],
    says: "A pass is over. `links` names the traces of the requests it took in, when it is not one alone; `links_total` counts them",
    fields: ["wake", "owner", "leases", "failed", "targets", "steps", "pending", "calls", "duration_ms", "links", "links_total"],
  },
  "store.list.failed": { levels: ["error"], says: "The records could not be listed; nothing is removed meanwhile", fields: ["message"] },
  "visit.failed": { levels: ["error"], says: "A target's visit broke off against its contract; the others went on", fields: ["target", "message"] },
  "step.applied": { levels: ["info", "warn"], says: "A change was sent to a target, and what came of it", fields: ["target", "step", "outcome", "summary"] },
  "target.widened": {
    levels: ["info"],
    says: "An entry is added that no lease asked for as it is: merged where rules are short, with so many bystanders",
    fields: ["target", "cidr", "blocks", "collateral"],
  },
  "target.drift": { levels: ["warn"], says: "Something else changed our entries", fields: ["target", "message"] },

  // --- remote calls ---
  "remote.call": {
    levels: ["debug", "info", "warn"],
    says: "One call to a cloud. Reads that succeed: debug. It was sent once: `attempts` does not exist, for nothing is sent again by itself",
    fields: [
      "target",
      "operation",
      "purpose",
      "http.request.method",
      "server.address",
      "url.path",
      "http.response.status_code",
      "error.type",
      "request_id",
      "duration_ms",
    ],
  },
  "aws.call": { levels: ["debug"], says: "What AWS said, in its words", fields: ["action", "status", "awsCode", "requestId"] },
  "azure.call": { levels: ["debug"], says: "What Azure said, in its words", fields: ["call", "status", "azureCode", "requestId"] },
  "cloudflare.call": { levels: ["debug"], says: "What Cloudflare said, in its words", fields: ["method", "path", "status", "cloudflareCode"] },
  "cloudflare.operation.forgotten": {
    levels: ["warn"],
    says: "The state of a bulk operation stays unreadable; the list itself is read instead",
    fields: ["message"],
  },
  "cloudflare.operation.failed": { levels: ["warn"], says: "A bulk operation failed whole", fields: ["message", "items"] },

  // --- the operator's switch ---
  "heartbeat.unset": { levels: ["warn"], says: "The heartbeat's URL is not set on the platform", fields: ["message"] },
  "heartbeat.refused": { levels: ["warn"], says: "The heartbeat was answered with an error", fields: ["status"] },
  "heartbeat.failed": { levels: ["warn"], says: "The heartbeat could not be sent", fields: ["message"] },
} as const satisfies Record<string, LogEvent>;

export type EventName = keyof typeof events;
export type EventField<E extends EventName> = (typeof events)[E]["fields"][number] | (typeof traceFieldNames)[number];
