// What runs inside Redis, as Lua. Each script is one atomic step on keys of one slot, all named in KEYS, and knows only
// the server's time. Uses commands up to Redis 7.0. redis-keys.ts and redis-records.ts describe keys and records;
// nothing here is sent anywhere.
import { createHash } from "node:crypto";
import { MAX_LEASE_MS } from "../../limits.js";
import { ASK_TIMEOUT_MS, MAX_ASKED_PEERS } from "./manifest-shelf.js";
import { LEAST_PART } from "./mixed-part.js";

/** A script and the name under which Redis remembers it. */
export interface RedisScript {
  readonly lua: string;
  readonly sha1: string;
}

export function redisScript(lua: string): RedisScript {
  return { lua, sha1: createHash("sha1").update(lua).digest("hex") };
}

/** Every script begins with this: milliseconds of the server's clock. */
export const NOW_LUA = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

// A lease that ends later than any lease can was written before the server's clock was set back: it counts as ended.
const AHEAD_LUA = `local AHEAD = ${2 * MAX_LEASE_MS}
`;

/** Kinds of leases in a swarm: listed or not, complete or not. */
export const LEASE_KINDS = 4;

/** One announced lease in so many clears away ended ones of one kind, at most so many of them. */
const CLEARED_EVERY = 4;
const MAX_CLEARED = 64;
export const CLEARING_TURNS = LEASE_KINDS * CLEARED_EVERY;
/** The most runs of leases of one kind in a sample. */
const MAX_RUNS = 6;

// Leases of one swarm are in one sorted set. A score is CLASS * (2 * listed + complete) + when the lease ends, so that
// each of the four kinds is one range of scores.
const SWARM_LUA = `
local CLASS = ${2 ** 42}
local function live(swarm, class)
  return redis.call('ZCOUNT', swarm, class * CLASS + now + 1, class * CLASS + now + AHEAD)
end
local function all_live(swarm)
  return live(swarm, 3) + live(swarm, 2) + live(swarm, 1) + live(swarm, 0)
end
local function is_live(swarm) return all_live(swarm) > 0 end
`;

// A key lives as long as the longest lease in it, whatever lease times the trackers over it give.
const OUTLIVE_LUA = `
local function outlive(key, ttl)
  if redis.call('PEXPIRE', key, ttl, 'GT') == 1 then return end
  local left = redis.call('PTTL', key)
  if left < 0 or left > AHEAD then redis.call('PEXPIRE', key, ttl) end
end
`;

// What a peer holds, sorted by when it ends.
const HELD_LUA = `
local function forget_ended(held)
  redis.call('ZREMRANGEBYSCORE', held, 0, now)
  redis.call('ZREMRANGEBYSCORE', held, now + AHEAD + 1, '+inf')
end
`;

const script = (...parts: readonly string[]): RedisScript =>
  redisScript(NOW_LUA + AHEAD_LUA + parts.join(""));

/** KEYS: an unused one. Fails where a later script would: before Redis 7.0, or without the permission for it. */
export const PROBE = script("return redis.call('PEXPIRE', KEYS[1], 1, 'GT')");

/** KEYS: held. ARGV: run epoch, TTL, most leases, content ids; then, after an empty one, content id and end of each
 * lease that moves here. `held` also has a member that is no content id: "run", with the score -(run epoch + 1).
 * Returns "stale", "held", or for a peer that holds too much "1" or "0" for each content id; then " dropped" if it
 * would hold too much with the leases that move here, none of which is then noted. */
export const CLAIM = script(
  HELD_LUA,
  OUTLIVE_LUA,
  `local held, epoch, ttl, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function is_stale(run) return run and epoch < -run - 1 end
local at = 4
while ARGV[at] ~= '' do at = at + 1 end
local shares, moved = at - 4, at + 1

local dropped = ''
if moved < #ARGV then
  local run = redis.call('ZSCORE', held, 'run')
  if is_stale(run) then return 'stale' end
  forget_ended(held)
  local holds = redis.call('ZCARD', held) - (run and 1 or 0)
  for i = moved, #ARGV, 2 do
    if not redis.call('ZSCORE', held, ARGV[i]) then holds = holds + 1 end
  end
  if holds > most then dropped = ' dropped' end
  for i = moved, dropped == '' and #ARGV or 0, 2 do
    redis.call('ZADD', held, 'NX', ARGV[i + 1], ARGV[i])
    outlive(held, ARGV[i + 1] - now)
  end
end

local scores = redis.call('ZMSCORE', held, 'run', unpack(ARGV, 4, at - 1))
if is_stale(scores[1]) then return 'stale' end
local known, new, full = {}, 0, false
for i = 1, shares do
  local ends = tonumber(scores[i + 1] or 0)
  known[i] = ends > now and ends <= now + AHEAD
  if not known[i] then new = new + 1 end
end
if new > 0 then
  forget_ended(held)
  local holds = redis.call('ZCARD', held) - (scores[1] and 1 or 0)
  full = holds + new > most
end

local writes, taken = { -(epoch + 1), 'run' }, {}
for i = 1, shares do
  local takes = known[i] or not full
  taken[i] = takes and '1' or '0'
  if takes then
    writes[#writes + 1] = now + ttl
    writes[#writes + 1] = ARGV[3 + i]
  end
end
if #writes > 2 or redis.call('EXISTS', held) == 1 then
  redis.call('ZADD', held, unpack(writes))
  outlive(held, ttl)
end
return (full and table.concat(taken) or 'held') .. dropped`,
);

/** KEYS: held. ARGV: run epoch. Returns "stale", or content id and end of each lease. */
export const HELD = script(`local run = redis.call('ZSCORE', KEYS[1], 'run')
if run and tonumber(ARGV[1]) < -run - 1 then return 'stale' end
return redis.call('ZRANGEBYSCORE', KEYS[1], now + 1, now + AHEAD, 'WITHSCORES')`);

/** KEYS: held. ARGV: content ids; everything if there are none. */
export const FORGET = script(`if #ARGV > 0 then redis.call('ZREM', KEYS[1], unpack(ARGV)) end
if #ARGV == 0 or redis.call('ZCOUNT', KEYS[1], now + 1, now + AHEAD) == 0 then redis.call('DEL', KEYS[1]) end`);

/** KEYS: swarm and records of each share. ARGV: member, place, TTL, 1 if listed, a random number below CLEARING_TURNS,
 * most leases of a share, peer id to ask for roots or nothing, state of each share. Returns the numbers of the shares
 * whose roots are wanted, and as negative numbers the shares that have as many leases as they may. */
export const LEASE = script(
  SWARM_LUA,
  OUTLIVE_LUA,
  `local member, place, ttl, listed, turn, most, asker =
  ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

local function clear(swarm, records, class)
  if class >= ${LEASE_KINDS} then return end
  local function some(from, to) return redis.call('ZRANGEBYSCORE', swarm, from, to, 'LIMIT', 0, ${MAX_CLEARED}) end
  local ended = some(class * CLASS, class * CLASS + now)
  if #ended == 0 then ended = some(class * CLASS + now + AHEAD + 1, '(' .. (class + 1) * CLASS) end
  if #ended == 0 then return end
  redis.call('ZREM', swarm, unpack(ended))
  redis.call('HDEL', records, unpack(ended))
end

local function ask(records)
  if redis.call('HEXISTS', records, 'root') == 1 then return false end
  local asked, kept, others = redis.call('HGET', records, 'asked') or '', '', 0
  for at = 1, #asked, 40 do
    local one = string.sub(asked, at, at + 39)
    local ends = struct.unpack('>d', one, 33)
    if ends > now and ends <= now + ${ASK_TIMEOUT_MS} then
      if string.sub(one, 1, 32) == asker then return true end
      kept, others = kept .. one, others + 1
    end
  end
  if others >= ${MAX_ASKED_PEERS} then return false end
  redis.call('HSET', records, 'asked', kept .. asker .. struct.pack('>d', now + ${ASK_TIMEOUT_MS}))
  return true
end

local wanted = {}
for i = 1, #ARGV - 7 do
  local swarm, records, state = KEYS[2 * i - 1], KEYS[2 * i], ARGV[7 + i]
  local complete = string.byte(state)
  local is_new = redis.call('ZADD', swarm, CLASS * (2 * listed + complete) + now + ttl, member) == 1
  local count = is_new and redis.call('ZCARD', swarm) or 0
  if count > most and all_live(swarm) > most then
    redis.call('ZREM', swarm, member)
    wanted[#wanted + 1] = -i
  else
    -- A swarm that begins anew has nothing to do with what an evicted one left behind.
    if count == 1 then redis.call('DEL', records) end
    redis.call('HSET', records, member, state .. place)
    outlive(swarm, ttl)
    outlive(records, ttl)
    if complete == 1 and asker ~= '' and ask(records) then wanted[#wanted + 1] = i end
  end
  clear(swarm, records, (turn + i) % ${CLEARING_TURNS})
end
return wanted`,
);

const LEAVE_LUA = `
local function leave(swarm, records, member)
  redis.call('ZREM', swarm, member)
  redis.call('HDEL', records, member)
  if redis.call('EXISTS', swarm) == 0 then redis.call('DEL', records) end
end
`;

/** KEYS: swarm and records of each lease that moves. ARGV: member there, member here, place here, 1 if listed. */
export const MOVE = script(
  SWARM_LUA,
  LEAVE_LUA,
  OUTLIVE_LUA,
  `local old, new, place, listed = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
for i = 1, #KEYS, 2 do
  local swarm, records = KEYS[i], KEYS[i + 1]
  local score, record = redis.call('ZSCORE', swarm, old), redis.call('HGET', records, old)
  if score and record and not redis.call('ZSCORE', swarm, new) then
    local complete = math.floor(score / CLASS) % 2
    redis.call('ZADD', swarm, CLASS * (2 * listed + complete) + score % CLASS, new)
    redis.call('HSET', records, new, string.sub(record, 1, 5) .. place)
  end
  leave(swarm, records, old)
end`,
);

/** KEYS: swarm and records of each lease that ends. ARGV: member. */
export const DROP = script(LEAVE_LUA, "for i = 1, #KEYS, 2 do leave(KEYS[i], KEYS[i + 1], ARGV[1]) end");

/** KEYS: swarm and records of each share. ARGV: a random number, how many records more of each kind may be of no use,
 * then how many are wanted of each share. Returns for each share how many live leases are listed and complete, listed
 * and partial, hidden and complete, hidden and partial, then records of both listed kinds, enough for any mixture
 * (mixed-part.ts). The live leases of one kind form a ring, ordered by when they end, from which a few runs are taken,
 * evenly spaced from a random place on: each lease is equally likely, and a swarm of any size costs the same. */
export const SAMPLE = script(
  SWARM_LUA,
  `math.randomseed(tonumber(ARGV[1]))
local spare = tonumber(ARGV[2])

local function draw(found, swarm, class, ring, most)
  if ring == 0 then return end
  local first = redis.call('ZCOUNT', swarm, '-inf', class * CLASS + now)
  local function take(from, count)
    while count > 0 do
      local some = math.min(count, ring - from)
      local members = redis.call('ZRANGE', swarm, first + from, first + from + some - 1)
      for _, member in ipairs(members) do found[#found + 1] = member end
      from, count = (from + some) % ring, count - some
    end
  end
  local from = math.random(0, ring - 1)
  if most * 2 > ring then return take(from, math.min(most, ring)) end
  local runs = math.min(most, ${MAX_RUNS})
  for i = 0, runs - 1 do
    local count = math.floor((i + 1) * most / runs) - math.floor(i * most / runs)
    take((from + math.floor(i * ring / runs)) % ring, count)
  end
end

local answers = {}
for i = 1, #ARGV - 2 do
  local swarm, records, most = KEYS[2 * i - 1], KEYS[2 * i], tonumber(ARGV[i + 2])
  local complete, partial = live(swarm, 3), live(swarm, 2)
  local answer = { complete, partial, live(swarm, 1), live(swarm, 0) }
  if most > 0 and complete + partial > 0 then
    local found, even = {}, most * complete / (complete + partial)
    local least = math.min(math.ceil(most / ${LEAST_PART}), math.floor(most / 2))
    draw(found, swarm, 3, complete, math.max(least, math.ceil(even)) + spare)
    draw(found, swarm, 2, partial, math.max(least, most - math.floor(even)) + spare)
    for _, record in ipairs(redis.call('HMGET', records, unpack(found))) do
      if record then answer[#answer + 1] = record end
    end
  end
  answers[i] = answer
end
return answers`,
);

/** KEYS: swarm. ARGV: member. Returns 1 for a live lease, else 0. */
export const HOLDS = script(
  SWARM_LUA,
  `local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
local ends = (score or 0) % CLASS
return ends > now and ends <= now + AHEAD and 1 or 0`,
);

/** KEYS: swarm, records. Returns the root while a peer has a lease, else nil. */
export const ROOT = script(SWARM_LUA, "return is_live(KEYS[1]) and redis.call('HGET', KEYS[2], 'root')");

/** KEYS: swarm, records. ARGV: root. Returns 1 if it is kept, 0 if it is there already or no peer has a lease. */
export const KEEP = script(
  SWARM_LUA,
  `if not is_live(KEYS[1]) then return 0 end
local kept = redis.call('HSETNX', KEYS[2], 'root', ARGV[1])
redis.call('HDEL', KEYS[2], 'asked')
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return kept`,
);
