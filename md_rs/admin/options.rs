// SPDX-License-Identifier: GPL-2.0
//! The options of a mirror: as the interface has them, and changing them.

use kernel::{
    prelude::*,
    sync::Mutex, //
};
use md_model::mirror::options::{
    Options,
    ReadPolicy,
    WritePolicy, //
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
    unit_table::UnitTable,
    Refused, //
};

/// Every option that there is.
const ALL: u32 = abi::OPTION_READ_POLICY | abi::OPTION_WRITE_POLICY | abi::OPTION_PASS;

/// Carries out [`abi::IOC_SET_OPTIONS`].
pub(super) fn set(units: &Mutex<UnitTable>, request: &mut abi::SetOptions) -> Result<(), Refused> {
    check_zero(&[request.which & !ALL, request.reserved])?;
    let name = unit_name(&request.name)?;
    let units = units.lock();
    let body = units.get(&name)?.body();
    let shape = body.shape();
    let refused = Refused::new(EINVAL, Refusal::NotAMirror);
    let mirror = shape.unit().mirrored().ok_or(refused)?;
    let before = mirror.options();
    let options = change(before, request.which, &request.mirror)?;
    mirror.set_options(options);
    if let Err(refused) = body.database().record(core::iter::once(body.number())) {
        mirror.set_options(before);
        return Err(refused);
    }
    body.database().relabel_components(body);
    request.mirror = describe(options);
    Ok(())
}

/// The options with those in `which` changed. The others must be zero.
fn change(now: Options, which: u32, asked: &MirrorOptions) -> Result<Options, Refused> {
    let mut wanted = describe(now);
    let mut unused = *asked;
    if which & abi::OPTION_READ_POLICY != 0 {
        wanted.read_policy = core::mem::take(&mut unused.read_policy);
    }
    if which & abi::OPTION_WRITE_POLICY != 0 {
        wanted.write_policy = core::mem::take(&mut unused.write_policy);
    }
    if which & abi::OPTION_PASS != 0 {
        wanted.pass = core::mem::take(&mut unused.pass);
    }
    check_none(&unused)?;
    parse(&wanted)
}

/// Options that somebody asks for.
pub(super) fn parse(asked: &MirrorOptions) -> Result<Options, Refused> {
    check_zero(&[asked.reserved])?;
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
    })
}

/// Options as the interface has them.
pub(super) fn describe(options: Options) -> MirrorOptions {
    MirrorOptions {
        read_policy: options.read.number(),
        write_policy: options.write.number(),
        pass: options.pass.into(),
        reserved: 0,
    }
}

/// Where no options belong, all is zero.
pub(super) fn check_none(options: &MirrorOptions) -> Result<(), Refused> {
    check_zero(&[
        options.read_policy,
        options.write_policy,
        options.pass,
        options.reserved,
    ])
}
