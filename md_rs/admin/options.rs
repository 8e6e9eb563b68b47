// SPDX-License-Identifier: GPL-2.0
//! The options of a mirror: as the interface has them, and changing them. Of RAID5 there is only
//! how fast it is made.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::mirror::{
    options::{
        Options,
        ReadPolicy,
        WritePolicy, //
    },
    throttle::{
        Limits,
        TARGET_US_MAX, //
    }, //
};

use super::argument::{
    check_zero,
    unit_name, //
};
use crate::{
    abi::{
        self,
        MirrorOptions,
        Refusal, //
    },
    body::Body,
    personality::Raided,
    unit_table::UnitTable,
    Refused, //
};

/// Every option that there is.
const ALL: u32 = abi::OPTION_READ_POLICY
    | abi::OPTION_WRITE_POLICY
    | abi::OPTION_PASS
    | abi::OPTION_TARGET
    | abi::OPTION_FLOOR
    | abi::OPTION_CEILING;

/// Those that say how fast something is made.
const PACE: u32 = abi::OPTION_TARGET | abi::OPTION_FLOOR | abi::OPTION_CEILING;

// The interface and the model name the same limit.
const _: () = assert!(abi::TARGET_US_MAX == TARGET_US_MAX);

/// Carries out [`abi::IOC_SET_OPTIONS`].
pub(super) fn set(units: &Mutex<UnitTable>, request: &mut abi::SetOptions) -> Result<(), Refused> {
    check_zero(&[request.which & !ALL, request.reserved])?;
    let name = unit_name(&request.name)?;
    let units = units.lock();
    let metadevice = units.get(&name)?;
    let body = metadevice.body();
    let shape = body.shape();
    if let Some(raid) = shape.unit().raid() {
        return set_pace(body, raid, request);
    }
    let refused = Refused::new(EINVAL, Refusal::NotAMirror);
    let mirror = shape.unit().mirrored().ok_or(refused)?;
    let before = mirror.options();
    let options = change(before, request.which, &request.mirror)?;
    metadevice.prepare(options)?;
    mirror.set_options(options);
    if let Err(refused) = body.database().record(core::iter::once(body.number())) {
        mirror.set_options(before);
        metadevice.prepare(before)?;
        return Err(refused);
    }
    body.database().relabel_components(body);
    // A mirror with another pass may have its turn.
    body.database().ask_spares();
    request.mirror = describe(options);
    Ok(())
}

/// Changes how fast RAID5 is made.
fn set_pace(body: &Body, raid: &dyn Raided, request: &mut abi::SetOptions) -> Result<(), Refused> {
    if request.which & !PACE != 0 {
        return Err(Refused::new(EINVAL, Refusal::NotAMirror));
    }
    let before = raid.ledger().pace();
    let now = Options {
        pace: before,
        ..Options::default()
    };
    let pace = change(now, request.which, &request.mirror)?.pace;
    raid.ledger().set_pace(pace);
    if let Err(refused) = body.database().record(core::iter::once(body.number())) {
        raid.ledger().set_pace(before);
        return Err(refused);
    }
    request.mirror = describe_pace(pace);
    Ok(())
}

/// How fast something is made, where there are no other options.
pub(super) fn describe_pace(pace: Limits) -> MirrorOptions {
    let all = describe(Options {
        pace,
        ..Options::default()
    });
    MirrorOptions {
        read_policy: 0,
        write_policy: 0,
        pass: 0,
        ..all
    }
}

/// How fast something new is made, where there are no other options.
pub(super) fn parse_new_pace(asked: &MirrorOptions) -> Result<Limits, Refused> {
    check_zero(&[asked.read_policy, asked.write_policy, asked.pass])?;
    Ok(parse_new(asked)?.pace)
}

/// The options with those in `which` changed. The others must be zero.
fn change(now: Options, which: u32, asked: &MirrorOptions) -> Result<Options, Refused> {
    let mut wanted = describe(now);
    let mut unused = *asked;
    let choose = |bit: u32, to: &mut u32, from: &mut u32| {
        if which & bit != 0 {
            *to = core::mem::take(from);
        }
    };
    let (to, from) = (&mut wanted, &mut unused);
    choose(
        abi::OPTION_READ_POLICY,
        &mut to.read_policy,
        &mut from.read_policy,
    );
    choose(
        abi::OPTION_WRITE_POLICY,
        &mut to.write_policy,
        &mut from.write_policy,
    );
    choose(abi::OPTION_PASS, &mut to.pass, &mut from.pass);
    choose(abi::OPTION_TARGET, &mut to.target_us, &mut from.target_us);
    choose(
        abi::OPTION_FLOOR,
        &mut to.floor_kib_s,
        &mut from.floor_kib_s,
    );
    choose(
        abi::OPTION_CEILING,
        &mut to.ceiling_kib_s,
        &mut from.ceiling_kib_s,
    );
    check_none(&unused)?;
    parse(&wanted)
}

/// Options of a new mirror. Who says nothing of its pace gets what everybody has.
pub(super) fn parse_new(asked: &MirrorOptions) -> Result<Options, Refused> {
    let is_silent = [asked.target_us, asked.floor_kib_s, asked.ceiling_kib_s] == [0; 3];
    if !is_silent {
        return parse(asked);
    }
    let default = describe(Options::default());
    parse(&MirrorOptions {
        read_policy: asked.read_policy,
        write_policy: asked.write_policy,
        pass: asked.pass,
        ..default
    })
}

/// Options that somebody asks for.
pub(super) fn parse(asked: &MirrorOptions) -> Result<Options, Refused> {
    let bad = |which: u32, found: u32| {
        Refused::new(EINVAL, Refusal::BadOption).with([which.into(), found.into()])
    };
    let pass = u8::try_from(asked.pass).unwrap_or(u8::MAX);
    if u32::from(pass) > abi::PASS_MAX {
        return Err(bad(abi::OPTION_PASS, asked.pass));
    }
    Ok(Options {
        read: ReadPolicy::from_number(asked.read_policy)
            .ok_or_else(|| bad(abi::OPTION_READ_POLICY, asked.read_policy))?,
        write: WritePolicy::from_number(asked.write_policy)
            .ok_or_else(|| bad(abi::OPTION_WRITE_POLICY, asked.write_policy))?,
        pass,
        pace: Limits::new(asked.target_us, asked.floor_kib_s, asked.ceiling_kib_s)
            .ok_or_else(|| bad(abi::OPTION_TARGET, asked.target_us))?,
    })
}

/// Options as the interface has them.
pub(super) fn describe(options: Options) -> MirrorOptions {
    MirrorOptions {
        read_policy: options.read.number(),
        write_policy: options.write.number(),
        pass: options.pass.into(),
        target_us: figure(options.pace.target_us),
        floor_kib_s: figure(options.pace.floor_kib_s),
        ceiling_kib_s: figure(options.pace.ceiling_kib_s),
    }
}

/// It has come from as many bits.
fn figure(figure: u64) -> u32 {
    u32::try_from(figure).unwrap_or(u32::MAX)
}

/// Where no options belong, all is zero.
pub(super) fn check_none(options: &MirrorOptions) -> Result<(), Refused> {
    check_zero(&[
        options.read_policy,
        options.write_policy,
        options.pass,
        options.target_us,
        options.floor_kib_s,
        options.ceiling_kib_s,
    ])
}
