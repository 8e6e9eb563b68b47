// SPDX-License-Identifier: GPL-2.0
//! Runs the steps of a plan, guests two at a time, and reports.

use std::{
    collections::HashMap,
    env,
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command,
    sync::{
        Condvar,
        Mutex,
        MutexGuard,
        PoisonError, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

use anyhow::{
    ensure,
    Result, //
};
use clap::Args;

use crate::{
    boot::{
        execute,
        Boot, //
    },
    excerpt::{
        self,
        Excerpt, //
    },
    phase::{
        self,
        Phase,
        DEBUG_PATIENCE, //
    },
    plan::{
        self,
        Action,
        Extent,
        Kernel,
        Output,
        Step, //
    },
    report::{
        self,
        Failure,
        Outcome,
        Totals, //
    },
    sabotage::{
        self,
        Patch, //
    },
    scenario::{
        self,
        Scenario, //
    },
    seed,
    vm, //
};

/// No check takes longer, also on a machine that makes a debug kernel at the same time. In seconds.
const CHECK_LIMIT: u64 = 3600;

/// How many times longer it may take with large counts.
const LONG_PATIENCE: u64 = 4;

/// Runs the tests: checks, scenarios in guests, sabotage. The last line is "N passed, N failed, N
/// skipped"; the status is 0 if none failed, 1 if one did, 2 if something could not even be tried.
#[derive(Args, Default)]
#[command(name = "scripts/test")]
pub(crate) struct TestOptions {
    /// Large counts, and all sabotage patches.
    #[arg(long)]
    pub(crate) long: bool,
    /// Only the guests, all on the debug kernel.
    #[arg(long, conflicts_with = "long")]
    pub(crate) debug: bool,
    /// Each scenario once, those included of which an ordinary run takes only a few.
    #[arg(long, conflicts_with_all = ["long", "debug"])]
    pub(crate) every: bool,
    /// Only steps with this in their name (may be repeated); a whole name chooses that step alone.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) only: Vec<String>,
    /// Print the names of the steps and run none.
    #[arg(long)]
    pub(crate) list: bool,
    /// Decides everything random [default: from the commit].
    #[arg(long, value_name = "N", value_parser = crate::options::parse_seed)]
    pub(crate) seed: Option<u64>,
    /// Guests at a time.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) jobs: usize,
}

/// Runs the command and returns its status.
pub(crate) fn run(options: TestOptions) -> Result<u8> {
    let list_only = options.list;
    let runner = Runner::new(options)?;
    let steps = runner.steps()?;
    if list_only {
        for step in &steps {
            println!("{}", step.id);
        }
        return Ok(0);
    }
    ensure!(
        !steps.is_empty(),
        "no step has that in its name: see 'scripts/test --list'"
    );
    println!(
        "seed {} (replay everything with: scripts/test --seed {0})",
        runner.seed
    );
    thread::scope(|scope| {
        scope.spawn(|| runner.prepare_kernels(&steps));
        runner.run_all(&steps);
    });
    let totals = *runner.totals();
    println!("{totals}");
    Ok(totals.status())
}

/// What all steps share.
pub(crate) struct Runner {
    options: TestOptions,
    seed: u64,
    top: PathBuf,
    harness: PathBuf,
    /// What became of each kernel: its kit and guest image, or why there is none.
    kernels: Mutex<HashMap<String, Result<Boot, Outcome>>>,
    /// Told when one more is in `kernels`.
    kernel_made: Condvar,
    totals: Mutex<Totals>,
}

impl Runner {
    pub(crate) fn new(options: TestOptions) -> Result<Self> {
        let top = vm::top();
        let seed = options.seed.unwrap_or_else(seed::of_commit);
        let harness = match env::var_os("MD_HARNESS") {
            Some(path) => PathBuf::from(path),
            None => env::current_exe()?,
        };
        fs::create_dir_all(top.join("build/test"))?;
        Ok(Self {
            options,
            seed,
            top,
            harness,
            kernels: Mutex::default(),
            kernel_made: Condvar::new(),
            totals: Mutex::default(),
        })
    }

    pub(crate) fn top(&self) -> &Path {
        &self.top
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn harness(&self) -> &Path {
        &self.harness
    }

    fn steps(&self) -> Result<Vec<Step>> {
        let extent = match (self.options.long, self.options.debug) {
            (true, _) => Extent::Long,
            (_, true) => Extent::Debug,
            // What is asked for by name need not be among those drawn.
            _ if self.options.every || !self.options.only.is_empty() => Extent::Every,
            _ => Extent::Ordinary,
        };
        let scenarios = scenario::all(&self.top.join("tests"))?;
        let patches = sabotage::all(&self.top)?;
        let wanted = |patch: &Patch| {
            self.options
                .only
                .iter()
                .any(|only| *only == format!("sabotage/{}", patch.name))
        };
        let mut steps = plan::steps(extent, &scenarios, &patches, self.seed);
        for patch in patches.iter().filter(|patch| wanted(patch)) {
            let id = format!("sabotage/{}", patch.name);
            if steps.iter().all(|step| step.id != id) {
                let long = extent == Extent::Long;
                steps.push(Step {
                    id,
                    action: Action::Sabotage(patch.clone()),
                    long,
                });
            }
        }
        Ok(plan::select(steps, &self.options.only))
    }

    /// Makes the kernels that the steps need, one after the other, with what the steps leave of the
    /// machine: a debug kernel takes minutes of all processors. A step that comes to its kernel
    /// first waits for it.
    fn prepare_kernels(&self, steps: &[Step]) {
        for step in steps {
            let Action::Build(kernel) = &step.action else {
                continue;
            };
            let mut nice = Command::new("nice");
            nice.args(["-n", "19", "scripts/kernel-kit"]);
            nice.args(kernel.debug.then_some("--debug"));
            nice.arg(kernel.series);
            // What goes wrong here goes wrong again in the step, which reports it.
            let _ = self.execute(&nice, &self.log_path("prepare"));
        }
    }

    /// Runs the steps in order; all but the checks, which take all processors, several at a time.
    fn run_all(&self, steps: &[Step]) {
        let is_check = |step: &Step| matches!(step.action, Action::Check { .. });
        for group in steps.chunk_by(|a, b| !is_check(a) && !is_check(b)) {
            let queue = Mutex::new(group.iter());
            let workers = self.options.jobs.max(1).min(group.len());
            thread::scope(|scope| {
                for _ in 0..workers {
                    scope.spawn(|| {
                        // The lock is held for the draw alone: a 'while let' would hold it for
                        // the step, too.
                        let draw = || lock(&queue).next();
                        while let Some(step) = draw() {
                            self.run_step(step);
                        }
                    });
                }
            });
        }
    }

    /// Waits until there is a kernel for the step, whose build another worker may have begun.
    fn await_kernel(&self, step: &Step) {
        if let Action::Scenario(_, kernel) = &step.action {
            let label = kernel.label();
            let kernels = lock(&self.kernels);
            let missing = |kernels: &mut HashMap<_, _>| !kernels.contains_key(&label);
            let result = self.kernel_made.wait_while(kernels, missing);
            drop(result.unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn run_step(&self, step: &Step) {
        self.await_kernel(step);
        let started = Instant::now();
        let log = self.log_path(&step.id);
        let (outcome, note, counts) = match &step.action {
            Action::Check { command, output } => self.check(step, command, *output, &log),
            Action::Build(kernel) => plain(self.build(kernel, &log)),
            Action::Scenario(scenario, kernel) => {
                plain(self.scenario(step, scenario, kernel, &log))
            }
            Action::Sabotage(patch) => {
                self.run_sabotage_counted(patch);
                return;
            }
        };
        let mut totals = self.totals();
        match counts {
            Some(counts) => totals.add(counts),
            None => totals.count(&outcome),
        }
        let line = report::line(&step.id, &outcome, started.elapsed(), &note);
        self.print(step, &outcome, &line, &log);
    }

    /// Prints while the totals are locked, so that reports of two guests do not mix.
    fn print(&self, step: &Step, outcome: &Outcome, line: &str, log: &Path) {
        println!("{line}");
        let (intent, clause) = match &step.action {
            Action::Scenario(scenario, _) => (scenario.intent.as_str(), scenario.clause.as_str()),
            _ => ("", ""),
        };
        let is_consequence = matches!(outcome, Outcome::Broken(_)) && !log.exists();
        if matches!(outcome, Outcome::Failed | Outcome::Broken(_)) && !is_consequence {
            let failure = Failure {
                id: &step.id,
                intent,
                clause,
                excerpt: excerpt_of(step, &read_log(log)),
                log_path: &self.relative(log),
                seed: self.seed_of(&step.id),
                replay: &self.replay(&step.id),
            };
            print!("{failure}");
        }
    }

    /// Runs a command whose status, or whose counts, say how it went.
    fn check(&self, step: &Step, command: &str, output: Output, log: &Path) -> Judged {
        let patience = if step.long { LONG_PATIENCE } else { 1 };
        let mut shell = Command::new("timeout");
        shell
            .args(["--kill-after=10", &(CHECK_LIMIT * patience).to_string()])
            .args(["bash", "-o", "pipefail", "-c", command])
            .env("SEED", self.seed.to_string());
        if step.long {
            shell.env("MD_LONG", "1");
        }
        let status = match self.execute(&shell, log) {
            Ok(status) => status,
            Err(error) => return plain(Outcome::Broken(format!("{error:#}"))),
        };
        let plain_outcome = if status == 0 {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        match output {
            Output::Status => return plain(plain_outcome),
            Output::Summary if status == 0 => {
                let summary = report::last_line(&read_log(log));
                return (plain_outcome, summary, None);
            }
            Output::Summary => return plain(plain_outcome),
            Output::CargoTest => {}
        }
        let (counts, skipped) = report::cargo_counts(&read_log(log));
        if status != 0 && counts.failed == 0 {
            return plain(Outcome::Broken(
                "the tests do not build or do not end".to_owned(),
            ));
        }
        for (name, reason) in skipped {
            let reason = Outcome::Skipped(reason);
            println!(
                "{}",
                report::line(&format!("cargo-test/{name}"), &reason, ZERO, "")
            );
        }
        (plain_outcome, counts.to_string(), Some(counts))
    }

    /// Makes what guests on a kernel need, and remembers where it is.
    fn build(&self, kernel: &Kernel, log: &Path) -> Outcome {
        let result = Boot::make(kernel, &self.top, log);
        let result = result.unwrap_or_else(|error| Err(Outcome::Broken(format!("{error:#}"))));
        let outcome = match &result {
            Ok(_) => Outcome::Passed,
            Err(outcome) => outcome.clone(),
        };
        lock(&self.kernels).insert(kernel.label(), result);
        self.kernel_made.notify_all();
        outcome
    }

    fn scenario(&self, step: &Step, scenario: &Scenario, kernel: &Kernel, log: &Path) -> Outcome {
        let boot = lock(&self.kernels).get(&kernel.label()).cloned();
        let boot = match boot {
            Some(Ok(boot)) => boot,
            Some(Err(Outcome::Skipped(reason))) => return Outcome::Skipped(reason),
            _ => return Outcome::Broken("nothing was built for this kernel".to_owned()),
        };
        let command = if scenario.on_host {
            self.host_command(step, scenario)
        } else {
            self.guest_command(step, scenario, kernel, &boot)
        };
        match self.execute(&command, log) {
            Ok(status) => judge(status, &read_log(log)),
            Err(error) => Outcome::Broken(format!("{error:#}")),
        }
    }

    fn guest_command(
        &self,
        step: &Step,
        scenario: &Scenario,
        kernel: &Kernel,
        boot: &Boot,
    ) -> Command {
        let patience = if kernel.debug { DEBUG_PATIENCE } else { 1 };
        let timeout = (self.limit(scenario) * patience).as_secs();
        let mut command = Command::new(&self.harness);
        command
            .arg("vm")
            .arg("--kit")
            .arg(&boot.kit)
            .arg("--image")
            .arg(&boot.image);
        command
            .args(["--kernel", kernel.series])
            .args(kernel.debug.then_some("--debug"));
        command.args(["--seed", &self.seed_of(&step.id).to_string()]);
        command.args(["--timeout", &timeout.to_string()]);
        command
            .arg("--console")
            .arg(self.log_path(&step.id).with_extension("console"));
        if step.long {
            command.args(["--env", "MD_LONG=1"]);
        }
        command.args(&scenario.vm).arg("--").arg(&scenario.path);
        command
    }

    fn host_command(&self, step: &Step, scenario: &Scenario) -> Command {
        let mut command = Command::new("timeout");
        let limit = self.limit(scenario);
        command
            .args(["--kill-after=10", &limit.as_secs().to_string(), "bash"])
            .arg(&scenario.path);
        command.env(phase::DEADLINE, phase::deadline_after(limit));
        command.env("SEED", self.seed_of(&step.id).to_string());
        command.env("MD_TEST_LIB", self.top.join("tests/lib"));
        command
            .env("MD_BUILT", "1")
            .env("MD_HARNESS", &self.harness);
        if step.long {
            command.env("MD_LONG", "1");
        }
        command
    }

    /// What a scenario may take. Its head has in mind that it has the machine for itself.
    fn limit(&self, scenario: &Scenario) -> Duration {
        let jobs = u32::try_from(self.options.jobs).unwrap_or(1).max(1);
        scenario.timeout * jobs
    }

    /// Tries one sabotage patch, reports it and says how it went.
    pub(crate) fn run_sabotage(&self, patch: &Patch) -> Outcome {
        let started = Instant::now();
        let id = format!("sabotage/{}", patch.name);
        let log = self.log_path(&id);
        let outcome = sabotage::attempt(self, patch, &log)
            .unwrap_or_else(|error| Outcome::Broken(format!("{error:#}")));
        let note = sabotage::note(patch, &outcome);
        println!("{}", report::line(&id, &outcome, started.elapsed(), &note));
        if outcome != Outcome::Passed {
            let (text, path) = (read_log(&log), self.relative(&log));
            let replay = format!("scripts/sabotage-test --seed {} {}", self.seed, patch.name);
            print!(
                "{}",
                sabotage::failure(patch, &id, &text, &path, self.seed, &replay)
            );
        }
        outcome
    }

    fn run_sabotage_counted(&self, patch: &Patch) {
        let outcome = self.run_sabotage(patch);
        self.totals().count(&outcome);
    }

    /// Runs a command in the tree, all its output into the log, and returns its status.
    pub(crate) fn execute(&self, command: &Command, log: &Path) -> Result<i32> {
        execute(command, &self.top, log)
    }

    fn seed_of(&self, id: &str) -> u64 {
        seed::derive(self.seed, id)
    }

    fn replay(&self, id: &str) -> String {
        let extent = match (self.options.long, self.options.debug) {
            (true, _) => " --long",
            (_, true) => " --debug",
            _ => "",
        };
        format!("scripts/test{extent} --seed {} --only {id}", self.seed)
    }

    fn log_path(&self, id: &str) -> PathBuf {
        self.top
            .join("build/test")
            .join(id.replace('/', "__") + ".log")
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.top)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        lock(&self.totals)
    }
}

const ZERO: Duration = Duration::ZERO;

/// Outcome, remark, and counts if the step is many tests.
type Judged = (Outcome, String, Option<Totals>);

fn plain(outcome: Outcome) -> Judged {
    (outcome, String::new(), None)
}

/// Status of a scenario that can show nothing on this kernel; a line of it says why.
const STATUS_SKIPPED: i32 = 77;

/// How a scenario went. A guest that never ran the script proves nothing.
fn judge(status: i32, log: &str) -> Outcome {
    let mut lines = log.lines();
    match status {
        0 => Outcome::Passed,
        STATUS_SKIPPED => match lines.find_map(|line| line.strip_prefix("skipped: ")) {
            Some(reason) => Outcome::Skipped(reason.trim_end().to_owned()),
            None => Outcome::Failed,
        },
        status if status == i32::from(vm::STATUS_HARNESS) => {
            Outcome::Broken("the guest could not be run".to_owned())
        }
        _ if log.contains(Phase::Starting.words()) => {
            Outcome::Broken("the guest did not boot".to_owned())
        }
        _ => Outcome::Failed,
    }
}

/// What the report shows of the log of a step that failed.
fn excerpt_of(step: &Step, log: &str) -> Excerpt {
    match step.action {
        Action::Check {
            output: Output::CargoTest,
            ..
        } => excerpt::failures(log),
        _ => excerpt::end(log),
    }
}

fn read_log(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_that_is_skipped_says_why() {
        let skipped = Outcome::Skipped("no such kernel".to_owned());
        assert_eq!(judge(77, "a\nskipped: no such kernel\r\n"), skipped);
        assert_eq!(judge(77, "a\n"), Outcome::Failed);
    }

    #[test]
    fn a_guest_that_did_not_boot_is_no_ordinary_failure() {
        assert_eq!(judge(0, ""), Outcome::Passed);
        for status in [1, 86, 124] {
            assert_eq!(judge(status, "some output"), Outcome::Failed);
        }
        let text = format!("md-vm: it ended, {}\n", Phase::Starting.words());
        assert!(matches!(judge(86, &text), Outcome::Broken(_)));
        assert!(matches!(judge(125, ""), Outcome::Broken(_)));
    }
}
