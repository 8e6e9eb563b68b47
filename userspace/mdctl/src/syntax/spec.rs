// SPDX-License-Identifier: GPL-2.0
//! A metadevice of any kind that someone wants: one line of md.tab.

use super::{
    mirror::{
        MirrorSpec,
        MIRROR, //
    },
    name::MetadeviceName,
    raid::{
        RaidSpec,
        RAID, //
    },
    rows::StripeSpec,
    soft::{
        SoftSpec,
        SOFT_PARTITION, //
    },
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
    /// A soft partition.
    Soft(SoftSpec),
    /// A RAID5 metadevice.
    Raid(RaidSpec),
}

/// Kinds of metadevices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Stripe or concat: SVM has one word for both.
    Stripe,
    /// Mirror.
    Mirror,
    /// Soft partition.
    Soft,
    /// RAID5.
    Raid,
}

impl Spec {
    /// Reads the words of a command line or md.tab line, the name first.
    pub fn parse(words: &[String]) -> Result<Self, SyntaxError> {
        match words.get(1) {
            Some(option) if option == MIRROR => MirrorSpec::parse(words).map(Spec::Mirror),
            Some(option) if option == RAID => RaidSpec::parse(words).map(Spec::Raid),
            Some(option) if option == SOFT_PARTITION => SoftSpec::parse(words).map(Spec::Soft),
            _ => StripeSpec::parse(words).map(Spec::Stripe),
        }
    }

    /// The metadevice's name.
    pub fn name(&self) -> MetadeviceName {
        match self {
            Spec::Stripe(stripe) => stripe.name,
            Spec::Mirror(mirror) => mirror.name,
            Spec::Soft(soft) => soft.name,
            Spec::Raid(raid) => raid.name,
        }
    }

    /// What SVM calls a metadevice of this kind.
    pub fn title(&self) -> &'static str {
        self.kind().title()
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Spec::Stripe(_) => Kind::Stripe,
            Spec::Mirror(_) => Kind::Mirror,
            Spec::Soft(_) => Kind::Soft,
            Spec::Raid(_) => Kind::Raid,
        }
    }

    /// Paths of all devices, row after row, or of all submirrors.
    pub fn devices(&self) -> Vec<String> {
        match self {
            Spec::Stripe(stripe) => stripe.devices().cloned().collect(),
            Spec::Mirror(mirror) => mirror.submirrors.iter().map(|name| name.path()).collect(),
            Spec::Soft(soft) => vec![soft.base.clone()],
            Spec::Raid(raid) => raid.devices.clone(),
        }
    }

    /// The command that makes it anew over components that were its own before. Those that are
    /// metadevices then carry what is on it, and they have no reserved head to hide that. Of a
    /// mirror over one submirror nothing is lost, so that it needs no force.
    pub fn command(&self) -> String {
        let devices = self.devices();
        let is_metadevice = |path: &String| MetadeviceName::at_path(path).is_some();
        let loses_nothing = match self {
            Spec::Stripe(_) | Spec::Raid(_) => false,
            Spec::Mirror(_) => devices.len() == 1,
            Spec::Soft(_) => true,
        };
        let force = if devices.iter().any(is_metadevice) && !loses_nothing {
            " -f"
        } else {
            ""
        };
        format!("metainit{force} {self}")
    }
}

impl Kind {
    /// What SVM calls a metadevice of this kind.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Stripe => "Concat/Stripe",
            Kind::Mirror => "Mirror",
            Kind::Soft => "Soft Partition",
            Kind::Raid => "RAID",
        }
    }

    /// The letter for it in a list.
    pub fn letter(self) -> char {
        match self {
            Kind::Stripe => 's',
            Kind::Mirror => 'm',
            Kind::Soft => 'p',
            Kind::Raid => 'r',
        }
    }
}

impl fmt::Display for Spec {
    /// One line in md.tab syntax.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Stripe(stripe) => stripe.fmt(f),
            Spec::Mirror(mirror) => mirror.fmt(f),
            Spec::Soft(soft) => soft.fmt(f),
            Spec::Raid(raid) => raid.fmt(f),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::syntax::{
        mirror::tests::any_mirror,
        raid::tests::any_raid,
        rows::tests::any_stripe,
        soft::tests::any_soft, //
    };
    use proptest::prelude::*;

    /// Any metadevice that the grammar can express.
    pub(in crate::syntax) fn any_spec() -> impl Strategy<Value = Spec> {
        prop_oneof![
            any_stripe().prop_map(Spec::Stripe),
            any_mirror().prop_map(Spec::Mirror),
            any_soft().prop_map(Spec::Soft),
            any_raid().prop_map(Spec::Raid),
        ]
    }

    impl Spec {
        /// The same under another name.
        pub(in crate::syntax) fn called(self, name: MetadeviceName) -> Self {
            match self {
                Spec::Stripe(stripe) => Spec::Stripe(StripeSpec { name, ..stripe }),
                Spec::Mirror(mirror) => Spec::Mirror(MirrorSpec { name, ..mirror }),
                Spec::Soft(soft) => Spec::Soft(SoftSpec { name, ..soft }),
                Spec::Raid(raid) => Spec::Raid(RaidSpec { name, ..raid }),
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
            words in prop::collection::vec("d[1-6]|[0-4]|-[mgrSipob]|sda|1m|--keep-data|.*", 0..12),
        ) {
            if let Err(error) = Spec::parse(&words) {
                prop_assert!(error.word <= words.len());
                prop_assert!(error.pointer(&words).contains('^'));
            }
        }
    }
}
