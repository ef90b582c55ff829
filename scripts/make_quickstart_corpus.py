#!/usr/bin/env python3
"""Writes data/quickstart: a small English->Chinese parallel corpus from a bilingual grammar.

The lexicon comes first, then English morphology, then the constructions. A construction is a
function that draws words which fit together, with rules that express them in both languages:

    140 | what did {you} {buy} {place} {past}? | {you}{past}{place}{buy}了什么？

This makes 140 sentences. A slot in braces has the same meaning on both sides; a verb in square
brackets agrees with the subject. The grammar reflects how the languages really differ: English marks
person, number and tense, and puts time and place last; Chinese counts with measure words, marks
aspect (了 过 着 正在), puts time and place before the verb, and leaves a question word where the
answer would be. Each English construction has exactly one Chinese one, so a sentence determines its
translation.

The files depend only on SEED and this script, which needs only Python's standard library.
"""
import argparse
import random
import re
from collections import Counter, namedtuple
from itertools import islice
from pathlib import Path

SEED = 2017
SPLITS = {"valid": 300, "test": 300}  # the rest is train
CANDIDATES = 8  # drawn for each pair that is kept
RAREST = 15  # each English word and Chinese character is so many times in train at least

# ----------------------------------------------------------------------------------- lexicon

# A slot's filling; with a person (I, he for every third singular, they) it can be a subject.
Phrase = namedtuple("Phrase", "en zh person", defaults=[None])
Noun = namedtuple("Noun", "en zh measure most kind")  # most: the largest number to count it to
Verb = namedtuple("Verb", "base past ing zh most kinds places")  # most: of its objects at a time
Activity = namedtuple("Activity", "base past ing object zh zh_object uses places")


def phrases(text):
    return [Phrase(*item.strip().rsplit(" ", 1)) for item in text.split("|")]


def table(row, text):
    return [row(*(cell.strip() for cell in line.split("|"))) for line in text.strip().split("\n")]


def nouns(text):
    kinds = (line.strip().split(": ") for line in text.strip().split("\n"))
    return {kind: [Noun(*noun.rsplit(" ", 3), kind) for noun in row.split(" | ")]
            for kind, row in kinds}


# Each noun with its measure word and the largest number that is natural with it.
NOUNS = nouns("""
    reading: book 书 本 20 | magazine 杂志 本 6
    letter: letter 信 封 6
    dictionary: dictionary 词典 本 3
    paper: ticket 票 张 12 | map 地图 张 3
    tool: pen 笔 支 8 | umbrella 雨伞 把 4 | bag 包 个 3 | cup 杯子 个 12
    key: key 钥匙 把 4
    furniture: table 桌子 张 8 | chair 椅子 把 20
    device: watch 手表 块 2 | computer 电脑 台 3 | phone 手机 部 2
    vehicle: car 汽车 辆 3 | bicycle 自行车 辆 4
    clothes: shirt 衬衫 件 4 | coat 大衣 件 2 | dress 裙子 条 3 | hat 帽子 顶 3
    pair: pair of shoes 鞋 双 3 | pair of socks 袜子 双 6
    fruit: apple 苹果 个 12 | orange 橙子 个 12 | tomato 西红柿 个 8 | pear 梨 个 8
    food: egg 鸡蛋 个 20 | fish 鱼 条 4
    dish: bowl of rice 米饭 碗 3 | bowl of noodles 面条 碗 3
    drink: cup of tea 茶 杯 4 | glass of milk 牛奶 杯 3 | bottle of water 水 瓶 4
    pet: cat 猫 只 4 | dog 狗 只 4 | bird 鸟 只 8
    animal: sheep 羊 只 20 | mouse 老鼠 只 4 | horse 马 匹 6
    person: child 孩子 个 12 | student 学生 个 20 | woman 女人 个 4
    kin: son 儿子 个 3 | daughter 女儿 个 3 | older brother 哥哥 个 3 | younger sister 妹妹 个 3
""")

# Two is 两 before a measure word and 二 inside a number.
NUMBERS = dict(zip((*range(1, 13), 20, 50, 100, 200, 2000, 3000), phrases(
    "one 一 | two 两 | three 三 | four 四 | five 五 | six 六 | seven 七 | eight 八 | nine 九"
    "| ten 十 | eleven 十一 | twelve 十二 | twenty 二十 | fifty 五十"
    "| one hundred 一百 | two hundred 两百 | two thousand 两千 | three thousand 三千")))
PRICES = {"fruit": (2, 3, 5), "reading": (20, 50), "pair": (50, 100), "clothes": (100, 200),
          "device": (2000, 3000)}

# Before a noun, a word of one syllable stands bare (新书), a longer one has 的 (红色的大衣).
COLOURS, NEW = phrases("red 红色的 | blue 蓝色的 | black 黑色的 | white 白色的"), phrases("new 新")
SIZES = phrases("big 大 | small 小")
QUALITIES = {"reading": NEW, "tool": COLOURS + NEW, "furniture": SIZES + NEW, "device": NEW,
             "vehicle": COLOURS + NEW, "clothes": COLOURS + NEW + phrases("beautiful 漂亮的"),
             "fruit": SIZES, "dictionary": NEW, "pet": SIZES + COLOURS[2:],
             "animal": SIZES + COLOURS[2:]}
GOODS = phrases("expensive 贵 | cheap 便宜 | new 新 | old 旧")  # after the noun, or with 比
ADJECTIVES = {"reading": GOODS + phrases("interesting 有意思"), "dictionary": GOODS, "tool": GOODS,
              "device": GOODS, "furniture": GOODS + SIZES, "vehicle": GOODS, "pair": GOODS,
              "clothes": GOODS + phrases("beautiful 漂亮"), "food": phrases("big 大 | fresh 新鲜"),
              "fruit": phrases("big 大 | fresh 新鲜 | sweet 甜"), "pet": phrases("small 小 | cute 可爱"),
              "animal": SIZES, "person": phrases("smart 聪明 | tall 高 | busy 忙")}

VERBS = {verb.base: verb for verb in table(Verb, """
    read  | read   | reading  | 看   | 2  | reading letter    | home library classroom park train
    write | wrote  | writing  | 写   | 3  | letter            | home library classroom train
    eat   | ate    | eating   | 吃   | 2  | fruit dish        | home kitchen restaurant train
    drink | drank  | drinking | 喝   | 3  | drink             | home kitchen restaurant train
    see   | saw    | seeing   | 看见 | 20 | pet animal person | park garden station
    draw  | drew   | drawing  | 画   | 4  | pet animal        | home school classroom park
    wash  | washed | washing  | 洗   | 4  | clothes pair      | home
    find  | found  | finding  | 找到 | 2  | tool key          | park school station library
    lose  | lost   | losing   | 丢   | 1  | tool key device   | park school station museum""")}
SHOPS = {"reading": "bookshop station", "dictionary": "bookshop",
         "fruit": "market supermarket", "food": "market supermarket", "paper": "museum",
         "clothes": "market beijing shanghai", "device": "beijing shanghai", "tool": "",
         "furniture": "", "vehicle": "", "pair": ""}  # where one buys what
VERBS["buy"] = Verb("buy", "bought", "buying", "买", 20, " ".join(SHOPS), None)

# Verb and object stand apart where Chinese has something between them: 看了两个小时电视.
ACTIVITIES = table(Activity, """
    read   | read     | reading   | books      | 看   | 书   | fun hours       | home library park
    drink  | drank    | drinking  | tea        | 喝   | 茶   | fun             | home garden
    drink  | drank    | drinking  | coffee     | 喝   | 咖啡 | fun             | home restaurant
    eat    | ate      | eating    | noodles    | 吃   | 面条 | fun             | home restaurant
    listen | listened | listening | to music   | 听   | 音乐 | fun hours       | home park
    watch  | watched  | watching  | television | 看   | 电视 | fun hours       | home
    play   | played   | playing   | football   | 踢   | 足球 | fun hours skill | school park
    play   | played   | playing   | basketball | 打   | 篮球 | fun hours skill | school park
    play   | played   | playing   | chess      | 下   | 棋   | fun hours skill | home park
    play   | played   | playing   | the piano  | 弹   | 钢琴 | fun hours skill | home school
    sing   | sang     | singing   |            | 唱   | 歌   | fun hours skill | home school park
    swim   | swam     | swimming  |            | 游   | 泳   | fun hours skill |
    run    | ran      | running   |            | 跑   | 步   | fun hours       | school park
    cook   | cooked   | cooking   |            | 做   | 饭   | fun chore skill | home kitchen
    work   | worked   | working   |            | 工作 |      | chore hours     | hospital bank museum
    study  | studied  | studying  | Chinese    | 学   | 中文 | chore hours     | home school library
    study  | studied  | studying  | English    | 学   | 英文 | chore hours     | home school library
    speak  | spoke    | speaking  | Chinese    | 说   | 中文 | skill           |
    speak  | spoke    | speaking  | English    | 说   | 英文 | skill           |
    wash   | washed   | washing   | clothes    | 洗   | 衣服 | chore           | home
    clean  | cleaned  | cleaning  | the room   | 打扫 | 房间 | chore           |""")

PLACES = {place.en.split()[-1].lower(): place for place in phrases(
    "at home 家 | at school 学校 | in the library 图书馆 | in the park 公园 | in the garden 花园"
    "| in the kitchen 厨房 | in the classroom 教室 | at the station 车站 | at the hospital 医院"
    "| at the bank 银行 | at the market 市场 | at the supermarket 超市 | at the bookshop 书店"
    "| at the restaurant 饭馆 | at the museum 博物馆 | on the train 火车上 | in Beijing 北京"
    "| in Shanghai 上海")}

# Where things are: a word for the side after the noun.
SPOTS = table(lambda en, zh, kinds: (Phrase(en, zh), kinds), """
    on the table          | 桌子上   | reading letter paper tool key device fruit dish drink
    on the chair          | 椅子上   | reading tool clothes pet
    in the bag            | 包里     | reading letter paper key device fruit
    in the box            | 盒子里   | reading letter paper key clothes pair fruit
    in the room           | 房间里   | furniture device person
    in the garden         | 花园里   | furniture pet animal person
    under the tree        | 树下面   | vehicle pet animal person
    in front of the house | 房子前面 | vehicle pet animal person
    behind the house      | 房子后面 | vehicle pet animal person""")

JOBS = phrases("doctor 医生 | teacher 老师 | student 学生 | driver 司机 | engineer 工程师 | artist 画家")
EXPERIENCES = table(lambda *cells: cells, """
    ridden a horse     | 骑 | 马
    driven a car       | 开 | 车
    eaten Chinese food | 吃 | 中国菜
    drunk Chinese tea  | 喝 | 中国茶
    been to Beijing    | 去 | 北京
    been to Shanghai   | 去 | 上海
    been to Japan      | 去 | 日本
    been to France     | 去 | 法国
    been to Canada     | 去 | 加拿大""")
ROUTINES = [("get up 起床 | morning 早上", (5, 6, 7, 8)), ("eat breakfast 吃早饭 | morning 早上", (6, 7)),
            ("go to school 去学校 | morning 早上", (7, 8)), ("go home 回家 | evening 晚上", (6, 7, 8)),
            ("eat dinner 吃晚饭 | evening 晚上", (6, 7)), ("go to bed 睡觉 | evening 晚上", (9, 10, 11))]

I, YOU, HE, SHE, WE, THEY = PRONOUNS = [
    Phrase("I", "我", "I"), Phrase("you", "你", "they"), Phrase("he", "他", "he"),
    Phrase("she", "她", "he"), Phrase("we", "我们", "they"), Phrase("they", "他们", "they")]
OBJECT = dict(zip(PRONOUNS, ("me", "you", "him", "her", "us", "them")))
POSSESSIVE = dict(zip(PRONOUNS, ("my", "your", "his", "her", "our", "their")))
PEOPLE = [Phrase("Li Ming", "李明", "he"), Phrase("Wang Fang", "王芳", "he"),
          Phrase("the teacher", "老师", "he"), Phrase("the doctor", "医生", "he")]
KIN = phrases("father 爸爸 | mother 妈妈 | older brother 哥哥 | younger brother 弟弟"
              "| older sister 姐姐 | younger sister 妹妹 | son 儿子 | daughter 女儿 | friend 的朋友")


def kin_of(*owners):
    """Kin has no 的 after a pronoun (我妈妈), a friend has (我的朋友)."""
    return [Phrase(f"{POSSESSIVE[owner]} {kin.en}", owner.zh + kin.zh, "he")
            for owner in owners for kin in KIN]


def groups(*owners):
    return [Phrase("the students", "学生们", "they")] + [
        Phrase(f"{POSSESSIVE[owner]} parents", f"{owner.zh}父母", "they") for owner in owners]


TOLD, ASKED = [I, HE, SHE, WE, THEY], [YOU, HE, SHE, THEY]  # I tell about myself, I ask about you
# Slots that fit anywhere: lists of which one is drawn, then a phrase of it.
SLOTS = {
    "who": [TOLD, TOLD, kin_of(I, YOU, HE, SHE), PEOPLE, groups(I, HE, SHE)],
    "you": [ASKED, ASKED, kin_of(YOU, HE, SHE), PEOPLE, groups(YOU, HE, SHE)],
    "she": [[I, HE, SHE], kin_of(I, YOU, HE, SHE), PEOPLE],
    "adult": [TOLD, PEOPLE, groups(I, HE, SHE)[1:]],
    "adult_you": [ASKED, PEOPLE, groups(YOU, HE, SHE)[1:]],
    "they": [TOLD],
    "one": [kin_of(I, YOU, HE, SHE), PEOPLE],
    "friend": [kin_of(I, YOU), PEOPLE],
    "us": [[WE, THEY]],
    "parents": [[WE, THEY], groups(I, YOU, HE, SHE)[1:]],
    "me": [[Phrase(OBJECT[who], who.zh) for who in PRONOUNS]],
    "past": [phrases("yesterday 昨天 | yesterday morning 昨天早上 | yesterday evening 昨天晚上"
                     "| last Sunday 上个星期日 | two days ago 两天前 | three days ago 三天前")],
    "last_year": [phrases("last week 上个星期 | last month 上个月 | last year 去年"
                          "| two years ago 两年前 | three weeks ago 三个星期前")],
    "tomorrow": [phrases("tomorrow 明天 | tomorrow morning 明天早上 | tomorrow evening 明天晚上")],
    "soon": [phrases("tomorrow 明天 | tomorrow morning 明天早上 | this evening 今天晚上"
                     "| next Sunday 下个星期日")],
    "next_year": [phrases("next week 下个星期 | next month 下个月 | next year 明年")],
    "daily": [phrases("every day 每天 | every morning 每天早上 | every evening 每天晚上")],
    "habit": [phrases("every day 每天 | every morning 每天早上 | every evening 每天晚上"
                      "| every Saturday 每个星期六 | every Sunday 每个星期日")],
    "town": [phrases("school 学校 | the library 图书馆 | the park 公园 | the station 车站"
                     "| the hospital 医院 | the bank 银行 | the market 市场 | the supermarket 超市"
                     "| the bookshop 书店 | the museum 博物馆")],
    "country": [phrases("Beijing 北京 | Shanghai 上海 | Japan 日本 | France 法国 | Canada 加拿大")],
    "by_bus": [phrases("by bus 坐公共汽车 | by bicycle 骑自行车 | by taxi 坐出租车 | on foot 走路")],
    "by_train": [phrases("by train 坐火车 | by plane 坐飞机")],
    "ill": [phrases("ill 生病了 | very tired 非常累 | very busy 非常忙")],
    "times": [phrases("once 一次 | twice 两次 | three times 三次 | many times 很多次")],
    "eaten": [phrases("eaten breakfast 吃早饭 | eaten lunch 吃午饭 | eaten dinner 吃晚饭"
                      "| bought the tickets 买票 | washed the clothes 洗衣服 | gone home 回家"
                      "| cleaned the room 打扫房间 | gone to school 去学校")],
}

# ------------------------------------------------------------------------ English morphology

PLURALS = {"child": "children", "woman": "women", "mouse": "mice", "fish": "fish", "sheep": "sheep"}
IRREGULAR = {"be": ("am", "is", "are"), "was": ("was", "was", "were"),
             "have": ("have", "has", "have")}


def plural(noun):
    """Books, watches, dictionaries, children, cups of tea."""
    head, of, rest = noun.partition(" of ")
    ending = "es" if re.search("(o|s|x|ch)$", head) else "s"
    return (PLURALS.get(head) or re.sub("ry$", "rie", head) + ending) + of + rest


def unmeasured(noun):
    """What one has none of: books, but tea where the noun is a cup of tea."""
    english = noun.en.partition(" of ")[2] or plural(noun.en)
    return Phrase(english, noun.zh, "he" if english in ("rice", "tea", "milk", "water") else "they")


def agree(person, words):
    """A verb, with what follows it, in the present: he studies Chinese, I am."""
    verb, space, rest = words.partition(" ")
    third = re.sub("dy$", "die", verb) + ("es" if re.search("(o|sh|ch)$", verb) else "s")
    forms = IRREGULAR.get(verb, (verb, third, verb))
    return forms[("I", "he", "they").index(person)] + space + rest


def comparative(adjective):
    if adjective in ("expensive", "beautiful", "interesting"):
        return "more " + adjective
    return {"big": "bigger", "cute": "cuter", "busy": "busier"}.get(adjective) or adjective + "er"


def article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


# --------------------------------------------------------------------- noun and place phrases

NOTHING = Phrase("", "")


def counted(number, noun, quality=NOTHING):
    """A number of things, with the noun's measure word: 两本新书."""
    name = f"{quality.en} {noun.en if number == 1 else plural(noun.en)}".strip()
    english = article(name) if number == 1 else f"{NUMBERS[number].en} {name}"
    return Phrase(english, NUMBERS[number].zh + noun.measure + quality.zh + noun.zh,
                  "he" if number == 1 else "they")


class Draw:
    """Draws from lists. Only random() is the same in every version of Python: it uses no other."""

    def __init__(self, seed):
        self._random = random.Random(seed).random

    def __call__(self, items):
        return items[int(self._random() * len(items))]

    def shuffled(self, items):
        return [item for _, item in sorted([(self._random(), item) for item in items],
                                           key=lambda keyed: keyed[0])]

    def noun(self, kinds):
        return self([noun for kind in kinds.split() for noun in NOUNS[kind]])

    def things(self, noun, most=20):
        """So many of a noun, small numbers more often, half of the time with a quality."""
        numbers = [number for number in NUMBERS if number <= min(int(noun.most), most)]
        qualities = self([[NOTHING], QUALITIES.get(noun.kind, [NOTHING])])
        return counted(self(self([numbers[:1], numbers[:3], numbers])), noun, self(qualities))

    def these(self, noun):
        """This book, those two books or these books; and what to compare it with: that one."""
        number = self([1, 1, 2, 3, None] if int(noun.most) > 2 else [1, 1, 2])
        sides = [("this", "这"), ("that", "那")] if number == 1 else [("these", "这"), ("those", "那")]
        (near, zhe), (far, na) = self((sides, sides[::-1]))
        count = NUMBERS[number] if number in (2, 3) else NOTHING
        measure = count.zh + noun.measure if number else "些"
        thing, one = (noun.en, "one") if number == 1 else (plural(noun.en), "")
        return (Phrase(f"{near} {count.en} {thing}", zhe + measure + noun.zh,
                       "he" if number == 1 else "they"),
                Phrase(f"{far} {count.en} {one}", na + measure))

    def place(self, names):
        """One of the places with 在, or half of the time none."""
        if not names or self((True, False)):
            return NOTHING
        place = PLACES[self(names.split())]
        return Phrase(place.en, "在" + place.zh)

    def activity(self, use, place=""):
        """To do, doing and where: an activity of a use, and one that can be at `place`."""
        what = self([row for row in ACTIVITIES if use in row.uses and place in row.places])
        zh = what.zh + what.zh_object
        return (Phrase(f"{what.base} {what.object}", zh), Phrase(f"{what.ing} {what.object}", zh),
                self.place(what.places))


# ------------------------------------------------------------------------------ constructions

RULES = []  # (how many, English, Chinese, the function that fills the slots that must fit)


def construction(rules):
    def add(function):
        lines = rules.replace("|\n", "|")
        RULES.extend(table(lambda count, *sides: (int(count), *sides, function), lines))
        return function
    return add


def fill(draw, english, chinese, function):
    """One pair: the slots filled, the bracketed verbs agreeing with the first person named."""
    names = re.findall(r"{(\w+)}", english)
    slots = function(draw)
    for name in names:
        if name not in slots:
            slots[name] = draw(draw(SLOTS[name]))
    person = next((slots[name].person for name in names if slots[name].person), None)
    english = english.format(**{name: phrase.en for name, phrase in slots.items()})
    english = re.sub(r"\[(.+?)\]", lambda verb: agree(person, verb[1]), english)
    english = re.sub(r" ([.?,])", r"\1", " ".join(english.split()))
    return (english[0].upper() + english[1:],
            chinese.format(**{name: phrase.zh for name, phrase in slots.items()}))


@construction("""
    450 | {who} {bought} {things} {place} {past}. | {who}{past}{place}{bought}了{things}。
    110 | what did {you} {buy} {place} {past}?    | {you}{past}{place}{buy}了什么？
     80 | {who} did not {find} any {keys} {past}. | {who}{past}没有{find}{keys}。
     80 | did {you} {find} any {keys} {past}?     | {you}{past}{find}{keys}了吗？""")
def past(draw):
    verb = VERBS[draw(["buy", "buy", *VERBS])]
    other, noun = VERBS[draw("find buy eat drink draw".split())], draw.noun(verb.kinds)
    return {"buy": Phrase(verb.base, verb.zh), "bought": Phrase(verb.past, verb.zh),
            "things": draw.things(noun, int(verb.most))._replace(person=None),
            "place": draw.place(SHOPS[noun.kind] if verb.base == "buy" else verb.places),
            "find": Phrase(other.base, other.zh), "keys": unmeasured(draw.noun(other.kinds))}


@construction("""
    110 | {who} bought {apples} and {oranges} {past}. | {who}{past}买了{apples}和{oranges}。
     80 | {one} gave {me} {gift} {last_year}.         | {one}{last_year}给了{me}{gift}。
     80 | {one} bought {gift} for {me} {last_year}.   | {one}{last_year}给{me}买了{gift}。""")
def buying(draw):
    kind = draw(["fruit", "fruit", "clothes", "reading", "tool"])
    first, second = draw.noun(kind), draw.noun(kind)
    while second == first:
        second = draw.noun(kind)
    return {"apples": draw.things(first, 8), "oranges": draw.things(second, 8),
            "gift": draw.things(draw.noun("reading dictionary tool clothes pair fruit"), 3)}


@construction("""
     90 | the {book} that {who} bought {past} is {new}.       | {who}{past}买的那{book}很{new}。
     80 | the two {books} that {who} bought {past} are {new}. | {who}{past}买的那两{books}很{new}。""")
def relative_clause(draw):
    noun = draw.noun("reading dictionary tool furniture device vehicle clothes pair fruit")
    return {"book": Phrase(noun.en, noun.measure + noun.zh), "new": draw(ADJECTIVES[noun.kind]),
            "books": Phrase(plural(noun.en), noun.measure + noun.zh)}


@construction("""
    100 | {these} [be] {big}.                 | {these}很{big}。
     80 | {these} [be] very {big}.            | {these}非常{big}。
     80 | {these} [be] not {big}.             | {these}不{big}。
     80 | [be] {these} {big}?                 | {these}{big}吗？
    220 | {these} [be] {bigger} than {those}. | {these}比{those}{big}。
     50 | where did {you} buy {goods}?        | {you}是在哪里买{goods}的？
     50 | when did {you} buy {goods}?         | {you}是什么时候买{goods}的？
     25 | may I borrow {lent}?                | 我可以借{lent}吗？
     25 | you may borrow {lent}.              | 你可以借{lent}。
     25 | the students may not borrow {lent}. | 学生们不可以借{lent}。
    100 | {priced} [cost] {fifty} yuan.       | {priced}{fifty}块钱。
     50 | how much [do] {priced} cost?        | {priced}多少钱？""")
def demonstratives(draw):
    noun = draw(NOUNS[draw([kind for kind in ADJECTIVES if kind != "person"])])
    (these, those), big = draw.these(noun), draw(ADJECTIVES[noun.kind])
    priced = draw.noun(" ".join(PRICES))
    return {"these": these, "those": those, "big": big,
            "bigger": Phrase(comparative(big.en), big.zh),
            "goods": draw.these(draw.noun("tool device vehicle clothes pair furniture"))[0],
            "lent": draw.these(draw.noun("reading dictionary tool"))[0],
            "priced": draw.these(priced)[0], "fifty": NUMBERS[draw(PRICES[priced.kind])]}


@construction("""
     60 | {one} is {taller} than {me}.                   | {one}比{me}{tall}。
     50 | {one} is as {tall} as {me}.                    | {one}跟{me}一样{tall}。
     50 | {one} is not as {tall} as {me}.                | {one}没有{me}{tall}。
     40 | {my} {brother} is {years} older than {owner}.  | {my}{brother}比{owner}大{years}。
     40 | {my} {sister} is {years} younger than {owner}. | {my}{sister}比{owner}小{years}。
     80 | {my} {son} is {age} years old.                 | {my}{son}{age}岁。
     10 | how old is {my} {son}?                         | {my}{son}几岁？
    100 | {he} is {a_doctor}.                            | {he}是{a_doctor}。
     60 | {he} is not {a_doctor}.                        | {he}不是{a_doctor}。
     60 | is {he} {a_doctor}?                            | {he}是{a_doctor}吗？
     35 | {parents} are {doctors}.                       | {parents}是{doctors}。
     35 | {parents} are not {doctors}.                   | {parents}不是{doctors}。
     35 | are {parents} {doctors}?                       | {parents}是{doctors}吗？""")
def people(draw):
    owner, years, tall = draw([I, YOU, HE, SHE]), draw(range(1, 9)), draw(ADJECTIVES["person"])
    job = draw(JOBS)
    return {"tall": tall, "taller": Phrase(comparative(tall.en), tall.zh),
            "my": Phrase(POSSESSIVE[owner], owner.zh), "owner": Phrase(OBJECT[owner], owner.zh),
            "brother": draw(KIN[2:5:2]), "sister": draw(KIN[3:6:2]),
            "son": draw(KIN[3:4] + KIN[5:8]), "age": NUMBERS[draw(range(3, 13))],
            "years": Phrase("a year" if years == 1 else f"{NUMBERS[years].en} years",
                            f"{NUMBERS[years].zh}岁"),
            "he": draw(draw([[HE, SHE], kin_of(I, YOU, HE, SHE), PEOPLE[:2]])),
            "a_doctor": Phrase(article(job.en), job.zh), "doctors": Phrase(plural(job.en), job.zh)}


@construction("""
     80 | {who} went to {town} {past}.                       | {who}{past}去了{town}。
     80 | {who} did not go to {town} {past}.                 | {who}{past}没有去{town}。
     70 | did {you} go to {town} {past}?                     | {you}{past}去{town}了吗？
    110 | {they} went to {town} with {friend} {past}.        | {they}{past}和{friend}一起去了{town}。
    110 | {they} did not go to {town} {past} because {they} [was] {ill}. |
          因为{they}{ill}，所以{they}{past}没有去{town}。
     70 | {who} will go to {town} {soon}.                    | {who}{soon}要去{town}。
     70 | {who} will not go to {town} {soon}.                | {who}{soon}不去{town}。
     60 | will {you} go to {town} {soon}?                    | {you}{soon}要去{town}吗？
     70 | {who} [want] to go to {town} {soon}.               | {who}{soon}想去{town}。
     50 | {who} [do] not want to go to {town} {soon}.        | {who}{soon}不想去{town}。
     50 | [do] {you} want to go to {town} {soon}?            | {you}{soon}想去{town}吗？
     20 | who wants to go to {town} {soon}?                  | 谁{soon}想去{town}？
    120 | {who} [go] to {town} {by_bus} {habit}.             | {who}{habit}{by_bus}去{town}。
     50 | how [do] {you} go to {town} {habit}?               | {you}{habit}怎么去{town}？
     80 | {who} went to {country} {by_train} {last_year}. | {who}{last_year}{by_train}去了{country}。
     40 | how did {you} go to {country} {last_year}?         | {you}{last_year}是怎么去{country}的？
     40 | when did {you} go to {country}?                    | {you}是什么时候去{country}的？
     60 | {who} will go to {country} {next_year}.            | {who}{next_year}要去{country}。
     50 | {who} [want] to go to {country} {next_year}.       | {who}{next_year}想去{country}。
     40 | when will {you} go to {country}?                   | {you}什么时候去{country}？
     80 | {who} [have] {been} {times}.                       | {who}{been}过{times}{there}。
     70 | {who} [have] never {been}.                         | {who}从来没有{been}过{there}。
     70 | [have] {you} ever {been}?                          | {you}{been}过{there}吗？
     70 | {who} [have] already {eaten}.                      | {who}已经{eaten}了。
     70 | {who} [have] not {eaten} yet.                      | {who}还没有{eaten}。""")
def going(draw):
    english, verb, thing = draw(EXPERIENCES)
    return {"been": Phrase(english, verb), "there": Phrase("", thing)}


@construction("""
    320 | {who} [{run}] {place} {habit}.                     | {who}{habit}{place}{run}。
    170 | {who} often [{run}] {place}.                       | {who}常常{place}{run}。
     80 | {who} [do] not {run} {place}.                      | {who}不{place}{run}。
     70 | [do] {you} {run} {habit}?                          | {you}{habit}{run}吗？
     60 | where [do] {you} {run} {habit}?                    | {you}{habit}在哪里{run}？
    220 | {who} [be] {running} {place}.                      | {who}正{at}{running}。
     70 | [be] {you} {running}?                              | {you}在{running}吗？
     45 | who is {running} {place}?                          | 谁{at}{running}？
     80 | {who} [like] to {sing} {somewhere}.                | {who}喜欢{somewhere}{sing}。
     60 | {who} also [like] to {sing}.                       | {who}也喜欢{sing}。
     20 | {us} all like to {sing}.                           | {us}都喜欢{sing}。
     60 | {who} [do] not like to {sing}.                     | {who}不喜欢{sing}。
     60 | [do] {you} like to {sing} {somewhere}?             | {you}喜欢{somewhere}{sing}吗？
     50 | {who} can {swim}.                                  | {who}会{swim}。
     50 | {who} cannot {swim}.                               | {who}不会{swim}。
     50 | can {you} {swim}?                                  | {you}会{swim}吗？
    100 | {who} must {work} {soon}.                          | {who}{soon}必须{work}。
     60 | if it rains {tomorrow}, {who} will {stay} at home. | 如果{tomorrow}下雨，{who}就在家{stay}。
     60 | if the weather is good {tomorrow}, {who} will {play} in the park. |
          如果{tomorrow}天气好，{who}就在公园{play}。
    190 | {who} {watched} {tv} for {hours} {past}.           | {who}{past}{watched}了{hours}{tv}。
    160 | {who} [{drink}] {cups} {daily}.                    | {who}{daily}{drink}{cups}。
     90 | what [be] {you} {buying}?                          | {you}在{buying}什么？""")
def doing(draw):
    run, running, place = draw.activity(draw(["fun", "chore"]))
    sing, _, somewhere = draw.activity("fun")
    lasting, hours = draw([row for row in ACTIVITIES if "hours" in row.uses]), draw([1, 2, 3, 4])
    verb, other = VERBS[draw(["eat", "drink"])], VERBS[draw("buy write eat draw".split())]
    return {"run": run, "running": running, "place": place, "sing": sing, "somewhere": somewhere,
            "at": Phrase("", place.zh or "在"),  # 正在 and 在图书馆 make 正在图书馆
            "swim": draw.activity("skill")[0], "work": draw.activity("chore")[0],
            "stay": draw.activity("fun", "home")[0], "play": draw.activity("fun", "park")[0],
            "watched": Phrase(lasting.past, lasting.zh),
            "tv": Phrase(lasting.object, lasting.zh_object),
            "hours": Phrase("an hour" if hours == 1 else f"{NUMBERS[hours].en} hours",
                            f"{NUMBERS[hours].zh}个小时"),
            "drink": Phrase(verb.base, verb.zh),
            "cups": counted(draw([1, 2]), draw.noun(verb.kinds)),
            "buying": Phrase(other.ing, other.zh)}


@construction("""
    110 | {she} [be] wearing {a_coat}.  | {she}{wear}着{a_coat}。
     80 | {who} [like] {cats}.          | {who}喜欢{cats}。
     60 | {who} also [like] {cats}.     | {who}也喜欢{cats}。
     60 | {who} [do] not like {cats}.   | {who}不喜欢{cats}。
     60 | [do] {you} like {cats}?       | {you}喜欢{cats}吗？""")
def liking(draw):
    coat, quality = draw([noun for noun in NOUNS["clothes"] if noun.en != "dress"]), NOTHING
    noun = draw.noun("pet animal fruit food drink clothes")
    if noun.kind == "clothes":
        quality = draw(COLOURS)
    return {"a_coat": counted(1, coat, draw(QUALITIES["clothes"])),
            "wear": Phrase("", "戴" if coat.en == "hat" else "穿"),
            "cats": Phrase(f"{quality.en} {unmeasured(noun).en}", quality.zh + noun.zh)}


@construction("""
    130 | {who} [{get_up}] at {six} every {morning}.        | {who}每天{morning}{six}{get_up}。
     70 | {who} will {get_up} at {six} tomorrow {morning}.  | {who}明天{morning}{six}{get_up}。
     60 | what time [do] {you} {get_up} every {morning}?    | {you}每天{morning}几点{get_up}？""")
def clock(draw):
    words, hours = draw(ROUTINES)
    (act, day), hour = phrases(words), NUMBERS[draw(hours)]
    six = Phrase(f"{hour.en} o'clock", hour.zh + "点")
    half_past = Phrase(f"half past {hour.en}", hour.zh + "点半")
    return {"get_up": act, "morning": day, "six": draw([six, half_past])}


@construction("""
    120 | {adult} [have] {things}.                      | {adult}有{things}。
     60 | {adult} [do] not have {any}.                  | {adult}没有{any}。
     60 | [do] {adult_you} have {any}?                  | {adult_you}有{any}吗？
     60 | how many {books} [do] {adult_you} have?       | {adult_you}有几{books}？""")
def having(draw):
    noun = draw.noun("reading dictionary tool device vehicle pet kin")
    one = int(noun.most) <= 3 and noun.kind != "kin"
    return {"things": draw.things(noun, 12),
            "books": Phrase(plural(noun.en), noun.measure + noun.zh),
            "any": Phrase(article(noun.en) if one else f"any {plural(noun.en)}", noun.zh)}


@construction("""
    270 | there [be] {things} {on_the_table}.           | {on_the_table}有{things}。
     70 | there [be] no {books} {on_the_table}.         | {on_the_table}没有{books}。
     70 | [be] there any {books} {on_the_table}?        | {on_the_table}有{books}吗？
     70 | how many {number} are there {on_the_table}?   | {on_the_table}有几{number}？
     80 | {mine} [be] {in_the_bag}.                     | {mine}在{in_the_bag}。
     60 | {mine} [be] not {in_the_bag}.                 | {mine}不在{in_the_bag}。
     50 | where [be] {mine}?                            | {mine}在哪里？
     90 | {one} put {mine} {in_the_bag}.                | {one}把{mine}放在{in_the_bag}了。""")
def place(draw):
    (spot, kinds), (bag, small), owner = draw(SPOTS), draw(SPOTS[:4]), draw(PRONOUNS)
    noun, own = draw.noun(kinds), draw.noun(small)
    while own.kind in ("pet", "dish", "drink"):
        own = draw.noun(small)
    many = own.kind == "pair" or int(own.most) > 3 and draw((True, False))
    mine = Phrase(f"{POSSESSIVE[owner]} {unmeasured(own).en if many else own.en}",
                  f"{owner.zh}的{own.zh}", "they" if many else "he")
    return {"on_the_table": spot, "things": draw.things(noun), "in_the_bag": bag, "mine": mine,
            "books": unmeasured(noun),
            "number": Phrase(plural(noun.en), noun.measure + noun.zh)}


@construction("""
     90 | {this} [be] {whose} {thing}.      | {this}是{whose}的{thing}。
     60 | {this} [be] not {whose} {thing}.  | {this}不是{whose}的{thing}。
     60 | [be] {this} {whose} {thing}?      | {this}是{whose}的{thing}吗？
     60 | whose {thing} [be] {this}?        | {this}是谁的{thing}？""")
def possession(draw):
    noun = draw.noun("reading dictionary tool key device vehicle clothes")
    owner = draw(draw([PRONOUNS, kin_of(I, YOU, HE, SHE), PEOPLE]))
    this = draw([Phrase("this", "这", "he"), Phrase("that", "那", "he"),
                 Phrase("these", "这些", "they"), Phrase("those", "那些", "they")])
    return {"this": this, "whose": Phrase(POSSESSIVE.get(owner) or owner.en + "'s", owner.zh),
            "thing": Phrase(noun.en if this.person == "he" else plural(noun.en), noun.zh)}


# ------------------------------------------------------------------------------------ corpus


def units(source, target):
    """The English words and Chinese characters of a pair, in order."""
    return re.findall(r"[a-z]+|'s", source.lower()) + list(target)


def generate(draw):
    """All pairs in random order, no sentence twice on either side."""
    pairs, taken, seen = [], set(), Counter()
    for rule in draw.shuffled([rule for count, *rule in RULES for _ in range(count)]):
        drawn = (fill(draw, *rule) for _ in range(500))
        candidates = list(islice((pair for pair in drawn if taken.isdisjoint(pair)), CANDIDATES))
        if not candidates:
            raise SystemExit(f"This rule has fewer different pairs than asked for: {rule[0]}")
        # The one with the rarest word, so that every word is seen often.
        pair = min(candidates, key=lambda pair: min(seen[unit] for unit in units(*pair)))
        pairs.append(pair)
        taken.update(pair)
        seen.update(units(*pair))
    return draw.shuffled(pairs)


def check(splits):
    """Stops unless the corpus keeps its promises."""
    def require(kept, promise):
        if not kept:
            raise SystemExit(f"The corpus breaks a promise: {promise}.")

    everything = [pair for pairs in splits.values() for pair in pairs]
    require(6000 <= len(everything) <= 9000, f"6000 to 9000 pairs, not {len(everything)}")
    for side in zip(*everything):
        require(len(set(side)) == len(side), "no sentence occurs twice, in or across the splits")
    seen = Counter(unit for pair in splits["train"] for unit in units(*pair))
    rare = sorted({unit for pair in everything for unit in units(*pair) if seen[unit] < RAREST})
    require(not rare, f"all words are {RAREST} times in train, not {[(r, seen[r]) for r in rare]}")
    for source, target in everything:
        require((source[-1], target[-1]) in ((".", "。"), ("?", "？")), f"full stops: {source}")
        require(not re.search(r"[\x00-\x7f]", target), f"only Chinese characters: {target}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: data/quickstart",
                        default=Path(__file__).resolve().parent.parent / "data" / "quickstart")
    output = parser.parse_args().output
    pairs, splits = generate(Draw(SEED)), {}
    for name, size in SPLITS.items():
        splits[name], pairs = pairs[:size], pairs[size:]
    splits["train"] = pairs
    check(splits)
    output.mkdir(parents=True, exist_ok=True)
    for name, pairs in splits.items():
        for language, lines in zip(("en", "zh"), zip(*pairs)):
            (output / f"{name}.{language}").write_bytes("".join(f"{x}\n" for x in lines).encode())
        print(f"{output / name}.{{en,zh}}: {len(pairs)} pairs")


if __name__ == "__main__":
    main()
