// What Redis answered, as the type that the script returns. Anything else is a bug of ours, or not from a Redis.

export function integerOf(reply: unknown): number {
  if (typeof reply === "number" && Number.isSafeInteger(reply)) return reply;
  throw unexpected(reply, "a number");
}

export function textOf(reply: unknown): string {
  if (Buffer.isBuffer(reply)) return reply.toString("latin1");
  throw unexpected(reply, "a string");
}

export function itemsOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected(reply, "a list");
}

function unexpected(reply: unknown, wanted: string): Error {
  return new Error(`Redis answered ${typeof reply} where ${wanted} was expected`);
}
