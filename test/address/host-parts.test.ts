import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HostParts } from "../../src/address/host-parts.js";

test("an address has room for a quarter, loopback for everything, and what is given back is free again", () => {
  const step = fc.record({
    host: fc.constantFrom("192.0.2.1", "2001:db8::1", "2001:db8::2", "127.0.0.1"),
    amount: fc.integer({ min: 1, max: 12 }),
    isBack: fc.boolean(),
  });
  const placeOf = (host: string): string => host.replace(/::\d$/, "::");
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const parts = new HostParts(39);
      const model = new Map<string, number>();
      for (const { host, amount, isBack } of steps) {
        const had = model.get(placeOf(host)) ?? 0;
        assert.is(parts.hasRoom(host, amount), host === "127.0.0.1" || had + amount <= 10);
        const change = isBack ? -Math.min(amount, had) : amount;
        parts.add(host, change);
        model.set(placeOf(host), had + change);
      }
    }),
  );
});

test.run();
