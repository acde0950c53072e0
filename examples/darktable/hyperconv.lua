--[[
Removes the noise of RAW files with hyperconv, from darktable's lighttable (darktable 4.2, Lua API 9).

Install: copy to ~/.config/darktable/lua/hyperconv.lua and write  require "hyperconv"  into
~/.config/darktable/luarc. In the module "actions on selection" there is then a button "remove noise
(hyperconv)": beside each selected RAW file it writes NAME-clean.dng, a mosaic like the camera's, and imports it
into the original's group, with its stars, colour labels and tags. What was done before is not done again.

Preferences, Lua options: the program, and its options (--mosaic keeps darktable's own demosaicing).
--]]
local dt = require "darktable"

dt.preferences.register("hyperconv", "program", "string", "hyperconv: program", "name or path of the program",
  "hyperconv")
dt.preferences.register("hyperconv", "options", "string", "hyperconv: options",
  "of hyperconv enhance, like --mosaic --strength 0.7,1", "--mosaic")

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The image that came out, or nothing.
local function clean(image)
  local input = image.path .. "/" .. image.filename
  local output = image.path .. "/" .. image.filename:gsub("%.[^.]*$", "") .. "-clean.dng"
  if not exists(output) then
    local command = quoted(dt.preferences.read("hyperconv", "program", "string")) .. " enhance " .. quoted(input) ..
      " -o " .. quoted(output) .. " " .. dt.preferences.read("hyperconv", "options", "string")
    if dt.control.execute(command) ~= 0 then
      dt.print_error("hyperconv: failed: " .. command)
      return nil
    end
  end
  local result = dt.database.import(output)
  result:group_with(image.group_leader)
  result.rating = image.rating
  for _, colour in ipairs({"red", "yellow", "green", "blue", "purple"}) do
    result[colour] = image[colour]
  end
  for _, tag in ipairs(image:get_tags()) do
    if not tag.name:match("^darktable|") then result:attach_tag(tag) end
  end
  return result
end

local function clean_all(images)
  local done = 0
  for i, image in ipairs(images) do
    dt.print(("hyperconv: %d of %d, %s"):format(i, #images, image.filename))
    if clean(image) then done = done + 1 end
  end
  dt.print(("hyperconv: %d of %d cleaned%s"):format(done, #images,
    done < #images and "; start darktable from a terminal to see why the others were not" or ""))
  return done
end

if dt.gui then
  dt.gui.libs.image.register_action("hyperconv_clean", "remove noise (hyperconv)",
    function(_, images) clean_all(images) end,
    "writes NAME-clean.dng beside each selected RAW file and imports it into its group")
end

return {clean = clean, clean_all = clean_all}
