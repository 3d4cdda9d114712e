//! All event source mappings of a template, started together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use super::positions::Positions;
use super::queue::Poller;
use super::stream::{Bell, Reader, Sources};
use crate::dynamodb;
use crate::lambda::Lambda;
use crate::notes::Notes;
use crate::sqs::Sqs;
use crate::stop::Stop;
use crate::template::{Function, StreamTrigger};

/// See the module. Made before the tables are opened, which ring its bells, and started after.
pub(crate) struct Mappings {
    pollers: Vec<Poller>,
    streams: Vec<(Function, StreamTrigger, Arc<Bell>)>,
    lambda: Arc<Lambda>,
    sqs: Arc<Sqs>,
    notes: Notes,
}

impl Mappings {
    pub(crate) fn new(functions: &[Function], lambda: &Arc<Lambda>, sqs: &Arc<Sqs>, notes: &Notes) -> Self {
        let poller = |function: &Function, trigger| Poller {
            lambda: lambda.clone(),
            sqs: sqs.clone(),
            function: function.name.clone(),
            trigger,
            notes: notes.clone(),
        };
        let (mut pollers, mut streams) = (Vec::new(), Vec::new());
        for function in functions {
            for trigger in &function.queue_triggers {
                pollers.push(poller(function, trigger.clone()));
            }
            for trigger in &function.stream_triggers {
                streams.push((function.clone(), trigger.clone(), Bell::new(lambda.clone())));
            }
        }
        Self {
            pollers,
            streams,
            lambda: lambda.clone(),
            sqs: sqs.clone(),
            notes: notes.clone(),
        }
    }

    /// Wakes the readers of streams.
    pub(crate) fn on_write(&self) -> Arc<dyn Fn() + Send + Sync> {
        let bells: Vec<Arc<Bell>> = self.streams.iter().map(|(_, _, bell)| bell.clone()).collect();
        Arc::new(move || bells.iter().for_each(|bell| bell.ring()))
    }

    /// When this returns, every stream has its place to read from.
    pub(crate) async fn start(
        self,
        tables: dynamodb::Server,
        folder: &Path,
        retry_delay: Duration,
        stop: &Stop,
        tasks: &mut JoinSet<()>,
    ) -> Result<()> {
        for poller in self.pollers {
            tasks.spawn(poller.run(stop.clone()));
        }
        if self.streams.is_empty() {
            return Ok(());
        }
        let sources = Sources {
            lambda: self.lambda,
            sqs: self.sqs,
            tables,
            positions: Arc::new(Positions::open(&folder.join("streams.sqlite"))?),
            retry_delay,
            notes: self.notes,
        };
        for (function, trigger, bell) in self.streams {
            let reader = Reader {
                sources: sources.clone(),
                function,
                trigger,
                bell,
            };
            let position = reader.start().await?;
            tasks.spawn(reader.run(position, stop.clone()));
        }
        Ok(())
    }
}
