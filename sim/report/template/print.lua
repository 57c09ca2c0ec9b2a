-- What pandoc needs to know of a report's page to print it: widths of columns, boxes, tables on their side.
local typst = FORMAT:match "typst"
local word = FORMAT:match "docx"

local function raw(text) return pandoc.RawBlock("typst", text) end

-- Widths of columns follow the longest text in them (a Korean letter counts two), the first and texts within bounds.
local MOST = 34
local LINE = 180 -- letters on a line of a page on its side

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

-- A number stays on one line with its interval, a unit in brackets on another.
local function unbroken(cell, heads)
  local number = cell.classes:includes "number"
  if not (number or heads) then return end
  cell.contents = cell.contents:walk {
    Inlines = function(inlines)
      local inside = number and not heads
      for k, one in ipairs(inlines) do
        if one.t == "Str" and heads then inside = (inside or one.text:find "%(") and not one.text:find "%)" end
        if one.t == "Space" and inside then inlines[k] = pandoc.Str(NBSP) end
      end
      return inlines
    end,
  }
end

function Table(one)
  local widths = {}
  local function see(rows, heads)
    for _, row in ipairs(rows) do
      for k, cell in ipairs(row.cells) do
        unbroken(cell, heads)
        local text = pandoc.utils.stringify(cell.contents)
        local most = cell.classes:includes "number" and wide(text) or math.min(wide(text), MOST)
        local need = heads and math.max(longest_word(text), math.min(wide(text), 12)) or most
        widths[k] = math.max(widths[k] or 4, need)
      end
    end
  end
  see(one.head.rows, true)
  for _, body in ipairs(one.bodies) do see(body.body, false) end
  local example, fixed, free, number = one.bodies[1].body[1], 0, 0, {}
  for k, width in ipairs(widths) do
    number[k] = example.cells[k].classes:includes "number"
    if number[k] then fixed = fixed + width + 3 else free = free + width + 2 end
  end
  local line = math.max(LINE, fixed + 12 * #widths)
  local spare = fixed + free <= line and (fixed + free) or line
  local share = (spare - fixed) / free -- of what texts would like, what is left beside the numbers
  for k = 1, #one.colspecs do
    local width = number[k] and widths[k] + 3 or (widths[k] + 2) * share
    one.colspecs[k] = { number[k] and pandoc.AlignRight or pandoc.AlignLeft, width / spare }
  end
  return one
end

function Div(one)
  local kind = one.classes[1]
  if typst and kind == "contents" then return raw "#contents" end
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
    local portrait = '<w:p><w:pPr><w:sectPr><w:pgSz w:w="11906" w:h="16838"/></w:sectPr></w:pPr></w:p>'
    return { pandoc.RawBlock("openxml", portrait), one }
  end
end
