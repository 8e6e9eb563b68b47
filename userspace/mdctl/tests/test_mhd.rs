// SPDX-License-Identifier: GPL-2.0
//! `mdctl mhd`: disks that several hosts can reach.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin as abi;
use rustix::fs::makedev;

/// Number of `/dev/sda`.
const SDA: (u32, u32) = (8, 0);

/// A machine, and the number of its first disk.
fn machine() -> (TestEnvironment, u64) {
    (TestEnvironment::new(), makedev(SDA.0, SDA.1))
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl mhd --help"), @r"
    $ mdctl mhd --help
    Own disks that several hosts can reach, and find out when one is lost.

    With failfast the disk is asked periodically whether it is still this host's, and every re\
    ad and
    write through a metadevice is a question as well. When another host has taken it, the mach\
    ine
    panics, or does what 'mdctl mhd action' says. A disk that is slow or gone is not lost.

    Usage: mdctl mhd [OPTIONS] <COMMAND>

    Commands:
      status         Show who has disks, by which commands, and what failfast does
      take           Take a disk, whoever has it, and see that it stays ours
      release        Give a disk up
      quick-reserve  Reserve a disk that nobody has, and do nothing else
      failfast       Ask a disk every so many milliseconds whether it is ours
      action         Say what is done when a disk is lost
      keys           Show the keys that are registered with a disk
      reservation    Show the persistent reservation of a disk
      register       Register a key with a disk, or with the new key 0 take it back
      reserve        Reserve a disk for those who have registered
      preempt        Take registration and reservation from another key
      clear          Take all registrations and the reservation away

    Options:
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn a_disk_is_taken_watched_and_given_up() {
    let (mut env, sda) = machine();
    env.admin.multihost_disk(sda).is_taken = true;
    assert_snapshot!(env.run_all(&[
        "mdctl mhd status /dev/sda",
        "mdctl mhd quick-reserve /dev/sda",
        "mdctl mhd take /dev/sda",
        "mdctl mhd failfast /dev/sda 1000",
        "mdctl mhd action /dev/sda fence",
        "mdctl mhd status /dev/sda",
        "mdctl mhd failfast /dev/sda off",
        "mdctl mhd release /dev/sda",
        "mdctl mhd status /dev/sda",
    ]), @r"
    $ mdctl mhd status /dev/sda
    /dev/sda:
        Access: no, another host has the disk
        Owned: no
        Reservation: none that is persistent
        Failfast: off
        When lost: panic
        Probes: 0, 0 without an answer, 0 conflicts, 0 resets; access not seen yet
    $ mdctl mhd quick-reserve /dev/sda
    err| mdctl mhd: /dev/sda: another host has it, or has another key (reservation conflict)
    err| next: mdctl mhd status /dev/sda
    [exit status 1]
    $ mdctl mhd take /dev/sda
    /dev/sda: is owned by this host
    $ mdctl mhd failfast /dev/sda 1000
    /dev/sda: failfast is on
    $ mdctl mhd action /dev/sda fence
    /dev/sda: the action is set
    $ mdctl mhd status /dev/sda
    /dev/sda:
        Access: yes
        Owned: yes, by RESERVE
        Reservation: none that is persistent
        Failfast: every 1000 ms
        When lost: fence
        Probes: 10, 0 without an answer, 0 conflicts, 0 resets; access last seen 250 ms ago
    $ mdctl mhd failfast /dev/sda off
    /dev/sda: failfast is off
    $ mdctl mhd release /dev/sda
    /dev/sda: is given up
    $ mdctl mhd status /dev/sda
    /dev/sda:
        Access: yes
        Owned: no
        Reservation: none that is persistent
        Failfast: off
        When lost: fence
        Probes: 0, 0 without an answer, 0 conflicts, 0 resets; access not seen yet
    ");
}

#[test]
fn keys_and_persistent_reservations() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run_all(&[
        "mdctl mhd keys /dev/sda",
        "mdctl mhd register /dev/sda --new-key a1",
        "mdctl mhd register /dev/sda --new-key 0xb2 --ignore --aptpl",
        "mdctl mhd keys /dev/sda",
        "mdctl mhd reserve /dev/sda --key a1 --type 5",
        "mdctl mhd reservation /dev/sda",
        "mdctl mhd preempt /dev/sda --key b2 --victim a1 --type exclusive-access --abort",
        "mdctl mhd reservation /dev/sda",
        "mdctl mhd register /dev/sda --key a1 --new-key 0",
        "mdctl mhd clear /dev/sda --key b2",
        "mdctl mhd reservation /dev/sda",
    ]), @r"
    $ mdctl mhd keys /dev/sda
    /dev/sda: no key is registered
    $ mdctl mhd register /dev/sda --new-key a1
    /dev/sda: the key is registered
    $ mdctl mhd register /dev/sda --new-key 0xb2 --ignore --aptpl
    /dev/sda: the key is registered
    $ mdctl mhd keys /dev/sda
    /dev/sda: 0x00000000000000a1
    /dev/sda: 0x00000000000000b2
    $ mdctl mhd reserve /dev/sda --key a1 --type 5
    /dev/sda: is reserved
    $ mdctl mhd reservation /dev/sda
    /dev/sda: write-exclusive-registrants by 0x00000000000000a1
    $ mdctl mhd preempt /dev/sda --key b2 --victim a1 --type exclusive-access --abort
    /dev/sda: the other key has lost it
    $ mdctl mhd reservation /dev/sda
    /dev/sda: exclusive-access by 0x00000000000000b2
    $ mdctl mhd register /dev/sda --key a1 --new-key 0
    err| mdctl mhd: /dev/sda: another host has it, or has another key (reservation conflict)
    err| next: mdctl mhd status /dev/sda
    [exit status 1]
    $ mdctl mhd clear /dev/sda --key b2
    /dev/sda: no key is registered any more
    $ mdctl mhd reservation /dev/sda
    /dev/sda: no persistent reservation
    ");
}

#[test]
fn scripts_get_everything() {
    let (mut env, sda) = machine();
    env.setup("mdctl mhd take /dev/sda");
    env.setup("mdctl mhd failfast /dev/sda 500");
    env.admin.multihost_disk(sda).state = abi::MULTIHOST_LOST | abi::MULTIHOST_FENCED;
    assert_snapshot!(env.run_all(&[
        "mdctl mhd status /dev/sda --json",
        "mdctl mhd keys /dev/sdb --json",
    ]), @r#"
    $ mdctl mhd status /dev/sda --json
    {"version":1,"multihost":[{"device":"/dev/sda","access":"yes","owned":true,"way":"reserve"\
    ,"registered":false,"reservation":null,"generation":0,"failfast_ms":500,"action":"panic","\
    recorded":false,"expected":true,"lost":"probe","fenced":true,"stalled":false,"gone":false,\
    "reinstating":false,"good_ms":250,"probes":5,"silent":0,"conflicts":0,"resets":0}]}
    $ mdctl mhd keys /dev/sdb --json
    {"version":1,"multihost":[{"device":"/dev/sdb","owned":false,"way":null,"registered":false\
    ,"reservation":null,"keys":[],"generation":0,"failfast_ms":0,"action":"panic","recorded":f\
    alse,"expected":false,"lost":null,"fenced":false,"stalled":false,"gone":false,"reinstating\
    ":false,"good_ms":null,"probes":0,"silent":0,"conflicts":0,"resets":0}]}
    "#);
}

#[test]
fn it_is_told_whether_a_choice_is_kept() {
    let (mut env, sda) = machine();
    env.admin.multihost_disk(sda).state = abi::MULTIHOST_RECORDED;
    let kept = env.run("mdctl mhd status /dev/sda").stdout;
    assert!(
        kept.contains("Kept: in the state database, for each start of the set"),
        "{kept}"
    );
    env.admin.multihost_disk(sda).state = abi::MULTIHOST_UNRECORDED;
    let told = env.run("mdctl mhd failfast /dev/sda 500").stdout;
    assert!(
        told.contains("failfast is on, until the set is stopped"),
        "{told}"
    );
    let json = env.run("mdctl mhd action /dev/sda log --json").stdout;
    assert!(json.contains("\"unrecorded\":true"), "{json}");
}

#[test]
fn what_is_so_is_shown() {
    let (mut env, sda) = machine();
    for state in [
        abi::MULTIHOST_LOST | abi::MULTIHOST_LOST_BY_IO | abi::MULTIHOST_FENCED,
        abi::MULTIHOST_STALLED | abi::MULTIHOST_REINSTATING,
        abi::MULTIHOST_GONE | abi::MULTIHOST_REGISTERED,
    ] {
        env.admin.multihost_disk(sda).state = state;
        let shown = env.run("mdctl mhd status /dev/sda").stdout;
        assert!(shown.contains("State: "), "{shown}");
    }
    assert_snapshot!(env.run("mdctl mhd status /dev/sda"), @r"
    $ mdctl mhd status /dev/sda
    /dev/sda:
        Access: yes
        Owned: no, but a key is registered
        Reservation: none that is persistent
        Failfast: off
        When lost: panic
        State: the disk is gone
        Probes: 0, 0 without an answer, 0 conflicts, 0 resets; access not seen yet
    ");
}

#[test]
fn refusals_say_what_to_type_next() {
    let (mut env, sda) = machine();
    env.admin.multihost_disk(sda).is_plain = true;
    env.setup("mdctl mhd take /dev/sdb");
    assert_snapshot!(env.run_all(&[
        "mdctl mhd take /dev/sda",
        "mdctl mhd status /dev/sda",
        "mdctl mhd register /dev/sdb --new-key 1",
        "mdctl mhd take /dev/nothing",
        "mdctl mhd failfast /dev/sda soon",
        "mdctl mhd register /dev/sda --new-key hello",
        "mdctl mhd reserve /dev/sda --key 1 --type 2",
        "mdctl mhd",
    ]), @r"
    $ mdctl mhd take /dev/sda
    err| mdctl mhd: /dev/sda: has no command for that, or not that kind
    err| next: mdctl mhd status /dev/sda
    [exit status 1]
    $ mdctl mhd status /dev/sda
    /dev/sda:
        Access: unknown, the disk does not say
        Owned: no
        Reservation: none that is persistent
        Failfast: off
        When lost: panic
        Probes: 0, 0 without an answer, 0 conflicts, 0 resets; access not seen yet
    $ mdctl mhd register /dev/sdb --new-key 1
    err| mdctl mhd: /dev/sdb: is owned by this host alone, or has a key for several, which exc\
    lude each other
    err| next: mdctl mhd status /dev/sdb
    [exit status 1]
    $ mdctl mhd take /dev/nothing
    err| mdctl mhd: /dev/nothing: there is no such device
    err| next: lsblk
    [exit status 1]
    $ mdctl mhd failfast /dev/sda soon
    err| mdctl mhd: invalid value 'soon' for '<MS>': neither a number of milliseconds nor 'off\
    '
    err| next: mdctl mhd --help
    [exit status 1]
    $ mdctl mhd register /dev/sda --new-key hello
    err| mdctl mhd: invalid value 'hello' for '--new-key <KEY>': not up to 16 hexadecimal digi\
    ts
    err| next: mdctl mhd --help
    [exit status 1]
    $ mdctl mhd reserve /dev/sda --key 1 --type 2
    err| mdctl mhd: invalid value '2' for '--type <TYPE>': not a kind of reservation: 1, 3, 5,\
     6, 7 or 8, or its name
    err| next: mdctl mhd --help
    [exit status 1]
    $ mdctl mhd
    err| mdctl mhd: 'mdctl mhd' requires a subcommand but one was not provided [subcommands: s\
    tatus, take, release, quick-reserve, failfast, action, keys, reservation, register, reserv\
    e, preempt, clear]
    err| next: mdctl mhd --help
    [exit status 1]
    ");
}
