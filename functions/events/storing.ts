// Asks the store on behalf of events: whatever it throws reads as "nothing was promised, send it again".
import { asPortcullisError } from "../../shared/errors.ts";

/** Throws STORE_UNAVAILABLE. */
export async function storing<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    const message = "the store did not answer about an event; nothing was promised, send it again";
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", message, { retryAfterSeconds: 5 });
  }
}
