-- Redeems a ticket and counts the sign-in. Returns the record of the code and the fields of the account, or the reason of
-- the refusal: 'unknown', 'used', 'expired' or 'blocked'.
--
-- KEYS[1]: the key that holds the id (`random`) of the ticket's code.
-- ARGV[1]: the prefix of the keys of codes.
-- ARGV[2]: the id of the app.
-- ARGV[3]: the current time in milliseconds since 1970.
local code_prefix, app_id, now = unpack(ARGV)

local random = redis.call('GET', KEYS[1])
if not random then
  return 'unknown'
end
local code = code_prefix .. random
local record, app, account, ip, expires_at, used_at = unpack(redis.call(
  'HMGET', code, 'record', 'app_id', 'account', 'ip', 'ticket_expires_at', 'ticket_used_at'
))
-- Only an authorised code has the field `account`.
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
