// Everything on loopback: a simulated AWS account and, if asked for, other clouds, the product in a real runtime against it, set up by the real CLI.
// Used by the sandbox (`npm start`), the end-to-end tests and the benches.
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import type { Config } from "../../shared/config.ts";
import { type AclSeed, type AwsSimulator, fillPolicy, startAwsSimulator } from "../simulators/aws.ts";
import { type BuildOptions, buildDeno, buildWorker } from "./build.ts";
import { startDeno } from "./deno.ts";
import { type OtherCloud, type OtherClouds, type OtherUrls, startOtherClouds } from "./other-clouds.ts";
import { type RunningWorker, startWorker, type WorkerOptions } from "./worker.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");

export const runtimeUser = { accessKeyId: "AKIAPORTCULLISRUNTIM", secretAccessKey: "runtime-secret-of-the-sandbox" } as const;
const setupUser = { accessKeyId: "AKIAPORTCULLISSETUP0", secretAccessKey: "setup-secret-of-the-sandbox" } as const;

export const runtimes = ["workerd", "deno"] as const;
export type Runtime = (typeof runtimes)[number];

export interface StackOptions {
  readonly acls: readonly AclSeed[];
  /** Clouds besides AWS; none unless said otherwise. */
  readonly clouds?: readonly OtherCloud[];
  /** The YAML of clients and targets, given where the simulators listen. Keys and secrets are the caller's. */
  readonly yaml: (awsUrl: string, others: OtherUrls) => string | Promise<string>;
  /** Secrets of the Worker besides the cloud's. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly adjust?: (config: Config) => Config;
  /** A client key with the scope `admin`, for `setup`. */
  readonly adminKey: string;
  /** Where the product runs; workerd unless said otherwise. */
  readonly runtime?: Runtime;
  readonly coordinator?: WorkerOptions["coordinator"];
  readonly queue?: WorkerOptions["queue"];
  readonly persistTo?: string;
  readonly port?: number;
  readonly played?: WorkerOptions["played"];
  readonly onLog?: (line: string) => void;
  /** `claimed` (default): `portcullis setup` has run. */
  readonly state?: "claimed" | "bare";
}

export interface Stack {
  readonly aws: AwsSimulator;
  readonly others: OtherClouds;
  readonly worker: RunningWorker;
  readonly url: string;
  /** The configuration the Worker was built from. */
  readonly configFile: string;
  /** What the CLI needs in its environment to work on this stack, credentials of the simulated account included. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs `portcullis …` as a process against this stack. Rejects when it exits with another code than 0. */
  cli(...args: readonly string[]): Promise<{ stdout: string; stderr: string }>;
  /** Stops the Worker and starts it anew over the same storage; needs `persistTo`. */
  restart(): Promise<void>;
  /** Builds the Worker with another configuration and starts it over the same storage; needs `persistTo`. */
  redeploy(yaml: string): Promise<void>;
  close(): Promise<void>;
}

/** A client key and its line for the configuration. */
export function newKey(): { readonly key: string; readonly digest: string } {
  const key = `portcullis_${randomBytes(32).toString("base64url")}`;
  return { key, digest: `sha256:${createHash("sha256").update(key).digest("hex")}` };
}

/** A store that is never stale, and leases short enough to watch: for a sandbox only. */
export function sandboxAdjust(config: Config): Config {
  return { ...config, store: { stalenessMs: 0 }, defaults: { ...config.defaults, shortestMs: 5_000 } };
}

async function policyOf(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(root, "providers/aws-nacl", name), "utf8")) as unknown;
}

async function startAws(acls: readonly AclSeed[]): Promise<AwsSimulator> {
  const policies = async (name: string) => {
    const document = await policyOf(name);
    return acls.map(({ id }) => fillPolicy(document, { acl: id })) as { Statement: unknown[] }[];
  };
  const merged = (documents: { Statement: unknown[] }[]) => ({ Version: "2012-10-17", Statement: documents.flatMap((document) => document.Statement) });
  return startAwsSimulator({
    acls,
    users: [
      { name: "portcullis", ...runtimeUser, policy: merged(await policies("policy.json")) },
      // A person, who may claim, and drain when the function does not answer.
      { name: "operator", ...setupUser, policy: merged([...(await policies("policy.json")), ...(await policies("policy.setup.json"))]) },
    ],
  });
}

/** The environment in which the CLI works on a simulated account; the credentials are those of the person at `setup`. */
export function operatorEnvironment(awsUrl: string): Readonly<Record<string, string>> {
  return { AWS_WEB_ID: setupUser.accessKeyId, AWS_WEB_SECRET: setupUser.secretAccessKey, PORTCULLIS_ALLOWED_HOSTS: new URL(awsUrl).host };
}

/** `portcullis …` as a process. Rejects when it exits with another code than 0. */
export function runCli(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<{ stdout: string; stderr: string }> {
  return run(join(root, "node_modules/.bin/node"), ["functions/cli/main.ts", ...args], { cwd: root, env: { ...process.env, ...environment } });
}

type Start = (options: Omit<WorkerOptions, "script">) => Promise<RunningWorker>;

/** Builds for the runtime; the result starts what was built, as often as asked. */
async function prepare(runtime: Runtime, options: BuildOptions): Promise<Start> {
  if (runtime === "workerd") {
    const { script } = await buildWorker(options);
    return (rest) => startWorker({ ...rest, script });
  }
  const { importMap } = await buildDeno(options);
  return (rest) => startDeno({ ...rest, importMap, folder: options.folder });
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-"));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  // Also when the start fails or is broken off: the folder holds digests of keys, and would stay for ever.
  process.once("exit", removeFolder);
  const aws = await startAws(options.acls);
  const others = await startOtherClouds(options.clouds ?? []);
  const build = (yaml: string): Promise<Start> => prepare(options.runtime ?? "workerd", { folder, yaml, adjust: options.adjust ?? sandboxAdjust });
  let start = await build(await options.yaml(aws.url, others.urls));
  const configFile = join(folder, "portcullis.yaml");
  const allowed = { PORTCULLIS_ALLOWED_HOSTS: [new URL(aws.url).host, ...others.hosts].join(",") };
  const { persistTo, coordinator, queue, port, played, onLog } = options;
  const workerOptions: Omit<WorkerOptions, "script"> = {
    bindings: { AWS_WEB_ID: runtimeUser.accessKeyId, AWS_WEB_SECRET: runtimeUser.secretAccessKey, ...others.bindings, ...allowed, ...options.secrets },
    ...(persistTo === undefined ? {} : { persistTo }),
    ...(coordinator === undefined ? {} : { coordinator }),
    ...(queue === undefined ? {} : { queue }),
    ...(port === undefined ? {} : { port }),
    ...(played === undefined ? {} : { played }),
    ...(onLog === undefined ? {} : { onLog }),
  };
  let worker = await start(workerOptions);
  const stack: Stack = {
    aws,
    others,
    get worker() {
      return worker;
    },
    get url() {
      return worker.url;
    },
    configFile,
    get environment() {
      return { ...operatorEnvironment(aws.url), ...others.operator, ...allowed, PORTCULLIS_URL: worker.url, PORTCULLIS_KEY: options.adminKey };
    },
    cli: (...args) => runCli(args, stack.environment),
    async restart() {
      await worker.close();
      worker = await start(workerOptions);
    },
    async redeploy(yaml) {
      start = await build(yaml);
      await worker.close();
      worker = await start(workerOptions);
    },
    async close() {
      await worker.close();
      await aws.close();
      await others.close();
      process.removeListener("exit", removeFolder);
      removeFolder();
    },
  };
  if (options.state !== "bare") await stack.cli("setup", "--config", configFile);
  return stack;
}
