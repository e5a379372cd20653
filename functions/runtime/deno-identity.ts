// The platform's word for who we are: the tokens that Deno Deploy keeps in files for apps with a cloud connection.
// Inferred, not documented and not tried there: its docs say that the clouds' SDKs find a connection by themselves, and reserve the
// names by which those SDKs do (deploy/reference/cloud_connections and env_vars_and_contexts, 2026).
import { PortcullisError } from "../../shared/errors.ts";
import { Secret } from "../../shared/ports.ts";
import type { DenoApi } from "./deno-api.ts";

/** Which variable names the file, by the audience that its token is for. */
const tokenFiles: ReadonlyMap<string, string> = new Map([
  ["sts.amazonaws.com", "AWS_WEB_IDENTITY_TOKEN_FILE"],
  ["api://AzureADTokenExchange", "AZURE_FEDERATED_TOKEN_FILE"],
]);

/** Read anew each time: a token lives for five minutes (Deno docs, deploy/reference/oidc, 2026). */
export function identityOf(deno: Pick<DenoApi, "env" | "readTextFile">): (audience: string) => Promise<Secret> {
  return async (audience) => {
    const variable = tokenFiles.get(audience);
    const file = variable === undefined ? undefined : deno.env.get(variable);
    if (file === undefined) {
      const remedy = "make a cloud connection for the production context in the app's settings and deploy again, or use credentials by name";
      throw new PortcullisError("PROVIDER_AUTH", `the platform gives this app no identity token for ${audience}: ${remedy}`);
    }
    try {
      return new Secret((await deno.readTextFile(file)).trim());
    } catch (thrown) {
      throw new PortcullisError("PROVIDER_UNAVAILABLE", "the platform's identity token could not be read; the next pass tries again", {}, thrown);
    }
  };
}
