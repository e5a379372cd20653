// `gen` as a process: what it writes, what it refuses, and that a bad configuration writes nothing.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { changed, validText } from "../config/support.ts";
import { portcullis, temporaryFolder } from "./run.ts";

function folderWith(text: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "portcullis.yaml"), text);
  return folder;
}

const outOptions = ["--out", "out", "--lock", "portcullis.lock.json"] as const;

describe("gen", () => {
  it("gen: turns the shipped example into a configuration and a table of its kinds", async () => {
    const folder = temporaryFolder();
    const ran = await portcullis(["gen", "--config", resolve("portcullis.example.yaml"), "--out", "out"], { cwd: folder });
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(readdirSync(join(folder, "out")).sort()).toEqual(["config.json", "playbooks.ts", "providers.ts"]);
    const config: unknown = JSON.parse(readFileSync(join(folder, "out/config.json"), "utf8"));
    expect(config).toMatchObject({ version: 1, owner: "example", targets: { "aws-web": { kind: "aws-nacl", mode: "observe" } } });
    const module = (await import(pathToFileURL(join(folder, "out/providers.ts")).href)) as {
      readonly providers: Readonly<Record<string, { readonly kind: string }>>;
    };
    expect(Object.values(module.providers).map(({ kind }) => kind)).toEqual(["aws-nacl"]);
  });

  it("gen: compiles in no kind that is not used", async () => {
    const folder = folderWith(`${validText.slice(0, validText.indexOf("targets:"))}targets: {}\n`);
    expect(await portcullis(["gen", ...outOptions], { cwd: folder })).toMatchObject({ code: 0 });
    const text = readFileSync(join(folder, "out/providers.ts"), "utf8");
    expect(text).not.toContain("aws");
  });

  it("gen: writes the same bytes again, and says so by writing nothing", async () => {
    const folder = folderWith(validText);
    expect((await portcullis(["gen", ...outOptions], { cwd: folder })).out).toContain("config.json");
    expect((await portcullis(["gen", ...outOptions], { cwd: folder })).out).toBe("");
    expect(await portcullis(["gen", "--check", ...outOptions], { cwd: folder })).toMatchObject({ code: 0 });
  });

  it("gen: with problems lists all of them, exits 1 and writes nothing", async () => {
    const folder = folderWith(changed("mode: observe", "mode: on", changed("owner: acme", "ownr: acme")));
    const ran = await portcullis(["gen", ...outOptions], { cwd: folder });
    expect(ran.code).toBe(1);
    expect(ran.out).toBe("");
    expect(ran.err).toContain('portcullis.yaml:1:1 ownr: unknown key "ownr"; did you mean "owner"?');
    expect(ran.err).toContain("portcullis.yaml:19:11 targets.aws-web.mode:");
    expect(ran.err).toMatch(/\d problems; nothing was written/);
    expect(readdirSync(folder)).toEqual(["portcullis.yaml"]);
  });

  it("gen: without a configuration says what to copy", async () => {
    const ran = await portcullis(["gen", "--out", "out"], { cwd: temporaryFolder() });
    expect(ran).toMatchObject({
      code: 1,
      err: "gen: there is no portcullis.yaml; copy the example and change it: cp portcullis.example.yaml portcullis.yaml\n",
    });
  });

  it("gen: refuses to drop a target that may hold entries, until a person forgets it", async () => {
    const folder = folderWith(changed("mode: observe", "mode: enforce"));
    expect(await portcullis(["gen", ...outOptions], { cwd: folder })).toMatchObject({ code: 0 });
    writeFileSync(join(folder, "portcullis.yaml"), `${validText.slice(0, validText.indexOf("targets:"))}targets: {}\n`);
    const refused = await portcullis(["gen", ...outOptions], { cwd: folder });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("the target aws-web of the last build is gone");
    expect(await portcullis(["gen", ...outOptions, "--forget", "aws-web"], { cwd: folder })).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(join(folder, "portcullis.lock.json"), "utf8"))).toEqual({ version: 1, targets: {} });
  });

  it("gen: --frozen and --check refuse a lock that nobody committed, and leave it alone", async () => {
    const folder = folderWith(validText);
    for (const option of ["--frozen", "--check"]) {
      const ran = await portcullis(["gen", option, ...outOptions], { cwd: folder });
      expect(ran).toMatchObject({ code: 1, err: "portcullis.lock.json is not up to date; run `npm run gen` and commit it\n" });
      expect(existsSync(join(folder, "portcullis.lock.json"))).toBe(false);
    }
    await portcullis(["gen", ...outOptions], { cwd: folder });
    expect(await portcullis(["gen", "--frozen", ...outOptions], { cwd: folder })).toMatchObject({ code: 0 });
  });

  it("gen: refuses a lock that cannot be read, rather than forget what it said", async () => {
    const folder = folderWith(validText);
    writeFileSync(join(folder, "portcullis.lock.json"), "{");
    const ran = await portcullis(["gen", ...outOptions], { cwd: folder });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("restore it from version control");
  });

  it("gen: the committed files are what the code generates", async () => {
    expect(await portcullis(["gen", "--docs", "--check"])).toMatchObject({ code: 0, err: "" });
  });
});

describe("the CLI", () => {
  it("main: lists the commands, and exits 2 when none is given or known", async () => {
    expect(await portcullis(["--help"])).toMatchObject({ code: 0 });
    expect((await portcullis([])).code).toBe(2);
    const unknown = await portcullis(["drian"]);
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain("drain");
  });

  it.each(["init", "gen", "key", "check", "setup", "plan", "explain", "sign", "stop", "drain"])(
    "%s: explains itself, and refuses options that it does not know",
    async (name) => {
      const help = await portcullis([name, "--help"]);
      expect(help).toMatchObject({ code: 0, err: "" });
      expect(help.out).toMatch(/Usage: .*\n\n[\s\S]*(Reverse|reverse|Changes nothing|cannot be dropped)/);
      const wrong = await portcullis([name, "--no-such-option"]);
      expect(wrong.code).toBe(2);
      expect(wrong.err).toContain("Usage:");
    },
  );
});
