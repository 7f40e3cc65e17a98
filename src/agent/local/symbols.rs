//! Finds the functions, types and tests that a line of source code defines, in
//! whatever language, by the few forms that definitions have.

/// The name that a line of code defines, if it defines one.
pub(super) fn defined(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() || line.len() > 300 || is_comment(line) {
        return None;
    }
    quoted_test(line)
        .or_else(|| keyword(line))
        .or_else(|| assigned_function(line))
        .or_else(|| c_like(line))
}

fn is_comment(line: &str) -> bool {
    [
        "//", "#", "*", "/*", "--", "\"\"\"", "'''", "<!--", ";", "%",
    ]
    .iter()
    .any(|mark| line.starts_with(mark))
}

/// `it('adds', …)`, `test("adds", …)`, `it "adds" do`. The name is the text.
fn quoted_test(line: &str) -> Option<String> {
    let head = line.find(['(', ' ', '.']).map(|at| &line[..at])?;
    if !matches!(head, "it" | "test" | "scenario" | "specify" | "Deno") {
        return None;
    }
    let open = line.find(['\'', '"', '`'])?;
    let quote = line[open..].chars().next()?;
    let rest = &line[open + 1..];
    let end = rest.find(quote)?;
    let before = &line[head.len()..open];
    let direct = before.len() <= 12 && !before.contains('=');
    (direct && end > 2).then(|| rest[..end].to_owned())
}

/// `def x`, `pub async fn x`, `export default class X`, `func (r *T) X`.
fn keyword(line: &str) -> Option<String> {
    let mut rest = line;
    for _ in 0..8 {
        let (word, after) = next_word(rest)?;
        if DEFINERS.contains(&word) {
            return name_after(word, after);
        }
        if !MODIFIERS.contains(&word) {
            return None;
        }
        rest = after.trim_start();
        // `pub(crate)` and Kotlin's or Java's annotations in brackets.
        if rest.starts_with('(') {
            rest = rest.split_once(')')?.1.trim_start();
        }
    }
    None
}

fn next_word(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn name_after(definer: &str, after: &str) -> Option<String> {
    if !after.starts_with([' ', '\t', '*']) {
        return None;
    }
    let mut after = after.trim_start_matches([' ', '\t', '*']);
    let mut owner = None;
    if definer == "func" && after.starts_with('(') {
        let (receiver, rest) = after.split_once(')')?;
        owner = receiver.rsplit([' ', '*', '(']).next().map(str::to_owned);
        after = rest.trim_start();
    }
    if definer == "create" || definer == "CREATE" {
        return sql_name(after);
    }
    let end = after
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '?' | '!' | '$' | ':')))
        .unwrap_or(after.len());
    let name = after[..end].trim_end_matches(['.', ':']);
    let next = after[end..].trim_start().chars().next();
    // A word of prose goes on with another word; a definition does not.
    let definition = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && (next.is_none_or(|c| "({<:=;[-,".contains(c))
            || after[end..].trim_start().starts_with(ENDS)
            || follows_definition(&after[end..]));
    let plain = !name.is_empty() && !RESERVED.contains(&name);
    (definition && plain).then(|| match owner {
        Some(owner) if !owner.is_empty() => format!("{owner}.{name}"),
        _ => name.to_owned(),
    })
}

const ENDS: [char; 2] = ['{', '('];

fn follows_definition(rest: &str) -> bool {
    let word = rest.split_whitespace().next().unwrap_or("");
    matches!(
        word,
        "extends"
            | "implements"
            | "struct"
            | "interface"
            | "do"
            | "for"
            | "where"
            | "is"
            | "with"
            | "=>"
            | "returns"
            | "<"
            | "inherits"
    )
}

fn sql_name(after: &str) -> Option<String> {
    let words: Vec<&str> = after.split_whitespace().collect();
    let kind = words.iter().position(|w| {
        matches!(
            w.to_ascii_lowercase().as_str(),
            "table" | "index" | "view" | "trigger" | "function" | "type"
        )
    })?;
    words[kind + 1..]
        .iter()
        .find(|w| {
            !matches!(
                w.to_ascii_lowercase().as_str(),
                "if" | "not" | "exists" | "concurrently"
            )
        })
        .map(|w| {
            w.split('(')
                .next()
                .unwrap_or(w)
                .trim_matches(['"', '`', ';'])
                .to_owned()
        })
        .filter(|name| !name.is_empty())
}

/// `const add = (a, b) =>`, `exports.add = function`, `add: async () =>`.
fn assigned_function(line: &str) -> Option<String> {
    let arrow =
        line.contains("=>") || line.contains("= function") || line.contains("= async function");
    let declared = [
        "const ",
        "let ",
        "var ",
        "export const ",
        "export let ",
        "exports.",
        "module.exports.",
    ]
    .iter()
    .find_map(|mark| line.strip_prefix(mark))?;
    let (name, value) = declared.split_once('=')?;
    let name = name.split(':').next().unwrap_or(name).trim();
    let value = value.trim_start();
    let function = value.starts_with(['(', '<'])
        || value.starts_with("async")
        || value.starts_with("function")
        || next_word(value).is_some_and(|(_, rest)| rest.trim_start().starts_with("=>"));
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_$".contains(c));
    (arrow && function && plain).then(|| name.to_owned())
}

/// `public int add(int a) {`, `render() {`, `static void f(void)`.
fn c_like(line: &str) -> Option<String> {
    let open = line.find('(')?;
    let opens_body = line.ends_with('{') || line.ends_with("=>");
    if !opens_body {
        return None;
    }
    let head = line[..open].trim_end();
    let name_start = head
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '~' | '$' | ':')))
        .map_or(0, |at| at + 1);
    let name = head.get(name_start..)?.trim_matches(':');
    let before = head[..name_start].trim();
    let first = before.split_whitespace().next().unwrap_or(name);
    let plain = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && !RESERVED.contains(&name)
        && !RESERVED.contains(&first)
        && !first.starts_with(['}', '.', '@', '(']);
    // A call that opens a block (`foo.each(x => {`) has a dot, an equal sign
    // or another bracket before its name.
    let declaration = before
        .chars()
        .all(|c| c.is_alphanumeric() || " _<>,*&[]?:".contains(c));
    let lambda_argument =
        line[open..].contains("=>") && !line.ends_with(") {") || line[open + 1..].starts_with("()");
    let quoted = line[open + 1..].trim_start().starts_with(['\'', '"', '`']);
    (plain && declaration && !quoted && !lambda_argument).then(|| name.to_owned())
}

const MODIFIERS: &[&str] = &[
    "pub",
    "async",
    "unsafe",
    "extern",
    "const",
    "static",
    "export",
    "default",
    "public",
    "private",
    "protected",
    "internal",
    "final",
    "abstract",
    "override",
    "virtual",
    "inline",
    "suspend",
    "open",
    "sealed",
    "data",
    "partial",
    "local",
    "declare",
    "readonly",
    "mutating",
    "actor",
    "fileprivate",
    "lazy",
    "companion",
    "case",
];

const DEFINERS: &[&str] = &[
    "def",
    "fn",
    "func",
    "function",
    "class",
    "struct",
    "enum",
    "trait",
    "interface",
    "module",
    "object",
    "record",
    "protocol",
    "sub",
    "defp",
    "defmodule",
    "fun",
    "method",
    "macro_rules",
    "mod",
    "type",
    "namespace",
    "create",
    "CREATE",
    "defmacro",
    "extension",
    "union",
];

const RESERVED: &[&str] = &[
    "if",
    "for",
    "while",
    "switch",
    "catch",
    "return",
    "else",
    "match",
    "with",
    "new",
    "await",
    "throw",
    "and",
    "or",
    "not",
    "in",
    "do",
    "try",
    "function",
    "fn",
    "elif",
    "foreach",
    "using",
    "lock",
    "when",
    "until",
    "unless",
    "describe",
    "context",
    "beforeEach",
    "afterEach",
    "beforeAll",
    "afterAll",
    "expect",
    "super",
    "typeof",
    "sizeof",
    "defer",
    "go",
    "select",
    "case",
    "of",
    "the",
    "is",
    "to",
    "self",
    "this",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_of_many_languages_are_found() {
        let cases = [
            ("    def apply_discount(self, code):", "apply_discount"),
            (
                "pub(crate) async fn read_line<R: Read>(r: R) -> usize {",
                "read_line",
            ),
            (
                "func (s *Server) Handle(w http.ResponseWriter) {",
                "Server.Handle",
            ),
            ("func NewCache(size int) *Cache {", "NewCache"),
            ("export default class Cart extends Base {", "Cart"),
            (
                "export const parseDate = (raw: string): Date => {",
                "parseDate",
            ),
            ("  async render() {", "render"),
            ("public static int Add(int a, int b) {", "Add"),
            ("it('sums the items', () => {", "sums the items"),
            ("  it \"sums the items\" do", "sums the items"),
            ("defmodule Cart.Item do", "Cart.Item"),
            ("CREATE TABLE IF NOT EXISTS rates (", "rates"),
            ("fun total(items: List<Item>): Int = 0", "total"),
            ("type Config struct {", "Config"),
            ("static void flush_all(struct buf *b) {", "flush_all"),
            ("def total", "total"),
        ];
        for (line, name) in cases {
            assert_eq!(defined(line).as_deref(), Some(name), "{line}");
        }
    }

    #[test]
    fn calls_and_prose_define_nothing() {
        for line in [
            "if (x > 1) {",
            "return foo(bar)",
            "items.forEach((x) => {",
            "// fn old()",
            "class of things that matter",
            "foo(bar);",
            "} else if (a) {",
            "describe('cart', () => {",
            "# def commented():",
            "type of the value is int",
            "setTimeout(() => {",
            "const total = sum(items);",
        ] {
            assert_eq!(defined(line), None, "{line}");
        }
    }
}
