// Which words of a text to mark for a query: the index stems, so a word is
// marked that begins like one of the query.

const STOP = new Set(
  "a an and are as at be by did do for from had has have how i in is it its my no not of on or our so that the this to was we what when where which who why will with you your".split(" "),
);

/** Longest part of a query that is looked at. */
const MOST_CHARS = 500;
const MOST_WORDS = 24;

/** A pattern for `marked`, or `null` where there is nothing to mark. */
export function highlight(query) {
  const found = query.slice(0, MOST_CHARS).toLowerCase().match(/-?[\p{L}\p{N}_]+/gu) || [];
  const wanted = found.filter((word) => !word.startsWith("-") && !STOP.has(word)).slice(0, MOST_WORDS);
  const parts = wanted.flatMap((word) => [word, ...word.split("_")]).filter((word) => word.length > 1);
  if (!parts.length) return null;
  const stems = [...new Set(parts.map(stem))].sort((a, b) => b.length - a.length);
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${stems.join("|")})[\\p{L}\\p{N}]*`, "giu");
}

/** The beginning that a stemmer would leave; all characters are harmless. */
function stem(word) {
  if (word.length <= 4) return word;
  return word.replace(/(ations?|ings?|ies|ied|ed|es|e|s|y)$/u, "") || word;
}
