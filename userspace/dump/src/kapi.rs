// SPDX-License-Identifier: GPL-2.0
//! Calls to the kernel that Rust has no safe form of. All unsafe code of this crate is here.
#![expect(
    unsafe_code,
    reason = "an ioctl takes addresses, which the compiler cannot check"
)]

use rustix::{
    fd::AsFd,
    ioctl::{
        self,
        opcode,
        NoArg,
        Opcode,
        Setter, //
    },
};
use std::io;

/// What `MTIOCTOP` takes.
#[repr(C)]
struct TapeOperation {
    operation: i16,
    count: i32,
}

/// Operations of a tape.
mod tape {
    pub(super) const FILE_MARK: i16 = 5;
    pub(super) const OFFLINE: i16 = 7;
    pub(super) const NOTHING: i16 = 8;
}

const MTIOCTOP: Opcode = opcode::write::<TapeOperation>(b'm', 1);
const BLKFLSBUF: Opcode = opcode::none(0x12, 97);
const FIFREEZE: Opcode = opcode::read_write::<i32>(b'X', 119);
const FITHAW: Opcode = opcode::read_write::<i32>(b'X', 120);

fn operate(tape: impl AsFd, operation: i16) -> io::Result<()> {
    let operation = TapeOperation {
        operation,
        count: 1,
    };
    // SAFETY: MTIOCTOP reads a structure of this layout and does not keep its address.
    unsafe { ioctl::ioctl(tape, Setter::<MTIOCTOP, TapeOperation>::new(operation)) }?;
    Ok(())
}

/// Whether a file is a tape.
pub(crate) fn is_tape(file: impl AsFd) -> bool {
    operate(file, tape::NOTHING).is_ok()
}

/// Writes a mark behind what was written; that is on the tape then.
pub(crate) fn write_file_mark(tape: impl AsFd) -> io::Result<()> {
    operate(tape, tape::FILE_MARK)
}

/// Rewinds a tape and lets it out.
pub(crate) fn eject(tape: impl AsFd) -> io::Result<()> {
    operate(tape, tape::OFFLINE)
}

/// Drops what the page cache of a block device has, and writes what is newer than the device: the
/// kernel's modules write past that cache, so what it has may be old.
pub(crate) fn flush_buffers(device: impl AsFd) -> io::Result<()> {
    // SAFETY: BLKFLSBUF takes no argument.
    unsafe { ioctl::ioctl(device, NoArg::<BLKFLSBUF>::new()) }?;
    Ok(())
}

/// Stops all changes of a mounted file system, and has it write out what it has changed.
pub(crate) fn freeze(mount_point: impl AsFd) -> io::Result<()> {
    // SAFETY: FIFREEZE ignores its argument.
    unsafe { ioctl::ioctl(mount_point, Setter::<FIFREEZE, i32>::new(0)) }?;
    Ok(())
}

/// Lets changes happen again.
pub(crate) fn thaw(mount_point: impl AsFd) -> io::Result<()> {
    // SAFETY: FITHAW ignores its argument.
    unsafe { ioctl::ioctl(mount_point, Setter::<FITHAW, i32>::new(0)) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the C headers.
    #[test]
    fn opcodes_are_those_of_the_kernel() {
        assert_eq!(MTIOCTOP, 0x4008_6d01);
        assert_eq!(BLKFLSBUF, 0x1261);
        assert_eq!(FIFREEZE, 0xc004_5877);
        assert_eq!(FITHAW, 0xc004_5878);
    }
}
