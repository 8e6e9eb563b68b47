// SPDX-License-Identifier: GPL-2.0
//! Makes small images of the format as it is now, with the model's own encoders and its machine of
//! a running set, for `tests/images/`. `tests/images/README.md` says what is in each.
//!
//! An image that exists is left alone: what was released is never made anew, so that later builds
//! are tried on what earlier ones have written.

mod contents;
mod disk;
mod scenes;
mod set;

use md_image::listing;
use std::{
    env,
    fs,
    io,
    path::PathBuf,
    process::ExitCode, //
};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: make-images FOLDER");
        return ExitCode::from(2);
    };
    match make_all(&PathBuf::from(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("make-images: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make_all(folder: &std::path::Path) -> io::Result<()> {
    for (name, image) in scenes::all() {
        let path = folder.join(format!("{name}.hex"));
        if path.exists() {
            println!("{} exists, and is left alone", path.display());
            continue;
        }
        fs::write(&path, listing::write(&image))?;
        println!("{} is made", path.display());
    }
    Ok(())
}
