//! What is worth remembering depends on the work: a mode says which types and
//! concepts observations have, and tells the model what to look for.

/// A mode, as its file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// The name that chooses it, such as `code` or `code--de`.
    pub id: String,
    /// What it is called for people.
    pub name: String,
    /// Types of observations, the most telling first. Never empty.
    pub types: Vec<Term>,
    /// Concepts of observations.
    pub concepts: Vec<Term>,
    /// Type of an observation whose own is unknown: one of `types`.
    pub fallback_type: String,
    /// What to look for and what to leave out, in the mode's own words.
    pub guidance: String,
    /// English name of the language that observations are written in; `None`
    /// for the mode's own.
    pub language: Option<String>,
}

/// One name of a closed list, with its meaning for the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub id: String,
    pub description: String,
}
