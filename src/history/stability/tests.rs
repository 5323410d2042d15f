use super::*;

/// Runs from a short form, oldest first: `P`, `F`, `S`, `X`; `R` passed after a rerun; lower case `p`, `f`: ran
/// alone. Before a letter a digit may stand for the code; without one it is not known.
fn runs(text: &str) -> Vec<Observation> {
    let mut code = 0;
    let mut all = Vec::new();
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            code = digit;
            continue;
        }
        let end = match c.to_ascii_uppercase() {
            'P' | 'R' => End::Passed,
            'F' => End::Failed,
            'X' => End::Xfailed,
            _ => End::Skipped,
        };
        all.push(Observation {
            end,
            reruns: u32::from(c == 'R'),
            code,
            tree: code,
            branch: 0,
            run: all.len() as u32,
            alone: c.is_ascii_lowercase(),
            duration: Some(0.5),
        });
    }
    all
}

fn graded(text: &str) -> Stability {
    grade(&runs(text), |run| (f64::from(run), None))
}

#[test]
fn grades_by_pass_rate() {
    let rows = [
        ("PPPP", Grade::Ungraded),
        ("PPPPP", Grade::A),
        ("PPPPPPPPPPPPPPPPPPPF", Grade::A),
        ("PPPPPPPPPPPPPPPPPPFF", Grade::B),
        ("PPPPF", Grade::B),
        ("PPPPPPPPPPPPPPPPFFFF", Grade::B),
        ("PPPPPPPPPPPPPFFFFFFF", Grade::C),
        ("PFPFPFPFPF", Grade::D),
        ("FFFFFFFFFFP", Grade::F),
        // Skips and expected failures are neither.
        ("SSSSSSSSSSSS", Grade::Ungraded),
        ("XXXXXXXXXXXX", Grade::Ungraded),
        ("PPPPSSSSSSXXX", Grade::Ungraded),
        ("PPPPPSSSSSSSSSS", Grade::A),
        // Only the last twenty count.
        ("FFFFFFFFFFPPPPPPPPPPPPPPPPPPPP", Grade::A),
    ];
    for (text, expected) in rows {
        assert_eq!(graded(text).grade, expected, "{text}");
    }
}

#[test]
fn verdicts_tell_flaky_from_broken() {
    use Verdict::*;
    let rows = [
        ("PPPPPPPPPP", Stable),
        ("FFFFFFFFFF", Broken),
        ("FFFFFFFFFFFFFFFFFFFF", Broken),
        // One change that stays.
        ("PPPPPPPPPPPPFFF", Broken),
        ("PPPPPPPPFFFFFFFFFFFF", Broken),
        ("1PPPP2PPPP3FFFF", Regression),
        ("1PPP2PPP3F4F5F", Regression),
        ("FFFFFFFFPPPPPPPPPPPP", Stable),
        // Broken and mended.
        ("PPPPPPPFFFFFPPPPPPPP", Stable),
        // A new failure: not known yet.
        ("PPPPPPPPPPPPPPF", Stable),
        // To and fro.
        ("PFPPPPFPPFPPPPPFPFPP", Flaky),
        ("PFPFPPFPPFPFPPPFPFPP", HighlyUnstable),
        ("PFPFPFPFPFPFPFPFPFPF", HighlyUnstable),
        ("PPPPFPPPPPPPPPFPPPPP", Flaky),
        ("PPPPPPPPPFPPPPPPPPPP", MildlyFlaky),
        // Both outcomes on the same code settle it, however few the runs.
        ("1PF", Flaky),
        ("1PFP", Flaky),
        ("PPPPPPPPPPPPPPPP1PF", MildlyFlaky),
        ("PPPPPPPPPPPPPPPPR", MildlyFlaky),
        ("R", Flaky),
        // On other code each, it was the code.
        ("1P2F", Unknown),
        ("PF", Unknown),
        ("FFFF", Unknown),
        ("SSSSS", Skipped),
        ("XXXXXXX", ExpectedFailure),
        ("XSXSXS", ExpectedFailure),
        // Flaky once, then broken for good; or mended for good.
        ("PFPPFPPFFFFFFFFFFFFF", Broken),
        ("FPFPFPPPPPPPPPPPPPPP", Stable),
        // With others it fails, alone it passes.
        ("1Fp", OrderDependent),
        ("PPPPP1FpFp", OrderDependent),
        ("1FpP", Flaky),
        ("1Pf", OrderDependent),
        ("1F2p", Unknown),
        // An edit elsewhere leaves a test as it was, unless what follows tells otherwise.
        ("1FFFFFp2F", OrderDependent),
        ("1FFFFFp2F3FF", OrderDependent),
    ];
    for (text, expected) in rows {
        let stability = graded(text);
        assert_eq!(stability.verdict, expected, "{text}: {stability:?}");
        assert!(!stability.sentence().is_empty());
    }
}

/// It fails with others and passes alone, and then, on other code, passes with others: it was mended.
#[test]
fn what_follows_may_tell_otherwise() {
    for text in ["1FFFFFp2P", "1FFFFFp2PPP", "1FFFFFp2f"] {
        assert_ne!(graded(text).verdict, Verdict::OrderDependent, "{text}");
    }
}

#[test]
fn what_never_changes_is_not_flaky() {
    for n in 1..=40 {
        for c in ['P', 'F', 'S', 'X'] {
            let stability = graded(&c.to_string().repeat(n));
            assert_eq!(stability.flakiness_score, 0, "{n} {c}");
            assert!(!stability.verdict.is_flaky(), "{n} {c}");
        }
    }
}

#[test]
fn another_branch_is_other_code() {
    // One branch broken, the other fine, in turns.
    let mut all = runs("PFPFPFPFPFPFPF");
    for (at, observation) in all.iter_mut().enumerate() {
        observation.branch = 1 + at as u32 % 2;
    }
    let stability = grade(&all, |run| (f64::from(run), None));
    assert!(!stability.verdict.is_flaky(), "{stability:?}");
    assert!(graded("PFPFPFPFPFPFPF").verdict.is_flaky());
}

#[test]
fn trends() {
    let rows = [
        ("PPPPPPPPPPPPPPPPPPPP", Trend::Stable),
        ("FFFFFFFFFFFFFFFFFFFF", Trend::Stable),
        ("PPPPPPPPPPPFPPFPFPFF", Trend::Degrading),
        ("FFPFPFPFPPPPPPPPPPPP", Trend::Improving),
        ("PFPPFPPFPPPFPPFPPFPP", Trend::Stable),
        ("FP", Trend::Stable),
    ];
    for (text, expected) in rows {
        assert_eq!(graded(text).trend, expected, "{text}");
    }
}

#[test]
fn sentences_say_since_when() {
    let check = |text: &str, commit: Option<&str>, expected: &str| {
        let stability = grade(&runs(text), |_| (0.0, commit.map(str::to_owned)));
        assert_eq!(stability.sentence(), expected, "{text}");
    };
    check("PPPFFF", None, "failed in each of the last 3 runs; passed before");
    check("PPPFFF", Some("c0ffee"), "failed in each of the last 3 runs since commit c0ffee; passed before");
    let change = "failed in each of the last 2 runs since a change of the code";
    check("1PPPP2FF", None, &format!("{change}; passed before"));
    check("1PPPP2FF", Some("c0ffee"), &format!("{change} (commit c0ffee); passed before"));
    check("FFFFF", Some("c0ffee"), "failed in all of the last 5 runs");
}

#[test]
fn says_since_when_it_fails() {
    let stability = grade(&runs("1PPP2PF3FF"), |run| (f64::from(run), Some(format!("c{run}"))));
    let since = stability.failing_since.unwrap_or_else(|| panic!("fails"));
    assert_eq!((since.runs, since.time), (3, 4.0));
    assert_eq!(since.commit.as_deref(), Some("c4"));
    assert_eq!(since.last_passed_commit.as_deref(), Some("c3"));
    assert_eq!(graded("FFFP").failing_since, None);
}
