//! A processor that goes wrong on demand, and the stores it works on.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::json;
use shared::{
    Failure, Input, Limits, Outputs, Processor,
    attempt::{Ending, Invocation, Unloaded, Unloader},
    catalogue::{FileRecord, Sequencer},
    event::{Change, What},
    keys::{FileId, FileRef, Owner},
    options::Asked,
    store::{Catalogue as _, Location, Objects as _, memory::MemoryCatalogue, read::ReadPlan},
};

use crate::flaky::Flaky;

/// What can be asked of the copy.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyOptions {
    #[serde(default)]
    note: String,
}

impl Asked for CopyOptions {}

/// Copies its input into two outputs; what the input begins with says how to go wrong.
pub(crate) struct Copy;

impl Processor for Copy {
    const NAME: &'static str = "copy";
    const VERSION: u32 = 1;
    type Report = serde_json::Value;
    type Options = CopyOptions;

    fn process(
        &self,
        input: Input<'_>,
        options: &CopyOptions,
        outputs: &mut dyn Outputs,
    ) -> Result<Self::Report, Failure> {
        let mut copy = outputs.create("copy.bin", "application/octet-stream")?;
        let mut reader = input.reader()?;
        let mut buffer = vec![0; 100_000];
        let (mut bytes, mut command) = (0, Vec::new());
        loop {
            let read = reader
                .read(&mut buffer)
                .map_err(|error| Failure::from_read(&error))?;
            if read == 0 {
                break;
            }
            command.extend(buffer[..read].iter().take(7_usize.saturating_sub(command.len())));
            copy.write_all(&buffer[..read])
                .map_err(|error| Failure::from_write(&error))?;
            bytes += read;
        }
        match command.as_slice() {
            b"!reject" => return Err(Failure::rejected("bad", "this will not do")),
            b"!broken" => return Err(Failure::internal("invariant", "the sums differ")),
            b"!panics" => panic!("a bug"),
            b"!sleeps" => loop {
                let mut more = input.reader()?;
                more.read(&mut buffer)
                    .map_err(|error| Failure::from_read(&error))?;
                std::thread::sleep(Duration::from_millis(5));
            },
            _ => {}
        }
        copy.finish()?;
        // Dropped, and so begun again under its name.
        drop(outputs.create("size.txt", "text/plain")?);
        let mut size = outputs.create("size.txt", "text/plain")?;
        write!(size, "{bytes}").map_err(|error| Failure::from_write(&error))?;
        size.finish()?;
        let mut begun = outputs.create("begun-and-dropped.bin", "text/plain")?;
        begun
            .write_all(&vec![0; 9 << 20])
            .map_err(|error| Failure::from_write(&error))?;
        drop(begun);
        Ok(
            json!({"bytes": bytes, "declared_type": input.facts.declared_type, "name": input.facts.name,
            "note": options.note}),
        )
    }
}

pub(crate) struct Stage {
    pub(crate) objects: Flaky,
    pub(crate) catalogue: MemoryCatalogue,
    pub(crate) unloader: Unloader<Flaky, MemoryCatalogue>,
    pub(crate) upload: Location,
    pub(crate) file: FileRef,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (objects, catalogue) = (Flaky::default(), MemoryCatalogue::default());
        let unloader = Unloader {
            objects: objects.clone(),
            catalogue: catalogue.clone(),
            results_bucket: "results".into(),
            drop_owner: Owner::new("bucket").unwrap(),
            limits: Limits {
                input_bytes: 30 << 20,
                ..Limits::default()
            },
            read_plan: ReadPlan {
                backoff: Duration::from_millis(1),
                ..ReadPlan::default()
            },
        };
        let upload = Location::new("uploads", "copy/x.bin");
        let file = FileRef {
            owner: Owner::new("bucket").unwrap(),
            id: FileId::of_dropped(&upload.bucket, &upload.key),
        };
        Self {
            objects,
            catalogue,
            unloader,
            upload,
            file,
        }
    }

    /// Uploads bytes and gives the event that tells of them.
    pub(crate) async fn upload(&self, sequencer: &str, body: impl Into<Bytes>) -> Change {
        let body = body.into();
        let size_bytes = body.len() as u64;
        self.objects
            .objects
            .put(&self.upload, "x/declared", body)
            .await
            .unwrap();
        let etag = self.objects.objects.etag(&self.upload).unwrap();
        let what = What::Created { size_bytes, etag };
        Change {
            what,
            at: self.upload.clone(),
            sequencer: Sequencer::new(sequencer),
            handed: None,
        }
    }

    pub(crate) async fn unload(&self, change: Change, request_id: &str) -> Result<Unloaded, Failure> {
        let invocation = Invocation {
            request_id: request_id.into(),
            remaining: Duration::from_mins(1),
        };
        self.unloader.unload(&Arc::new(Copy), change, &invocation).await
    }

    pub(crate) async fn ending(&self, change: Change, request_id: &str) -> Ending {
        self.unload(change, request_id).await.unwrap().ending
    }

    pub(crate) async fn record(&self) -> FileRecord {
        self.catalogue.get(&self.file).await.unwrap().unwrap()
    }

    pub(crate) async fn results(&self) -> Vec<String> {
        self.objects.list("results", "").await.unwrap()
    }

    pub(crate) fn key(&self, fence: u64, name: &str) -> String {
        format!("copy/bucket/{}/{fence}/{name}", self.file.id)
    }

    pub(crate) async fn output(&self, name: &str) -> Vec<u8> {
        let record = self.record().await;
        let key = &record
            .outputs
            .iter()
            .find(|output| output.name == name)
            .unwrap()
            .key;
        let at = Location::new("results", key);
        let (_, stream) = self
            .objects
            .objects
            .get(&at, &self.objects.objects.etag(&at).unwrap(), None)
            .await
            .unwrap();
        stream
            .map(|chunk| chunk.unwrap())
            .collect::<Vec<_>>()
            .await
            .concat()
    }
}
