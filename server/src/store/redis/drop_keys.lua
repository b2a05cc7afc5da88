-- Drops every key that a newer one has superseded before a time, and answers how many.
--
-- KEYS: all keys of a purpose, by their time. ARGV: that time (milliseconds since 1970).
local newest = redis.call('ZRANGE', KEYS[1], '(' .. ARGV[1], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
if not newest then
  return 0
end
local older = redis.call('ZRANK', KEYS[1], newest)
if older == 0 then
  return 0
end
return redis.call('ZREMRANGEBYRANK', KEYS[1], 0, older - 1)
