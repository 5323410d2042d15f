//! Text for people in Markdown or plain, from parts that may be hostile: nothing in a part becomes a link, a
//! command, HTML or the end of a code block.

use std::fmt::Write as _;
use std::path::Path;

use super::convert;

/// A document in the making.
#[derive(Debug)]
pub struct Document {
    markdown: bool,
    text: String,
    in_list: bool,
}

/// A part of a line.
#[derive(Debug, Clone)]
pub enum Part<'a> {
    /// Words.
    Text(&'a str),
    /// Emphasised words.
    Strong(&'a str),
    /// Code or a value.
    Code(&'a str),
    /// A place in a file: what it is called, the file, and the line.
    Place(&'a str, &'a Path, u32),
}

impl Document {
    /// An empty document.
    pub fn new(markdown: bool) -> Self {
        Self { markdown, text: String::new(), in_list: false }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text.trim_end().to_owned()
    }

    /// A paragraph.
    pub fn paragraph(&mut self, parts: &[Part<'_>]) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.in_list = false;
        self.parts(parts);
        self.text.push('\n');
    }

    /// An item of a list.
    pub fn item(&mut self, parts: &[Part<'_>]) {
        if self.markdown && !self.in_list {
            self.text.push('\n');
        }
        self.in_list = true;
        self.text.push_str("- ");
        self.parts(parts);
        self.text.push('\n');
    }

    /// A line between parts.
    pub fn rule(&mut self) {
        self.in_list = false;
        self.text.push_str(if self.markdown { "\n---\n" } else { "\n" });
    }

    fn parts(&mut self, parts: &[Part<'_>]) {
        for part in parts {
            match part {
                Part::Strong(text) if self.markdown => {
                    self.text.push_str("**");
                    self.sentence(text.trim());
                    self.text.push_str("**");
                }
                Part::Text(text) | Part::Strong(text) => self.sentence(text),
                Part::Code(text) => self.code(text),
                Part::Place(name, path, line) => self.place(name, path, *line),
            }
        }
    }

    /// Words in which what stands between single backticks is code, as in our own sentences. Each part is made
    /// safe by itself.
    fn sentence(&mut self, text: &str) {
        let parts: Vec<&str> = text.split('`').collect();
        let is_paired = parts.len() % 2 == 1 && !text.contains("``");
        if !self.markdown || !is_paired {
            return self.words(text);
        }
        for (at, part) in parts.into_iter().enumerate() {
            if at % 2 == 0 { self.words(part) } else { self.code(part) }
        }
    }

    fn words(&mut self, text: &str) {
        if !self.markdown {
            self.text.extend(text.chars().map(visible));
            return;
        }
        let chars: Vec<char> = text.chars().map(visible).collect();
        for (at, &c) in chars.iter().enumerate() {
            match c {
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '&' => self.text.push_str("&amp;"),
                c if has_meaning(&chars, at) => {
                    self.text.push('\\');
                    self.text.push(c);
                }
                c => self.text.push(c),
            }
        }
    }

    /// Code in a line. The fence is longer than any run of backticks in the text.
    fn code(&mut self, text: &str) {
        let text: String = text.chars().map(visible).collect();
        if !self.markdown || text.trim().is_empty() {
            self.text.push_str(&text);
            return;
        }
        let fence = "`".repeat(longest_run(&text) + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        let _ = write!(self.text, "{fence}{pad}{text}{pad}{fence}");
    }

    fn place(&mut self, name: &str, path: &Path, line: u32) {
        match convert::line_uri(path, line) {
            Some(uri) if self.markdown => {
                self.text.push('[');
                self.words(name);
                // In angle brackets nothing but `<`, `>` and line breaks has a meaning, and URIs have none.
                let _ = write!(self.text, "](<{uri}>)");
            }
            _ => self.words(name),
        }
    }
}

/// Whether the character at `at` could mean something in Markdown or be part of what editors turn into links by
/// themselves, such as `https://…`, `www.…` and addresses. A backslash takes that away. Where it could not, it
/// stays as it is: many editors show Markdown unrendered.
fn has_meaning(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|i| chars.get(i));
    let after = chars.get(at + 1);
    let in_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
    match chars[at] {
        '\\' | '`' | '*' | '[' | ']' | '{' | '}' | '~' | '|' | '$' | '@' => true,
        '_' => !(in_word(before) && in_word(after)),
        ':' => after == Some(&'/'),
        '.' => {
            let www = at >= 3 && chars[at - 3..at].iter().all(|c| c.eq_ignore_ascii_case(&'w'));
            www || (at > 0 && chars[..at].iter().all(char::is_ascii_digit))
        }
        '#' | '+' | '-' | '=' => chars[..at].iter().all(|c| c.is_whitespace()),
        ')' => at > 0 && chars[..at].iter().all(char::is_ascii_digit),
        _ => false,
    }
}

/// Control characters and marks that change the direction of writing are made visible: they could make a text
/// look like another.
fn visible(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        c => c,
    }
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(part: Part<'_>) -> String {
        let mut document = Document::new(true);
        document.paragraph(&[part]);
        document.finish()
    }

    #[test]
    fn hostile_words_mean_nothing() {
        let rows = [
            ("[click](command:evil)", r"\[click\](command:evil)"),
            ("<script>x</script>", r"&lt;script&gt;x&lt;/script&gt;"),
            ("see https://evil.example", r"see https\://evil.example"),
            ("www.evil.example", r"www\.evil.example"),
            ("a@b.example", r"a\@b.example"),
            ("```\n# title", r"\`\`\` # title"),
            ("# title", r"\# title"),
            ("1. item", r"1\. item"),
            ("- item", r"\- item"),
            ("![x](http://y)", r"!\[x\](http\://y)"),
            ("&lt;img&gt;", "&amp;lt;img&amp;gt;"),
            ("a\u{202e}b\u{7}", "a\u{fffd}b\u{fffd}"),
            ("$(icon) ~~x~~ *y* _z_", r"\$(icon) \~\~x\~\~ \*y\* \_z\_"),
            ("a_b.c == 1.5, 'x'", "a_b.c == 1.5, 'x'"),
            ("`a*b` is [x], not `c`", r"`a*b` is \[x\], not `c`"),
            ("one ` [x](y)", r"one \` \[x\](y)"),
        ];
        for (text, expected) in rows {
            assert_eq!(markdown(Part::Text(text)), expected);
        }
    }

    #[test]
    fn code_stays_code() {
        let rows = [
            ("x = 1", "`x = 1`"),
            ("a`b", "``a`b``"),
            ("``` [x](y)", "```` ``` [x](y) ````"),
            ("a\n\nb", "`a  b`"),
        ];
        for (text, expected) in rows {
            assert_eq!(markdown(Part::Code(text)), expected);
        }
    }

    #[test]
    fn plain_text_is_plain() {
        let mut document = Document::new(false);
        document.paragraph(&[Part::Strong("a *b*"), Part::Text(" "), Part::Code("c`d")]);
        document.item(&[Part::Text("one")]);
        document.item(&[Part::Place("t.py:3", Path::new("/t.py"), 3)]);
        document.paragraph(&[Part::Text("end")]);
        assert_eq!(document.finish(), "a *b* c`d\n- one\n- t.py:3\n\nend");
    }

    #[test]
    #[cfg(unix)]
    fn places_are_links_to_lines() {
        let path = Path::new("/w/a (b)>.py");
        assert_eq!(markdown(Part::Place("a.py:3", path, 3)), r"[a.py:3](<file:///w/a%20(b)%3E.py#L3>)");
    }
}
