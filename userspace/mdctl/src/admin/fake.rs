// SPDX-License-Identifier: GPL-2.0
//! A kernel for the tests: it keeps metadevices in memory and judges every argument as the rules
//! of the ABI say, so that a wrong argument of the tool is found without booting a kernel.
//!
//! It knows its devices by number. A refusal that depends on something that it does not model
//! is told to it beforehand ([`FakeAdmin::refuse_next`]).

use super::{
    Admin,
    CallError, //
};
use md_abi::admin::{
    Clear,
    Component,
    ComponentState,
    Create,
    Header,
    List,
    Refusal,
    Row,
    Status,
    UnitKind,
    UnitSummary,
    Version,
    ABI_VERSION,
    NAME_LEN,
    NO_INDEX,
    START_DEFAULT, //
};
use rustix::io::Errno;
use std::collections::BTreeMap;
use zerocopy::{
    FromZeros,
    IntoBytes, //
};

/// Reserved head of a component, 1 MiB (DURABILITY 19).
const RESERVED_SECTORS: u64 = 2048;

/// The fake kernel.
#[derive(Debug, Default)]
pub struct FakeAdmin {
    /// Sizes in sectors of the devices that exist, by device number.
    pub disks: BTreeMap<u64, u64>,
    /// What the next call answers, whatever it asks.
    next: Option<Answer>,
    /// Number of units that the next calls of `list` claim to be too many, one after the other.
    list_grows: Vec<u64>,
    /// Number of the metadevice that somebody clears after it was listed.
    vanishing: Option<u32>,
    units: BTreeMap<u32, FakeUnit>,
}

/// An answer that a test decides.
#[derive(Debug)]
enum Answer {
    Refusal(Errno, Header),
    Error(CallError),
}

/// A metadevice of the fake kernel.
#[derive(Debug)]
struct FakeUnit {
    summary: UnitSummary,
    rows: Vec<Row>,
    components: Vec<Component>,
}

impl FakeAdmin {
    /// A kernel with disks of the given numbers, all of one size.
    pub fn with_disks(devs: impl IntoIterator<Item = u64>, sectors: u64) -> Self {
        FakeAdmin {
            disks: devs.into_iter().map(|dev| (dev, sectors)).collect(),
            ..FakeAdmin::default()
        }
    }

    /// Makes the next call be refused.
    pub fn refuse_next(&mut self, refusal: Refusal, index: u32, values: [u64; 2]) {
        let header = Header {
            abi_version: ABI_VERSION,
            refusal: refusal as u32,
            refusal_index: index,
            refusal_values: values,
            ..Header::default()
        };
        self.next = Some(Answer::Refusal(Errno::INVAL, header));
    }

    /// Makes the next call be refused by a kernel with another version of the interface.
    pub fn mismatch_next(&mut self, kernel_abi: u32) {
        let header = Header {
            abi_version: kernel_abi,
            refusal: Refusal::VersionMismatch as u32,
            refusal_index: NO_INDEX,
            refusal_values: [ABI_VERSION.into(), 0],
            ..Header::default()
        };
        self.next = Some(Answer::Refusal(Errno::PROTO, header));
    }

    /// Makes the next call fail without a word from the module.
    pub fn fail_next(&mut self, error: CallError) {
        self.next = Some(Answer::Error(error));
    }

    /// Makes the next calls of `list` find, one after the other, as many metadevices as these.
    pub fn grow_list(&mut self, sizes: &[u64]) {
        self.list_grows = sizes.iter().rev().copied().collect();
    }

    /// Lets a metadevice be cleared by somebody else as soon as it was listed.
    pub fn clear_after_list(&mut self, number: u32) {
        self.vanishing = Some(number);
    }

    /// Number of metadevices.
    pub fn unit_count(&self) -> usize {
        self.units.len()
    }

    /// Sets the device number of a metadevice and how many have it open.
    pub fn open_unit(&mut self, number: u32, dev: u64, open_count: u32) {
        let unit = self.units.get_mut(&number).expect("the test has made it");
        unit.summary.dev = dev;
        unit.summary.open_count = open_count;
    }

    /// Changes what the kernel says of a component, to something that no kernel should say.
    pub fn set_component_state(&mut self, number: u32, component: usize, state: u32) {
        self.units
            .get_mut(&number)
            .expect("the test has made it")
            .components[component]
            .state = state;
    }

    /// The checks that come before everything else, in the order of the ABI's rules.
    fn admit<T>(&mut self, header: &mut Header) -> Result<(), CallError> {
        match self.next.take() {
            Some(Answer::Error(error)) => return Err(error),
            Some(Answer::Refusal(errno, answer)) => {
                *header = answer;
                return Err(CallError::Ioctl(errno));
            }
            None => {}
        }
        assert_eq!(header.abi_version, ABI_VERSION);
        assert_eq!(header.size as usize, size_of::<T>());
        let answered = (header.refusal, header.refusal_index, header.refusal_values);
        assert_eq!(
            answered,
            (0, 0, [0; 2]),
            "the kernel's fields are not the caller's"
        );
        assert_eq!(header.reserved, [0; 2]);
        Ok(())
    }

    /// The number in a metadevice's name.
    fn number(header: &mut Header, name: &[u8; NAME_LEN]) -> Result<u32, CallError> {
        let end = name
            .iter()
            .position(|byte| *byte == 0)
            .expect("a name ends with a zero");
        assert!(
            name[end..].iter().all(|byte| *byte == 0),
            "rule 4: zeroes behind the name"
        );
        let name = std::str::from_utf8(&name[..end]).expect("a name is ASCII");
        match name
            .strip_prefix('d')
            .and_then(|digits| digits.parse().ok())
        {
            Some(number) => Ok(number),
            None => Err(refuse(header, Refusal::BadName, NO_INDEX, [0; 2])),
        }
    }

    /// Gives each component of a row its start and size; answers with the size of the row, or
    /// with the refusal, the component's place in the row and the refusal's figures.
    fn lay_out(&self, row: &Row, components: &mut [Component]) -> Result<u64, RowRefusal> {
        let mut smallest = u64::MAX;
        for (index, component) in components.iter_mut().enumerate() {
            let Some(sectors) = self.disks.get(&component.dev) else {
                return Err((
                    Refusal::ComponentNotFound,
                    index,
                    [Errno::NXIO.raw_os_error() as u64, 0],
                ));
            };
            let needed = RESERVED_SECTORS + row.interlace_sectors;
            if *sectors < needed {
                return Err((Refusal::ComponentTooSmall, index, [needed, *sectors]));
            }
            smallest = smallest.min(sectors - RESERVED_SECTORS);
            component.start_sectors = RESERVED_SECTORS;
            component.state = ComponentState::Okay as u32;
        }
        if components.len() > 1 {
            smallest -= smallest % row.interlace_sectors;
        }
        for component in components.iter_mut() {
            component.size_sectors = smallest;
        }
        Ok(smallest * components.len() as u64)
    }
}

/// Why a row is refused: the refusal, which component of the row it is about, and its figures.
type RowRefusal = (Refusal, usize, [u64; 2]);

/// Writes a refusal into a header.
fn refuse(header: &mut Header, refusal: Refusal, index: u32, values: [u64; 2]) -> CallError {
    header.refusal = refusal as u32;
    header.refusal_index = index;
    header.refusal_values = values;
    CallError::Ioctl(Errno::INVAL)
}

impl Admin for FakeAdmin {
    fn version(&mut self, argument: &mut Version) -> Result<(), CallError> {
        self.admit::<Version>(&mut argument.header)?;
        argument.module_version[..5].copy_from_slice(b"0.9.1");
        Ok(())
    }

    fn create(
        &mut self,
        argument: &mut Create,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError> {
        self.admit::<Create>(&mut argument.header)?;
        let number = Self::number(&mut argument.header, &argument.name)?;
        if self.units.contains_key(&number) {
            return Err(refuse(
                &mut argument.header,
                Refusal::NameInUse,
                NO_INDEX,
                [0; 2],
            ));
        }
        assert_eq!(argument.kind, UnitKind::Stripe as u32);
        assert_eq!((argument.flags, argument.reserved), (0, [0; 4]));
        let mut components = components.to_vec();
        let (mut size, mut first) = (0, 0);
        for row in rows {
            let end = first + row.component_count as usize;
            for (index, component) in components.iter().enumerate().take(end).skip(first) {
                assert_eq!(component.start_sectors, START_DEFAULT, "component {index}");
                assert_eq!((component.size_sectors, component.state), (0, 0));
            }
            let laid_out = self.lay_out(row, &mut components[first..end]);
            size += laid_out.map_err(|(refusal, index, values)| {
                refuse(
                    &mut argument.header,
                    refusal,
                    (first + index) as u32,
                    values,
                )
            })?;
            first = end;
        }
        assert_eq!(first, components.len(), "every component belongs to a row");
        let mut summary = UnitSummary::new_zeroed();
        summary.name = argument.name;
        summary.kind = argument.kind;
        summary.size_sectors = size;
        summary.row_count = rows.len() as u32;
        summary.component_count = components.len() as u32;
        let rows = rows.to_vec();
        self.units.insert(
            number,
            FakeUnit {
                summary,
                rows,
                components,
            },
        );
        argument.size_sectors = size;
        Ok(())
    }

    fn clear(&mut self, argument: &mut Clear) -> Result<(), CallError> {
        self.admit::<Clear>(&mut argument.header)?;
        assert_eq!((argument.flags, argument.reserved), (0, 0));
        let number = Self::number(&mut argument.header, &argument.name)?;
        let (refusal, values) = match self.units.get(&number) {
            None => (Refusal::NoSuchUnit, [0; 2]),
            Some(unit) if unit.summary.open_count > 0 => {
                (Refusal::UnitOpen, [unit.summary.open_count.into(), 0])
            }
            Some(_) => {
                self.units.remove(&number);
                return Ok(());
            }
        };
        Err(refuse(&mut argument.header, refusal, NO_INDEX, values))
    }

    fn list(&mut self, argument: &mut List, units: &mut [UnitSummary]) -> Result<(), CallError> {
        self.admit::<List>(&mut argument.header)?;
        let needed = self.list_grows.pop().unwrap_or(self.units.len() as u64);
        if needed > units.len() as u64 {
            let values = [units.len() as u64, needed];
            let header = &mut argument.header;
            return Err(refuse(header, Refusal::ArrayTooSmall, NO_INDEX, values));
        }
        for (place, unit) in units.iter_mut().zip(self.units.values()) {
            *place = unit.summary;
        }
        argument.unit_count = self.units.len() as u32;
        if let Some(number) = self.vanishing.take() {
            self.units.remove(&number);
        }
        Ok(())
    }

    fn status(
        &mut self,
        argument: &mut Status,
        rows: &mut [Row],
        components: &mut [Component],
    ) -> Result<(), CallError> {
        self.admit::<Status>(&mut argument.header)?;
        let number = Self::number(&mut argument.header, &argument.unit.name)?;
        let behind_the_name = &argument.unit.as_bytes()[NAME_LEN..];
        assert!(
            behind_the_name.iter().all(|byte| *byte == 0),
            "only the name is the caller's"
        );
        let Some(unit) = self.units.get(&number) else {
            return Err(refuse(
                &mut argument.header,
                Refusal::NoSuchUnit,
                NO_INDEX,
                [0; 2],
            ));
        };
        argument.unit = unit.summary;
        rows[..unit.rows.len()].copy_from_slice(&unit.rows);
        components[..unit.components.len()].copy_from_slice(&unit.components);
        Ok(())
    }
}
