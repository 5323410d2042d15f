//! Checks an answer by code: what it names is looked up in the evidence and in the workspace, and what is not there is
//! struck.

use super::answer::Answer;
use super::claims::{Claim, Found, Kind, Library, claims, words};
use super::edits;
use super::prompt::INSTRUCTIONS;
use crate::analysis;
use crate::model::{EvidenceItem, Fix, Place, RelPath, Site};

/// Most remarks in brackets that are taken out of a sentence.
const MAX_BRACKETS: usize = 4;
/// Most remarks that are kept.
const MAX_REMARKS: usize = 12;

/// An answer of which only what was found is left.
#[derive(Debug, Clone)]
pub struct Grounded {
    /// What is left. Its citations and edits are those that hold.
    pub answer: Answer,
    /// The evidence that it cites, as the evidence has it.
    pub cited: Vec<EvidenceItem>,
    /// Where it says the cause is.
    pub site: Option<Site>,
    /// Its change, if all parts of it can be made.
    pub fix: Option<Fix>,
    /// What was struck, one sentence each.
    pub struck: Vec<String>,
    /// Claims that were found: of the cause, the place and the citations.
    pub supported: usize,
    /// Whether the cause only repeats what the failure says of itself.
    pub repeats: bool,
    /// Why nothing of it can be used, if nothing can.
    pub rejected: Option<Rejected>,
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is the question again.
    #[error("the answer repeats the question instead of answering it")]
    Echo,
    /// It says that the evidence does not suffice.
    #[error("the model says that the evidence does not suffice: {0}")]
    Insufficient(String),
    /// It names nothing that was found.
    #[error("nothing in the answer could be found in the evidence")]
    Ungrounded,
}

/// Checks `answer`.
pub fn ground(answer: &Answer, library: &Library<'_>, context: &edits::Context<'_>) -> Grounded {
    let mut grounded = Grounded {
        answer: answer.clone(),
        cited: Vec::new(),
        site: None,
        fix: None,
        struck: Vec::new(),
        supported: 0,
        repeats: false,
        rejected: None,
    };
    if answer.root_cause.trim().is_empty() {
        let (missing, _) = checked(&answer.missing, library, false, &mut Vec::new());
        grounded.rejected = Some(Rejected::Insufficient(missing));
        return grounded;
    }
    if is_echo(&answer.root_cause) {
        grounded.rejected = Some(Rejected::Echo);
        return grounded;
    }
    let (root_cause, in_cause) = checked(&answer.root_cause, library, true, &mut grounded.struck);
    grounded.answer.root_cause = root_cause;
    grounded.answer.suggestion = if is_echo(&answer.suggestion) {
        String::new()
    } else {
        checked(&answer.suggestion, library, false, &mut grounded.struck).0
    };
    grounded.answer.missing = checked(&answer.missing, library, false, &mut Vec::new()).0;
    cite(&mut grounded, library, context);
    place(&mut grounded, library, context);
    match edits::fix(&answer.edits, &grounded.answer.suggestion, library, context) {
        Ok(fix) => grounded.fix = fix,
        Err(why) => grounded.struck.push(why),
    }
    if grounded.fix.is_none() {
        grounded.answer.edits.clear();
    }
    grounded.supported = in_cause + grounded.cited.len() + usize::from(grounded.site.is_some());
    let tells = in_cause > 0 || !grounded.cited.is_empty();
    if grounded.answer.root_cause.is_empty() || !tells {
        grounded.rejected = Some(Rejected::Ungrounded);
    }
    grounded.repeats = context
        .dossier
        .pieces
        .first()
        .is_some_and(|piece| folded(piece.text.as_str()).contains(&folded(&grounded.answer.root_cause)));
    grounded.struck.truncate(MAX_REMARKS);
    grounded
}

/// `text` without the sentences that claim what is not there, and the number of claims that were found. Of a
/// `strict` text every name must be known; another may propose new ones.
fn checked(text: &str, library: &Library<'_>, strict: bool, struck: &mut Vec<String>) -> (String, usize) {
    let mut kept: Vec<String> = Vec::new();
    let mut supported = 0;
    for sentence in sentences(text) {
        let mut sentence = sentence.to_owned();
        // After so many of them the sentence is not worth more.
        for _ in 0..MAX_BRACKETS {
            let all = claims(&sentence);
            let missing =
                all.iter().find(|claim| counts(claim, strict) && library.look_up(claim) == Found::No);
            let Some(missing) = missing else {
                supported += all.iter().filter(|claim| library.look_up(claim) == Found::Yes).count();
                kept.push(sentence.trim().to_owned());
                break;
            };
            struck.push(remark(missing));
            // A remark in brackets can go without the rest of its sentence.
            match bracket(&sentence, missing) {
                Some(range) => sentence.replace_range(range, ""),
                None => break,
            }
        }
    }
    (kept.join(" "), supported)
}

fn counts(claim: &Claim, strict: bool) -> bool {
    strict || matches!(claim.kind, Kind::Link | Kind::Command | Kind::Path | Kind::Line | Kind::Version)
}

fn remark(claim: &Claim) -> String {
    let text = claim.text.trim_matches('`');
    match claim.kind {
        Kind::Link => "a link was left out".to_owned(),
        Kind::Command => "a command was left out".to_owned(),
        Kind::Path => format!("the file `{text}` is not in the evidence"),
        Kind::Line => format!("{text} is not in the evidence"),
        Kind::Quote | Kind::Name => format!("`{text}` is not in the evidence"),
        Kind::Version => format!("the version {text} is not in the evidence"),
    }
}

/// The brackets around a claim, with the blank before them.
fn bracket(sentence: &str, claim: &Claim) -> Option<std::ops::Range<usize>> {
    let open = sentence[..claim.span.start].rfind(['(', '['])?;
    if sentence[open..claim.span.start].contains([')', ']']) {
        return None;
    }
    let close = claim.span.end + sentence[claim.span.end..].find([')', ']'])? + 1;
    let start = sentence[..open].trim_end().len();
    // Nothing but a bracket is no remark.
    (start > 0).then_some(start..close)
}

/// The sentences of `text`; a full stop in code ends none.
fn sentences(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let (mut start, mut in_code) = (0, false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let ends = match c {
            '`' => {
                in_code = !in_code;
                false
            }
            '\n' => true,
            '.' | '!' | '?' | ';' if !in_code => {
                let head = &text[start..at];
                next.is_none_or(char::is_whitespace) && !head.ends_with("e.g") && !head.ends_with("i.e")
            }
            _ => false,
        };
        if ends {
            all.push(text[start..at + c.len_utf8()].trim());
            start = at + c.len_utf8();
        }
    }
    all.push(text[start..].trim());
    all.retain(|sentence| !sentence.is_empty());
    all
}

/// Keeps the citations that hold, with the numbers of the pieces that they are from.
fn cite(grounded: &mut Grounded, library: &Library<'_>, context: &edits::Context<'_>) {
    let citations = std::mem::take(&mut grounded.answer.evidence);
    for citation in citations {
        let piece = citation.id.as_deref().and_then(|id| context.dossier.piece(id));
        let (id, text) = if citation.quote.trim().is_empty() {
            // The number alone cites the piece as a whole.
            match piece {
                Some(piece) => (piece.id.as_str(), piece.title.as_str().to_owned()),
                None => continue,
            }
        } else if let Some(id) = library.holds(&citation.quote, citation.id.as_deref()) {
            (id, citation.quote.trim().to_owned())
        } else {
            grounded.struck.push("a quotation is not in the evidence".to_owned());
            continue;
        };
        let Some(piece) = context.dossier.piece(id) else { continue };
        let item = EvidenceItem {
            id: piece.id.clone(),
            text: context.redactor.text(&text),
            site: line_of(&text, piece, context).or_else(|| piece.site.clone()),
        };
        let known = |other: &EvidenceItem| other.id == item.id && other.text == item.text;
        if !grounded.cited.iter().any(known) {
            grounded.answer.evidence.push(citation);
            grounded.cited.push(item);
        }
    }
}

/// The line of a piece of source that holds what is quoted of it.
fn line_of(quote: &str, piece: &super::dossier::Piece, context: &edits::Context<'_>) -> Option<Site> {
    let (path, lines) = piece.lines.as_ref()?;
    let source = context.workspace.source(path)?;
    let first = super::claims::squeezed(quote.lines().find(|line| !line.trim().is_empty())?);
    let line = lines
        .clone()
        .find(|line| source.line(*line).is_some_and(|text| super::claims::squeezed(text).contains(&first)))?;
    Some(site(path, line, context))
}

fn site(path: &RelPath, line: u32, context: &edits::Context<'_>) -> Site {
    let function = context
        .workspace
        .source(path)
        .and_then(|source| source.module().enclosing_function(line).map(|def| def.qualified_name.clone()));
    let place = Place { function, ..Place::line(path.clone(), line) };
    analysis::shown_site(&place, context.workspace, context.redactor)
}

/// Where the answer says the cause is: a line that was shown, or the function of that name.
fn place(grounded: &mut Grounded, library: &Library<'_>, context: &edits::Context<'_>) {
    let answer = &grounded.answer;
    let file = answer.file.as_deref().filter(|file| !file.trim().is_empty());
    let function = answer.function.as_deref().filter(|name| !name.trim().is_empty());
    let Some(path) = file.and_then(|file| library.file(file)) else {
        if let Some(file) = file {
            grounded.struck.push(format!("the file `{file}` is not in the evidence"));
        }
        (grounded.answer.file, grounded.answer.line, grounded.answer.function) = (None, None, None);
        return;
    };
    let Some(source) = context.workspace.source(&path) else { return };
    let shown =
        |line: u32| context.dossier.sources().any(|(_, sent, lines)| *sent == path && lines.contains(&line));
    let line = answer.line.filter(|line| shown(*line));
    if let (Some(named), None) = (answer.line, line) {
        grounded.struck.push(format!("line {named} of `{}` is not in the evidence", path.as_str()));
    }
    let module = source.module();
    let named = function.and_then(|name| {
        let bare = name.rsplit('.').next().unwrap_or(name);
        let exact = module.definition_exact(name);
        let mut namesakes =
            module.definitions().iter().filter(|d| d.qualified_name.rsplit('.').next() == Some(bare));
        exact.or_else(|| namesakes.next().filter(|_| namesakes.next().is_none()))
    });
    if let (Some(name), None) = (function, named) {
        grounded.struck.push(format!("there is no function `{name}` in `{}`", path.as_str()));
    }
    let line = match (line, named) {
        // The function is the surer of the two: models miscount lines.
        (Some(line), Some(def)) if !(def.start_line..=def.end_line).contains(&line) => Some(def.name_line),
        (Some(line), _) => Some(line),
        (None, Some(def)) => Some(def.name_line),
        (None, None) => None,
    };
    grounded.site = line.map(|line| site(&path, line, context));
    let place = grounded.site.as_ref().map(|site| &site.place);
    grounded.answer.function = place.and_then(|place| place.function.as_deref()).map(str::to_owned);
    grounded.answer.line = place.map(|place| place.line);
    grounded.answer.file = Some(path.as_str().to_owned());
}

fn folded(text: &str) -> String {
    words(text).map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Whether `text` is a template that was not filled in, or a part of the instructions.
fn is_echo(text: &str) -> bool {
    const HOLLOW: [&str; 8] = [
        "goes here",
        "one sentence",
        "your answer",
        "lorem ipsum",
        "insert ",
        "placeholder",
        "todo",
        "fill in",
    ];
    let folded = folded(text);
    let count = folded.split(' ').filter(|word| !word.is_empty()).count();
    if count < 3 {
        return true;
    }
    let schema = super::answer::schema().json.to_string();
    let repeats = INSTRUCTIONS.iter().chain([&schema.as_str()]).any(|known| {
        let known = words(known).map(str::to_lowercase).collect::<Vec<_>>().join(" ");
        known.contains(&folded)
    });
    let trimmed = text.trim();
    let in_brackets = trimmed.starts_with(['<', '[', '{']) && trimmed.ends_with(['>', ']', '}']);
    let choices = text.matches('|').count() >= 3;
    let hollow = HOLLOW.iter().any(|phrase| folded.contains(phrase.trim())) && claims(text).is_empty();
    repeats || in_brackets || choices || hollow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_no_answers() {
        for text in [
            "",
            "...",
            "string",
            "root cause",
            "<one sentence>",
            "[describe the root cause here]",
            "one sentence of your own that names the function or line at fault and what is wrong with it",
            "One sentence explaining why the test failed.",
            "The root cause goes here in your own words",
            "assertion_failure|timeout|connection_error|env_issue",
            "why it fails, in one sentence that names the place",
        ] {
            assert!(is_echo(text), "{text}");
        }
        for text in [
            "`Route.length` skips the first leg because it slices from 1.",
            "The fixture `db` returns None instead of a connection",
            "`insert` is called with two arguments but takes one",
        ] {
            assert!(!is_echo(text), "{text}");
        }
    }

    #[test]
    fn sentences_end_where_they_end() {
        let rows: &[(&str, &[&str])] = &[
            ("One. Two! Three", &["One.", "Two!", "Three"]),
            ("`a. b` is in x.py. Then", &["`a. b` is in x.py.", "Then"]),
            ("e.g. this one", &["e.g. this one"]),
            ("", &[]),
            ("a\nb", &["a", "b"]),
        ];
        for (text, expected) in rows {
            assert_eq!(&sentences(text), expected, "{text}");
        }
    }
}
