"""From the model's vectors to the table's: the numbers of each piece, chosen so that their sums point where the model does."""

import numpy as np
import scipy.sparse as sparse
from scipy.fft import dct

# Texts of more tokens than this are cut for the model and left out of the fit.
LONGEST_TEXT = 60
# How rare a piece is before its prior counts in full (SIF's a).
RARE = 1e-3
# How firmly a piece that few texts have is held to its prior.
RIDGE = 8.0
ROUNDS = 40
SPECIAL = 999


def counts(bags, pieces):
    """One row a text, one column a piece."""
    ends = np.r_[0, np.cumsum([len(bag) for bag in bags])]
    columns = np.concatenate([np.asarray(bag) for bag in bags])
    matrix = sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(bags), pieces))
    matrix.sum_duplicates()
    return matrix


def prior(texts, target, alone, lengths):
    """What a piece would say if it stood alone, less for the frequent ones, at the scale that fits the texts best."""
    share = np.asarray(texts.sum(0)).ravel()
    share = share / share.sum()
    scaled = alone * (RARE / (RARE + share))[:, None]
    means = sparse.diags(1 / lengths) @ (texts @ scaled)
    return scaled * ((means * target).sum() / (means * means).sum())


def ridge(texts, target, start, lengths):
    """Conjugate gradients, all dimensions at once, preconditioned by the diagonal."""
    matrix = (sparse.diags(lengths**-0.5) @ texts).tocsr()
    transposed = matrix.T.tocsr()
    rest = transposed @ (target * np.sqrt(lengths)[:, None] - matrix @ start)
    diagonal = np.asarray(matrix.multiply(matrix).sum(0)).ravel()[:, None] + RIDGE
    found = np.zeros_like(start)
    conditioned = rest / diagonal
    direction = conditioned.copy()
    size = (rest * conditioned).sum(0)
    for _ in range(ROUNDS):
        image = transposed @ (matrix @ direction) + RIDGE * direction
        step = size / ((direction * image).sum(0) + 1e-30)
        found += step * direction
        rest -= step * image
        conditioned = rest / diagonal
        new = (rest * conditioned).sum(0)
        direction = conditioned + new / (size + 1e-30) * direction
        size = new
    return start + found


def fit(bags, target, alone):
    """`alone`: the model's vector of each piece as the only text. `target`: its vectors of the texts in `bags`."""
    alone = alone.astype(np.float64)
    alone -= alone[SPECIAL:].mean(0)
    alone[:SPECIAL] = 0
    target = target.astype(np.float64)
    target -= target.mean(0)
    texts = counts(bags, len(alone))
    lengths = np.asarray(texts.sum(1)).ravel()
    rows = ridge(texts, target, prior(texts, target, alone, lengths), lengths)
    rows[:SPECIAL] = 0
    return rows, texts


def principal(rows, dimensions):
    """The directions in which the rows differ most."""
    _, axes = np.linalg.eigh(rows.T @ rows)
    return rows @ axes[:, ::-1][:, :dimensions]


def rotate(rows, texts):
    """Iterative quantisation: turns the axes so that the signs alone of a text's vector tell most of its direction. Cosines stay."""
    sums = texts @ rows
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    rotation = dct(np.eye(rows.shape[1]), norm="ortho", axis=0)
    for _ in range(30):
        left, _, right = np.linalg.svd(np.sign(sums @ rotation).T @ sums)
        rotation = (left @ right).T
    return rows @ rotation
