//! What is written and printed from an [`crate::model::Analysis`]. Accepts no unredacted text.
