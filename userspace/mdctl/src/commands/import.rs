// SPDX-License-Identifier: GPL-2.0
//! `mdctl import`

use crate::{
    admin::requests,
    building_order::children_first,
    components,
    discover::read_named,
    explain::{
        self,
        import::{
            circle,
            refused,
            stopped,
            unreadable,
            used_twice, //
        },
        md_tab::in_entry,
        Failure,
        Subject, //
    },
    making::{
        make,
        make_pool,
        Manner, //
    },
    output::Answer,
    syntax::{
        md_tab::{
            entries,
            Entry, //
        },
        name::MetadeviceName,
        pool::{
            PoolName,
            PoolSpec, //
        },
        rows::StripeSpec,
        shell::quoted,
        spec::Spec, //
    },
    Machine,
};
use clap::Parser;
use std::collections::BTreeMap;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "mdctl import";

/// Make the metadevices of a description, as 'mdctl export' prints it.
///
/// They are made in the way of metainit, those first that are parts of others. If a line cannot be
/// read, or a metadevice exists already, none is made. Components that carry a file system or the
/// like are refused, as metainit refuses them. Replicas of the state database are made by metadb.
#[derive(Debug, Parser)]
#[command(
    name = "import",
    verbatim_doc_comment,
    after_help = "Examples:
  mdctl import -n set.md              See whether it could be made
  mdctl import set.md
  ssh host mdctl export | mdctl import /dev/stdin"
)]
pub struct Arguments {
    /// Also over components that carry a file system or the like, but not over one in use
    #[arg(short = 'f')]
    force: bool,

    /// Check only, make nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// The submirrors of mirrors are equal already, as they are on the disks of the set that was
    /// exported: no resync. Else they are made equal to the first one
    #[arg(long = "assume-clean")]
    assume_clean: bool,

    /// The description
    #[arg(value_name = "FILE")]
    file: String,
}

/// A line of the file, and the metadevice that it wants.
struct Wanted {
    entry: Entry,
    spec: Spec,
}

/// A line of the file, and the hot spare pool that it wants.
type WantedPool = (Entry, PoolSpec);

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let file = &arguments.file;
    let text = read_named(machine.host, file);
    let text = text.map_err(|error| unreadable(file, &error))?;
    let (wanted, pools, mut failures) = arguments.read(&text);
    failures.extend(arguments.existing(&wanted, machine)?);
    failures.extend(arguments.contradictions(&wanted));
    if !failures.is_empty() {
        let count = failures.len();
        answer.failures = failures;
        return Err(refused(file, count));
    }
    arguments.make_pools(&pools, machine, answer)?;
    arguments.make_all(&wanted, &pools, machine, answer)
}

/// Whether a device is the base of soft partitions, and nothing else.
fn is_shared(spec: &Spec, path: &str, wanted: &[Wanted]) -> bool {
    let mut users = wanted.iter().map(|wanted| &wanted.spec);
    let is_other = |user: &Spec| {
        !matches!(user, Spec::Soft(_)) && user.devices().iter().any(|device| device == path)
    };
    matches!(spec, Spec::Soft(_)) && !users.any(is_other)
}

impl Arguments {
    /// The metadevices that the file wants, and what is wrong with lines that cannot be read.
    fn read(&self, text: &str) -> (Vec<Wanted>, Vec<WantedPool>, Vec<Failure>) {
        let (mut wanted, mut pools, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries(text) {
            if let Some(spec) = entry.pool() {
                match spec {
                    Ok(spec) => pools.push((entry, spec)),
                    Err(error) => {
                        let failure = explain::syntax(COMMAND, &error, &entry.words);
                        failures.push(self.about(failure, &entry));
                    }
                }
                continue;
            }
            match entry.spec() {
                Ok(spec) => wanted.push(Wanted { entry, spec }),
                Err(error) => {
                    let failure = explain::syntax(COMMAND, &error, &entry.words);
                    failures.push(self.about(failure, &entry));
                }
            }
        }
        (wanted, pools, failures)
    }

    /// Makes the hot spare pools, or sees whether they could be made: metadevices may have one.
    fn make_pools(
        &self,
        pools: &[WantedPool],
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        for (done, (entry, spec)) in pools.iter().enumerate() {
            if let Err(failure) = make_pool(machine, spec, self.manner(), answer) {
                answer.failures.push(self.about(failure, entry));
                return Err(stopped(&self.file, pools.len() - done, self.check_only));
            }
        }
        Ok(())
    }

    /// Those that exist already.
    fn existing(
        &self,
        wanted: &[Wanted],
        machine: &mut Machine<'_>,
    ) -> Result<Vec<Failure>, Failure> {
        let existing = requests::list(machine.admin);
        let existing = existing.map_err(|error| explain::request(&error, &Subject::none()))?;
        let exists = |name| existing.iter().any(|kin| kin.name == name);
        let wanted = wanted.iter().filter(|wanted| exists(wanted.spec.name()));
        let told = wanted.map(|wanted| {
            let name = wanted.spec.name().to_string();
            self.about(explain::refusal::exists(&name), &wanted.entry)
        });
        Ok(told.collect())
    }

    /// Devices that two lines want, and metadevices that would be parts of themselves.
    fn contradictions(&self, wanted: &[Wanted]) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        for Wanted { entry, spec } in wanted {
            for path in spec.devices() {
                match lines.insert(path.clone(), entry.line) {
                    // Twice in one line is refused when it is made.
                    Some(earlier) if earlier != entry.line && !is_shared(spec, &path, wanted) => {
                        failures.push(self.about(used_twice(&path, earlier), entry));
                    }
                    _ => {}
                }
            }
        }
        let specs: Vec<_> = wanted.iter().map(|wanted| &wanted.spec).collect();
        if let Err(index) = children_first(&specs) {
            let Wanted { entry, spec } = &wanted[index];
            failures.push(self.about(circle(spec.name()), entry));
        }
        failures
    }

    /// Makes them all, or sees whether they could be made. The first one that cannot ends it.
    fn make_all(
        &self,
        wanted: &[Wanted],
        pools: &[WantedPool],
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        if self.check_only {
            answer.document.checked.get_or_insert_default();
        } else {
            answer.document.metadevices.get_or_insert_default();
        }
        let specs: Vec<_> = wanted.iter().map(|wanted| &wanted.spec).collect();
        let order = children_first(&specs).unwrap_or_default();
        for (done, index) in order.iter().enumerate() {
            let Wanted { entry, spec } = &wanted[*index];
            let spec = &self.without_pool(spec, pools);
            let inner: Vec<_> = specs.iter().map(|spec| spec.name().path()).collect();
            let made = if self.check_only && spec.devices().iter().any(|dev| inner.contains(dev)) {
                self.foresee(spec, &inner, machine, answer)
            } else {
                make(machine, spec, self.manner(), answer)
            };
            if let Err(failure) = made {
                answer.failures.push(self.about(failure, entry));
                return Err(stopped(&self.file, order.len() - done, self.check_only));
            }
        }
        Ok(())
    }

    /// What is asked for; in a check without a pool that would only just have been made.
    fn without_pool(&self, spec: &Spec, pools: &[WantedPool]) -> Spec {
        match spec {
            Spec::Stripe(stripe) if self.check_only => {
                let is_wanted = |pool: &PoolName| pools.iter().any(|(_, spec)| spec.name == *pool);
                Spec::Stripe(StripeSpec {
                    pool: stripe.pool.filter(|pool| !is_wanted(pool)),
                    ..stripe.clone()
                })
            }
            _ => spec.clone(),
        }
    }

    /// Sees what can be seen of a metadevice over others, `inner`, that are not made yet: the
    /// kernel cannot be asked.
    fn foresee(
        &self,
        spec: &Spec,
        inner: &[String],
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let devices = spec.devices().into_iter();
        let outer: Vec<_> = devices.filter(|path| !inner.contains(path)).collect();
        components::choose(&outer, machine.host)?;
        let is_device = |path: &&String| MetadeviceName::at_path(path).is_none();
        if !self.force {
            components::check_carries_nothing(outer.iter().filter(is_device), machine)?;
        }
        let name = spec.name();
        answer.line(&format!("{name}: {} would be setup", spec.title()));
        let checked = answer.document.checked.get_or_insert_default();
        checked.push(name.to_string());
        Ok(())
    }

    fn manner(&self) -> Manner {
        Manner {
            check_only: self.check_only,
            force: self.force,
            from_md_tab: true,
            assume_clean: self.assume_clean,
        }
    }

    /// A failure of one line.
    fn about(&self, failure: Failure, entry: &Entry) -> Failure {
        let dry = if self.check_only { " -n" } else { "" };
        let clean = if self.assume_clean {
            " --assume-clean"
        } else {
            ""
        };
        let with_force = format!("{COMMAND} -f{dry}{clean} {}", quoted(&self.file));
        in_entry(failure, &self.file, entry, with_force)
    }
}
