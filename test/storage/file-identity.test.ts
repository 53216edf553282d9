import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  hasIdentity,
  IDENTITY_FIELDS,
  identityArray,
  identityOf,
  lastingIdentity,
} from "../../src/storage/files/file-identity.js";
import { replaceCalls } from "./crash.js";
import { scratchFolders } from "./scratch.js";

const scratch = scratchFolders("identity");

const statsOf = (filePath: string) => fs.statSync(filePath, { bigint: true });

test("a file has its own identity, at its own place among others", () => {
  const folder = scratch();
  const names = ["a", "b", "c"].map((name) => path.join(folder, name));
  const identities = identityArray(names.length);
  names.forEach((name, index) => {
    fs.writeFileSync(name, "same content");
    identities.set(identityOf(statsOf(name)), index * IDENTITY_FIELDS);
  });
  names.forEach((name, index) => {
    names.forEach((_, other) => {
      assert.is(hasIdentity(identities, other, statsOf(name)), other === index);
    });
  });
});

test("each of the five fields counts", () => {
  const filePath = path.join(scratch(), "a");
  fs.writeFileSync(filePath, "content");
  const stats = statsOf(filePath);
  const identity = identityOf(stats);
  assert.is(identity.length, IDENTITY_FIELDS);
  for (let field = 0; field < IDENTITY_FIELDS; field++) {
    const identities = identityArray(1);
    identities.set(identity.map((value, at) => (at === field ? value + 1n : value)));
    assert.is(hasIdentity(identities, 0, stats), false, `field ${field}`);
  }
});

test("where a file system numbers its files anew the number does not count, and all else does", () => {
  const filePath = path.join(scratch(), "a");
  fs.writeFileSync(filePath, "content");
  for (const [dev, type, isSame] of [
    [1n << 40n, 0x6573_5546, true],
    [2n << 40n, 0xef53, false],
  ] as const) {
    const restore = replaceCalls({ statfsSync: () => ({ type }) });
    const stats = Object.assign(statsOf(filePath), { dev });
    const identities = identityArray(1);
    identities.set(lastingIdentity(filePath, stats));
    restore();
    assert.is(hasIdentity(identities, 0, stats), true);
    assert.is(hasIdentity(identities, 0, Object.assign(stats, { ino: stats.ino + 1n })), isSame);
    assert.is(hasIdentity(identities, 0, Object.assign(stats, { ctimeNs: stats.ctimeNs + 1n })), false);
  }
});

test("numbers of devices and inodes above the signed range compare as well", () => {
  const filePath = path.join(scratch(), "a");
  fs.writeFileSync(filePath, "");
  const stats = statsOf(filePath);
  stats.ino = 2n ** 64n - 5n;
  stats.dev = 2n ** 63n;
  const identities = identityArray(1);
  identities.set(identityOf(stats));
  assert.is(hasIdentity(identities, 0, stats), true);
  stats.ino = 2n ** 64n - 6n;
  assert.is(hasIdentity(identities, 0, stats), false);
});

test("a file out of range has no identity", () => {
  const filePath = path.join(scratch(), "a");
  fs.writeFileSync(filePath, "");
  assert.is(hasIdentity(identityArray(1), 5, statsOf(filePath)), false);
});

test("identities are memory that threads share", () => {
  assert.instance(identityArray(3).buffer, SharedArrayBuffer);
  assert.is(identityArray(0).length, 0);
});

test.run();
