-- SPDX-License-Identifier: Apache-2.0
-- Requests from tables, texts, numbers and booleans; what reads them checks them.
local json = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function text_of(value)
  return '"' .. value:gsub('[%c"\\]', function(c) return ESCAPES[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

-- A table with a first element is an array.
function json.encode(value)
  local kind = type(value)
  if kind == "string" then
    return text_of(value)
  elseif kind == "number" then
    return ("%.17g"):format(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind ~= "table" then
    error(kind .. " has no place in a request", 0)
  end
  local parts = {}
  if value[1] ~= nil then
    for i, one in ipairs(value) do parts[i] = json.encode(one) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, one in pairs(value) do parts[#parts + 1] = text_of(tostring(name)) .. ":" .. json.encode(one) end
  return "{" .. table.concat(parts, ",") .. "}"
end

return json
