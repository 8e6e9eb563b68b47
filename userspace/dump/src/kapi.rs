// SPDX-License-Identifier: GPL-2.0
//! Calls to the kernel that Rust has no safe form of. All unsafe code of this crate is here.
#![expect(
    unsafe_code,
    reason = "an ioctl takes addresses, which the compiler cannot check"
)]

use rustix::{
    fd::{
        AsFd,
        BorrowedFd,
        RawFd, //
    },
    ioctl::{
        self,
        opcode,
        Getter,
        NoArg,
        Opcode,
        Setter, //
    },
};
use std::{
    ffi::c_long,
    fs::File,
    io, //
};

/// What `MTIOCTOP` takes.
#[repr(C)]
struct TapeOperation {
    operation: i16,
    count: i32,
}

/// What `MTIOCGET` tells.
#[repr(C)]
struct TapeStatus {
    kind: c_long,
    residue: c_long,
    drive: c_long,
    general: c_long,
    errors: c_long,
    file: i32,
    block: i32,
}

/// There is a tape, and it can be used: `GMT_ONLINE`.
const ONLINE: c_long = 0x0100_0000;

/// Operations of a tape.
mod tape {
    pub(super) const BACK: i16 = 4;
    pub(super) const FILE_MARK: i16 = 5;
    pub(super) const OFFLINE: i16 = 7;
    pub(super) const NOTHING: i16 = 8;
}

const MTIOCTOP: Opcode = opcode::write::<TapeOperation>(b'm', 1);
const MTIOCGET: Opcode = opcode::read::<TapeStatus>(b'm', 2);
const MTIOCPOS: Opcode = opcode::read::<c_long>(b'm', 3);
const EXT4_IOC_CHECKPOINT: Opcode = opcode::write::<u32>(b'f', 43);
const BLKFLSBUF: Opcode = opcode::none(0x12, 97);
const FIFREEZE: Opcode = opcode::read_write::<i32>(b'X', 119);
const FITHAW: Opcode = opcode::read_write::<i32>(b'X', 120);

fn operate(tape: impl AsFd, operation: i16, count: i32) -> io::Result<()> {
    let operation = TapeOperation { operation, count };
    // SAFETY: MTIOCTOP reads a structure of this layout and does not keep its address.
    unsafe { ioctl::ioctl(tape, Setter::<MTIOCTOP, TapeOperation>::new(operation)) }?;
    Ok(())
}

/// Whether a file is a tape.
pub(crate) fn is_tape(file: impl AsFd) -> bool {
    operate(file, tape::NOTHING, 1).is_ok()
}

/// Whether a file is a tape drive with a tape that can be used.
pub(crate) fn is_ready(drive: impl AsFd) -> bool {
    // SAFETY: MTIOCGET writes a structure of this layout.
    let status = unsafe { ioctl::ioctl(drive, Getter::<MTIOCGET, TapeStatus>::new()) };
    status.is_ok_and(|status| status.general & ONLINE != 0)
}

/// Writes a mark behind what was written; that is on the tape then.
pub(crate) fn write_file_mark(tape: impl AsFd) -> io::Result<()> {
    operate(tape, tape::FILE_MARK, 1)
}

/// Rewinds a tape and lets it out.
pub(crate) fn eject(tape: impl AsFd) -> io::Result<()> {
    operate(tape, tape::OFFLINE, 1)
}

/// Goes back over so many blocks of a tape.
pub(crate) fn go_back(tape: impl AsFd, blocks: u64) -> io::Result<()> {
    let blocks = i32::try_from(blocks).map_err(io::Error::other)?;
    operate(tape, tape::BACK, blocks)
}

/// Number of the block of a tape that comes next.
pub(crate) fn tape_block(tape: impl AsFd) -> io::Result<u64> {
    // SAFETY: MTIOCPOS writes a structure that is one number of this type.
    let block = unsafe { ioctl::ioctl(tape, Getter::<MTIOCPOS, c_long>::new()) }?;
    u64::try_from(block).map_err(io::Error::other)
}

/// Has a mounted ext4 bring what stands in its journal to its places.
pub(crate) fn empty_journal(mount_point: impl AsFd) -> io::Result<()> {
    // SAFETY: EXT4_IOC_CHECKPOINT reads flags of this type; 0 asks for nothing else.
    unsafe { ioctl::ioctl(mount_point, Setter::<EXT4_IOC_CHECKPOINT, u32>::new(0)) }?;
    Ok(())
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

/// A file that whoever has started this process has opened by this number, under another number.
pub(crate) fn inherited(number: RawFd) -> io::Result<File> {
    if number < 0 {
        return Err(rustix::io::Errno::BADF.into());
    }
    // SAFETY: The number is only used to have the kernel open what it stands for once more, which
    // it refuses if that is nothing.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(file.try_clone_to_owned()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the C headers.
    #[test]
    fn opcodes_are_those_of_the_kernel() {
        assert_eq!(MTIOCTOP, 0x4008_6d01);
        assert_eq!(MTIOCGET, 0x8030_6d02);
        assert_eq!(MTIOCPOS, 0x8008_6d03);
        assert_eq!(EXT4_IOC_CHECKPOINT, 0x4004_662b);
        assert_eq!(BLKFLSBUF, 0x1261);
        assert_eq!(FIFREEZE, 0xc004_5877);
        assert_eq!(FITHAW, 0xc004_5878);
    }
}
