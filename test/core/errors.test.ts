// The one error class: codes decide who is to blame and how a command ends.
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  diskErrorCode,
  ERROR_CODES,
  EXIT,
  errorAt,
  fileSystemError,
  GoshareError,
  isErrno,
  readProblem,
} from "../../src/core/errors.js";

function systemError(): unknown {
  try {
    readFileSync("/nothing/is/here");
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

test("exit codes are what every command promises", () => {
  assert.equal(EXIT, {
    ...{ ok: 0, other: 1, usage: 2, notFound: 3, network: 4, integrity: 5, disk: 6, incomplete: 7 },
    ...{ bug: 70, sighup: 129, sigint: 130, sigterm: 143 },
  });
});

test("an error takes blame and exit code from its code", () => {
  const error = new GoshareError("DISK_FULL", "no room for it");
  assert.equal([error.blame, error.exitCode, error.hint, error.message], ["local", 6, "", "no room for it"]);
  assert.is(error.name, "GoshareError");
  assert.ok(error instanceof Error);
  const cause = new Error("why");
  const detailed = new GoshareError("INTERRUPTED", "stopped", { hint: "go on", cause, exitCode: 143 });
  assert.equal([detailed.exitCode, detailed.hint, detailed.cause], [143, "go on", cause]);
});

test("no code ends a command with success", () => {
  for (const [code, { exitCode, meaning }] of Object.entries(ERROR_CODES)) {
    assert.ok(exitCode > 0, code);
    assert.match(meaning, /\.$/, code);
  }
});

test("what is a GoshareError stays the same one", () => {
  const error = new GoshareError("USAGE", "no such option");
  assert.is(GoshareError.from(error), error);
});

test("a failure of the file system keeps its message, and gets a code", () => {
  const thrown = systemError();
  const error = GoshareError.from(thrown);
  assert.is(error.code, "DISK_FAILED");
  assert.match(error.message, "/nothing/is/here");
  assert.is(error.cause, thrown);
  assert.is(fileSystemError("ENOSPC", "full").code, "DISK_FULL");
  assert.is.not(fileSystemError("ENOSPC", "full").hint, "");
  assert.is(fileSystemError("EROFS", "read-only").code, "PERMISSION_DENIED");
  assert.is(fileSystemError("EWHAT", "new").code, "DISK_FAILED");
  assert.not.match(fileSystemError("EFBIG", "too large").hint, "free some space");
  assert.match(fileSystemError("EMFILE", "too many open files").hint, "ulimit -n");
  assert.is(diskErrorCode("ENAMETOOLONG"), "TARGET_NAME_UNSUPPORTED");
  assert.is(diskErrorCode("ECONNRESET"), undefined);
});

test("a path that is too long, or has a name that is, can be shortened, and not only its folder", () => {
  const thrown = Object.assign(new Error("ENAMETOOLONG: name too long, open '/a/b'"), {
    code: "ENAMETOOLONG",
  });
  assert.match(GoshareError.from(thrown).hint, /shorter path.*another name/);
  const { reason, hint } = readProblem(thrown);
  assert.match(reason, "too long");
  assert.not.match(`${reason} ${hint}`, /ENAMETOOLONG|mode/);
});

test("whatever else is thrown is a bug, with its cause", () => {
  const thrown = new TypeError("x is not a function");
  const error = GoshareError.from(thrown);
  assert.equal([error.code, error.exitCode, error.cause], ["BUG", 70, thrown]);
  assert.match(error.message, "x is not a function");
  assert.is(GoshareError.from("just text").code, "BUG");
  assert.match(GoshareError.from(undefined).message, "undefined");
});

test("a system error is known by its name", () => {
  assert.ok(isErrno(systemError(), "EACCES", "ENOENT"));
  assert.not(isErrno(systemError(), "EACCES"));
  assert.not(isErrno(new Error("ENOENT"), "ENOENT"));
  assert.not(isErrno("ENOENT", "ENOENT"));
});

test("what a later Node cannot name is an error of the disk all the same, in the system's words", () => {
  // Node 24, rmSync in a file system that is read-only.
  const thrown = Object.assign(new Error(", Unknown error: Read-only file system '/a/b'"), {
    ...{ code: "", errno: -4094, syscall: "rm" },
  });
  const { code, message, exitCode } = GoshareError.from(thrown);
  assert.equal([code, message, exitCode], ["DISK_FAILED", "Read-only file system '/a/b'", EXIT.disk]);
});

test("a quota that is used up is a full disk, though Node calls it unknown", () => {
  for (const [code, message] of [
    ["UNKNOWN", "UNKNOWN: unknown error, write"],
    // What is not thrown at once.
    ["Unknown system error -122", "Unknown system error -122: Unknown system error -122, write"],
  ] as const) {
    const thrown = Object.assign(new Error(message), {
      ...{ code, errno: -constants.errno.EDQUOT, syscall: "write" },
    });
    assert.ok(isErrno(thrown, "EDQUOT"));
    const error = GoshareError.from(thrown);
    assert.equal([error.code, error.message], ["DISK_FULL", "EDQUOT: write"]);
    assert.is.not(error.hint, "");
    assert.match(errorAt(thrown, "/a/b").message, "EDQUOT: write '/a/b'");
  }
});

test("whatever a file system fails with is an error of the disk, and what a socket fails with is not", () => {
  for (const [code, message] of [
    ["ENOTCONN", "ENOTCONN: socket is not connected, read"],
    ["ETIMEDOUT", "ETIMEDOUT: connection timed out, open '/a/b'"],
    ["EINVAL", "EINVAL: invalid argument, mkdir '/a/b:c'"],
    ["UNKNOWN", "UNKNOWN: unknown error, write"],
  ] as const) {
    const error = GoshareError.from(Object.assign(new Error(message), { code, errno: -123 }));
    assert.equal([error.code, error.exitCode], ["DISK_FAILED", EXIT.disk], code);
    assert.is.not(error.hint, "");
    assert.ok(error.message.startsWith(code === "UNKNOWN" ? "error 123: write" : `${code}: `), error.message);
  }
  for (const [code, message] of [
    ["ETIMEDOUT", "connect ETIMEDOUT 10.0.0.1:9000"],
    ["ECONNRESET", "read ECONNRESET"],
    ["EBADF", "EBADF: bad file descriptor, write"],
  ] as const)
    assert.is(GoshareError.from(Object.assign(new Error(message), { code })).code, "BUG", message);
});

test("an error that names no path gets one, and keeps the one it has", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  assert.is(errorAt(full, "/a/b").message, "ENOSPC: no space left on device, write '/a/b'");
  const named = systemError();
  assert.match(errorAt(named, "/a/b").message, "'/nothing/is/here'");
  const own = new GoshareError("TARGET_EXISTS", "it is there");
  assert.is(errorAt(own, "/a/b"), own);
});

test.run();
