// SPDX-License-Identifier: GPL-2.0
//! A metadevice of any kind that someone wants: one line of md.tab.

use super::{
    mirror::{
        MirrorSpec,
        MIRROR, //
    },
    name::MetadeviceName,
    rows::StripeSpec,
    SyntaxError, //
};
use std::fmt;

/// A metadevice that someone wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Spec {
    /// A stripe or concat.
    Stripe(StripeSpec),
    /// A mirror.
    Mirror(MirrorSpec),
}

impl Spec {
    /// Reads the words of a command line or md.tab line, the name first.
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        match words.get(1) {
            Some(option) if option == MIRROR => MirrorSpec::parse(words).map(Spec::Mirror),
            _ => StripeSpec::parse(words).map(Spec::Stripe),
        }
    }

    /// The metadevice's name.
    pub fn name(&self) -> MetadeviceName {
        match self {
            Spec::Stripe(stripe) => stripe.name,
            Spec::Mirror(mirror) => mirror.name,
        }
    }

    /// What SVM calls a metadevice of this kind.
    pub fn title(&self) -> &'static str {
        title(matches!(self, Spec::Mirror(_)))
    }

    /// Paths of all devices, row after row, or of all submirrors.
    pub fn devices(&self) -> Vec<String> {
        match self {
            Spec::Stripe(stripe) => stripe.devices().cloned().collect(),
            Spec::Mirror(mirror) => mirror.submirrors.iter().map(|name| name.path()).collect(),
        }
    }

    /// The command that makes it anew over components that were its own before. Those that are
    /// metadevices then carry what is on it, and they have no reserved head to hide that. Of a
    /// mirror over one submirror nothing is lost, so that it needs no force.
    pub fn command(&self) -> String {
        let devices = self.devices();
        let is_metadevice = |path: &String| MetadeviceName::at_path(path).is_some();
        let loses_nothing = matches!(self, Spec::Mirror(_)) && devices.len() == 1;
        let force = if devices.iter().any(is_metadevice) && !loses_nothing {
            " -f"
        } else {
            ""
        };
        format!("metainit{force} {self}")
    }
}

/// What SVM calls a mirror, or a metadevice that is none.
pub fn title(is_mirror: bool) -> &'static str {
    if is_mirror {
        "Mirror"
    } else {
        "Concat/Stripe"
    }
}

impl fmt::Display for Spec {
    /// One line in md.tab syntax.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Stripe(stripe) => stripe.fmt(f),
            Spec::Mirror(mirror) => mirror.fmt(f),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::syntax::{
        mirror::tests::any_mirror,
        rows::tests::any_stripe, //
    };
    use proptest::prelude::*;

    /// Any metadevice that the grammar can express.
    pub(in crate::syntax) fn any_spec() -> impl Strategy<Value = Spec> {
        prop_oneof![
            any_stripe().prop_map(Spec::Stripe),
            any_mirror().prop_map(Spec::Mirror),
        ]
    }

    impl Spec {
        /// The same under another name.
        pub(in crate::syntax) fn called(self, name: MetadeviceName) -> Self {
            match self {
                Spec::Stripe(stripe) => Spec::Stripe(StripeSpec { name, ..stripe }),
                Spec::Mirror(mirror) => Spec::Mirror(MirrorSpec { name, ..mirror }),
            }
        }
    }

    proptest! {
        #[test]
        fn printed_metadevices_are_read_back(spec in any_spec()) {
            let words: Vec<_> = spec.to_string().split(' ').map(String::from).collect();
            prop_assert_eq!(Spec::parse(&words), Ok(spec));
        }

        #[test]
        fn no_line_is_a_panic(
            words in prop::collection::vec("d[1-6]|[0-4]|-[mgrSi]|sda|--keep-data|.*", 0..12),
        ) {
            if let Err(error) = Spec::parse(&words) {
                prop_assert!(error.word <= words.len());
                prop_assert!(error.pointer(&words).contains('^'));
            }
        }
    }
}
