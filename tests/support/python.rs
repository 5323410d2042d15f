//! The Python that tests run pytest with.

/// A Python that has pytest: `tests/run.sh` makes one and names it.
#[expect(clippy::disallowed_methods, reason = "tests are told which Python to use by a variable")]
pub fn python() -> String {
    std::env::var("FAILSCOPE_TEST_PYTHON")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv/bin/python").to_owned())
}
