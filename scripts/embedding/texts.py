"""The texts that the table is fitted to, cut into pieces of a sentence or two."""

import random
import re
from pathlib import Path


def masc(directory):
    """Letters, talk, blogs, fiction, news. Every word has its part of speech after a `_`."""
    for path in sorted(Path(directory).glob("*/*.txt")):
        words = []
        for tagged in path.read_text(encoding="utf-8", errors="replace").split():
            word = tagged.rsplit("_", 1)[0]
            if word in ("n't", "'s", "'re", "'ve", "'ll", "'d", "'m") and words:
                words[-1] += word
            else:
                words.append(word)
            if (word in (".", "?", "!") and len(words) >= 8) or len(words) >= 40:
                yield " ".join(words)
                words = []
        if len(words) >= 8:
            yield " ".join(words)


def is_prose(paragraph):
    if paragraph.lstrip().startswith(("..", "::", ">>>", "|")):
        return False
    return not any(line.strip() and set(line.strip()) <= set("=-~^+*'\"") for line in paragraph.split("\n"))


def peps(directory):
    """How programmers write about programs."""
    for path in sorted(Path(directory).rglob("pep-*.rst")):
        if not re.search(r"pep-\d+\.rst$", path.name):
            continue
        for paragraph in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            if not is_prose(paragraph):
                continue
            text = " ".join(line.strip() for line in paragraph.split("\n"))
            text = re.sub(r"`+([^`<]*?)(\s*<[^>]*>)?`+_*", r"\1", text)
            text = re.sub(r":[a-z:]+:(?=\S)", "", text)
            if len(text) < 40:
                continue
            words = []
            for word in text.split():
                words.append(word)
                if (word[-1] in ".?!:" and len(words) >= 6) or len(words) >= 40:
                    yield " ".join(words)
                    words = []
            if len(words) >= 6:
                yield " ".join(words)


def units(masc_directory, peps_directory):
    talk = list(dict.fromkeys(masc(masc_directory)))
    programs = list(dict.fromkeys(peps(peps_directory)))
    shuffle = random.Random(1).shuffle
    shuffle(programs)
    texts = talk + programs[:25000]
    shuffle(texts)
    return texts
