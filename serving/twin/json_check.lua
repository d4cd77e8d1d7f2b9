-- A request's body -> whether it is a JSON object (RFC 8259, UTF-8), marked for the routes to see when it is not.
--
-- One pass over the bytes that builds nothing, which LuaJIT makes machine code of. Nothing is read from the object.

local byte = string.byte
local DEEPEST = 64 -- Triton's own parser calls itself at every level.

-- Position and byte of what follows white space.
local function next_token(text, at)
  local c = byte(text, at)
  while c == 32 or c == 10 or c == 13 or c == 9 do
    at = at + 1
    c = byte(text, at)
  end
  return at, c
end

local function is_hex(c)
  return c and (c >= 48 and c <= 57 or c >= 65 and c <= 70 or c >= 97 and c <= 102)
end

-- The functions below give the position after what begins at `at`, or nil where that is not allowed.

local function after_escape(text, at)
  local c = byte(text, at)
  if c == 117 then -- u
    for digit = at + 1, at + 4 do
      if not is_hex(byte(text, digit)) then return nil end
    end
    return at + 5
  end
  local known = c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116 -- "\/bfnrt
  return known and at + 1 or nil
end

-- A character of two to four bytes: neither longer than needed, nor a surrogate, nor beyond Unicode.
local function after_wide(text, at)
  local c, second = byte(text, at, at + 1)
  local more, low, high = 0, 0x80, 0xBF
  if c >= 0xC2 and c <= 0xDF then more = 1
  elseif c >= 0xE0 and c <= 0xEF then
    more = 2
    if c == 0xE0 then low = 0xA0 elseif c == 0xED then high = 0x9F end
  elseif c >= 0xF0 and c <= 0xF4 then
    more = 3
    if c == 0xF0 then low = 0x90 elseif c == 0xF4 then high = 0x8F end
  else
    return nil
  end
  if not second or second < low or second > high then return nil end
  for place = at + 2, at + more do
    local follows = byte(text, place)
    if not follows or follows < 0x80 or follows > 0xBF then return nil end
  end
  return at + more + 1
end

local function after_string(text, at)
  local c = byte(text, at)
  if c ~= 34 then return nil end
  at = at + 1
  while at do
    c = byte(text, at)
    if c == 34 then return at + 1 end
    if not c or c < 32 then return nil end
    if c == 92 then at = after_escape(text, at + 1)
    elseif c < 128 then at = at + 1
    else at = after_wide(text, at) end
  end
  return nil
end

local function after_digits(text, at)
  local begin, c = at, byte(text, at)
  while c and c >= 48 and c <= 57 do
    at = at + 1
    c = byte(text, at)
  end
  return at > begin and at or nil
end

local function after_number(text, at)
  if byte(text, at) == 45 then at = at + 1 end
  at = byte(text, at) == 48 and at + 1 or after_digits(text, at)
  if at and byte(text, at) == 46 then at = after_digits(text, at + 1) end
  local c = at and byte(text, at)
  if c == 101 or c == 69 then
    c = byte(text, at + 1)
    at = after_digits(text, (c == 43 or c == 45) and at + 2 or at + 1)
  end
  return at
end

local function after_word(text, at, word)
  return text:sub(at, at + #word - 1) == word and at + #word or nil
end

local function after_scalar(text, at, c)
  if c == 34 then return after_string(text, at) end
  if c == 116 then return after_word(text, at, "true") end
  if c == 102 then return after_word(text, at, "false") end
  if c == 110 then return after_word(text, at, "null") end
  return after_number(text, at)
end

-- The value of a field whose name begins at `at`.
local function after_name(text, at)
  local c
  at = after_string(text, at)
  if not at then return nil end
  at, c = next_token(text, at)
  if c ~= 58 then return nil end
  return next_token(text, at + 1)
end

local function is_object(text)
  local closing, depth = {}, 0 -- of the objects and lists that are open: their last byte
  local at, c = next_token(text, 1)
  if c ~= 123 then return false end
  while true do
    local is_open = c == 123 or c == 91
    if is_open then
      depth = depth + 1
      if depth > DEEPEST then return false end
      closing[depth] = c + 2
      at, c = next_token(text, at + 1)
      is_open = c ~= closing[depth]
      if is_open and closing[depth] == 125 then
        at, c = after_name(text, at)
        if not at then return false end
      end
    else
      at = after_scalar(text, at, c)
      if not at then return false end
      at, c = next_token(text, at)
    end
    while not is_open do
      if c == closing[depth] then
        depth = depth - 1
        at, c = next_token(text, at + 1)
        if depth == 0 then return c == nil end
      elseif c == 44 then
        at, c = next_token(text, at + 1)
        if closing[depth] == 125 then
          at, c = after_name(text, at)
          if not at then return false end
        end
        is_open = true
      else
        return false
      end
    end
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get(":method") ~= "POST" then return end
  -- Binary tensors and compressed bodies: Triton reads both.
  if headers:get("inference-header-content-length") or headers:get("content-encoding") then return end
  local body = handle:body()
  if body and is_object(body:getBytes(0, body:length())) then return end
  handle:streamInfo():dynamicMetadata():set("envoy.filters.http.lua", "not_json", true)
  handle:clearRouteCache()
end
