//! Every file of every corpus, and files of this repository that no function takes, against what each is.
//!
//! The corpora are looked for under `CORPORA`, or beside the repository; where one is missing, its rows are reported as
//! ignored. The table says what a folder holds, and each file that is another thing, with the reason. What follows
//! from it is printed: how many of how many are right, by folder and in all.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on fails here, and says what it found"
)]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use intake::{Identified, SAMPLE_BYTES, Sample, identify};
use libtest_mimic::{Arguments, Failed, Trial};

/// The share of files that must be right, in percent: all of them.
const FLOOR_PERCENT: f64 = 100.0;
/// The same of the files without their names.
const NAMELESS_FLOOR_PERCENT: f64 = 97.0;

/// A folder, what its files are as `kind/format` (`-` for no kind, `*` for any format), and those that are not.
struct Row {
    folder: &'static str,
    /// At least how many files there must be, so that a folder that is gone cannot pass.
    files: usize,
    expected: &'static str,
    /// The ends of paths, what those files are, and why.
    except: &'static [(&'static str, &'static str, &'static str)],
}

const CORPORA: &[Row] = &[
    Row {
        folder: "tables/pollock/csv",
        files: 224,
        expected: "tables/csv",
        except: &[],
    },
    Row {
        folder: "tables/pollock/clean",
        files: 224,
        expected: "tables/csv",
        except: &[],
    },
    Row {
        folder: "tables/pollock/parameters",
        files: 224,
        expected: "-/json",
        except: &[],
    },
    Row {
        folder: "tables/csv-spectrum/csvs",
        files: 12,
        expected: "tables/csv",
        except: &[],
    },
    Row {
        folder: "tables/csv-spectrum/json",
        files: 12,
        expected: "tables/json",
        except: &[(
            "location_coordinates.json",
            "-/json",
            "a single object, not an array of them",
        )],
    },
    Row {
        folder: "tables/csv-test-data/csv",
        files: 25,
        expected: "tables/csv",
        except: &[
            (
                "all-empty.csv",
                "-/blank",
                "two line ends: no cell, and nothing that would be a header",
            ),
            ("bad-header-no-header.csv", "-/empty", "no byte"),
        ],
    },
    Row {
        folder: "tables/csv-test-data/json",
        files: 18,
        expected: "-/json",
        except: &[(
            "header-simple.json",
            "tables/json",
            "the only one whose records are objects; the others are arrays",
        )],
    },
    Row {
        folder: "json/test_parsing",
        files: 318,
        // Single documents, damaged ones among them, and scraps that are no JSON at all: none is a table.
        expected: "-/*",
        except: &[],
    },
    Row {
        folder: "images/pngsuite",
        files: 175,
        expected: "images/png",
        except: &[
            (
                "xcrn0g04.png",
                "-/*",
                "its signature is damaged: line ends converted",
            ),
            (
                "xlfn0g04.png",
                "-/*",
                "its signature is damaged: line ends converted",
            ),
            ("xs1n0g01.png", "-/*", "its signature is damaged: byte 1"),
            ("xs2n0g01.png", "-/*", "its signature is damaged: byte 2"),
            ("xs4n0g01.png", "-/*", "its signature is damaged: byte 4"),
            ("xs7n0g01.png", "-/*", "its signature is damaged: byte 7"),
        ],
    },
    Row {
        folder: "images/exif-orientation",
        files: 18,
        expected: "images/jpeg",
        except: &[],
    },
    Row {
        folder: "images/gif",
        files: 19,
        expected: "images/gif",
        except: &[],
    },
    Row {
        folder: "images/image-rs",
        files: 202,
        expected: "images/*",
        except: &[
            ("LICENSE", "-/text", "a licence"),
            ("LICENSE.md", "-/markdown", "a licence"),
            ("README.txt", "-/markdown", "a text about the images"),
            ("README.md", "-/markdown", "a text about the images"),
        ],
    },
    Row {
        folder: "archives/zip2",
        files: 32,
        expected: "audit/zip",
        // Some have an entry that says that they are `OpenDocument` texts, and none of such a text's parts.
        except: &[],
    },
    Row {
        folder: "archives/zip-slip",
        files: 5,
        expected: "audit/*",
        except: &[("README.md", "-/markdown", "a text about the archives")],
    },
    Row {
        folder: "archives/tar-rs/tests",
        files: 19,
        expected: "audit/tar",
        except: &[],
    },
    Row {
        folder: "logs",
        files: 16,
        expected: "logs/combined",
        except: &[
            ("lnav/logfile_w3c.0", "logs/w3c", "begins with its directives"),
            ("lnav/logfile_w3c.1", "logs/w3c", "likewise"),
            ("lnav/logfile_w3c.2", "logs/w3c", "likewise"),
            ("lnav/logfile_w3c.3", "logs/w3c", "likewise"),
            ("lnav/logfile_w3c.4", "logs/w3c", "likewise"),
            ("lnav/logfile_w3c.5", "logs/w3c", "likewise"),
            ("lnav/logfile_w3c.6", "logs/w3c", "likewise"),
            (
                ".md",
                "-/markdown",
                "the vendor's documentation, with a line of log here and there",
            ),
        ],
    },
    Row {
        folder: "secrets",
        files: 1,
        expected: "tables/json",
        except: &[],
    },
    Row {
        folder: "sarif",
        files: 1,
        expected: "-/json",
        except: &[],
    },
    Row {
        folder: "api",
        files: 1,
        // An array of strings.
        expected: "-/json",
        except: &[],
    },
];

/// Files of this repository, by folder.
const REPOSITORY: &[Row] = &[
    Row {
        folder: "functions/tables/test_data",
        files: 25,
        expected: "tables/*",
        except: &[
            ("rejected/empty.csv", "-/empty", "no byte"),
            ("rejected/newlines.csv", "-/blank", "nothing but line ends"),
            ("rejected/nul.csv", "-/binary", "begins with a NUL"),
            ("rejected/parquet.csv", "-/parquet", "a Parquet file"),
            ("rejected/png.csv", "images/png", "a PNG image"),
            ("rejected/zip.csv", "audit/zip", "a zip archive"),
            (
                "rejected/gzip.csv",
                "-/gzip",
                "a damaged gzip: what comes out of it is a scrap",
            ),
        ],
    },
    Row {
        folder: "functions/tables/src",
        files: 10,
        expected: "-/code",
        except: &[],
    },
    Row {
        folder: "shared/src",
        files: 10,
        expected: "-/code",
        except: &[],
    },
    Row {
        folder: "events",
        files: 3,
        expected: "-/json",
        except: &[
            (".csv", "tables/csv", "the table of the tour"),
            (".jpg", "images/jpeg", "the picture of the events"),
        ],
    },
];

/// Single files of this repository that no function takes.
const NEGATIVES: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "Makefile",
    "README.md",
    "ARCHITECTURE.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "template.yaml",
    "clippy.toml",
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let corpora = corpora();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut trials = Vec::new();
    let mut present: Vec<(PathBuf, &'static Row)> = Vec::new();
    for row in CORPORA {
        let folder = corpora.join(row.folder);
        if folder.is_dir() {
            present.push((folder, row));
        } else {
            let missing = format!("{} is missing", folder.display());
            trials.push(
                Trial::test(format!("{} ({missing})", row.folder), move || Err(missing.into()))
                    .with_ignored_flag(true),
            );
        }
    }
    present.extend(REPOSITORY.iter().map(|row| (repository.join(row.folder), row)));
    trials.push(Trial::test("accuracy", move || accuracy(&present)));
    trials.push(Trial::test("negatives", move || negatives(&repository)));
    let documents = corpora.join("logs/aws-docs");
    let is_missing = !documents.is_dir();
    trials.push(
        Trial::test("sample lines of the AWS documentation", move || {
            documented(&documents)
        })
        .with_ignored_flag(is_missing),
    );
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(
    clippy::disallowed_methods,
    reason = "says where test files are, and configures nothing"
)]
fn corpora() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    std::env::var_os("CORPORA").map_or_else(beside, PathBuf::from)
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("its entries can be read").path())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            files(&entry, into);
        } else {
            into.push(entry);
        }
    }
}

/// What a file is by its bytes, and by its name unless it is to be left out.
fn identify_file(path: &Path, is_named: bool) -> Identified {
    let bytes = fs::read(path).expect("the file can be read");
    let name = path.to_string_lossy();
    identify(Sample {
        head: &bytes[..bytes.len().min(SAMPLE_BYTES)],
        size_bytes: bytes.len() as u64,
        name: if is_named { &name } else { "" },
    })
}

/// `kind/format`
fn said(identified: &Identified) -> String {
    let kind = identified.kind.map_or("-", intake::Kind::as_str);
    format!("{kind}/{}", identified.format)
}

fn accuracy(present: &[(PathBuf, &'static Row)]) -> Result<(), Failed> {
    let (mut all, mut all_right, mut all_nameless) = (0_usize, 0_usize, 0_usize);
    let mut by_name = String::new();
    let mut table = String::new();
    let mut wrong = String::new();
    for (folder, row) in present {
        let mut paths = Vec::new();
        files(folder, &mut paths);
        if paths.len() < row.files {
            return Err(format!("{} holds {} files of {}", row.folder, paths.len(), row.files).into());
        }
        let mut right = 0;
        for path in &paths {
            let shown = path.to_string_lossy();
            let expected = row
                .except
                .iter()
                .find(|(end, ..)| shown.ends_with(end))
                .map_or(row.expected, |(_, expected, _)| *expected);
            let identified = identify_file(path, true);
            let said = said(&identified);
            let fits = |said: &str| match expected.strip_suffix('*') {
                Some(start) => said.starts_with(start),
                None => said == expected,
            };
            let is_right = fits(&said);
            let nameless = self::said(&identify_file(path, false));
            if fits(&nameless) {
                all_nameless += 1;
            } else {
                writeln!(by_name, "  {shown}: {nameless}, not {expected}")?;
            }
            if !(0.0..=1.0).contains(&identified.confidence) {
                return Err(format!("{shown}: a confidence of {}", identified.confidence).into());
            }
            right += usize::from(is_right);
            if !is_right {
                writeln!(
                    wrong,
                    "  {shown}: {said} ({}), not {expected}",
                    identified.looks_like
                )?;
            }
        }
        writeln!(table, "  {:<32} {right:>4} of {:>4}", row.folder, paths.len())?;
        all += paths.len();
        all_right += right;
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousand files")]
    let percent = |right: usize| 100.0 * right as f64 / all as f64;
    let (percent, nameless) = (percent(all_right), percent(all_nameless));
    println!("{table}{wrong}accuracy: {all_right} of {all}, {percent:.2} %");
    println!("without their names:\n{by_name}accuracy: {all_nameless} of {all}, {nameless:.2} %");
    if nameless < NAMELESS_FLOOR_PERCENT {
        return Err(format!("{nameless:.2} % are right without their names:\n{by_name}").into());
    }
    if percent < FLOOR_PERCENT {
        return Err(format!("{percent:.2} % are right, and {FLOOR_PERCENT} % must be:\n{wrong}").into());
    }
    Ok(())
}

/// Text that is no table stays none without its name too, as far as the bytes tell.
fn negatives(repository: &Path) -> Result<(), Failed> {
    for name in NEGATIVES {
        let bytes = fs::read(repository.join(name))?;
        for name in [name, "", "upload", "data.txt"] {
            let identified = identify(Sample {
                head: &bytes[..bytes.len().min(SAMPLE_BYTES)],
                size_bytes: bytes.len() as u64,
                name,
            });
            if identified.kind.is_some() {
                return Err(format!("{name:?} is taken for {}", said(&identified)).into());
            }
        }
    }
    println!("negatives: {} files by four names each", NEGATIVES.len());
    Ok(())
}

/// Each sample in a code block of the vendor's pages, as a file of its own: with those lines alone, and many times over.
fn documented(folder: &Path) -> Result<(), Failed> {
    let mut samples = 0;
    for (page, expected) in [
        ("s3-LogFormat.md", &["logs/s3"][..]),
        (
            "amazon-cloudfront-developer-guide-AccessLogs.md",
            &["logs/cloudfront"],
        ),
        (
            "amazon-vpc-user-guide-flow-logs-records-examples.md",
            &["logs/vpc_flow"],
        ),
        (
            "elb-application-load-balancers-user-guide-load-balancer-access-logs.md",
            &["logs/alb"],
        ),
    ] {
        let text = fs::read_to_string(folder.join(page))?;
        let mut of_page = 0;
        for block in text.split("```").skip(1).step_by(2) {
            // The page wraps its lines for print.
            let joined = block.replace(" \n", " ").replace('\n', " ");
            let block = if page.starts_with("elb") {
                joined.trim()
            } else {
                block.trim()
            };
            if !is_sample(block) {
                continue;
            }
            of_page += 1;
            for times in [1, 50] {
                let file = format!("{block}\n").repeat(times);
                let identified = identify(Sample {
                    head: file.as_bytes(),
                    size_bytes: file.len() as u64,
                    name: "",
                });
                if !expected.contains(&said(&identified).as_str()) {
                    return Err(format!("{page}: {} for\n{block}", said(&identified)).into());
                }
            }
        }
        if of_page == 0 {
            return Err(format!("{page} has no sample").into());
        }
        samples += of_page;
    }
    println!("documented samples: {samples}");
    Ok(())
}

/// Whether a code block holds lines of a log rather than a policy, a path or a field a line.
fn is_sample(block: &str) -> bool {
    let line = block.lines().next().unwrap_or_default();
    line.starts_with("#Version")
        || line.contains("eni-")
        || line.contains("srcaddr")
        || line.split_whitespace().count() >= 12
}
