// SPDX-License-Identifier: GPL-2.0
//! `metainit`

use crate::{
    admin::requests::{
        self,
        DeviceChoice,
        Refused,
        RequestError, //
    },
    discover::{
        Host,
        Node,
        Users, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::{
        name::MetadeviceName,
        rows::StripeSpec, //
    },
    Machine,
};
use clap::{
    ArgMatches,
    FromArgMatches,
    Parser, //
};
use md_abi::admin::Refusal;

/// Make a stripe, a concat, or a concat of stripes.
///
/// A metadevice has one or more ROWS, one behind the other. Each has a WIDTH, as many COMPONENTs,
/// and if there is more than one of these is striped over them. A component is a disk or partition
/// that nobody uses; a name without a slash is one in /dev.
#[derive(Debug, Parser)]
#[command(
    name = "metainit",
    verbatim_doc_comment,
    override_usage = "metainit [OPTIONS] NAME ROWS (WIDTH COMPONENT... [-i INTERLACE])...",
    after_help = "Each row:
  -i INTERLACE  How much lies on one component before it is the next one's turn: a number and k
                (KiB), m (MiB) or b (blocks of 512 bytes), from 8k to 100m [default: 512k]

Examples:
  metainit d10 1 2 sda sdb -i 64k    A stripe over two disks
  metainit d11 2 1 sda 1 sdb         The same two disks one behind the other"
)]
pub struct Arguments {
    /// Force; a component in use is refused all the same
    #[arg(short = 'f')]
    force: bool,

    /// Check only, make nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// Name of the metadevice, d0 to d8191
    #[arg(value_name = "NAME")]
    name: String,

    /// ROWS and the rows, in that order
    #[arg(
        value_name = "ROW",
        required = true,
        hide = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    rows: Vec<String>,
}

/// Runs the command.
pub fn run(
    matches: &ArgMatches,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let arguments =
        Arguments::from_arg_matches(matches).map_err(|error| explain::usage("metainit", &error))?;
    let words = [vec![arguments.name], arguments.rows].concat();
    let spec =
        StripeSpec::parse(&words).map_err(|error| explain::syntax("metainit", &error, &words))?;
    let devices = choose_devices(&spec, machine.host)?;
    if arguments.check_only {
        check_name(machine, spec.name)?;
        answer.line(&format!("{}: Concat/Stripe would be setup", spec.name));
        answer.document.checked = Some(vec![spec.name.to_string()]);
    } else {
        create(machine, &spec, &devices)?;
        answer.line(&format!("{}: Concat/Stripe is setup", spec.name));
        let unit = requests::status(machine.admin, spec.name)
            .map_err(|error| explain::request(&error, &Subject::unit(spec.name)))?;
        answer.document.metadevices = Some(vec![(&unit).into()]);
    }
    Ok(())
}

/// Looks up the components, and sees that nobody uses them.
fn choose_devices(spec: &StripeSpec, host: &dyn Host) -> Result<Vec<DeviceChoice>, Failure> {
    let mut choices: Vec<DeviceChoice> = Vec::new();
    for path in spec.devices() {
        let dev = match host.node(path) {
            Ok(Node::Block { dev }) => dev,
            Ok(Node::File) => return Err(explain::device::regular_file(path)),
            Ok(Node::Other) => return Err(explain::device::not_a_block_device(path)),
            Err(error) => return Err(explain::device::not_found(path, &error)),
        };
        if let Some(earlier) = choices.iter().find(|choice| choice.dev == dev) {
            return Err(explain::device::given_twice(path, &earlier.path));
        }
        choices.push(DeviceChoice {
            path: path.clone(),
            dev,
        });
    }
    check_users(&choices, host)?;
    Ok(choices)
}

/// Sees that nobody uses the components.
fn check_users(choices: &[DeviceChoice], host: &dyn Host) -> Result<(), Failure> {
    let users = Users::read(host).map_err(|error| explain::device::unknown("", &error))?;
    for choice in choices {
        let usage = users
            .of(choice.dev)
            .map_err(|error| explain::device::unknown(&choice.path, &error))?;
        if let Some(usage) = usage {
            return Err(explain::device::in_use(&choice.path, &usage));
        }
    }
    Ok(())
}

/// Sees that no metadevice has this name.
fn check_name(machine: &mut Machine<'_>, name: MetadeviceName) -> Result<(), Failure> {
    let error = match requests::status(machine.admin, name) {
        Err(RequestError::Refused(Refused {
            refusal: Refusal::NoSuchUnit,
            ..
        })) => return Ok(()),
        Ok(_) => return Err(explain::refusal::exists(&name.to_string())),
        Err(error) => error,
    };
    Err(explain::request(&error, &Subject::unit(name)))
}

/// Makes the metadevice.
fn create(
    machine: &mut Machine<'_>,
    spec: &StripeSpec,
    devices: &[DeviceChoice],
) -> Result<(), Failure> {
    requests::create(machine.admin, spec, devices).map_err(|error| {
        let paths: Vec<_> = devices.iter().map(|device| device.path.clone()).collect();
        let subject = Subject {
            unit: Some(spec.name),
            devices: &paths,
        };
        explain::request(&error, &subject)
    })
}
