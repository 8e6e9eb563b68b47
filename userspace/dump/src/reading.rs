// SPDX-License-Identifier: GPL-2.0
//! Filling blocks: what is in memory is copied, what is on the disk is read, and pieces that follow
//! each other on the disk are read together, whatever lies between them in the dump.

use crate::{
    buffer::Buffer,
    compression::Compression, //
};
use md_dump_format::{
    item::Contents,
    layout::Block,
    RECORD, //
};
use md_extfs::source::Source;
use std::io::{
    self,
    IoSliceMut, //
};

/// Blocks that are made, read and written together.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Number of the batch in its volume.
    pub(crate) sequence: u64,
    /// What is in it.
    pub(crate) blocks: Vec<Block>,
    /// Whether its first block is the first of a volume.
    pub(crate) is_first: bool,
}

/// A batch as it is to be written.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub(crate) sequence: u64,
    pub(crate) bytes: Buffer,
    /// Bytes of each block.
    pub(crate) lengths: Vec<usize>,
    /// Behind which blocks a volume should not end.
    pub(crate) torn: Vec<bool>,
}

/// A piece of a buffer that comes from the disk.
struct Piece<'b> {
    offset: u64,
    buffer: &'b mut [u8],
}

/// Fills a buffer with a batch.
pub(crate) fn fill(
    source: &dyn Source,
    batch: &Batch,
    block_bytes: usize,
    compression: Compression,
    mut buffer: Buffer,
) -> io::Result<Filled> {
    buffer.set_len(batch.blocks.len() * block_bytes);
    read(source, batch, &mut buffer)?;
    let mut filled = Filled {
        sequence: batch.sequence,
        bytes: buffer,
        lengths: vec![block_bytes; batch.blocks.len()],
        torn: batch.blocks.iter().map(|block| block.is_torn).collect(),
    };
    if compression.is_some() {
        compress(batch, block_bytes, compression, &mut filled);
    }
    Ok(filled)
}

/// Puts what belongs there into a buffer.
fn read(source: &dyn Source, batch: &Batch, buffer: &mut [u8]) -> io::Result<()> {
    let mut pieces = Vec::new();
    let mut rest = buffer;
    let items = batch.blocks.iter().flat_map(|block| &block.items);
    for item in items {
        let (now, later) = rest.split_at_mut(item.records() as usize * RECORD);
        rest = later;
        match &item.contents {
            Contents::Disk { offset, .. } => pieces.push(Piece {
                offset: *offset,
                buffer: now,
            }),
            contents => {
                if let Some(bytes) = contents.bytes() {
                    now.copy_from_slice(bytes);
                }
            }
        }
    }
    read_pieces(source, pieces)
}

/// Reads pieces, those together that follow each other on the disk.
fn read_pieces(source: &dyn Source, pieces: Vec<Piece<'_>>) -> io::Result<()> {
    let mut run: Vec<Piece<'_>> = Vec::new();
    let mut end = 0;
    for piece in pieces {
        let follows = piece.offset == end;
        if !follows && !run.is_empty() {
            read_run(source, &mut run)?;
        }
        end = piece.offset + piece.buffer.len() as u64;
        run.push(piece);
    }
    read_run(source, &mut run)
}

/// Reads pieces without gaps.
fn read_run(source: &dyn Source, run: &mut Vec<Piece<'_>>) -> io::Result<()> {
    match &mut run[..] {
        [] => {}
        [only] => source.read_at(only.buffer, only.offset)?,
        [first, ..] => {
            let offset = first.offset;
            let buffers = run.drain(..).map(|piece| IoSliceMut::new(piece.buffer));
            source.read_pieces_at(&mut buffers.collect::<Vec<_>>(), offset)?;
        }
    }
    run.clear();
    Ok(())
}

fn compress(batch: &Batch, block_bytes: usize, compression: Compression, filled: &mut Filled) {
    let mut bytes = Vec::with_capacity(filled.bytes.len());
    let mut lengths = Vec::with_capacity(filled.lengths.len());
    for (index, block) in filled.bytes.chunks(block_bytes).enumerate() {
        if batch.is_first && index == 0 {
            bytes.extend(block);
            lengths.push(block.len());
        } else {
            lengths.push(compression.append(block, &mut bytes));
        }
    }
    filled.bytes = bytes.into();
    filled.lengths = lengths;
}
