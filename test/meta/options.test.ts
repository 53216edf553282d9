import { test } from "uvu";
import * as assert from "uvu/assert";
import { sourceFiles } from "../support/repository.js";

interface OptionSet {
  readonly name: string;
  readonly path: string;
  readonly keys: readonly string[];
  readonly defaults: readonly string[];
  /** The two declarations, which are no reading. */
  readonly declarations: readonly string[];
}

const sources = sourceFiles("src");

/** Every `interface XOptions` that has a `defaultXOptions` beside it. */
function optionSets(): OptionSet[] {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^export const default(\w+Options)\b[^{]*\{\n([\s\S]*?)^\}/gm)].map((match) => {
      const [declaration, name = "", body = ""] = match;
      const interfaces = interfacesOf(name);
      return {
        name,
        path,
        keys: interfaces.flatMap(({ body: fields }) =>
          [...fields.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map((m) => m[1] ?? ""),
        ),
        defaults: [...keysOf(body), ...spreadInto(body).flatMap(keysOf)],
        declarations: [declaration, ...interfaces.map(({ text }) => text)],
      };
    }),
  );
}

/** The keys that stand in an object of defaults. */
function keysOf(body: string): string[] {
  return [...body.matchAll(/^ {2}(\w+)(?=[:,])/gm)].map((match) => match[1] ?? "");
}

/** The bodies of the defaults that are spread into one. */
function spreadInto(body: string): string[] {
  return [...body.matchAll(/^ {2}\.\.\.(default\w+Options)\b/gm)].flatMap(([, name = ""]) => {
    const declaration = new RegExp(`^export const ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, "m");
    return sources.flatMap(({ text }) => declaration.exec(text)?.[1] ?? []);
  });
}

/** The interface of this name, and those it extends. */
function interfacesOf(name: string): { readonly text: string; readonly body: string }[] {
  const described = new RegExp(`^export interface ${name}\\b([^{]*)\\{\\n([\\s\\S]*?)^\\}`, "m");
  const match = sources.map((source) => described.exec(source.text)).find((found) => found !== null);
  if (!match) return [];
  const [text, heritage = "", body = ""] = match;
  const bases = heritage.match(/\w+/g)?.slice(1) ?? [];
  return [{ text, body }, ...bases.flatMap(interfacesOf)];
}

const sets = optionSets();

test("every object of defaults has an interface with the same keys", () => {
  assert.ok(sets.length > 0, "there are options to look at");
  for (const { name, path, keys, defaults } of sets) {
    assert.ok(keys.length > 0, `${path}: ${name} has an interface`);
    assert.equal([...defaults].sort(), [...keys].sort(), `${path}: default${name}`);
  }
});

test("every option is read somewhere", () => {
  for (const { name, keys, declarations } of sets) {
    const rest = sources
      .map(({ text }) => declarations.reduce((left, cut) => left.replace(cut, ""), text))
      .join("\n");
    for (const key of keys) {
      assert.ok(
        new RegExp(`\\.${key}\\b|[{,]\\s*${key}\\s*[,}:=]`).test(rest),
        `${name}.${key} is read by nobody`,
      );
    }
  }
});

test("defaults are frozen", () => {
  for (const { name, declarations } of sets) {
    assert.match(declarations[0] ?? "", "Object.freeze(", `default${name}`);
  }
});

test.run();
