// SPDX-License-Identifier: GPL-2.0
//! `mddump`: which command line it is, and what it does with the sides of a mirror. The dumps
//! themselves are tested in `userspace/dump/tests`.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mddump --help"), @r"
    $ mddump --help
    Back up an ext2, ext3 or ext4 file system in dump format.

    What is written can be read by the restore of Debian and other systems. The file system is
    read from its device and need not be mounted. One that is in use changes while it is read;\
     to
    have it as it is at one moment, use --from-submirror, which takes one side of a mirror for\
     as
    long as the dump takes.

    Usage: mddump [OPTIONS] [FILESYSTEM]

    Arguments:
      [FILESYSTEM]  The file system: its device, an image of it, or where it is mounted

    Options:
          --level <N>                 Level: what has changed since the last dump of a lower l\
    evel; 0 is everything. Also -0 to -9 [default: 9]
      -a                              Write until the medium ends (this is so unless -B or -s \
    is given)
      -b <KIB>                        KiB of a block, which is what is written to a tape at on\
    ce [default: 10]
      -B <KIB>                        KiB of a volume
      -c                              The tape is a cartridge: of 8000 bits per inch, 1700 fee\
    t long
      -d <BPI>                        Bits per inch of the tape
      -D <FILE>                       The file of the dates of dumps [default: /var/lib/dumpda\
    tes]
      -e <INODES>                     Leave out these inodes, by number, with all below them
      -E <FILE>                       The same, from a file with one number a line
      -f <FILE>                       Where to: a file, a tape, - for standard output, HOST:FI\
    LE; several with commas for one volume each. Without it $TAPE, or /dev/tape
      -F <PROGRAM>                    A program for the end of each volume but the last, run w\
    ith the file and the number of the volume: its status 0 goes on, 1 asks, any other stops
      -h <LEVEL>                      From this level on 'chattr +d' keeps files out of the du\
    mp [default: 1]
      -I <N>                          How many errors of the disk are borne before the user is\
     asked [default: 32]
      -L <LABEL>                      Label of the dump, of at most 15 bytes [default: none]
      -m                              Of files whose contents are old only the inode
      -M                              Each volume is a file of its own: -f names what comes be\
    fore their numbers
      -n                              Tell operators who are logged in what the terminal is as\
    ked
      -q                              Never ask: what would be asked ends the dump
      -s <FEET>                       Feet of the tape
      -S                              Only print how many bytes the dump is likely to have
      -T <DATE>                       What has changed since this time, as in dumpdates: not w\
    ith -u
      -u                              Remember the date of the dump, if it is done
      -W                              Only print which file systems were dumped when, and whic\
    h should be
      -w                              Only print which file systems should be dumped
          --zlib <LEVEL>              Compress blocks by zlib. Also -z and -z1 to -z9. BSD can\
    not read that
          --bzip2 <LEVEL>             Compress blocks by bzip2. Also -j and -j1 to -j9
          --format <FORMAT>           Who can read it: every restore of Linux (classic), only \
    those from 0.4b49 on, but short for files with large holes (linux49), or BSD's as well, wi\
    thout extended attributes (bsd) [default: classic]
          --from-submirror <d10/d12>  Dump the file system on a mirror from one of its sides, \
    which is taken out of service meanwhile: MIRROR/SUBMIRROR
          --eject                     Eject tapes
          --state <FILE>              Keep in this file what is needed to go on after a crash
          --resume <FILE>             Go on where a dump with --state stopped; its options are\
     those of that dump
          --force                     With --resume: go on although the file system or a volum\
    e is not as it was
          --json                      Answer in JSON, also errors; may stand anywhere on the l\
    ine
      -?, --help                      Print help

    Exit status:
      0  Done
      1  Nothing was begun: the message says why
      3  It ended before its end

    Examples:
      mddump -0u -f /backup/home.dump /dev/md/dsk/d10    Everything, and remember when
      mddump -1u -f /backup/home.1 /dev/md/dsk/d10       What has changed since then
      mddump -0 --from-submirror d10/d12 -f home.dump    As it is now, while it is in use
      mddump -0 -f - /dev/sda1 | ssh host 'cat >dump'    Through a pipe
      mddump -0 -M -B 4700000 -f dvd /dev/sda1           In files of 4.7 GB: dvd001, dvd002, .\
    ..
      restore -rf home.dump                              Restore all of it into this folder
    ");
}

/// `mdctl dump` looks at a disk, unless it has options as dump(8) has them.
#[test]
fn options_of_dump_make_it_the_backup() {
    let mut env = TestEnvironment::new();
    let lines = [
        "mddump -0 -f /nowhere/file",
        "mdctl mddump -0uf /nowhere/file /nowhere/disk",
        "mdctl dump -0 -f /nowhere/file /nowhere/disk",
        "mdctl dump /nowhere/disk",
        "mddump --nonsense",
        "mddump -0 --json /nowhere/disk",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mddump -0 -f /nowhere/file
    err| mddump: no file system is named
    err| next: mddump --help
    [exit status 1]
    $ mdctl mddump -0uf /nowhere/file /nowhere/disk
    err| mddump: /nowhere/disk: cannot be opened: No such file or directory (os error 2)
    err| next: ls -l /nowhere/disk
    [exit status 1]
    $ mdctl dump -0 -f /nowhere/file /nowhere/disk
    err| mddump: /nowhere/disk: cannot be opened: No such file or directory (os error 2)
    err| next: ls -l /nowhere/disk
    [exit status 1]
    $ mdctl dump /nowhere/disk
    err| mdctl dump: /nowhere/disk: there is no such device or file
    err| next: lsblk
    [exit status 2]
    $ mddump --nonsense
    err| mddump: unexpected argument '--nonsense' found
    err| next: mddump --help
    [exit status 1]
    $ mddump -0 --json /nowhere/disk
    {"version":1,"error":{"command":"mddump","device":"/nowhere/disk","reason":"cannot be open\
    ed: No such file or directory (os error 2)","next":"ls -l /nowhere/disk"}}
    [exit status 1]
    "#);
}

/// The device of the side does not exist here: the dump fails, and the side is brought back.
#[test]
fn a_side_is_brought_back_also_after_a_failure() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "mddump -0 --json --from-submirror d10/d12 -f /nowhere/file",
        "metastat -c d10",
        "mddump -0 --from-submirror d10/d99 -f /nowhere/file",
        "mddump -0 --from-submirror d10 -f /nowhere/file",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mddump -0 --json --from-submirror d10/d12 -f /nowhere/file
    {"version":1,"error":{"command":"mddump","device":"/dev/md/dsk/d12","reason":"cannot be op\
    ened: No such file or directory (os error 2)","next":"ls -l /dev/md/dsk/d12"}}
    [exit status 1]
    $ metastat -c d10
    d10              m   63MB d11 d12 (resync-0%)
        d11          s   63MB /dev/sda
        d12          s   63MB /dev/sdb
    $ mddump -0 --from-submirror d10/d99 -f /nowhere/file
    err| mddump: d99: is not a submirror of d10
    err| next: metastat d10
    [exit status 1]
    $ mddump -0 --from-submirror d10 -f /nowhere/file
    err| mddump: d10: is no mirror with its submirror, such as d10/d12
    err| next: metastat -c
    [exit status 1]
    "#);
}
