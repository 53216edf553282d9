import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { askedToWaitMs, RpcError, rpcStatusFromCode } from "../../src/rpc/rpc-error.js";

test("how long a server asked to be left alone is found in whatever its refusal became", () => {
  const refusal = new RpcError("RESOURCE_EXHAUSTED", "busy", undefined, 1_500);
  assert.is(askedToWaitMs(refusal), 1_500);
  assert.is(askedToWaitMs(new GoshareError("TRACKER_REFUSED", "busy", { cause: refusal })), 1_500);
  assert.is(askedToWaitMs(new RpcError("RESOURCE_EXHAUSTED", "full", undefined, -1)), 0);
  assert.is(askedToWaitMs(new RpcError("UNAVAILABLE", "gone")), 0);
  assert.is(askedToWaitMs("no error"), 0);
});

test("status numbers have names, and those nobody knows are UNKNOWN", () => {
  assert.is(rpcStatusFromCode(8), "RESOURCE_EXHAUSTED");
  assert.is(rpcStatusFromCode(99), "UNKNOWN");
});

test.run();
