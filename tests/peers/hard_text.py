"""Lines that break naive tokenizers: every kind that the metrics must agree on, from a seed."""
import random
import string
import unicodedata

SCRIPTS = [
    "the quick brown fox jumps over lazy dogs don't it's Dogs' CATS",
    "naïve Ærøskøbing Straße STRASSE œuvre Łódź İstanbul ısı ǅungla ﬁnal Kelvin Å",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ σας Σ ΑΣ. ΑΣ' ἀνθρωπος ΌΣΟΣ·ΑΣ",
    "Москва МОСКВА ёлка Ѝ україна",
    "مرحبا بالعالم ١٢٣ العربية،؟ שלום עולם תּוֹרָה",
    "नमस्ते दुनिया क्षेत्र १२३ ภาษาไทย สวัสดี தமிழ்",
    "你好世界 今天天气很好。我们去公园,好吗? 「引用」『書』〇 𠀋𪜈 々",
    "こんにちは カタカナ ｶﾀｶﾅ ひらがな漢字 ー・ゝ 한국어 안녕하세요 ㄅㄆㄇ",
    "ქართული ᲥᲐᲠᲗᲣᲚᲘ Ꭰꭰ 𐐀𐐨 𞤀𞤢 Հայերեն",
]
PUNCTUATION = list(string.punctuation) + list("«»„“”‘’—–…¿¡、。，．！？：；（）「」・·†‡§¶‰′″‹›⁂※٪؟،।॥")
SYMBOLS = list("€£¥₹©®™°±×÷√∞≠≤≥←→↔⇒■□▲●☆★♪♫♠♥✓✗☀☎№℃①②⑩㈱㍿㎡½¾²³₂ⅧⅣ^`~|+<=>$")
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "1️⃣", "❤️", "☺", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🧑🏿‍🚀", "♂️"]
SPACES = list(" \t\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2009\u200a\u2028\u2029\u202f\u205f"
              "\u3000")
NOT_SPACES = list("\u200b\u200c\u200d\u2060\u00ad\u180e\u200e\u200f\u202a\u202e\u2066\u2069")
CONTROLS = [chr(c) for c in (*range(1, 9), *range(14, 28), *range(127, 160), 0, 13)]
ENTITIES = ["it's.", "'s", "&quot;", "&amp;", "&lt;", "&gt;", "&amp;lt;", "&amp;amp;quot;",
            "&apos;", "&#39;", "&quot", "&", "&lt;skipped&gt;", "<skipped>", "<skip<skipped>ped>", "&nbsp;",
            "-", "<br/>"]
NUMBERS = ["1,234.5", "1.234,56", "3.14", "3.14.", ",5", "5,", ".5", "5.", "1.2.3", "1,2,3",
           "12-34", "12-", "-12", "–5", "1/2", "10:30", "50%", "$5.00", "5€", "1e-5", "2.-3", "1..2", "1.,2",
           "1 234", "1\u00a0234", "1'234", "1٬234٫5", "१,२३४", "０．５", "１，２３４", "٣٫١٤", "Ⅷ.", "½.",
           "²,3"]
RANDOM_RANGES = [(0x20, 0x7f), (0xa0, 0x250), (0x300, 0x530), (0x590, 0x900), (0x2000, 0x2c00),
                 (0x2e80, 0x3400), (0xa640, 0xab70), (0xf900, 0x10000), (0x10000, 0x10450),
                 (0x1d400, 0x1d800), (0x1f000, 0x1fb00)]


def assigned_character(rng):
    """A character that Unicode 14 (Python 3.11) knows; newer ones depend on the libraries' age."""
    while True:
        character = chr(rng.randrange(*rng.choice(RANDOM_RANGES)))
        if unicodedata.category(character) not in ("Cn", "Cs") and character != "\ufeff":
            return character


def words(rng, most=8):
    return rng.choices(rng.choice(SCRIPTS).split(), k=rng.randint(1, most))


def combining(rng):
    return " ".join("".join(c + "".join(chr(rng.randrange(0x300, 0x370))
                                        for _ in range(rng.randint(0, 3))) for c in word)
                    for word in words(rng, 4))


def mixed(rng):
    parts = [rng.choice(rng.choice(SCRIPTS).split()) for _ in range(rng.randint(2, 10))]
    return "".join(part + rng.choice([" ", " ", "", rng.choice(PUNCTUATION)]) for part in parts)


def scattered(kind):
    """Words with things of `kind` at, between and inside them."""
    def line(rng):
        text = " ".join(words(rng))
        for _ in range(rng.randint(1, 5)):
            place = rng.randint(0, len(text))
            text = text[:place] + rng.choice(kind) + text[place:]
        return text
    return line


def full_width(rng):
    text = " ".join(rng.choices(SCRIPTS[0].split() + NUMBERS, k=rng.randint(1, 6)))
    return "".join(chr(ord(c) + 0xfee0) if "!" <= c <= "~" and rng.random() < 0.8 else c
                   for c in text)


KINDS = [
    lambda rng: "",
    lambda rng: rng.choice([" ", "\t", "\u3000 ", "\xa0"]),
    lambda rng: rng.choice(words(rng)),
    lambda rng: rng.choice(PUNCTUATION + SYMBOLS + EMOJI),
    lambda rng: "".join(rng.choices(PUNCTUATION, k=rng.randint(1, 12))),
    lambda rng: " ".join(rng.choices(PUNCTUATION + SYMBOLS, k=rng.randint(1, 12))),
    lambda rng: " ".join(words(rng)),
    mixed,
    mixed,
    combining,
    scattered(EMOJI),
    lambda rng: rng.choice("\u202b\u2067\u200f") + " ".join(words(rng)) + "\u202c!",
    full_width,
    scattered(SPACES),
    scattered(NOT_SPACES),
    scattered(CONTROLS),
    scattered(SYMBOLS),
    scattered(PUNCTUATION),
    lambda rng: "".join(rng.choice(ENTITIES + words(rng) + [" "])
                        for _ in range(rng.randint(1, 9))),
    lambda rng: rng.choice([" ", ""]).join(rng.choices(NUMBERS, k=rng.randint(1, 6))),
    scattered(NUMBERS),
    lambda rng: "".join(assigned_character(rng) for _ in range(rng.randint(1, 30))),
    lambda rng: " ".join([rng.choice(words(rng))] * rng.randint(2, 15)),
]


def hard_line(rng):
    return rng.choice(KINDS)(rng).rstrip()


def damage(line, rng):
    """A translation that went wrong: words moved, lost, repeated, characters and case changed."""
    draw = rng.random()
    if draw < 0.1:
        return line
    if draw < 0.2:
        return hard_line(rng)
    pieces = line.split(" ") if rng.random() < 0.7 else list(line)
    joiner = " " if len(pieces) < len(line) else ""
    for _ in range(rng.randint(1, 4)):
        if not pieces:
            break
        begin = rng.randrange(len(pieces))
        run = pieces[begin:begin + rng.randint(1, 3)]
        kind = rng.randrange(5)
        if kind < 3:
            del pieces[begin:begin + len(run)]
        if kind in (1, 2, 3):
            place = rng.randint(0, len(pieces))
            pieces[place:place] = run
        if kind == 4:
            piece = pieces[begin]
            pieces[begin] = rng.choice([piece.swapcase(), piece + rng.choice(".,'s"),
                                        hard_line(rng)])
    return joiner.join(pieces).rstrip()


def long_line(rng, num_words):
    vocabulary = [word for script in SCRIPTS for word in script.split()] + NUMBERS
    return " ".join(rng.choices(vocabulary, k=num_words))


def hard_lines(count, seed):
    rng = random.Random(seed)
    return [hard_line(rng) for _ in range(count)]
