-- What pandoc needs to know of a report's page to print it: widths of columns, boxes, tables on their side.
local typst = FORMAT:match "typst"
local word = FORMAT:match "docx"

local function raw(text) return pandoc.RawBlock("typst", text) end

-- Widths of columns follow their longest number and half as much again as their mean text (a Korean letter counts two).
local MOST, FEW = 90, 18
local LINE, SIZE = 180, 7.2 -- letters on a line of a page on its side, and their size in points
local GAP = word and 5 or 2.5 -- between columns

local function wide(text)
  local width = 0
  for _, code in utf8.codes(text) do width = width + (code > 0x1100 and 2 or 1) end
  return width
end

local function longest_word(text)
  local most = 0
  for one in text:gmatch "[^ ]+" do most = math.max(most, wide(one)) end
  return most
end

local NBSP = "\u{a0}"

-- An interval stays on one line, and so does the unit of a heading: spaces between brackets do not break.
local function unbroken(cell, head)
  if not (head or cell.classes:includes "number") then return end
  local inside = false
  cell.contents = cell.contents:walk {
    Inlines = function(inlines)
      for k, one in ipairs(inlines) do
        if one.t == "Str" then inside = (inside or one.text:find "[%[%(]") and not one.text:find "[%]%)]" end
        if one.t == "Space" and inside then inlines[k] = pandoc.Str(NBSP) end
      end
      return inlines
    end,
  }
end

function Table(one)
  local example = one.bodies[1].body[1]
  local count, number = #one.colspecs, {}
  local whole, least = {}, {} -- of each column: as wide as it likes; with a number and its interval on two lines
  local rows, letters = 0, {}
  for k = 1, count do
    number[k], whole[k], least[k], letters[k] = example.cells[k].classes:includes "number", 4, 4, 0
  end
  local function see(row, head)
    for k, cell in ipairs(row.cells) do
      unbroken(cell, head)
      local text = pandoc.utils.stringify(cell.contents)
      local word, all = longest_word(text), wide(text)
      whole[k] = math.max(whole[k], head and math.max(word, math.min(all, 12)) or all)
      least[k] = math.max(least[k], (number[k] or head) and word or math.min(word, FEW))
      if not head then letters[k] = letters[k] + math.min(all, 2 * MOST) end
    end
  end
  for _, row in ipairs(one.head.rows) do see(row, true) end
  for _, body in ipairs(one.bodies) do
    for _, row in ipairs(body.body) do
      see(row, false)
      rows = rows + 1
    end
  end
  for k = 1, count do
    if not number[k] then whole[k] = math.max(least[k], math.min(whole[k], 1.5 * letters[k] / rows, MOST)) end
  end
  -- Texts give way first, then numbers part from their intervals, then letters get smaller.
  local function sum(numbers, texts)
    local all = 0
    for k = 1, count do all = all + GAP + (number[k] and numbers or texts)[k] end
    return all
  end
  local numbers = sum(whole, least) <= LINE and whole or least
  local low, full = sum(numbers, least), sum(numbers, whole)
  local give = full > low and math.max(0, math.min(1, (LINE - low) / (full - low))) or 0
  local widths, line = {}, 0
  for k = 1, count do
    widths[k] = GAP + (number[k] and numbers[k] or least[k] + give * (whole[k] - least[k]))
    line = line + widths[k]
  end
  for k = 1, count do
    one.colspecs[k] = { number[k] and pandoc.AlignRight or pandoc.AlignLeft, widths[k] / line }
  end
  if typst and line > LINE then
    return { raw(string.format("#[#show table: set text(%.2fpt)", SIZE * LINE / line)), one, raw "]" }
  end
  if word then
    return one:walk {
      Plain = function(plain) return pandoc.Div(plain, { ["custom-style"] = "Table Text" }) end,
    }
  end
  return one
end

function Meta(meta)
  if word then meta.title = nil end -- the page has its heading
  return meta
end

function Div(one)
  local kind = one.classes[1]
  if typst and kind == "contents" then return raw "#contents" end
  if word and kind == "contents" then return {} end
  if word and kind == "note" then one.attributes["custom-style"] = "Note" end
  if typst and (kind == "note" or kind == "first") then
    local blocks = pandoc.Blocks { raw("#" .. kind .. "[") }
    blocks:extend(one.content)
    blocks:insert(raw "]")
    return blocks
  end
end

function Header(one)
  if one.identifier ~= "tables" then return nil end
  if typst then return { raw "#set page(flipped: true)", one } end
  if word then
    local portrait = '<w:p><w:pPr><w:sectPr><w:pgSz w:w="11906" w:h="16838"/>'
      .. '<w:pgMar w:top="1080" w:bottom="1080" w:left="1080" w:right="1080" w:header="500" w:footer="500" w:gutter="0"/>'
      .. "</w:sectPr></w:pPr></w:p>"
    return { pandoc.RawBlock("openxml", portrait), one }
  end
end
