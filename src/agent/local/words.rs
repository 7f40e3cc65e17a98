//! The words by which sentences are understood, in the languages that users
//! are known to write. A trailing `*` lets a word go on.
//!
//! The lists are set compactly by hand: one word a line would make them five
//! times as long and no easier to read.

/// Something left to do.
#[rustfmt::skip]
pub(super) const NEXT: &[&str] = &[
    "next step", "next steps", "next up", "next:", "follow-up", "follow up", "followup", "todo",
    "to-do", "still to do", "still needs to", "still need to", "left to do", "left for later",
    "remaining work", "remaining:", "remains to be", "you should", "you'll need to",
    "you will need to", "you'll want to", "you may want to", "you might want to", "worth adding",
    "worth fixing", "worth checking", "worth revisiting", "should be addressed", "should be done",
    "revisit", "future work", "i'd recommend", "i recommend", "i'd suggest", "i suggest",
    "consider adding", "consider moving", "out of scope", "deferred", "needs to be done",
    "not done yet", "before deploying", "before merging", "before releasing", "as a next", "still open", "i'd still like", "i would still like",
    "i'd like to see", "would still like to see", "nächster schritt", "nächste schritte", "als nächstes",
    "noch offen", "offen bleibt", "sollte noch", "steht noch aus", "下一步", "后续", "待办", "还需要", "接下来",
    "prochaine étape", "prochaines étapes", "reste à", "próximo paso", "siguiente paso",
    "queda por", "pendiente", "次のステップ", "今後", "следующий шаг", "осталось", "próximo passo",
    "prossimo passo",
];

/// Headings over what is left to do.
#[rustfmt::skip]
pub(super) const HEAD_NEXT: &[&str] = &[
    "next", "next step*", "follow-up*", "follow up*", "todo*", "to do", "remaining*",
    "open question*", "open item*", "open point*", "what's left", "left to do", "recommendation*",
    "recommended*", "future work", "nächste*", "offen*", "下一步*", "后续*", "待办*", "prochaine*",
    "próximo*", "siguiente*", "suggested*",
];

/// Why something happened.
#[rustfmt::skip]
pub(super) const CAUSE: &[&str] = &[
    "root cause", "because", "caused by", "the cause", "actual cause", "real cause",
    "the problem was", "the problem is", "the issue was", "the issue is", "the bug was",
    "the bug is", "was due to", "is due to", "due to", "the reason", "culprit", "stemmed from",
    "stems from", "happened when", "happens when", "ursache", "weil", "lag daran", "liegt daran",
    "der grund", "原因", "因为", "由于", "porque", "la causa", "parce que", "à cause", "la cause",
    "из-за", "причина", "потому что", "原因は", "のため", "problem lag",
];

/// Headings over causes.
#[rustfmt::skip]
pub(super) const HEAD_CAUSE: &[&str] = &[
    "root cause*", "cause*", "why", "the problem", "problem", "the issue", "diagnosis", "ursache*",
    "原因*", "问题*", "causa*", "what went wrong", "what was wrong",
];

/// Something that surprises.
#[rustfmt::skip]
pub(super) const WARNING: &[&str] = &[
    "note that", "note:", "be aware", "beware", "careful", "caveat*", "heads up", "heads-up",
    "gotcha", "keep in mind", "turns out", "silently", "surprising*", "watch out", "unexpectedly",
    "not supported", "doesn't support", "only works", "limitation*", "breaking change",
    "must be set", "unlike", "important:", "still fail*", "still pass*", "one thing to",
    "also noticed", "separate finding", "separately", "unrelated", "pre-existing", "achtung",
    "beachte", "vorsicht", "hinweis", "注意", "ojo", "attention", "внимание", "not yet",
    "not covered", "not handled", "fails if", "fails when", "fail if", "fail when", "breaks if", "breaks when",
    "the cost is", "the price is", "the downside", "the catch", "the trade-off is",
];

/// Headings over warnings.
#[rustfmt::skip]
pub(super) const HEAD_WARNING: &[&str] = &[
    "note*", "caveat*", "gotcha*", "warning*", "limitation*", "heads up", "watch out", "hinweis*",
    "注意*", "known issue*",
];

/// Beginnings that announce a warning, whatever follows.
#[rustfmt::skip]
pub(super) const NOTES: &[&str] = &[
    "note that", "note:", "one caveat", "caveat", "be aware", "heads up", "heads-up",
    "keep in mind", "one thing to note", "important:", "beware", "watch out", "careful", "gotcha",
    "warning:", "hinweis", "achtung", "注意",
];

/// How work was checked.
#[rustfmt::skip]
pub(super) const VERIFIED: &[&str] = &[
    "tests pass", "test passes", "tests passed", "all tests", "tests are green", "passing",
    "verified", "confirmed", "builds cleanly", "build succeeds", "build passes", "lint passes",
    "lint is clean", "type check*", "typecheck*", "tests grün", "tests laufen", "tests sind grün",
    "alle tests", "测试通过", "全部通过", "通过了", "pasan", "les tests passent", "тесты проходят",
    "back to green", "all green", "is green", "specs pass", "examples pass", "tests still pass", "covered by",
    "specs still pass", "examples still pass", "suite still passes", "suite passes",
];

/// A guess that was given up.
#[rustfmt::skip]
pub(super) const DEAD_END: &[&str] = &[
    "at first i", "i first thought", "first suspected", "first i thought", "initially thought",
    "initially suspected", "initially assumed", "i initially", "my first", "my initial",
    "turned out to be wrong", "turned out not", "that was wrong", "guess was wrong",
    "assumption was wrong", "theory was wrong", "hypothesis", "did not help", "didn't help",
    "had no effect", "made no difference", "was not the cause", "wasn't the cause",
    "is not the cause", "not the culprit", "red herring", "dead end", "i reverted", "was reverted",
    "were reverted", "reverted that", "reverted it", "so reverted", "rolled it back", "backed out",
    "undid", "ruled out", "false lead", "half nicht", "zurückgenommen", "verworfen",
    "zunächst vermutet", "zuerst dachte", "没有效果", "回滚", "撤销", "一开始以为", "起初以为", "no ayudó",
    "n'a pas aidé",
];

/// A choice that was made.
#[rustfmt::skip]
pub(super) const DECISION: &[&str] = &[
    "decision:", "we decided", "i decided", "decided to", "decided on", "decided against",
    "i chose", "we chose", "going with", "went with", "opted for", "settled on", "i picked",
    "we picked", "i'd go with", "i would go with", "i'd choose", "i'd pick", "let's go with",
    "entscheidung:", "entschieden", "决定", "选择了", "decidimos", "hemos decidido",
    "nous avons choisi", "решили", "採用",
];

/// Labels before a sentence that say nothing by themselves.
#[rustfmt::skip]
pub(super) const LABELS: &[&str] = &[
    "done", "fixed", "fix", "root cause", "cause", "actual cause", "summary", "tl;dr", "tldr",
    "result", "answer", "short answer", "in short", "conclusion", "finding", "findings",
    "key finding", "solution", "problem", "issue", "change", "changes", "note", "important",
    "decision", "great", "perfect", "ok", "okay", "yes", "no", "bottom line", "ursache",
    "entscheidung", "ergebnis", "behoben", "erledigt", "fertig", "lösung", "原因", "根本原因", "结论",
    "解决方案", "修复", "决定", "problème", "solución", "listo", "hecho", "all done", "success",
    "completed", "implemented", "added", "heads up", "heads-up", "gotcha", "caveat", "warning",
    "next step", "next steps", "todo", "follow-up", "recommendation", "verified", "committed",
    "hinweis", "注意", "unrelated", "separate finding", "also", "next", "nächster schritt", "下一步",
    "revisit", "remaining", "overview", "what changed", "key insight", "green again", "found it",
    "got it", "good news", "后续建议", "后续", "still open", "what was wrong", "what went wrong",
    "one thing to keep in mind", "one thing to note", "one caveat", "worth knowing", "catch", "bug",
];

/// Beginnings that a statement can do without.
#[rustfmt::skip]
pub(super) const LEADS: &[&str] = &[
    "i've ", "i have ", "i also ", "i then ", "i just ", "i ", "it turns out that ",
    "it turns out ", "turns out that ", "turns out ", "note that ", "so, ", "so ", "basically, ",
    "in short, ", "in summary, ", "to summarise, ", "to summarize, ", "overall, ", "also, ",
    "as expected, ", "after investigation, ", "as requested, ", "now, ", "done! ", "done. ",
    "ich habe ", "we've ", "we have ", "yes, ", "no, ", "okay, ", "ok, ", "however, ",
    "additionally, ", "finally, ", "keep in mind that ", "be aware that ", "please note that ",
    "one caveat: ", "one thing to note: ", "i decided to ", "while here, ",
    "along the way i noticed that ", "along the way, ", "noticed that ",
];

/// Ends of clauses, where a sentence may be cut and still be one.
#[rustfmt::skip]
pub(super) const BREAKS: &[&str] = &[
    "; ", " — ", " – ", ": ", ", so ", ", which ", ", because ", " because ", ", and ", ", but ",
    ", while ", " so that ", ", causing ", ", making ", " instead of ", " rather than ", ", since ",
    " when ", ", where ", ". ", "，", "；", "。", ", weil ", ", sodass ", ", aber ", " which ",
    ", including ", " and now ", " and ", ", with ", ", then ",
];

/// Words that want another word after them.
#[rustfmt::skip]
pub(super) const SMALL: &[&str] = &[
    "a", "an", "the", "of", "to", "in", "on", "at", "for", "with", "and", "or", "by", "as", "from",
    "that", "is", "are", "was", "its", "into", "when", "if", "not", "der", "die", "das", "und",
    "mit", "von", "zu",
];

/// Types of conventional commits.
#[rustfmt::skip]
pub(super) const CONVENTIONAL: &[&str] = &[
    "feat", "feature", "fix", "bugfix", "hotfix", "refactor", "chore", "docs", "doc", "style",
    "test", "tests", "perf", "build", "ci", "revert", "wip", "security", "deps",
];

/// Stems, as `key_words` makes them, of words that say nothing by themselves.
#[rustfmt::skip]
pub(super) const VAGUE: &[&str] = &[
    "wip", "fix", "fixup", "updat", "chang", "typo", "test", "bug", "cleanup", "clean", "up",
    "stuff", "work", "misc", "save", "sav", "checkpoint", "progres", "progress", "final", "more",
    "minor", "small", "initial", "commit", "issu", "issue", "code", "review", "feedback", "addres",
    "address", "comment", "lint", "format", "tweak", "it", "all", "some", "again", "temp", "tmp",
    "improvement", "variou", "various", "done", "error", "problem", "build", "ci", "add", "new",
    "please", "pleas", "continu", "yes", "go", "ok", "okay", "sure", "do", "next", "thank", "file",
    "thing", "them", "everything", "now", "what", "try", "run", "mak", "make", "failing", "fail",
    "broken", "let", "lets", "proceed", "correct", "look", "good", "great", "perfect", "keep",
    "going", "ahead", "weiter", "ja", "bitte", "mach",
];

/// Instructions and the deeds that answer them.
#[rustfmt::skip]
pub(super) const PAST: &[(&str, &str)] = &[
    ("add", "Added"), ("fix", "Fixed"), ("implement", "Implemented"), ("create", "Created"),
    ("remove", "Removed"), ("delete", "Deleted"), ("rename", "Renamed"), ("refactor", "Refactored"),
    ("move", "Moved"), ("extract", "Extracted"), ("update", "Updated"), ("upgrade", "Upgraded"),
    ("bump", "Bumped"), ("change", "Changed"), ("replace", "Replaced"), ("make", "Made"),
    ("write", "Wrote"), ("introduce", "Introduced"), ("convert", "Converted"),
    ("migrate", "Migrated"), ("split", "Split"), ("merge", "Merged"), ("simplify", "Simplified"),
    ("clean", "Cleaned"), ("improve", "Improved"), ("optimize", "Optimized"),
    ("optimise", "Optimised"), ("handle", "Handled"), ("ensure", "Ensured"), ("allow", "Allowed"),
    ("enable", "Enabled"), ("disable", "Disabled"), ("document", "Documented"),
    ("configure", "Configured"), ("set", "Set"), ("switch", "Switched"), ("rewrite", "Rewrote"),
    ("port", "Ported"), ("wire", "Wired"), ("expose", "Exposed"), ("validate", "Validated"),
    ("cache", "Cached"), ("cover", "Covered"), ("drop", "Dropped"), ("deprecate", "Deprecated"),
    ("revert", "Reverted"), ("restore", "Restored"), ("sort", "Sorted"), ("format", "Formatted"),
    ("translate", "Translated"), ("repair", "Repaired"), ("correct", "Corrected"),
    ("reduce", "Reduced"), ("increase", "Increased"), ("limit", "Limited"), ("build", "Built"),
    ("integrate", "Integrated"), ("extend", "Extended"), ("generate", "Generated"),
    ("adjust", "Adjusted"), ("prevent", "Prevented"), ("stop", "Stopped"), ("turn", "Turned"),
    ("put", "Put"), ("pin", "Pinned"), ("speed", "Sped"), ("deduplicate", "Deduplicated"),
    ("inline", "Inlined"), ("encrypt", "Encrypted"), ("parse", "Parsed"), ("install", "Installed"),
    ("reformat", "Reformatted"), ("tidy", "Tidied"), ("rework", "Reworked"), ("define", "Defined"),
    ("test", "Tested"), ("use", "Used"), ("raise", "Raised"), ("scale", "Scaled"),
    ("lower", "Lowered"),
];

/// What a request begins with before it says what to do.
#[rustfmt::skip]
pub(super) const POLITE: &[&str] = &[
    "please ", "can you please ", "can you ", "could you please ", "could you ", "would you ",
    "i want you to ", "i'd like you to ", "i want to ", "i would like to ", "i'd like to ",
    "i need you to ", "we need to ", "we should ", "you should ", "let's ", "lets ", "now ", "ok ",
    "okay ", "ok. ", "ok, ", "okay, ", "yes, ", "great, ", "hey ", "hi ", "also ", "then ", "next ", "help me ", "go ahead and ", "bitte ",
    "kannst du ", "könntest du ", "请", "帮我", "请帮我", "por favor ", "s'il te plaît ", "пожалуйста ",
    "find out why and ", "and ", "just ",
];

/// Words of a fix, in the languages that users are known to write.
#[rustfmt::skip]
pub(super) const FIX: &[&str] = &[
    "fix*", "bug*", "crash*", "broken", "fails", "failing", "failure", "regression*", "wrong",
    "incorrect*", "doesn't work", "does not work", "not working", "stopped working", "too low",
    "too high", "hangs", "leak*", "panic*", "beheb*", "behob*", "fehler*", "kaputt", "stürzt",
    "falsch*", "repar*", "修复", "修正", "错误", "崩溃", "バグ", "直して", "arregl*", "corrig*", "corrección",
    "falla*", "erreur", "исправ*", "ошибк*", "버그", "수정",
];

/// Words of new behaviour.
#[rustfmt::skip]
pub(super) const FEATURE: &[&str] = &[
    "add*", "implement*", "support*", "feature*", "endpoint*", "introduc*", "new flag", "hinzu*",
    "ergänz*", "implementier*", "添加", "新增", "增加", "实现", "支持", "追加", "añad*", "agreg*", "ajout*",
    "добав*", "추가", "unterstütz*",
];

/// Words of a change of shape.
#[rustfmt::skip]
pub(super) const REFACTOR: &[&str] = &[
    "refactor*", "renam*", "extract*", "restructur*", "clean up", "cleanup", "cleaned up", "dedup*",
    "simplif*", "mov*", "umbenenn*", "umbenannt", "重构", "重命名", "リファクタ", "refactoris*", "рефактор*",
    "renombr*", "split* into", "reorgani*",
];

/// Words of settings, prose and dependencies.
#[rustfmt::skip]
pub(super) const CHORE: &[&str] = &[
    "bump*", "upgrad*", "dependenc*", "config*", "docs", "documentation", "document", "readme",
    "changelog", "format*", "lint", "ci", "version", "typo*", "comment*", "dokument*", "文档", "配置",
    "升级", "documenta*",
];

/// Words of a question.
#[rustfmt::skip]
pub(super) const QUESTION: &[&str] = &[
    "why", "how does", "how do", "explain", "what is", "what does", "where is", "find out",
    "investigate", "warum", "wie funktioniert", "为什么", "怎么", "如何", "por qué", "pourquoi", "почему",
];

/// Beginnings of sentences that only lead to others.
#[rustfmt::skip]
pub(super) const OPENINGS: &[&str] = &[
    "here's", "here is", "here are", "let me", "i'll ", "i will ", "below ", "sure",
    "the changes are", "all changes", "everything ", "i've completed", "i have completed",
    "the task is", "all done", "hier ist", "hier sind", "以下是", "summary of", "what i did",
    "i've made the following", "i made the following", "the following", "changes made",
    "understood", "you're right", "good question", "great question", "thanks", "thank you",
    "i'm ready", "the working tree is", "the fix is complete", "the implementation is complete",
    "this is now",
];

/// "Done.", in other words.
#[rustfmt::skip]
pub(super) const DONE: &[&str] = &[
    "done", "fixed", "all set", "that's it", "it works", "works now", "fertig", "erledigt",
    "completed",
];

/// Labels and headings of the reasons for a choice.
#[rustfmt::skip]
pub(super) const REASONS: &[&str] = &[
    "reason*", "rationale", "why this", "gründe", "begründung", "理由",
];

/// Headings over what a text comes to.
#[rustfmt::skip]
pub(super) const HEAD_VERDICT: &[&str] = &[
    "answer", "conclusion*", "consequence*", "result*", "summary", "in short", "tl;dr", "verdict",
    "bottom line", "key finding*", "fazit", "ergebnis*", "结论", "conclusión", "impact",
];

/// Headings over checks.
#[rustfmt::skip]
pub(super) const HEAD_VERIFIED: &[&str] = &[
    "verification", "verified", "testing", "test*", "validation", "验证", "测试", "prüfung",
];

/// Beginnings that tell how it was.
#[rustfmt::skip]
pub(super) const BEFORE: &[&str] = &[
    "before,", "previously", "until now", "bisher", "vorher", "之前", "antes", "avant",
];

/// Words that tell how it is since the work.
#[rustfmt::skip]
pub(super) const NOW: &[&str] = &[
    "now", "no longer", "fixed", "nun", "jetzt", "behoben", "ahora", "现在", "已", "maintenant",
    "теперь", "instead",
];
