-- Keeps a code: a new one when ARGV[1] is empty, else in place of the one that was read at revision ARGV[1]. Answers 1,
-- or 0 when the code is not as the caller thinks.
--
-- KEYS: the code, and where its ticket leads to it. ARGV from the second on: when to forget both (milliseconds since
-- 1970), the code's random, the channel for the news; and then the fields of the code, name and value by turns.
local code, ticket = unpack(KEYS)
local expected, forget_at, random, channel = unpack(ARGV, 1, 4)

if (redis.call('HGET', code, 'revision') or '') ~= expected then
  return 0
end
redis.call('HINCRBY', code, 'revision', 1)
redis.call('HSET', code, unpack(ARGV, 5))
redis.call('SET', ticket, random)
redis.call('PEXPIREAT', code, forget_at)
redis.call('PEXPIREAT', ticket, forget_at)
if expected ~= '' then
  redis.call('PUBLISH', channel, random)
end
return 1
