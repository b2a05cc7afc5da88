-- Takes a ticket and counts the sign-in. Answers the record of its code and the account of its user, or in a word why not.
--
-- KEYS: where the ticket leads to its code. ARGV: the name of a code's key but for its random, the app, and the time
-- (milliseconds since 1970).
local code_prefix, app_id, now = unpack(ARGV)

local random = redis.call('GET', KEYS[1])
if not random then
  return 'unknown'
end
local code = code_prefix .. random
local record, app, account, ip, expires_at, used_at = unpack(redis.call(
  'HMGET', code, 'record', 'app_id', 'account', 'ip', 'ticket_expires_at', 'ticket_used_at'
))
-- A code has an account from when it is authorised.
if app ~= app_id or not account then
  return 'unknown'
end
if used_at then
  return 'used'
end
if tonumber(expires_at) <= tonumber(now) then
  return 'expired'
end
if redis.call('HGET', account, 'blocked') == '1' then
  return 'blocked'
end

redis.call('HSET', code, 'ticket_used_at', now)
if redis.call('HINCRBY', account, 'logins_count', 1) == 1 then
  redis.call('HSET', account, 'signed_up', now)
end
redis.call('HSET', account, 'last_ip', ip)
return {record, redis.call('HMGET', account, 'signed_up', 'logins_count', 'last_ip', 'blocked')}
