// SPDX-License-Identifier: GPL-2.0
//! Making one metadevice: its components are looked up, everything that speaks against it is
//! looked for, and then it is made.

use crate::{
    admin::requests::{
        self,
        pools::{
            self,
            Change, //
        },
        DeviceChoice,
        Making,
        RequestError, //
    },
    commands::metahs,
    components::{
        self,
        Used, //
    },
    discover::{
        Relation,
        User, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    partitioning,
    syntax::{
        mirror::MirrorSpec,
        name::MetadeviceName,
        pool::PoolSpec,
        raid::RaidSpec,
        rows::StripeSpec,
        soft::SoftSpec,
        spec::{
            Kind,
            Spec, //
        },
    },
    Machine,
};
use md_abi::admin::Refusal;

/// How a metadevice is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Everything is checked, nothing is made.
    pub check_only: bool,
    /// What the components carry does not matter.
    pub force: bool,
    /// It stands in md.tab, so that what its components that are metadevices carry is its own: a
    /// metadevice has no reserved head, and the file system of the one that is made of it shows
    /// on it while that one does not exist.
    pub from_md_tab: bool,
    /// The submirrors of a mirror are equal already, and nothing is resynced.
    pub assume_clean: bool,
}

/// Makes a metadevice, or sees whether it could be made, and says so in the answer.
pub fn make(
    machine: &mut Machine<'_>,
    spec: &Spec,
    manner: Manner,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let (name, title) = (spec.name(), spec.title());
    check_vacant(machine, name)?;
    if let Spec::Soft(soft) = spec {
        if soft.on_new_partition {
            return make_on_new_partition(machine, soft, manner, answer);
        }
    }
    let devices = components::look_up(&spec.devices(), machine.host)?;
    let is_shared = is_base(machine, spec)?;
    let used = if is_shared {
        None
    } else {
        components::find_usage(&devices, machine.host)?
    };
    let shared = used.as_ref().filter(|used| may_share(spec, manner, used));
    if let (Some(used), None) = (&used, shared) {
        return Err(explain::device::in_use(&used.device_asked, &used.usage));
    }
    let how = |check_only| Making {
        check_only,
        in_use: shared.is_some(),
        assume_clean: manner.assume_clean || matches!(spec, Spec::Raid(raid) if raid.keep),
        force: manner.force,
    };
    let failed = |error| creation_failed(&error, spec, &devices);
    // What the kernel has against it goes before what only the tool has: after that, -f is enough.
    requests::create(machine.admin, spec, &devices, how(true)).map_err(failed)?;
    if !is_shared {
        check_signatures(spec, manner, machine)?;
    }
    if let Some(used) = shared {
        let warning = explain::device::shared(name, used);
        answer.document.warnings.push(warning);
    }
    let document = &mut answer.document;
    if manner.check_only {
        let checked = document.checked.get_or_insert_default();
        checked.push(name.to_string());
        answer.line(&format!("{name}: {title} would be setup"));
    } else {
        requests::create(machine.admin, spec, &devices, how(false)).map_err(failed)?;
        answer.has_changed = true;
        answer.line(&format!("{name}: {title} is setup"));
        let unit = requests::status(machine.admin, name)
            .map_err(|error| explain::request(&error, &Subject::unit(name)))?;
        let made = answer.document.metadevices.get_or_insert_default();
        made.push((&unit).into());
    }
    if let Some(line) = made_equal(spec, manner) {
        answer.line(&line);
    }
    Ok(())
}

/// Makes a soft partition on the partition that a disk is given for it. In a check the kernel
/// cannot be asked, since that does not exist.
fn make_on_new_partition(
    machine: &mut Machine<'_>,
    soft: &SoftSpec,
    manner: Manner,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = soft.name;
    partitioning::check(&soft.base, manner.force, machine)?;
    if manner.check_only {
        let checked = answer.document.checked.get_or_insert_default();
        checked.push(name.to_string());
        answer.line(&format!("{}: would be partitioned", soft.base));
        answer.line(&format!("{name}: {} would be setup", Kind::Soft.title()));
        return Ok(());
    }
    let base = partitioning::partition(&soft.base, machine.host)?;
    answer.has_changed = true;
    answer.line(&format!(
        "{}: is partitioned: {base} is all of it",
        soft.base
    ));
    let spec = SoftSpec {
        base,
        on_new_partition: false,
        ..soft.clone()
    };
    make(machine, &Spec::Soft(spec), manner, answer)
}

/// Makes a hot spare pool, or sees whether it could be made, and says so in the answer.
pub fn make_pool(
    machine: &mut Machine<'_>,
    spec: &PoolSpec,
    manner: Manner,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = spec.name;
    let known =
        pools::list(machine.admin).map_err(|error| explain::request(&error, &Subject::none()))?;
    let devices = components::choose(&spec.devices, machine.host)?;
    let failed = |error: RequestError| metahs::failed(&error, Some(name), &devices);
    let create = Change::Create;
    pools::change(machine.admin, Some(name), create, &devices, true).map_err(failed)?;
    if !manner.force {
        let spares: Vec<_> = known.iter().flat_map(|pool| &pool.spares).collect();
        let is_new = |path: &&String| !spares.iter().any(|spare| spare.path == **path);
        let new = spec.devices.iter().filter(is_new);
        components::check_carries_nothing(new, machine)?;
    }
    if manner.check_only {
        let checked = answer.document.checked.get_or_insert_default();
        checked.push(name.to_string());
        answer.line(&format!("{name}: Hotspare pool would be setup"));
        return Ok(());
    }
    pools::change(machine.admin, Some(name), create, &devices, false).map_err(failed)?;
    metahs::told(&[name], "Hotspare pool is setup", machine, answer)
}

/// Which submirrors of a new mirror lose what is on them, if there are any; or what is made of a
/// new RAID5 metadevice.
fn made_equal(spec: &Spec, manner: Manner) -> Option<String> {
    if let Spec::Raid(raid) = spec {
        return told_of_raid(raid, manner);
    }
    let Spec::Mirror(mirror) = spec else {
        return None;
    };
    let (first, others) = mirror.submirrors.split_first()?;
    let be = match (manner.check_only, others) {
        _ if manner.assume_clean => return None,
        (_, []) => return None,
        (true, _) => "would be",
        (false, [_]) => "is being",
        (false, _) => "are being",
    };
    let others: Vec<_> = others.iter().map(|side| side.to_string()).collect();
    let (name, others) = (mirror.name, others.join(", "));
    Some(format!("{name}: {others} {be} made equal to {first}"))
}

/// What is made of a new RAID5 metadevice, and what it gives up, if there is anything.
fn told_of_raid(raid: &RaidSpec, manner: Manner) -> Option<String> {
    let name = raid.name;
    let be = if manner.check_only {
        "would be"
    } else {
        "is being"
    };
    let made = (!raid.keep).then(|| format!("{name}: its parity {be} initialized"));
    let given_up = (!raid.has_log).then(|| {
        format!(
            "{name}: without a log all of its parity is made again after a crash, and if a \
             component is\n{name}: missing then it cannot be opened any more"
        )
    });
    let lines: Vec<_> = made.into_iter().chain(given_up).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Whether a component is to be shared with who uses it, until the set is started again: a mounted
/// file system or swap that is to be kept, when somebody insists (`svm.md` section 10.2).
fn may_share(spec: &Spec, manner: Manner, used: &Used) -> bool {
    let keeps_data = matches!(spec, Spec::Stripe(stripe) if stripe.keep_data);
    let is_mounted = matches!(used.usage.by, User::Mount(_) | User::Swap);
    manner.force && keeps_data && is_mounted && used.usage.relation == Relation::Same
}

/// Sees that no metadevice has this name. The kernel does so too, but would be asked too late:
/// who makes a metadevice twice should not hear that its components are in use, and by whom.
fn check_vacant(machine: &mut Machine<'_>, name: MetadeviceName) -> Result<(), Failure> {
    match requests::status(machine.admin, name) {
        Ok(_) => Err(explain::refusal::exists(&name.to_string())),
        Err(error) if error.is_no_such_unit() => Ok(()),
        Err(error) => Err(explain::request(&error, &Subject::unit(name))),
    }
}

/// Sees that the components carry nothing that somebody may want back, if that is of interest.
fn check_signatures(spec: &Spec, manner: Manner, machine: &mut Machine<'_>) -> Result<(), Failure> {
    match spec {
        _ if manner.force => Ok(()),
        Spec::Stripe(stripe) => check_components(stripe, manner, machine),
        Spec::Mirror(mirror) => check_submirrors(mirror, manner, machine),
        Spec::Soft(soft) => check_base(soft, manner, machine),
        Spec::Raid(raid) => check_columns(raid, machine),
    }
}

/// Whether there are soft partitions on the base that a new one is to be on: then it is in use, and
/// what is on it is theirs.
fn is_base(machine: &mut Machine<'_>, spec: &Spec) -> Result<bool, Failure> {
    let Spec::Soft(new) = spec else {
        return Ok(false);
    };
    requests::has_softs(machine.admin, &new.base)
        .map_err(|error| explain::request(&error, &Subject::none()))
}

/// The same for the base of a soft partition. In md.tab, one that is a metadevice carries what the
/// soft partition at its beginning carries.
fn check_base(spec: &SoftSpec, manner: Manner, machine: &mut Machine<'_>) -> Result<(), Failure> {
    if manner.from_md_tab && MetadeviceName::at_path(&spec.base).is_some() {
        return Ok(());
    }
    components::check_carries_nothing([&spec.base], machine)
}

/// The same for the columns of a RAID5 metadevice. One that is kept carries what it shows.
fn check_columns(spec: &RaidSpec, machine: &mut Machine<'_>) -> Result<(), Failure> {
    if spec.keep {
        return Ok(());
    }
    components::check_carries_nothing(&spec.devices, machine)
}

/// The same for the components of a stripe or concat.
fn check_components(
    spec: &StripeSpec,
    manner: Manner,
    machine: &mut Machine<'_>,
) -> Result<(), Failure> {
    if spec.keep_data {
        return Ok(());
    }
    let is_own = |path: &&String| manner.from_md_tab && MetadeviceName::at_path(path).is_some();
    let paths = spec.devices().filter(|path| !is_own(path));
    match components::find_carrier(paths, machine)? {
        None => Ok(()),
        Some(carrier) => {
            let may_keep = spec.devices().count() == 1;
            Err(explain::device::carries(&carrier, may_keep))
        }
    }
}

/// The same for the submirrors of a mirror. A mirror shows what is on its first submirror; only
/// others beside it are in danger.
fn check_submirrors(
    spec: &MirrorSpec,
    manner: Manner,
    machine: &mut Machine<'_>,
) -> Result<(), Failure> {
    match spec.submirrors.split_first() {
        None | Some((_, [])) => Ok(()),
        Some((first, others)) if !manner.assume_clean => {
            check_overwritten(*first, others, manner, machine)
        }
        Some(_) if manner.from_md_tab => Ok(()),
        Some(_) => check_equal(spec, machine),
    }
}

/// Submirrors that are said to be equal: nothing makes them so.
fn check_equal(spec: &MirrorSpec, machine: &mut Machine<'_>) -> Result<(), Failure> {
    for submirror in &spec.submirrors {
        if let Some(carrier) = components::find_carrier([&submirror.path()], machine)? {
            let alone = Spec::Mirror(spec.over(vec![*submirror]));
            return Err(explain::mirror::carries(&carrier, &alone));
        }
    }
    Ok(())
}

/// Submirrors that are made equal to the first one. One that was a side of the same mirror before,
/// as md.tab says, carries the same as that.
fn check_overwritten(
    first: MetadeviceName,
    others: &[MetadeviceName],
    manner: Manner,
    machine: &mut Machine<'_>,
) -> Result<(), Failure> {
    for other in others {
        let Some(carrier) = components::find_carrier([&other.path()], machine)? else {
            continue;
        };
        let kept = components::find_carrier([&first.path()], machine)?;
        let is_kept = kept.is_some_and(|kept| kept.what == carrier.what);
        if !(manner.from_md_tab && is_kept) {
            return Err(explain::mirror::overwritten(&carrier));
        }
    }
    Ok(())
}

/// Why the kernel does not make a metadevice.
fn creation_failed(error: &RequestError, spec: &Spec, devices: &[DeviceChoice]) -> Failure {
    let name = spec.name();
    let has_pool = matches!(spec, Spec::Stripe(stripe) if stripe.pool.is_some());
    if has_pool && error.refusal() == Some(Refusal::NoDatabase) {
        return explain::pools::no_database(name.to_string());
    }
    let paths: Vec<_> = devices.iter().map(|device| device.path.clone()).collect();
    explain::request(error, &Subject::making(name, &paths))
}
