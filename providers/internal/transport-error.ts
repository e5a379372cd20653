// What a transport's failure means for a call to a cloud, the same for every kind.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";

/** What the transport threw. A call without effect cannot have an unknown outcome worth telling. */
export function transportError(what: string, thrown: unknown, effect: "read" | "write"): PortcullisError {
  const error = asPortcullisError(thrown, "PROVIDER_UNAVAILABLE", `${what} could not be sent`);
  if (error.code === "FORBIDDEN") return new PortcullisError("PROVIDER_REJECTED", `${what} was not sent: ${error.message}`, error.context, error);
  if (effect === "read" && error.code === "OUTCOME_UNKNOWN")
    return new PortcullisError("PROVIDER_UNAVAILABLE", `${what} got no answer: ${error.message}`, {}, error);
  return error;
}
