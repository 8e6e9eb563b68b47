// SPDX-License-Identifier: GPL-2.0
//! The components of a mirror's submirrors, or the columns of a RAID5 metadevice, found by the word
//! that one types for them.

use crate::{
    admin::requests::{
        self,
        sides::Place, //
    },
    discover::{
        members::look_at,
        Host, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    syntax::name::{
        component_path,
        missing, //
    },
    unit::{
        Body,
        Component,
        Unit, //
    },
    Machine,
};

/// The component of a mirror that a word means: by its path, as the kernel has it, or what
/// `metastat` says to type for it; or by the device that has its label, if it is missing.
pub fn find(machine: &mut Machine<'_>, mirror: &Unit, word: &str) -> Result<Place, Failure> {
    let places = all(machine, mirror)?;
    let mut found = places.iter().filter(|place| means(word, &place.device));
    match (found.next(), found.next()) {
        (Some(place), None) => Ok(place.clone()),
        (None, _) => {
            let is_back = |place: &&Place| returned(machine.host, place, word).is_some();
            let back = places.iter().find(is_back).cloned();
            back.ok_or_else(|| explain::mirror::no_component(mirror.name, word, &places))
        }
        (Some(_), Some(_)) => Err(explain::mirror::several(mirror.name, word, &places)),
    }
}

/// Path of the device that a word means, if it has the label of a component that is missing: then
/// it is back.
pub fn returned(host: &dyn Host, place: &Place, word: &str) -> Option<String> {
    let known = missing(&place.device)?;
    let path = component_path(word).ok()?;
    let label = look_at(host, &path)?.component?;
    (label.to_string() == known).then_some(path)
}

/// All columns, or all components of the submirrors, one submirror after the other.
fn all(machine: &mut Machine<'_>, mirror: &Unit) -> Result<Vec<Place>, Failure> {
    if mirror.raid().is_some() {
        return Ok(of_unit(mirror));
    }
    let Body::Mirror(body) = &mirror.body else {
        return Err(explain::mirror::not_a_mirror(&mirror.name.to_string()));
    };
    let mut places = Vec::new();
    for submirror in body.names() {
        let unit = requests::status(machine.admin, submirror)
            .map_err(|error| explain::request(&error, &Subject::unit(submirror)))?;
        places.extend(of_unit(&unit));
    }
    Ok(places)
}

/// The components of a submirror, or the columns of a RAID5 metadevice.
fn of_unit(unit: &Unit) -> Vec<Place> {
    let parts = unit.components().enumerate();
    let place = |(index, part): (usize, &Component)| Place {
        submirror: unit.name,
        index,
        device: part.device.clone(),
    };
    parts.map(place).collect()
}

/// Whether a word means the component with this path.
fn means(word: &str, device: &str) -> bool {
    match missing(device) {
        Some(known) => word == device || word.eq_ignore_ascii_case(known),
        None => component_path(word).is_ok_and(|path| path == device),
    }
}

#[cfg(test)]
mod tests {
    use super::means;

    #[test]
    fn a_component_is_meant_by_its_path_or_by_what_metastat_says() {
        assert!(means("sda", "/dev/sda"));
        assert!(means("/dev/sda", "/dev/sda"));
        assert!(means("d5", "/dev/md/dsk/d5"));
        assert!(!means("sda", "/dev/sdb"));
        let device = "missing 15151515-1515-1515-1515-151515151515";
        assert!(means(device, device));
        assert!(means("15151515-1515-1515-1515-151515151515", device));
        assert!(!means("missing", device));
        assert!(means("PARTUUID=AB", "missing PARTUUID=ab"));
    }
}
