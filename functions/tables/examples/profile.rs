//! Profiles a Parquet file: `cargo run -p tables --no-default-features --example profile -- TABLE.parquet OUT_DIR`
//! writes `profile.json` and `profile.html`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tables::{cells::Rows, profile::Profile};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [table, out_dir] = arguments.as_slice() else {
        let _ = writeln!(io::stderr(), "usage: profile TABLE.parquet OUT_DIR");
        return ExitCode::from(1);
    };
    match profile(table, out_dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}: {error:#}", table.display());
            ExitCode::from(1)
        }
    }
}

fn profile(table: &Path, out_dir: &Path) -> anyhow::Result<()> {
    let file = File::open(table).context("cannot be opened")?;
    let size_bytes = file.metadata()?.len();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(1 << 17);
    let mut profile = Profile::new(reader.schema());
    profile.file.name = table.file_name().map(|name| name.to_string_lossy().into_owned());
    profile.file.size_bytes = Some(size_bytes);
    profile.file.format = Some("parquet".to_owned());
    let mut time = Duration::ZERO;
    for batch in reader.build()? {
        let batch = batch?;
        let start = Instant::now();
        profile.observe(&Rows::from(&batch))?;
        time += start.elapsed();
    }
    fs::create_dir_all(out_dir)?;
    fs::write(out_dir.join("profile.json"), profile.to_json()?)?;
    fs::write(out_dir.join("profile.html"), profile.to_html())?;
    let rows = profile.rows();
    writeln!(
        io::stdout(),
        "{rows} rows of {} columns profiled in {time:.2?}",
        profile.columns.len()
    )?;
    Ok(())
}
