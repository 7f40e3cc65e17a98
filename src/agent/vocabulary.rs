//! The closed lists that every provider's output is held to.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What sort of thing an observation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObservationKind {
    /// Something was broken and works now.
    Bugfix,
    /// Something new can be done.
    Feature,
    /// Same behaviour, other shape.
    Refactor,
    /// Any other modification: configuration, documentation, dependencies.
    Change,
    /// Something about the system was found out.
    Discovery,
    /// A choice was made, with its reasons.
    Decision,
    /// A weakness that somebody has to act upon.
    SecurityAlert,
    /// Something relevant to security that needs no action.
    SecurityNote,
}

impl ObservationKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Bugfix,
        Self::Feature,
        Self::Refactor,
        Self::Change,
        Self::Discovery,
        Self::Decision,
        Self::SecurityAlert,
        Self::SecurityNote,
    ];

    /// The name used in storage, replies and the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bugfix => "bugfix",
            Self::Feature => "feature",
            Self::Refactor => "refactor",
            Self::Change => "change",
            Self::Discovery => "discovery",
            Self::Decision => "decision",
            Self::SecurityAlert => "security_alert",
            Self::SecurityNote => "security_note",
        }
    }

    /// Reads a name, whatever its case or separators. An unknown one is a
    /// discovery: the claim that promises least.
    pub fn parse(name: &str) -> Self {
        let name = folded(name, '_');
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or(Self::Discovery)
    }
}

/// What an observation is useful for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Concept {
    /// Explains a mechanism.
    HowItWorks,
    /// Explains a purpose.
    WhyItExists,
    /// Tells what is different now.
    WhatChanged,
    /// Names a problem and what cured it.
    ProblemSolution,
    /// Warns of something that surprises.
    Gotcha,
    /// Describes a way of doing things that recurs.
    Pattern,
    /// Weighs alternatives.
    TradeOff,
}

impl Concept {
    /// Every concept, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::HowItWorks,
        Self::WhyItExists,
        Self::WhatChanged,
        Self::ProblemSolution,
        Self::Gotcha,
        Self::Pattern,
        Self::TradeOff,
    ];

    /// The name used in storage, replies and the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HowItWorks => "how-it-works",
            Self::WhyItExists => "why-it-exists",
            Self::WhatChanged => "what-changed",
            Self::ProblemSolution => "problem-solution",
            Self::Gotcha => "gotcha",
            Self::Pattern => "pattern",
            Self::TradeOff => "trade-off",
        }
    }

    /// Reads a name, whatever its case or separators.
    pub fn parse(name: &str) -> Option<Self> {
        let name = folded(name, '-');
        Self::ALL
            .into_iter()
            .find(|concept| concept.as_str() == name)
    }
}

impl AsRef<str> for ObservationKind {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Concept {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

fn folded(name: &str, separator: char) -> String {
    name.trim()
        .chars()
        .map(|c| match c {
            ' ' | '_' | '-' => separator,
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

impl Serialize for ObservationKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ObservationKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::parse(&name))
    }
}

impl Serialize for Concept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Concept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown concept '{name}'")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        for kind in ObservationKind::ALL {
            assert_eq!(ObservationKind::parse(kind.as_str()), kind);
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(
                serde_json::from_str::<ObservationKind>(&json).unwrap(),
                kind
            );
        }
        for concept in Concept::ALL {
            assert_eq!(Concept::parse(concept.as_str()), Some(concept));
        }
    }

    #[test]
    fn an_unknown_kind_is_a_discovery_and_an_unknown_concept_is_none() {
        assert_eq!(
            ObservationKind::parse("epiphany"),
            ObservationKind::Discovery
        );
        assert_eq!(
            ObservationKind::parse(" Security-Alert "),
            ObservationKind::SecurityAlert
        );
        assert_eq!(Concept::parse("Trade_Off"), Some(Concept::TradeOff));
        assert_eq!(Concept::parse("vibes"), None);
    }
}
