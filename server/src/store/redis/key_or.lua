-- Keeps a key if there is none yet, and answers the newest that there is then.
--
-- KEYS: all keys of its purpose, by their time. ARGV: the time of this one (milliseconds since 1970), and the key.
local newest = redis.call('ZRANGE', KEYS[1], 0, 0, 'REV')[1]
if newest then
  return newest
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
