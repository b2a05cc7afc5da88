-- Stores a key if its purpose has no key yet. Returns the newest key of the purpose.
--
-- KEYS[1]: the sorted set of keys. The score is the creation time.
-- ARGV[1]: the creation time of the key in milliseconds since 1970.
-- ARGV[2]: the key as JSON.
local newest = redis.call('ZRANGE', KEYS[1], 0, 0, 'REV')[1]
if newest then
  return newest
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
