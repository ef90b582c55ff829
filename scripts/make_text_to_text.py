#!/usr/bin/env python3
"""Writes the texts of three small tasks that turn a line of text into another, as TSV files.

usage: scripts/make_text_to_text.py [--output data/text-to-text] [--task NAME]... [--seed N]

    dialogue    what a customer wrote so far        -> the shop's answer
    sentiment   a review of one or two sentences    -> positive or negative
    list        the first items of a list           -> the next one

Each task is a function that draws an input and its only right answer. OUTPUT/TASK/{train,valid,test}.tsv
share no input, so that a model has to understand how the words go together: which clause of a review
decides and what "not" does to it, what the dialogue is about, by which rule a list goes on. The files
depend only on the seed and this script, which needs only Python's standard library.
"""
import argparse
import random
from pathlib import Path

VALID, TEST = 300, 500  # Pairs.
HELD_OUT = VALID + TEST


def items(text):
    return [item.strip() for item in text.split(",")]


def sentence(text):
    """With a capital letter at the start, and without the gaps that empty slots left."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:]


# --------------------------------------------------------------------------------- sentiment

ASPECTS = items("room, breakfast, view, service, film, ending, story, music, actor, book, plot, soup, "
                "coffee, menu, waiter, concert, singer, phone, screen, battery, camera, lesson, "
                "teacher, trip, guide, beach, museum, game, delivery, price, bed, garden")
ADJECTIVES = {
    "positive": items("good, great, excellent, wonderful, lovely, perfect, charming, brilliant, "
                      "delightful, superb, pleasant, impressive, fantastic, splendid, amazing"),
    "negative": items("bad, awful, terrible, horrible, poor, boring, disappointing, dreadful, "
                      "unpleasant, useless, annoying, dull, miserable, nasty, mediocre")}
VERBS = {"positive": ["loved/love", "liked/like", "enjoyed/enjoy", "admired/admire",
                      "recommended/recommend"],
         "negative": ["hated/hate", "disliked/dislike", "regretted/regret", "despised/despise",
                      "complained about/complain about"]}
DEGREES = ["", "", "very", "really", "quite", "truly"]
OTHER = {"positive": "negative", "negative": "positive"}


def clause(draw, feeling):
    """A statement about one thing. Half of them say the opposite of the opposite."""
    aspect = draw.choice(ASPECTS)
    same, other = draw.choice(ADJECTIVES[feeling]), draw.choice(ADJECTIVES[OTHER[feeling]])
    past, _ = draw.choice(VERBS[feeling]).split("/")
    _, base = draw.choice(VERBS[OTHER[feeling]]).split("/")
    degree = draw.choice(DEGREES)
    return draw.choice([
        f"the {aspect} was {degree} {same}",
        f"we found the {aspect} {degree} {same}",
        f"I {past} the {aspect}",
        f"everybody {past} the {aspect}",
        f"the {aspect} was not {degree} {other}",
        f"nobody would call the {aspect} {other}",
        f"I did not {base} the {aspect}",
        f"the {aspect} was anything but {other}"])


def sentiment(draw):
    feeling = draw.choice(["positive", "negative"])
    main = clause(draw, feeling)
    review = draw.choice([
        main,
        main,
        f"{main}, and {clause(draw, feeling)}",
        f"{clause(draw, OTHER[feeling])}, but {main}",
        f"although {clause(draw, OTHER[feeling])}, {main}",
        f"{main}, although {clause(draw, OTHER[feeling])}"])
    opening = draw.choice(["", "", "all in all,", "honestly,", "to be fair,"])
    return sentence(f"{opening} {review}."), feeling


# ---------------------------------------------------------------------------------- dialogue

COLOURS = items("black, white, red, blue, green, yellow, grey, brown, silver, golden")
PRODUCTS = items("lamp, chair, desk, sofa, shelf, mirror, clock, kettle, toaster, radio, jacket, "
                 "scarf, hat, umbrella, bag, watch, bicycle, helmet, tent, blanket, pillow, carpet, "
                 "keyboard, printer")
DAYS = items("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
CITIES = items("London, Paris, Berlin, Madrid, Rome, Vienna, Dublin, Lisbon, Oslo, Athens, Prague, "
               "Warsaw")
NAMES = items("Anna, Ben, Carla, David, Emma, Frank, Grace, Henry, Irene, Jack, Karen, Leo, Maria, "
              "Nina, Oscar, Paula, Robert, Sarah, Tom, Vera")
GREETINGS = ["", "Hello,", "Hi,", "Good morning,", "Good evening,"]

# What a customer may want: ways to say it | the answer. A slot stands for the same on both sides.
REQUESTS = [
    ("my {thing} has not arrived yet. / I am still waiting for my {thing}. / where is the {thing} that "
     "I ordered?",
     "I am sorry that your {thing} is late. I will ask the carrier where it is."),
    ("I want to send my {thing} back. / how do I return a {thing}? / I do not like the {thing} and "
     "want to return it.",
     "You can send the {thing} back within thirty days. I have sent you a label."),
    ("do you have a {thing}? / is there a {thing} in your shop? / I am looking for a {thing}.",
     "Yes, we have a {thing}. Shall I put it in your basket?"),
    ("please cancel my order of the {thing}. / I do not need the {thing} any more. / I ordered a "
     "{thing} by mistake.",
     "I have cancelled the {thing}. You will get your money back this week."),
    ("can you bring the {thing} on {day}? / I am only at home on {day}, when you bring the {thing}. / "
     "please deliver my {thing} on {day}.",
     "Of course. We will bring the {thing} on {day}."),
    ("I have moved to {city}. / my new address is in {city}. / please send it to {city} instead.",
     "Thank you. We will send your order to {city}."),
    ("when does your shop in {city} open on {day}? / is the shop in {city} open on {day}? / can I come "
     "to your shop in {city} on {day}?",
     "On {day}, our shop in {city} is open from nine to six."),
    ("please send me an invoice for order {number}. / I need the invoice of order {number}. / I lost "
     "the invoice for order {number}.",
     "I have sent you the invoice for order {number}."),
]

# A question that the shop asked first: what the customer had said, the question, and for each
# answer of the customer the shop's next one.
QUESTIONS = [
    ("my {thing} is broken. / the {thing} came with a scratch. / the {thing} that I bought does not "
     "work.",
     "I am sorry. Do you want a new one or your money back?",
     [("a new one, please. / I would like a new one. / send me another one.",
       "We will send you a new {thing}."),
      ("my money back, please. / I prefer the money. / just give me my money back.",
       "We will pay you back for the {thing}.")]),
    ("I want to speak to somebody about my {thing}. / can somebody call me about my {thing}? / I have "
     "questions about the {thing}.",
     "On which day may we call you?",
     [("on {day}, please. / {day} would be fine. / any time on {day}.",
       "We will call you on {day} about the {thing}."),
      ("I prefer an email. / no call, please, write to me. / can you write to me instead?",
       "We will write to you about the {thing}.")]),
    ("I got the wrong thing instead of my {thing}. / this is not the {thing} that I ordered. / you "
     "sent me something else and not the {thing}.",
     "I am sorry. Where shall we collect it?",
     [("in {city}. / my home is in {city}. / I live in {city}.",
       "We will collect it in {city} and bring the {thing}."),
      ("I will bring it to your shop in {city}. / I can come to the shop in {city}. / let me bring it "
       "to you in {city}.",
       "Our shop in {city} has the {thing} for you.")]),
]


def dialogue(draw):
    slots = {"thing": f"{draw.choice(COLOURS)} {draw.choice(PRODUCTS)}", "day": draw.choice(DAYS),
             "city": draw.choice(CITIES), "number": " ".join(draw.choices("0123456789", k=3))}

    def one_of(ways):
        return draw.choice(ways.split(" / ")).format(**slots)

    turn = draw.choice([*REQUESTS, *QUESTIONS])
    request, greeting = one_of(turn[0]), draw.choice(GREETINGS)
    name = draw.choice(NAMES) if draw.random() < 0.5 else None
    if name:
        greeting, request = f"{greeting} this is {name}.", sentence(request)
    said = f"Customer: {sentence(f'{greeting} {request}')}"
    if len(turn) == 2:
        answer = turn[1]
    else:
        reply, answer = draw.choice(turn[2])
        said += f" Shop: {turn[1]} Customer: {sentence(one_of(reply))}"
    answer = answer.format(**slots)
    if name:
        answer = f"Dear {name}, {answer if answer.startswith('I ') else answer[0].lower() + answer[1:]}"
    return said, answer


# -------------------------------------------------------------------------------------- list

MONTHS = items("January, February, March, April, May, June, July, August, September, October, "
               "November, December")
LETTERS = list("abcdefghijklmnopqrstuvwxyz")
WORDS = items("red, blue, green, cat, dog, horse, apple, pear, plum, bread, milk, tea, sun, moon, star, "
              "tree, leaf, root, north, south, ship, train, bus, one, two, chair, table, door, book, "
              "pen")


def steps_through(draw, circle, largest_step):
    """Every first, second, third ... item of a circle, forwards or backwards."""
    at, step = draw.randrange(len(circle)), draw.choice([-1, 1]) * draw.randint(1, largest_step)
    return [circle[(at + i * step) % len(circle)] for i in range(draw.randint(4, 6))]


def counting(draw):
    step, length = draw.randint(1, 5), draw.randint(4, 6)
    first = draw.randint(0, 59 - step * (length - 1))
    numbers = [first + step * i for i in range(length)]
    return [str(number) for number in (numbers if draw.random() < 0.5 else numbers[::-1])]


def repeating(draw):
    words = draw.sample(WORDS, draw.randint(2, 3))
    length = draw.randint(len(words) + 2, 2 * len(words) + 2)
    return [words[i % len(words)] for i in range(length)]


def next_item(draw):
    kind = draw.choice(["counting", "repeating", "days", "months", "letters"])
    sequence = {"counting": counting, "repeating": repeating,
                "days": lambda draw: steps_through(draw, DAYS, 2),
                "months": lambda draw: steps_through(draw, MONTHS, 3),
                "letters": lambda draw: steps_through(draw, LETTERS, 3)}[kind](draw)
    return ", ".join(sequence[:-1]), sequence[-1]


# ------------------------------------------------------------------------------------- files

# The function that draws a pair, and the size of train.
TASKS = {"dialogue": (dialogue, 10000), "sentiment": (sentiment, 20000), "list": (next_item, 20000)}


def is_held_out(source):
    """One input in eight is for valid and test alone, however often it is drawn."""
    return random.Random(source).random() < 1 / 8


def splits_of(task, seed):
    """The pairs of each split. Train has an input as often as it is drawn, the others once."""
    draw = random.Random(f"{task} {seed}")
    make, size = TASKS[task]
    train, held_out = [], {}
    while len(train) < size or len(held_out) < HELD_OUT:
        source, target = make(draw)
        if is_held_out(source):
            held_out[source] = target
        elif len(train) < size:
            train.append((source, target))
    held_out = list(held_out.items())[:HELD_OUT]
    return {"train": train, "valid": held_out[:VALID], "test": held_out[VALID:]}


def write(task, folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    for split, pairs in splits_of(task, seed).items():
        lines = [f"{source}\t{target}\n" for source, target in pairs]
        (folder / f"{split}.tsv").write_text("".join(lines), "utf8")


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, default=root / "data/text-to-text",
                        help="folder of the tasks' folders (default: data/text-to-text)")
    parser.add_argument("--task", action="append", choices=TASKS, help="default: all three")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for task in options.task or TASKS:
        write(task, options.output / task, options.seed)


if __name__ == "__main__":
    main()
