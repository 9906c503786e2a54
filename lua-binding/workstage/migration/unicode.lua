--- Normalizes names that look alike, so that a name typed on one system is
-- found on another (Unicode normal form D). Covers the combining marks of
-- Latin, Greek, Cyrillic, Arabic and Japanese, and Hangul.
local unicode = {}

-- Combining marks: the code, its combining class, and pairs of a letter with
-- the mark and the letter without (UnicodeData.txt).
local MARKS = {
  { 0x0300, 230, "ÀAÈEÌIÒOÙUàaèeìiòoùuǛÜǜüǸNǹnЀЕЍИѐеѝиḔĒḕēṐŌṑōẀWẁwẦÂầâẰĂằă\z
    ỀÊềêỒÔồôỜƠờơỪƯừưỲYỳyἂἀἃἁἊἈἋἉἒἐἓἑἚἘἛἙἢἠἣἡἪἨἫἩἲἰἳἱἺἸἻἹὂὀὃὁὊὈὋὉὒὐὓὑὛὙὢὠὣὡ\z
    ὪὨὫὩὰαὲεὴηὶιὸοὺυὼωᾺΑῈΕῊΗ῍᾿ῒϊῚΙ῝῾ῢϋῪΥ῭¨ῸΟῺΩ" },
  { 0x0301, 230, "ÁAÉEÍIÓOÚUÝYáaéeíióoúuýyĆCćcĹLĺlŃNńnŔRŕrŚSśsŹZźzǗÜǘüǴGǵg\z
    ǺÅǻåǼÆǽæǾØǿø΅¨ΆΑΈΕΉΗΊΙΌΟΎΥΏΩΐϊάαέεήηίιΰϋόούυώωϓϒЃГЌКѓгќкḈÇḉçḖĒḗēḮÏḯïḰK\z
    ḱkḾMḿmṌÕṍõṒŌṓōṔPṕpṸŨṹũẂWẃwẤÂấâẮĂắăẾÊếêỐÔốôỚƠớơỨƯứưἄἀἅἁἌἈἍἉἔἐἕἑἜἘἝἙἤἠἥἡ\z
    ἬἨἭἩἴἰἵἱἼἸἽἹὄὀὅὁὌὈὍὉὔὐὕὑὝὙὤὠὥὡὬὨὭὩ῎᾿῞῾" },
  { 0x0302, 230, "ÂAÊEÎIÔOÛUâaêeîiôoûuĈCĉcĜGĝgĤHĥhĴJĵjŜSŝsŴWŵwŶYŷyẐZẑzẬẠậạ\z
    ỆẸệẹỘỌộọ" },
  { 0x0303, 230, "ÃAÑNÕOãañnõoĨIĩiŨUũuṼVṽvẪÂẫâẴĂẵăẼEẽeỄÊễêỖÔỗôỠƠỡơỮƯữưỸYỹy" },
  { 0x0304, 230, "ĀAāaĒEēeĪIīiŌOōoŪUūuǕÜǖüǞÄǟäǠȦǡȧǢÆǣæǬǪǭǫȪÖȫöȬÕȭõȰȮȱȯȲYȳy\z
    ӢИӣиӮУӯуḠGḡgḸḶḹḷṜṚṝṛᾱαᾹΑῑιῙΙῡυῩΥ" },
  { 0x0306, 230, "ĂAăaĔEĕeĞGğgĬIĭiŎOŏoŬUŭuЎУЙИйиўуӁЖӂжӐАӑаӖЕӗеḜȨḝȩẶẠặạᾰαᾸΑ\z
    ῐιῘΙῠυῨΥ" },
  { 0x0307, 230, "ĊCċcĖEėeĠGġgİIŻZżzȦAȧaȮOȯoḂBḃbḊDḋdḞFḟfḢHḣhṀMṁmṄNṅnṖPṗpṘR\z
    ṙrṠSṡsṤŚṥśṦŠṧšṨṢṩṣṪTṫtẆWẇwẊXẋxẎYẏyẛſ" },
  { 0x0308, 230, "ÄAËEÏIÖOÜUäaëeïiöoüuÿyŸYΪΙΫΥϊιϋυϔϒЁЕЇІёеїіӒАӓаӚӘӛәӜЖӝжӞЗ\z
    ӟзӤИӥиӦОӧоӪӨӫөӬЭӭэӰУӱуӴЧӵчӸЫӹыḦHḧhṎÕṏõṺŪṻūẄWẅwẌXẍxẗt" },
  { 0x0309, 230, "ẢAảaẨÂẩâẲĂẳăẺEẻeỂÊểêỈIỉiỎOỏoỔÔổôỞƠởơỦUủuỬƯửưỶYỷy" },
  { 0x030a, 230, "ÅAåaŮUůuẘwẙy" },
  { 0x030b, 230, "ŐOőoŰUűuӲУӳу" },
  { 0x030c, 230, "ČCčcĎDďdĚEěeĽLľlŇNňnŘRřrŠSšsŤTťtŽZžzǍAǎaǏIǐiǑOǒoǓUǔuǙÜǚü\z
    ǦGǧgǨKǩkǮƷǯʒǰjȞHȟh" },
  { 0x030f, 230, "ȀAȁaȄEȅeȈIȉiȌOȍoȐRȑrȔUȕuѶѴѷѵ" },
  { 0x0311, 230, "ȂAȃaȆEȇeȊIȋiȎOȏoȒRȓrȖUȗu" },
  { 0x0313, 230, "ἀαἈΑἐεἘΕἠηἨΗἰιἸΙὀοὈΟὐυὠωὨΩῤρ" },
  { 0x0314, 230, "ἁαἉΑἑεἙΕἡηἩΗἱιἹΙὁοὉΟὑυὙΥὡωὩΩῥρῬΡ" },
  { 0x031b, 216, "ƠOơoƯUưu" },
  { 0x0323, 220, "ḄBḅbḌDḍdḤHḥhḲKḳkḶLḷlṂMṃmṆNṇnṚRṛrṢSṣsṬTṭtṾVṿvẈWẉwẒZẓzẠAạa\z
    ẸEẹeỊIịiỌOọoỢƠợơỤUụuỰƯựưỴYỵy" },
  { 0x0324, 220, "ṲUṳu" },
  { 0x0325, 220, "ḀAḁa" },
  { 0x0326, 220, "ȘSșsȚTțt" },
  { 0x0327, 202, "ÇCçcĢGģgĶKķkĻLļlŅNņnŖRŗrŞSşsŢTţtȨEȩeḐDḑdḨHḩh" },
  { 0x0328, 202, "ĄAąaĘEęeĮIįiŲUųuǪOǫo" },
  { 0x032d, 220, "ḒDḓdḘEḙeḼLḽlṊNṋnṰTṱtṶUṷu" },
  { 0x032e, 220, "ḪHḫh" },
  { 0x0330, 220, "ḚEḛeḬIḭiṴUṵu" },
  { 0x0331, 220, "ḆBḇbḎDḏdḴKḵkḺLḻlṈNṉnṞRṟrṮTṯtẔZẕzẖh" },
  { 0x0338, 1, "↚←↛→↮↔⇍⇐⇎⇔⇏⇒∄∃∉∈∌∋∤∣∦∥≁∼≄≃≇≅≉≈≠=≢≡≭≍≮<≯>≰≤≱≥≴≲≵≳≸≶≹≷⊀≺⊁≻⊄⊂\z
    ⊅⊃⊈⊆⊉⊇⊬⊢⊭⊨⊮⊩⊯⊫⋠≼⋡≽⋢⊑⋣⊒⋪⊲⋫⊳⋬⊴⋭⊵" },
  { 0x0342, 230, "ἆἀἇἁἎἈἏἉἦἠἧἡἮἨἯἩἶἰἷἱἾἸἿἹὖὐὗὑὟὙὦὠὧὡὮὨὯὩᾶα῁¨ῆη῏᾿ῖιῗϊ῟῾ῦυῧϋ\z
    ῶω" },
  { 0x0345, 240, "ᾀἀᾁἁᾂἂᾃἃᾄἄᾅἅᾆἆᾇἇᾈἈᾉἉᾊἊᾋἋᾌἌᾍἍᾎἎᾏἏᾐἠᾑἡᾒἢᾓἣᾔἤᾕἥᾖἦᾗἧᾘἨᾙἩᾚἪᾛἫ\z
    ᾜἬᾝἭᾞἮᾟἯᾠὠᾡὡᾢὢᾣὣᾤὤᾥὥᾦὦᾧὧᾨὨᾩὩᾪὪᾫὫᾬὬᾭὭᾮὮᾯὯᾲὰᾳαᾴάᾷᾶᾼΑῂὴῃηῄήῇῆῌΗῲὼῳωῴώῷῶῼΩ" },
  { 0x0653, 230, "آا" },
  { 0x0654, 230, "أاؤوئيۀەۂہۓے" },
  { 0x0655, 220, "إا" },
  { 0x3099, 8, "がかぎきぐくげけごこざさじしずすぜせぞそだたぢちづつでてどとばはびひぶふべへぼほゔうゞゝガカギキグクゲケゴコザサジシ\z
    ズスゼセゾソダタヂチヅツデテドトバハビヒブフベヘボホヴウヷワヸヰヹヱヺヲヾヽ" },
  { 0x309a, 8, "ぱはぴひぷふぺへぽほパハピヒプフペヘポホ" },
}

local decomposed, classes = {}, {}

for _, mark in ipairs(MARKS) do
  local code, class, pairs_of_letters = table.unpack(mark)
  classes[code] = class
  local letter
  for _, each in utf8.codes(pairs_of_letters) do
    if letter then
      decomposed[letter] = { each, code }
      letter = nil
    else
      letter = each
    end
  end
end

-- Hangul syllables are composed of two or three letters arithmetically.
local SYLLABLES, LEADS, VOWELS, TAILS = 0xAC00, 0x1100, 0x1161, 0x11A7
local VOWEL_COUNT, TAIL_COUNT, SYLLABLE_COUNT = 21, 28, 11172

local function add_syllable(codes, index)
  codes[#codes + 1] = LEADS + index // (VOWEL_COUNT * TAIL_COUNT)
  codes[#codes + 1] = VOWELS + index // TAIL_COUNT % VOWEL_COUNT
  local tail = index % TAIL_COUNT
  if tail > 0 then codes[#codes + 1] = TAILS + tail end
end

local function add_letter(codes, code)
  local parts = decomposed[code]
  if parts then
    add_letter(codes, parts[1])
    codes[#codes + 1] = parts[2]
  else
    codes[#codes + 1] = code
  end
end

local function decompose(text)
  local codes = {}
  for _, code in utf8.codes(text) do
    local index = code - SYLLABLES
    if index >= 0 and index < SYLLABLE_COUNT then add_syllable(codes, index)
    else add_letter(codes, code) end
  end
  return codes
end

-- Sorts the marks of one letter by class; the order within a class is kept.
local function order_marks(codes)
  for i = 2, #codes do
    local code, at = codes[i], i
    local class = classes[code] or 0
    while class > 0 and at > 1 and (classes[codes[at - 1]] or 0) > class do
      codes[at] = codes[at - 1]
      at = at - 1
    end
    codes[at] = code
  end
end

--- Decomposes the letters of a text into letters and marks.
-- @tparam string text in UTF-8
-- @treturn string the same for "é" in one character and in two
function unicode.decompose(text)
  if not text:find "[\x80-\xFF]" or not utf8.len(text) then return text end
  local codes = decompose(text)
  order_marks(codes)
  for i, code in ipairs(codes) do codes[i] = utf8.char(code) end
  return table.concat(codes)
end

--- The same key for all names that look the same: in any normal form, with or
-- without trailing spaces.
-- @tparam string name
-- @treturn string
function unicode.name_key(name)
  local key = unicode.decompose(name):gsub("[ \t\r\n]+$", "")
  return key
end

return unicode
