//! Signs a delivery as `notify` does: `sign <secret> <webhook id> <timestamp> < body`. Prints the signature.
//!
//! For checking it against other people's libraries: `tests/clients/test_webhooks.py`.

use std::io::{self, Write as _};

use shared::webhook::Secret;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name| arguments.next().ok_or(format!("the {name} is missing"));
    let secret = Secret::try_from(next("secret")?)?;
    let (id, timestamp) = (next("webhook id")?, next("timestamp")?.parse()?);
    let mut body = Vec::new();
    io::copy(&mut io::stdin(), &mut body)?;
    let signature = secret.sign(&id, timestamp, &body);
    writeln!(io::stdout(), "{signature}")?;
    Ok(())
}
