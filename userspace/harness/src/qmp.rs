// SPDX-License-Identifier: GPL-2.0
//! The QEMU Machine Protocol: one JSON object per line; commands are answered in order, and events
//! may come between.

use std::{
    io::{
        BufRead,
        BufReader,
        Write, //
    },
    os::unix::net::UnixStream,
    time::Duration, //
};

use anyhow::{
    bail,
    Context,
    Result, //
};
use serde_json::{
    json,
    Value, //
};

/// Neither the start nor a command of ours takes longer, also on a machine that does much else; a
/// QEMU that does not answer is stuck.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A connection on which commands may be given.
pub(crate) struct Qmp {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Qmp {
    /// Reads the greeting and leaves negotiation mode.
    pub(crate) fn connect(stream: UnixStream) -> Result<Self> {
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut qmp = Self {
            writer: stream.try_clone()?,
            reader: BufReader::new(stream),
        };
        let greeting = qmp.message()?;
        if greeting.get("QMP").is_none() {
            bail!("QEMU greeted with {greeting}");
        }
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Gives a command and waits for its answer.
    pub(crate) fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let request = json!({"execute": command, "arguments": arguments});
        writeln!(self.writer, "{request}").context("QEMU is gone")?;
        loop {
            let message = self.message()?;
            if let Some(answer) = message.get("return") {
                return Ok(answer.clone());
            }
            if let Some(error) = message.get("error") {
                bail!("{command}: {}", error["desc"].as_str().unwrap_or("refused"));
            }
        }
    }

    /// Removes a device and waits until it is gone. The event may come before the answer, so both
    /// are waited for in one loop.
    pub(crate) fn remove_device(&mut self, id: &str) -> Result<()> {
        let request = json!({"execute": "device_del", "arguments": {"id": id}});
        writeln!(self.writer, "{request}").context("QEMU is gone")?;
        let (mut answered, mut deleted) = (false, false);
        while !(answered && deleted) {
            let message = self.message()?;
            if let Some(error) = message.get("error") {
                bail!("{}", error["desc"].as_str().unwrap_or("refused"));
            }
            answered |= message.get("return").is_some();
            deleted |= is_deletion(&message, id);
        }
        Ok(())
    }

    fn message(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self
            .reader
            .read_line(&mut line)
            .context("no answer from QEMU")?
            == 0
        {
            bail!("QEMU is gone");
        }
        serde_json::from_str(&line).with_context(|| format!("QEMU said: {line}"))
    }
}

/// Is this the event that the device has gone?
fn is_deletion(message: &Value, id: &str) -> bool {
    message["event"] == "DEVICE_DELETED" && message["data"]["device"] == id
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// A QEMU that answers each line it gets with the next of the given texts.
    fn pretend(answers: &'static [&'static str]) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        thread::spawn(move || {
            let mut lines = BufReader::new(theirs.try_clone().unwrap()).lines();
            let mut out = theirs;
            out.write_all(b"{\"QMP\": {\"version\": {}}}\n").unwrap();
            for answer in answers {
                lines.next();
                writeln!(out, "{answer}").unwrap();
            }
        });
        ours
    }

    #[test]
    fn an_answer_is_found_among_events() {
        let mut qmp = Qmp::connect(pretend(&[
            r#"{"return": {}}"#,
            "{\"event\": \"RESUME\"}\n{\"return\": {\"running\": true}}",
        ]))
        .unwrap();
        assert_eq!(
            qmp.execute("query-status", json!({})).unwrap()["running"],
            true
        );
    }

    #[test]
    fn a_refusal_says_why() {
        let mut qmp = Qmp::connect(pretend(&[
            r#"{"return": {}}"#,
            r#"{"error": {"class": "DeviceNotFound", "desc": "Device 'disk9' not found"}}"#,
        ]))
        .unwrap();
        let error = qmp.remove_device("disk9").unwrap_err().to_string();
        assert_eq!(error, "Device 'disk9' not found");
    }

    #[test]
    fn a_removal_waits_for_its_own_event_in_either_order() {
        let event = r#"{"event": "DEVICE_DELETED", "data": {"device": "disk1"}}"#;
        let other = r#"{"event": "DEVICE_DELETED", "data": {"device": "disk2"}}"#;
        assert!(is_deletion(&serde_json::from_str(event).unwrap(), "disk1"));
        assert!(!is_deletion(&serde_json::from_str(other).unwrap(), "disk1"));
        let mut qmp = Qmp::connect(pretend(&[
            r#"{"return": {}}"#,
            "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"disk1\"}}\n{\"return\": {}}",
        ]))
        .unwrap();
        qmp.remove_device("disk1").unwrap();
    }

    #[test]
    fn a_dead_qemu_is_an_error() {
        let mut qmp = Qmp::connect(pretend(&[r#"{"return": {}}"#])).unwrap();
        assert!(qmp.execute("quit", json!({})).is_err());
    }
}
