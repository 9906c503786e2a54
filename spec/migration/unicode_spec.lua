-- Names in different normal forms.
local unicode = require "workstage.migration.unicode"

-- In one character where there is one; letters and marks, as macOS has them.
local FORMS = {
  { "Caf\u{e9}", "Cafe\u{301}" },
  { "Gr\u{f6}\u{df}e", "Gro\u{308}\u{df}e" },
  { "Vi\u{1ec7}t", "Vie\u{323}\u{302}t" },
  { "\u{1d5}", "U\u{308}\u{304}" },
  { "\u{30ac}\u{30d1}", "\u{30ab}\u{3099}\u{30cf}\u{309a}" },
  { "\u{d55c}\u{ad6d}\u{c5b4}", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}" ..
    "\u{11a8}\u{110b}\u{1165}" },
  { "\u{401}\u{43b}\u{439}", "\u{415}\u{308}\u{43b}\u{438}\u{306}" },
  { "\u{1f6e}", "\u{3a9}\u{313}\u{342}" },
  { "\u{1e69}", "s\u{323}\u{307}" },
}

describe("a name", function()
  it("is the same in each normal form", function()
    for _, form in ipairs(FORMS) do
      assert.equal(form[2], unicode.decompose(form[1]))
      assert.equal(form[2], unicode.decompose(form[2]))
      assert.equal(unicode.name_key(form[1]), unicode.name_key(form[2]))
    end
  end)

  it("has the marks of a letter in any order", function()
    assert.equal(unicode.decompose "\u{1ec7}",
                 unicode.decompose "e\u{302}\u{323}")
    assert.equal(unicode.decompose "\u{1e69}",
                 unicode.decompose "s\u{307}\u{323}")
    assert.not_equal(unicode.decompose "a\u{301}\u{300}",
                     unicode.decompose "a\u{300}\u{301}")
  end)

  it("is the same with and without blanks at its end", function()
    assert.equal(unicode.name_key "Review", unicode.name_key "Review \t")
    assert.not_equal(unicode.name_key "Review", unicode.name_key " Review")
    assert.not_equal(unicode.name_key "Review", unicode.name_key "review")
    assert.equal("", unicode.name_key "  ")
  end)

  it("is left alone where it is not UTF-8, or has no marks", function()
    for _, text in ipairs { "\xff\xfe", "plain", "日本語", "👩‍💻", "\xc3" } do
      assert.equal(text, unicode.decompose(text))
    end
  end)
end)
