// SPDX-License-Identifier: GPL-2.0
//! What is on a device: file systems, partition tables, parts of arrays, and the like.
//!
//! `wipefs` of util-linux knows them all, so it is asked, and told to change nothing.

use super::Host;
use serde::Deserialize;
use std::{
    io::{
        self,
        ErrorKind, //
    },
    process::Command, //
};
use thiserror::Error;

/// The program that is asked. The path is given in full: what a root shell has in `PATH` may not
/// have it.
const WIPEFS: &str = "/usr/sbin/wipefs";

/// A signature on a device, in the words of `wipefs`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Signature {
    /// What it belongs to, such as `ext4` or `gpt`.
    #[serde(rename = "type")]
    pub what: String,
    /// What that is good for: `filesystem`, `partition-table`, `raid`, `crypto` or `other`.
    pub usage: String,
    /// The label that its owner has given it.
    pub label: Option<String>,
}

/// Why it cannot be said what is on a device.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// There is no such program.
    #[error("no wipefs")]
    NotInstalled,
    /// It did not run, or not to a good end.
    #[error("{0}")]
    Failed(String),
}

/// What `wipefs` writes.
#[derive(Deserialize)]
struct Found {
    signatures: Vec<Signature>,
}

/// All signatures on the device with the given path.
pub fn signatures(host: &dyn Host, device: &str) -> Result<Vec<Signature>, SignatureError> {
    let mut command = Command::new(WIPEFS);
    command.env("LC_ALL", "C");
    command.args(["--no-act", "--json", "--output", "TYPE,USAGE,LABEL", device]);
    let output = host.run(&mut command)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(SignatureError::Failed(words.trim().to_string()));
    }
    found(&output.stdout)
}

/// The signatures in what `wipefs` wrote, which may be nothing at all if there are none.
fn found(output: &[u8]) -> Result<Vec<Signature>, SignatureError> {
    if output.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(output)
        .map(|found: Found| found.signatures)
        .map_err(|error| SignatureError::Failed(error.to_string()))
}

impl From<io::Error> for SignatureError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => SignatureError::NotInstalled,
            _ => SignatureError::Failed(error.to_string()),
        }
    }
}

impl Signature {
    /// What it is, with its article: `an ext4 file system (label web)`.
    fn words(&self) -> String {
        // By sound: an ext4, an xfs, an LVM2_member, but a btrfs, a linux_raid_member.
        let article = if self.what.starts_with(|c| "aeioxAEIOLX".contains(c)) {
            "an"
        } else {
            "a"
        };
        let usage = match self.usage.as_str() {
            "filesystem" => "file system",
            "partition-table" => "partition table",
            _ => "signature",
        };
        let what = &self.what;
        match self.label.as_deref() {
            None | Some("") => format!("{article} {what} {usage}"),
            Some(label) => format!("{article} {what} {usage} (label {label})"),
        }
    }
}

/// What the signatures say of a device. Copies of a signature are told of once, and so is the
/// table that a GPT has for programs which do not know it.
pub fn describe(signatures: &[Signature]) -> String {
    let has_gpt = signatures.iter().any(|signature| signature.what == "gpt");
    let mut kinds: Vec<String> = Vec::new();
    for signature in signatures {
        let words = signature.words();
        if !(kinds.contains(&words) || has_gpt && signature.what == "PMBR") {
            kinds.push(words);
        }
    }
    kinds.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::ThisHost;
    use std::fs;

    fn signature(what: &str, usage: &str, label: Option<&str>) -> Signature {
        Signature {
            what: what.to_string(),
            usage: usage.to_string(),
            label: label.map(String::from),
        }
    }

    #[test]
    fn signatures_are_described_in_words() {
        let table = |what| signature(what, "partition-table", None);
        for (signatures, words) in [
            (
                vec![signature("ext4", "filesystem", Some("my disk"))],
                "an ext4 file system (label my disk)",
            ),
            (
                vec![signature("xfs", "filesystem", None)],
                "an xfs file system",
            ),
            (
                vec![table("gpt"), table("gpt"), table("PMBR")],
                "a gpt partition table",
            ),
            (vec![table("PMBR")], "a PMBR partition table"),
            (
                vec![signature("swap", "other", Some(""))],
                "a swap signature",
            ),
            (
                vec![signature("LVM2_member", "raid", None), table("dos")],
                "an LVM2_member signature and a dos partition table",
            ),
        ] {
            assert_eq!(describe(&signatures), words);
        }
    }

    #[test]
    fn a_device_without_signatures_has_none_in_every_version_of_wipefs() {
        for output in ["", "\n", "{\n   \"signatures\": [\n\n   ]\n}\n"] {
            assert_eq!(found(output.as_bytes()).unwrap(), []);
        }
        assert!(found(b"{}").is_err());
    }

    /// The real program, on a file with the signature of swap space.
    #[test]
    fn wipefs_finds_what_is_there_and_leaves_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let mut bytes = vec![0; 1 << 20];
        fs::write(path, &bytes).unwrap();
        assert_eq!(signatures(&ThisHost, path).unwrap(), []);
        bytes[1024..1032].copy_from_slice(&[1, 0, 0, 0, 255, 0, 0, 0]);
        bytes[4086..4096].copy_from_slice(b"SWAPSPACE2");
        fs::write(path, &bytes).unwrap();
        let expected = [signature("swap", "other", None)];
        assert_eq!(signatures(&ThisHost, path).unwrap(), expected);
        assert_eq!(fs::read(path).unwrap(), bytes);
    }

    #[test]
    fn what_wipefs_says_of_a_missing_device_is_passed_on() {
        let error = signatures(&ThisHost, "/nonexistent/device").unwrap_err();
        let words = error.to_string();
        assert!(words.contains("/nonexistent/device"), "{words}");
        assert!(words.contains("No such file"), "{words}");
    }
}
