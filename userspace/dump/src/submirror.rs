// SPDX-License-Identifier: GPL-2.0
//! A side of a mirror as the source of a dump: the file system is frozen for a moment, in which the
//! side is taken out of service; the dump then reads the side, and it is brought back
//! whatever happens, and what was written to the mirror meanwhile is copied to it. Only a dump that
//! can go on from finished volumes keeps it as it is.

use crate::{
    backup::Failure,
    console::Console,
    kapi, //
};
use std::{
    fs::File,
    panic::{
        catch_unwind,
        resume_unwind,
        AssertUnwindSafe, //
    },
    path::Path, //
};

/// Who takes sides out of service and brings them back.
pub trait Manager {
    /// Takes a submirror out of service.
    fn offline(&mut self, mirror: &str, submirror: &str) -> Result<(), Failure>;

    /// Brings it back.
    fn online(&mut self, mirror: &str, submirror: &str) -> Result<(), Failure>;

    /// Whether it is out of service.
    fn is_offline(&mut self, mirror: &str, submirror: &str) -> Result<bool, Failure>;

    /// The device of a metadevice.
    fn device(&self, name: &str) -> String;
}

/// Where there is no volume manager.
#[derive(Clone, Copy, Debug)]
pub struct NoManager;

impl NoManager {
    fn refusal() -> Failure {
        Failure::new(
            "--from-submirror",
            "needs the volume manager's own tool",
            "mdctl mddump --help",
        )
    }
}

impl Manager for NoManager {
    fn offline(&mut self, _: &str, _: &str) -> Result<(), Failure> {
        Err(NoManager::refusal())
    }

    fn online(&mut self, _: &str, _: &str) -> Result<(), Failure> {
        Err(NoManager::refusal())
    }

    fn is_offline(&mut self, _: &str, _: &str) -> Result<bool, Failure> {
        Err(NoManager::refusal())
    }

    fn device(&self, name: &str) -> String {
        name.to_string()
    }
}

/// A mirror and its side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Side {
    /// The mirror.
    pub mirror: String,
    /// The submirror.
    pub submirror: String,
}

/// How a side is found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found<'a> {
    /// In service. The mirror may be mounted at a place, where its file system is frozen until the
    /// side is out.
    InService(Option<&'a Path>),
    /// Out of service, since the dump was begun with it.
    Offline,
}

impl Side {
    /// The side that a word such as `d10/d12` names.
    pub fn parse(word: &str) -> Result<Self, Failure> {
        match word.split_once('/') {
            Some((mirror, submirror)) if !mirror.is_empty() && !submirror.is_empty() => Ok(Side {
                mirror: mirror.to_string(),
                submirror: submirror.to_string(),
            }),
            _ => Err(Failure::new(
                word,
                "is no mirror with its submirror, such as d10/d12",
                "metastat -c",
            )),
        }
    }

    /// Has something done with the side's device while the side is out of service. What is done
    /// also says whether the side has to stay so.
    pub fn borrow<T>(
        &self,
        manager: &mut dyn Manager,
        console: &dyn Console,
        found: Found<'_>,
        work: impl FnOnce(&str) -> (T, bool),
    ) -> Result<T, Failure> {
        self.take(manager, console, found)?;
        let Side { mirror, submirror } = self;
        let device = manager.device(submirror);
        let done = catch_unwind(AssertUnwindSafe(|| work(&device)));
        let stays = match &done {
            Ok((_, stays)) => *stays,
            Err(_) => found == Found::Offline,
        };
        let back = if stays {
            console.say(&format!(
                "{mirror}: submirror {submirror} stays offline, to go on with it; \
                 else bring it back: metaonline {mirror} {submirror}"
            ));
            Ok(())
        } else {
            self.bring_back(manager, console)
        };
        match done {
            Ok((done, _)) => back.map(|()| done),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn take(
        &self,
        manager: &mut dyn Manager,
        console: &dyn Console,
        found: Found<'_>,
    ) -> Result<(), Failure> {
        let Side { mirror, submirror } = self;
        let Found::InService(mounted_at) = found else {
            console.say(&format!("{mirror}: submirror {submirror} is still offline"));
            return Ok(());
        };
        let frozen = mounted_at.map(Frozen::new).transpose()?;
        let offline = manager.offline(mirror, submirror);
        drop(frozen);
        offline?;
        console.say(&format!("{mirror}: submirror {submirror} is offlined"));
        Ok(())
    }

    fn bring_back(&self, manager: &mut dyn Manager, console: &dyn Console) -> Result<(), Failure> {
        let Side { mirror, submirror } = self;
        let online = manager.online(mirror, submirror);
        match &online {
            Ok(()) => console.say(&format!("{mirror}: submirror {submirror} is onlined")),
            Err(failure) => console.say(&failure.to_string()),
        }
        online
    }
}

/// A frozen file system; it thaws when this is dropped.
struct Frozen(File);

impl Frozen {
    fn new(mount_point: &Path) -> Result<Self, Failure> {
        let name = mount_point.display().to_string();
        let cannot = |error: std::io::Error| {
            Failure::new(&name, &format!("cannot be frozen: {error}"), "findmnt")
        };
        let folder = File::open(mount_point).map_err(cannot)?;
        kapi::freeze(&folder).map_err(cannot)?;
        Ok(Frozen(folder))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = kapi::thaw(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Recorded;

    #[derive(Default)]
    struct Fake {
        calls: Vec<String>,
        fails: bool,
    }

    impl Manager for Fake {
        fn offline(&mut self, mirror: &str, submirror: &str) -> Result<(), Failure> {
            self.calls.push(format!("offline {mirror} {submirror}"));
            if self.fails {
                return Err(Failure::new("d12", "is the last one", "metastat d10"));
            }
            Ok(())
        }

        fn online(&mut self, mirror: &str, submirror: &str) -> Result<(), Failure> {
            self.calls.push(format!("online {mirror} {submirror}"));
            Ok(())
        }

        fn is_offline(&mut self, _: &str, _: &str) -> Result<bool, Failure> {
            Ok(self
                .calls
                .last()
                .is_some_and(|call| call.starts_with("offline")))
        }

        fn device(&self, name: &str) -> String {
            format!("/dev/md/dsk/{name}")
        }
    }

    #[test]
    fn the_side_is_brought_back_also_after_a_panic() {
        let side = Side::parse("d10/d12").unwrap();
        let console = Recorded::default();
        let mut fake = Fake::default();
        let found = Found::InService(None);
        let done = |device: &str| (device.to_string(), false);
        let device = side.borrow(&mut fake, &console, found, done);
        assert_eq!(device.unwrap(), "/dev/md/dsk/d12");
        let mut other = Fake::default();
        let panics = || side.borrow::<()>(&mut other, &console, found, |_| panic!("on purpose"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        for calls in [fake.calls, other.calls] {
            assert_eq!(calls, ["offline d10 d12", "online d10 d12"]);
        }
    }

    #[test]
    fn a_side_that_cannot_go_is_not_brought_back() {
        let side = Side::parse("d10/d12").unwrap();
        let mut fake = Fake {
            fails: true,
            ..Fake::default()
        };
        let done = side.borrow(
            &mut fake,
            &Recorded::default(),
            Found::InService(None),
            |_| ((), false),
        );
        assert!(done.is_err());
        assert_eq!(fake.calls.len(), 1);
        assert!(Side::parse("d10").is_err() && Side::parse("/d1").is_err());
    }

    /// A dump that is to go on needs the side as it was, and takes it as it is then.
    #[test]
    fn a_side_that_is_needed_again_stays_out() {
        let side = Side::parse("d10/d12").unwrap();
        let console = Recorded::default();
        let mut fake = Fake::default();
        let stays = |_: &str| ((), true);
        let done = side.borrow(&mut fake, &console, Found::InService(None), stays);
        assert!(done.is_ok() && console.has("stays offline") && console.has("metaonline d10 d12"));
        let panics = || {
            side.borrow::<()>(&mut fake, &console, Found::Offline, |_| {
                panic!("on purpose")
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(fake.calls, ["offline d10 d12"]);
        let done = side.borrow(&mut fake, &console, Found::Offline, |_| ((), false));
        assert!(done.is_ok() && console.has("is still offline"));
        assert_eq!(fake.calls, ["offline d10 d12", "online d10 d12"]);
    }
}
