-- Deletes the superseded keys of a purpose. Returns the number of deleted keys.
--
-- A key is superseded if a newer key was created before the given time.
--
-- KEYS[1]: the sorted set of keys. The score is the creation time.
-- ARGV[1]: the time in milliseconds since 1970.
local newest = redis.call('ZRANGE', KEYS[1], '(' .. ARGV[1], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
if not newest then
  return 0
end
local older = redis.call('ZRANK', KEYS[1], newest)
if older == 0 then
  return 0
end
return redis.call('ZREMRANGEBYRANK', KEYS[1], 0, older - 1)
