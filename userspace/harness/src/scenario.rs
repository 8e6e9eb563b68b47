// SPDX-License-Identifier: GPL-2.0
//! Scenarios: bash files `tests/<group>/<name>.sh` whose head says what they are for.
//!
//! ```text
//! # Intent: what is shown, in a sentence (a line that is indented further goes on)
//! # Clause: the rule that is proven
//! # Lanes: stock,drawn,smoke,debug,long,nodebug
//! # Vm: --disks 2 --disk-size 64M        (options of scripts/vm)
//! # Runs: host                           (in the build root; it calls scripts/vm itself)
//! # Timeout: 120
//! ```

use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    },
    time::Duration, //
};

use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};

/// When a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lane {
    /// On the stock kernel of the default series, in every run.
    Stock,
    /// The same, but an ordinary run takes only some of these, drawn by the seed.
    Drawn,
    /// Also on the other series.
    Smoke,
    /// Also on the debug kernel, in every run.
    Debug,
    /// Only where large counts are wanted; it finds $MD_LONG set.
    Long,
    /// Not even when everything else is run on the debug kernel.
    NoDebug,
}

impl Lane {
    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "stock" => Self::Stock,
            "drawn" => Self::Drawn,
            "smoke" => Self::Smoke,
            "debug" => Self::Debug,
            "long" => Self::Long,
            "nodebug" => Self::NoDebug,
            _ => bail!("lane '{word}' is not one of stock, drawn, smoke, debug, long, nodebug"),
        })
    }
}

/// One scenario.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// `group/name`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) intent: String,
    pub(crate) clause: String,
    pub(crate) lanes: Vec<Lane>,
    /// Options of scripts/vm.
    pub(crate) vm: Vec<String>,
    /// Runs in the build root, not in a guest.
    pub(crate) on_host: bool,
    pub(crate) timeout: Duration,
}

impl Scenario {
    pub(crate) fn is_in(&self, lane: Lane) -> bool {
        self.lanes.contains(&lane)
    }

    /// Reads the head of a scenario.
    fn parse(name: &str, path: &Path, text: &str) -> Result<Self> {
        let fields = fields(text);
        let field = |key: &str| {
            let found = fields.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str())
        };
        let needed = |key: &str| field(key).with_context(|| format!("'# {key}:' is missing"));
        let lanes = needed("Lanes")?
            .split(',')
            .map(|word| Lane::parse(word.trim()));
        for (key, _) in &fields {
            let known = ["Intent", "Clause", "Lanes", "Vm", "Runs", "Timeout"];
            ensure!(
                known.contains(&key.as_str()),
                "'# {key}:' is not one of {known:?}"
            );
        }
        let on_host = match field("Runs") {
            None => false,
            Some("host") => true,
            Some(other) => bail!("'# Runs: {other}': only 'host' is possible"),
        };
        let vm: Vec<String> = field("Vm")
            .unwrap_or("")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        ensure!(
            !on_host || vm.is_empty(),
            "'# Vm:' has no meaning with '# Runs: host'"
        );
        Ok(Self {
            name: name.to_owned(),
            path: path.to_owned(),
            intent: needed("Intent")?.to_owned(),
            clause: needed("Clause")?.to_owned(),
            lanes: lanes.collect::<Result<_>>()?,
            vm,
            on_host,
            timeout: Duration::from_secs(needed("Timeout")?.parse()?),
        })
    }
}

/// The `# Key: value` lines of the first comment block, continuations joined.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .skip(1)
    {
        let Some(comment) = line.strip_prefix("# ") else {
            continue;
        };
        if let Some(more) = comment.strip_prefix(' ') {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(more.trim());
            }
        } else if let Some((key, value)) = comment.split_once(": ") {
            if key != "SPDX-License-Identifier" && key.chars().all(char::is_alphanumeric) {
                fields.push((key.to_owned(), value.trim().to_owned()));
            }
        }
    }
    fields
}

/// All scenarios below `tests`, by name.
pub(crate) fn all(tests: &Path) -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for group in folders(tests)? {
        let group_name = name_of(&group);
        if group_name == "lib" {
            continue;
        }
        for entry in fs::read_dir(&group)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "sh") {
                let name = format!("{group_name}/{}", name_of(&path.with_extension("")));
                let text = fs::read_to_string(&path)?;
                let scenario = Scenario::parse(&name, &path, &text);
                scenarios.push(scenario.with_context(|| path.display().to_string())?);
            }
        }
    }
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(scenarios)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a stripe keeps what it is given,
#         byte for byte.
# Clause: DURABILITY 7, 9
# Lanes: stock, debug
# Vm: --disks 2 --smp 1
# Timeout: 90
set -e
# Lanes: not part of the head
";

    fn parse(text: &str) -> Result<Scenario> {
        Scenario::parse("stripe/keeps", Path::new("x.sh"), text)
    }

    #[test]
    fn a_head_is_read() {
        let scenario = parse(HEAD).unwrap();
        assert_eq!(
            scenario.intent,
            "a stripe keeps what it is given, byte for byte."
        );
        assert_eq!(scenario.clause, "DURABILITY 7, 9");
        assert_eq!(scenario.lanes, [Lane::Stock, Lane::Debug]);
        assert_eq!(scenario.vm, ["--disks", "2", "--smp", "1"]);
        assert_eq!(scenario.timeout, Duration::from_secs(90));
        assert!(!scenario.on_host);
    }

    #[test]
    fn a_head_with_a_mistake_says_which() {
        for (from, to, message) in [
            ("Intent:", "Purpose:", "Purpose"),
            ("# Clause: DURABILITY 7, 9\n", "", "Clause"),
            ("stock, debug", "stock,quick", "quick"),
            ("# Timeout: 90\n", "", "Timeout"),
            ("# Timeout: 90\n", "# Timeout: 90\n# Runs: host\n", "Vm"),
        ] {
            let error = parse(&HEAD.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn every_scenario_of_the_tree_has_a_good_head() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
        assert!(!all(&tests).unwrap().is_empty());
    }
}
