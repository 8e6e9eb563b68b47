// SPDX-License-Identifier: GPL-2.0
//! A metadevice as the commands see it: what the kernel answered, checked and in Rust's terms.

use crate::{
    admin::requests::soft,
    scrub::{
        Checked,
        Scrubs, //
    },
    syntax::{
        mirror::{
            MirrorSpec,
            Options, //
        },
        name::{
            component_word,
            MetadeviceName, //
        },
        pace::Pace,
        pool::PoolName,
        raid::RaidSpec,
        rows::{
            RowSpec,
            StripeSpec, //
        },
        size::Sectors,
        soft::{
            Place,
            SoftSpec, //
        },
        spec::{
            Kind,
            Spec, //
        }, //
    }, //
};
use md_abi::admin::SoftState;
use md_model::limits::ALIGNMENT_SECTORS_DEFAULT;
use md_report::{
    self as report,
    State, //
};

/// A metadevice that exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unit {
    /// Its name.
    pub name: MetadeviceName,
    /// The metadevice that it is a component of.
    pub parent: Option<MetadeviceName>,
    /// Its state, the worst of its components'.
    pub state: State,
    /// Its size.
    pub size: Sectors,
    /// Its device number, as `st_rdev` has it.
    pub dev: u64,
    /// Whether it is read-only until the set is started again, since a component was in use when
    /// it was made.
    pub is_pending: bool,
    /// Its hot spare pool, if it has one.
    pub pool: Option<PoolName>,
    /// What it is made of.
    pub body: Body,
}

/// What a metadevice is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Body {
    /// A stripe or concat: its rows, at least one.
    Stripe(Vec<Row>),
    /// A mirror.
    Mirror(Mirror),
    /// A soft partition.
    Soft(Soft),
    /// A RAID5 metadevice.
    Raid(Raid),
}

/// A RAID5 metadevice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Raid {
    /// Its columns, and their interlace: one row of those that it was made of, and perhaps another
    /// one of those that were attached.
    pub rows: Vec<Row>,
    /// How fast it is made.
    pub pace: Pace,
    /// How far its parity, or a column, is made, if one is.
    pub resync: Option<Resync>,
    /// Whether it is the parity, for the first time.
    pub is_initializing: bool,
    /// Whether the parity goes around as in SVM.
    pub has_svm_rotation: bool,
    /// Whether its writes are in a log.
    pub has_log: bool,
    /// Whether it cannot be opened.
    pub is_blocked: bool,
    /// Blocks of 4 KiB that read as errors until they are written.
    pub lost_blocks: u32,
    /// Where these are.
    pub lost: Vec<LostRange>,
    /// Its checks.
    pub scrubs: Scrubs,
}

impl Raid {
    /// How much lies on one column before it is the next one's turn.
    pub fn interlace(&self) -> Sectors {
        self.rows.first().map_or(Sectors(0), |row| row.interlace)
    }

    /// The columns that were attached.
    pub fn attached(&self) -> &[Component] {
        self.rows.get(1).map_or(&[], |row| &row.components)
    }
}

/// Blocks of a RAID5 metadevice that read as errors until they are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LostRange {
    /// The first sector.
    pub first: u64,
    /// How many.
    pub count: Sectors,
}

/// What a soft partition is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Soft {
    /// Its base.
    pub base: Component,
    /// The rest.
    pub layout: soft::Status,
}

impl Soft {
    /// What the data of its extents begins on a multiple of, if that is not 1 MiB, which is what
    /// nearly all have.
    fn unusual_alignment(&self) -> Option<Sectors> {
        Some(self.layout.alignment).filter(|own| own.0 != ALIGNMENT_SECTORS_DEFAULT)
    }

    /// How its layout is, in SVM's words (`svm.md` section 6.1).
    pub fn word(&self) -> &'static str {
        match self.layout.state {
            SoftState::Okay if self.layout.wrong > 0 => "Errored",
            SoftState::Okay => "Okay",
            SoftState::Creating => "Creating",
            SoftState::Growing => "Growing",
            SoftState::Shrinking => "Shrinking",
            SoftState::Clearing => "Deleting",
            SoftState::Moving => "Moving",
        }
    }
}

/// The sides of a mirror.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mirror {
    /// The sides, at least one. Their starts, sizes and errors mean nothing.
    pub submirrors: Vec<Component>,
    /// Its options.
    pub options: Options,
    /// How fast it is resynced.
    pub pace: Pace,
    /// Its resync, if there is something to do.
    pub resync: Option<Resync>,
    /// Its checks.
    pub scrubs: Scrubs,
}

/// A resync that is not done yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resync {
    /// Whether it goes on.
    pub state: report::ResyncState,
    /// What is done, of `total`.
    pub done: Sectors,
    /// What it has to do in all; zero if that is not known yet.
    pub total: Sectors,
}

/// A row: a stripe over its components, or a single component.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// How much lies on one component before it is the next one's turn.
    pub interlace: Sectors,
    /// The components, at least one.
    pub components: Vec<Component>,
}

/// A component of a row, or a side of a mirror.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Component {
    /// Path of the device, as it was given when the metadevice was made.
    pub device: String,
    /// First sector of the metadevice's data on the device.
    pub start: Sectors,
    /// Sectors of the device that hold data of the metadevice.
    pub size: Sectors,
    /// Its state.
    pub state: State,
    /// Reads that failed.
    pub read_errors: u64,
    /// Writes and flushes that failed.
    pub write_errors: u64,
    /// Blocks that could not be read, and were good again when they had been rewritten.
    pub healed_errors: u64,
    /// It answers so late that reads go to other submirrors.
    pub is_slow: bool,
    /// When the state last changed or an error last occurred, in UTC as RFC 3339 has it.
    pub event: Option<String>,
    /// Path of the hot spare that stands for it, if one does: state and errors are the spare's.
    pub spare: Option<String>,
}

impl Component {
    /// Its state as people are told it.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            State::Okay if self.is_slow => "Okay (slow)",
            state => state.word(),
        }
    }
}

impl Unit {
    /// What one would give to `metainit` to make the same metadevice. Of a mirror, sides that
    /// bear no metadevice's name are left out: the kernel knows of none.
    pub fn specification(&self) -> Spec {
        match &self.body {
            Body::Stripe(rows) => Spec::Stripe(StripeSpec {
                name: self.name,
                rows: rows.iter().map(Row::specification).collect(),
                pool: self.pool,
                keep_data: self.keeps_data(),
            }),
            Body::Mirror(mirror) => Spec::Mirror(MirrorSpec {
                name: self.name,
                submirrors: mirror.names(),
                options: mirror.options,
                pace: mirror.pace,
            }),
            Body::Soft(soft) => Spec::Soft(SoftSpec {
                name: self.name,
                base: soft.base.device.clone(),
                on_new_partition: false,
                place: Place::Extents {
                    extents: soft.layout.extents.clone(),
                    alignment: soft.unusual_alignment(),
                },
            }),
            Body::Raid(raid) => Spec::Raid(RaidSpec {
                name: self.name,
                devices: self.components().map(|part| part.device.clone()).collect(),
                attached: raid.attached().len(),
                interlace: raid.interlace(),
                pool: self.pool,
                pace: raid.pace,
                has_svm_rotation: raid.has_svm_rotation,
                has_log: raid.has_log,
                keep: true,
            }),
        }
    }

    /// Its kind.
    pub fn unit_kind(&self) -> Kind {
        match self.body {
            Body::Stripe(_) => Kind::Stripe,
            Body::Mirror(_) => Kind::Mirror,
            Body::Soft(_) => Kind::Soft,
            Body::Raid(_) => Kind::Raid,
        }
    }

    /// What it is made of, if it is a soft partition.
    pub fn soft(&self) -> Option<&Soft> {
        match &self.body {
            Body::Soft(soft) => Some(soft),
            Body::Stripe(_) | Body::Mirror(_) | Body::Raid(_) => None,
        }
    }

    /// What it is made of, if it is RAID5.
    pub fn raid(&self) -> Option<&Raid> {
        match &self.body {
            Body::Raid(raid) => Some(raid),
            Body::Stripe(_) | Body::Mirror(_) | Body::Soft(_) => None,
        }
    }

    /// Whether it is a mirror.
    pub fn is_mirror(&self) -> bool {
        matches!(self.body, Body::Mirror(_))
    }

    /// Whether it begins where a disk or partition begins. One that is made of metadevices does
    /// so in any case: they have no reserved head.
    fn keeps_data(&self) -> bool {
        let mut components = self.rows().iter().flat_map(|row| &row.components);
        match (components.next(), components.next()) {
            (Some(only), None) => {
                only.start.0 == 0 && MetadeviceName::at_path(&only.device).is_none()
            }
            _ => false,
        }
    }

    /// How its resync is, if it is a mirror or RAID5 with something to resync.
    pub fn resync(&self) -> Option<Resync> {
        match &self.body {
            Body::Stripe(_) | Body::Soft(_) => None,
            Body::Mirror(mirror) => mirror.resync,
            Body::Raid(raid) => raid.resync,
        }
    }

    /// What is known of its checks, if it is a mirror or RAID5.
    pub fn checked(&self) -> Option<Checked<'_>> {
        match &self.body {
            Body::Stripe(_) | Body::Soft(_) => None,
            Body::Mirror(mirror) => Some(Checked::Mirror(mirror)),
            Body::Raid(raid) => Some(Checked::Raid(raid)),
        }
    }

    /// Its rows; none if it is a mirror.
    pub fn rows(&self) -> &[Row] {
        match &self.body {
            Body::Stripe(rows) => rows,
            Body::Raid(raid) => &raid.rows,
            Body::Mirror(_) | Body::Soft(_) => &[],
        }
    }

    /// All components, row after row, or all submirrors, or the base.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        let submirrors = match &self.body {
            Body::Stripe(_) | Body::Raid(_) => &[][..],
            Body::Mirror(mirror) => &mirror.submirrors,
            Body::Soft(soft) => std::slice::from_ref(&soft.base),
        };
        let components = self.rows().iter().flat_map(|row| &row.components);
        components.chain(submirrors)
    }

    /// Whether anything is or was wrong with it.
    pub fn has_trouble(&self) -> bool {
        let is_errored = self.soft().is_some_and(|soft| soft.word() != "Okay");
        let mut components = self.components();
        self.state != State::Okay || is_errored || components.any(Component::has_trouble)
    }

    /// Stripe or concat: SVM has one word for both, the JSON documents have two.
    fn kind(&self) -> report::Kind {
        if self.is_mirror() {
            report::Kind::Mirror
        } else if self.soft().is_some() {
            report::Kind::SoftPartition
        } else if self.raid().is_some() {
            report::Kind::Raid5
        } else if self.rows().iter().any(|row| row.components.len() > 1) {
            report::Kind::Stripe
        } else {
            report::Kind::Concat
        }
    }
}

impl Row {
    /// The row as one would give it to `metainit`.
    fn specification(&self) -> RowSpec {
        let devices = self.components.iter().map(|part| part.device.clone());
        RowSpec {
            interlace: self.interlace,
            devices: devices.collect(),
        }
    }
}

impl Resync {
    /// How much is done of a mirror's resync, in percent, rounded down; with a decimal if the
    /// mirror, of `size`, is larger than 1 TiB (`svm.md` section 10.1).
    pub fn percent(&self, size: Sectors) -> String {
        let of = |parts: u128| {
            let total = u128::from(self.total.0.max(1));
            u128::from(self.done.0.min(self.total.0)) * parts / total
        };
        if size > Sectors(1 << 31) {
            let tenths = of(1000);
            format!("{}.{}", tenths / 10, tenths % 10)
        } else {
            of(100).to_string()
        }
    }
}

impl Mirror {
    /// Names of the submirrors.
    pub fn names(&self) -> Vec<MetadeviceName> {
        self.submirrors
            .iter()
            .filter_map(|part| MetadeviceName::at_path(&part.device))
            .collect()
    }
}

impl Component {
    /// Whether it is out of service, or a request to it has failed.
    fn has_trouble(&self) -> bool {
        self.state != State::Okay || self.read_errors > 0 || self.write_errors > 0
    }
}

impl From<&Unit> for report::Metadevice {
    fn from(unit: &Unit) -> Self {
        let mut document = report::Metadevice {
            name: unit.name.to_string(),
            kind: unit.kind(),
            size: unit.size.bytes(),
            state: unit.state,
            pending: unit.is_pending,
            parent: unit.parent.map(|parent| parent.to_string()),
            hot_spare_pool: unit.pool.map(|pool| pool.to_string()),
            rows: None,
            columns: None,
            original_columns: None,
            interlace: None,
            svm_rotation: false,
            no_log: false,
            blocked: false,
            lost_blocks: None,
            lost: Vec::new(),
            initializing: false,
            submirrors: None,
            read_policy: None,
            write_policy: None,
            pass: None,
            resync_pace: None,
            resync: None,
            check: None,
            soft_partition: None,
        };
        match &unit.body {
            Body::Stripe(rows) => document.rows = Some(rows.iter().map(Into::into).collect()),
            Body::Mirror(mirror) => {
                let Mirror {
                    submirrors,
                    options,
                    pace,
                    resync,
                    ..
                } = mirror;
                document.resync_pace = (!pace.is_default()).then(|| pace.into());
                document.check = Checked::Mirror(mirror).document(unit.size);
                document.submirrors = Some(submirrors.iter().map(Into::into).collect());
                document.read_policy = Some(options.read_policy);
                document.write_policy = Some(options.write_policy);
                document.pass = Some(options.pass);
                document.resync = resync.as_ref().map(Into::into);
            }
            Body::Soft(soft) => document.soft_partition = Some(soft.into()),
            Body::Raid(raid) => {
                document.columns = Some(unit.components().map(Into::into).collect());
                let original = raid.rows.first().map(|row| row.components.len());
                document.original_columns = original.filter(|_| raid.rows.len() > 1);
                document.interlace = Some(raid.interlace().bytes());
                document.svm_rotation = raid.has_svm_rotation;
                document.no_log = !raid.has_log;
                document.blocked = raid.is_blocked;
                document.lost_blocks = Some(raid.lost_blocks).filter(|count| *count > 0);
                document.lost = raid.lost.iter().map(Into::into).collect();
                document.resync_pace = (!raid.pace.is_default()).then(|| (&raid.pace).into());
                document.check = Checked::Raid(raid).document(unit.size);
                document.initializing = raid.is_initializing;
                document.resync = raid.resync.as_ref().map(Into::into);
            }
        }
        document
    }
}

impl From<&LostRange> for report::LostRange {
    fn from(range: &LostRange) -> Self {
        report::LostRange {
            start: Sectors(range.first).bytes(),
            size: range.count.bytes(),
        }
    }
}

impl From<&Pace> for report::Pace {
    fn from(pace: &Pace) -> Self {
        let bytes = |kib: u32| u64::from(kib) * 1024;
        report::Pace {
            latency_us: pace.target_us,
            floor: bytes(pace.floor_kib_s),
            ceiling: bytes(pace.ceiling_kib_s),
        }
    }
}

impl From<&Soft> for report::SoftPartition {
    fn from(soft: &Soft) -> Self {
        let extents = soft.layout.extents.iter().map(|extent| report::Extent {
            start: Sectors(extent.sector).bytes(),
            size: Sectors(extent.count).bytes(),
        });
        report::SoftPartition {
            base: (&soft.base).into(),
            layout: soft.word().to_string(),
            alignment: soft.layout.alignment.bytes(),
            free: soft.layout.free.bytes(),
            extents: extents.collect(),
        }
    }
}

impl From<&Resync> for report::Resync {
    fn from(resync: &Resync) -> Self {
        report::Resync {
            state: resync.state,
            done: resync.done.bytes(),
            total: resync.total.bytes(),
        }
    }
}

impl From<&Component> for report::Submirror {
    fn from(submirror: &Component) -> Self {
        report::Submirror {
            name: component_word(&submirror.device),
            state: submirror.state,
        }
    }
}

impl From<&Row> for report::Row {
    fn from(row: &Row) -> Self {
        report::Row {
            interlace: row.interlace.bytes(),
            components: row.components.iter().map(report::Component::from).collect(),
        }
    }
}

impl From<&Component> for report::Component {
    fn from(component: &Component) -> Self {
        report::Component {
            device: component.device.clone(),
            start: component.start.bytes(),
            size: component.size.bytes(),
            state: component.state,
            read_errors: component.read_errors,
            write_errors: component.write_errors,
            healed_errors: component.healed_errors,
            slow: component.is_slow,
            event: component.event.clone(),
            hot_spare: component.spare.clone(),
        }
    }
}
