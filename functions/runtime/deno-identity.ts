// The platform's word for who we are: the token that Deno Deploy keeps in a file for apps with a cloud connection to AWS.
// Inferred, not documented and not tried there: its docs say that the AWS SDK finds the connection by itself, and reserve the two
// names by which that SDK does (deploy/reference/cloud_connections and env_vars_and_contexts, 2026).
import { PortcullisError } from "../../shared/errors.ts";
import { Secret } from "../../shared/ports.ts";
import type { DenoApi } from "./deno-api.ts";

const awsAudience = "sts.amazonaws.com";

/** Read anew each time: a token lives for five minutes (Deno docs, deploy/reference/oidc, 2026). */
export function identityOf(deno: Pick<DenoApi, "env" | "readTextFile">): (audience: string) => Promise<Secret> {
  return async (audience) => {
    const file = deno.env.get("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (audience !== awsAudience || file === undefined) {
      const remedy = "make a cloud connection to AWS for the production context in the app's settings, and deploy again";
      throw new PortcullisError("PROVIDER_AUTH", `the platform gives this app no identity token for ${audience}: ${remedy}`);
    }
    try {
      return new Secret((await deno.readTextFile(file)).trim());
    } catch (thrown) {
      throw new PortcullisError("PROVIDER_UNAVAILABLE", "the platform's identity token could not be read; the next pass tries again", {}, thrown);
    }
  };
}
