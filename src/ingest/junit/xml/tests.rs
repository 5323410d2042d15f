use std::fmt::Write as _;

use super::*;

/// The document as a list of tokens in short form, read with windows of several sizes.
fn tokens(document: &[u8], most: usize) -> Vec<String> {
    let mut window = Window::new(document, most);
    let mut tokens = Tokens::new(&mut window);
    tokens.want_text = true;
    let mut out: Vec<String> = Vec::new();
    loop {
        let token = match tokens.next() {
            Token::Open(tag) => {
                let mut attributes = String::new();
                for (key, raw) in tag.attributes() {
                    let _ = write!(attributes, " {}={}", String::from_utf8_lossy(key), value(raw));
                }
                let slash = if tag.empty { "/" } else { "" };
                format!("<{}{attributes}{slash}>", String::from_utf8_lossy(tag.name))
            }
            Token::Close(name) => format!("</{}>", String::from_utf8_lossy(name)),
            Token::Text(text) => {
                let mut bytes = Vec::new();
                unescape(text, |piece| bytes.extend_from_slice(piece));
                format!("T{}", String::from_utf8_lossy(&bytes))
            }
            Token::Data(text) => format!("T{}", String::from_utf8_lossy(text)),
            Token::Broken(at, _) => format!("!{at}"),
            Token::End(cut) => {
                out.push(format!("end{}", if cut { " cut" } else { "" }));
                return out;
            }
        };
        match out.last_mut() {
            Some(last) if last.starts_with('T') && token.starts_with('T') => last.push_str(&token[1..]),
            _ => out.push(token),
        }
    }
}

#[test]
fn documents() {
    let cases: &[(&str, &str)] = &[
        ("", "end"),
        ("<a/>", "<a/> end"),
        ("<a b='1' c = \"2\"><d/></a >", "<a b=1 c=2> <d/> </a> end"),
        ("<a>x &lt;&#65;&#x42;&amp;amp; y</a>", "<a> Tx <AB&amp; y </a> end"),
        ("<a>&unknown; & &#xFFFFFFFF; &#0;</a>", "<a> T&unknown; & \u{FFFD} \u{0} </a> end"),
        ("<a><![CDATA[<x> ]] &lt;]]>y</a>", "<a> T<x> ]] &lt;y </a> end"),
        ("<?xml version='1.0'?><!-- <b> -- > --><a/>", "<a/> end"),
        (
            "<!DOCTYPE a [<!ENTITY l \"]>&k;&k;\"><!ENTITY m '>'>]><a b='&l;'>&m;</a>",
            "<a b=&l;> T&m; </a> end",
        ),
        ("<a>1 < 2 <= 3</a>", "<a> T1 < 2 <= 3 </a> end"),
        ("<a b=c d>x", "<a b=c> Tx end"),
        ("<a b='x", "end cut"),
        ("<a", "end cut"),
        ("<", "end cut"),
        ("<a></a", "<a> end cut"),
        ("<a><!-- x", "<a> end cut"),
        ("<a><![CDATA[x", "<a> Tx end cut"),
        ("<a <b/>", "!0 <b/> end"),
        ("<testcase name='x><testcase name='y'/>", "!0 <testcase name=y/> end"),
        ("<a b='1<2>3'/>", "<a b=1<2>3/> end"),
        ("<größe ä='ö'>ü</größe>", "<größe ä=ö> Tü </größe> end"),
    ];
    for (document, expected) in cases {
        let found = tokens(document.as_bytes(), 1 << 20).join(" ");
        assert_eq!(&found, expected, "{document}");
    }
}

#[test]
fn a_tag_is_read_the_same_after_one_that_begins_like_it() {
    let tags = [
        "<c a='1' b='2' c=\"3\"/>",
        "<c a='1' b='' c=\"it's\"/>",
        "<c a='1' b='2' c='3'/>",
        "<c a='1' b='2' c=\"3\" d='4'/>",
        "<c a='1' b='2'/>",
        "<c a='1' b='2'>",
        "<c a='1' bb='2'>",
        "<c a='12' b='2'>",
        "<c a='1' b=2>",
        "<c a='1' b='x>y'>",
        "<c a='1' b='x<y' >",
        "<c a='1' b='x<testcase d='y'>",
        "<c a='1' b='&lt;'>",
        "<c a=1 b='2'>",
        "<c a='1'>",
        "<cc a='1'>",
        "<c>",
    ];
    for first in tags {
        for second in tags {
            // Offsets aside, which tell where a tag was broken.
            let short = |document: &str| -> Vec<String> {
                let found = tokens(document.as_bytes(), 1 << 20);
                let found = found[..found.len() - 1].iter();
                found
                    .map(|token| if token.starts_with('!') { "!".to_owned() } else { token.clone() })
                    .collect()
            };
            assert_eq!(
                short(&format!("{first}{second}")),
                [short(first), short(second)].concat(),
                "{first} {second}"
            );
        }
    }
}

#[test]
fn pieces_are_put_together() {
    let document = format!("<a>{}<![CDATA[{}]]></a>", "ö&amp;✓ ".repeat(40), "]]✓".repeat(40));
    let expected = format!("<a> T{}{} </a> end", "ö&✓ ".repeat(40), "]]✓".repeat(40));
    for most in [64, 65, 66, 67, 100, 1000] {
        assert_eq!(tokens(document.as_bytes(), most).join(" "), expected, "{most}");
    }
}

#[test]
fn an_overlong_tag_loses_only_itself() {
    let document = format!("<a/><b c='{}>' d='x'/><e/>", "y".repeat(500));
    assert_eq!(tokens(document.as_bytes(), 64).join(" "), "<a/> !4 <e/> end");
    let document = format!("<a/><b c='{}", "y".repeat(500));
    assert_eq!(tokens(document.as_bytes(), 64).join(" "), "<a/> !4 end cut");
}
