-- Inserts a new code, or replaces a code if its revision is the expected one. Returns 1 on success. Returns 0 if a new code
-- exists already or if the revision differs.
--
-- KEYS[1]: the hash of the code. KEYS[2]: the key that maps the ticket to the code.
-- ARGV[1]: the expected revision, empty for a new code.
-- ARGV[2]: when both keys expire, in milliseconds since 1970.
-- ARGV[3]: the id (`random`) of the code.
-- ARGV[4]: the channel that the change is published to.
-- ARGV[5] and following: names and values of the fields of the hash, alternating.
local code, ticket = unpack(KEYS)
local expected, purge_at, random, channel = unpack(ARGV, 1, 4)

if (redis.call('HGET', code, 'revision') or '') ~= expected then
  return 0
end
redis.call('HINCRBY', code, 'revision', 1)
redis.call('HSET', code, unpack(ARGV, 5))
redis.call('SET', ticket, random)
redis.call('PEXPIREAT', code, purge_at)
redis.call('PEXPIREAT', ticket, purge_at)
if expected ~= '' then
  redis.call('PUBLISH', channel, random)
end
return 1
