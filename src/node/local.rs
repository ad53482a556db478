//! The local socket: commands of the node's owner reach the running node as one JSON line, answers come back as JSON lines.
//! Only the user that runs the node may connect (file mode 0600 and the peer's user id).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader as AsyncBufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::audit::Caller;
use super::command::{Line, LocalCommand, Outcome, Progress};

/// Longest command line: a bundle with all its cards fits many times.
const MAX_COMMAND: u64 = 16 << 20;

/// Runs a command in the node; called on a blocking thread.
pub type Execute = Arc<dyn Fn(Caller, LocalCommand, &dyn Fn(Progress)) -> Outcome + Send + Sync>;

/// Serves the local socket until the task is dropped.
///
/// # Errors
/// When the socket cannot be made.
pub async fn serve(path: PathBuf, execute: Execute) -> std::io::Result<()> {
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path)?);
    loop {
        let (stream, _) = listener.accept().await?;
        match stream.peer_cred().ok().filter(|peer| peer.uid() == owner) {
            Some(peer) => {
                let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
                tokio::spawn(answer(stream, Caller::of_socket(peer.uid(), pid), Arc::clone(&execute)));
            }
            None => tracing::warn!("local socket: refused another user"),
        }
    }
}

async fn answer(stream: UnixStream, caller: Caller, execute: Execute) {
    let (read, mut write) = stream.into_split();
    let mut text = String::new();
    let mut limited = AsyncBufReader::new(tokio::io::AsyncReadExt::take(read, MAX_COMMAND));
    if limited.read_line(&mut text).await.is_err() {
        return;
    }
    let (lines, mut queue) = mpsc::unbounded_channel();
    let job = tokio::task::spawn_blocking(move || {
        let outcome = match serde_json::from_str(&text) {
            Ok(command) => execute(caller, command, &|progress| drop(lines.send(Line::Progress(progress)))),
            Err(e) => Outcome::failed(format!("onleesbare opdracht op de lokale socket: {e}")),
        };
        let _ = lines.send(Line::Outcome(outcome));
    });
    while let Some(line) = queue.recv().await {
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        if write.write_all(&bytes).await.is_err() {
            break;
        }
    }
    let _ = job.await;
}

/// Sends a command to the running node; `None` when no node listens there.
///
/// # Errors
/// When the node stops before it answered.
pub fn call(socket: &Path, command: &LocalCommand, progress: &dyn Fn(Progress)) -> Option<std::io::Result<Outcome>> {
    let stream = StdUnixStream::connect(socket).ok()?;
    Some(converse(stream, command, progress))
}

fn converse(
    mut stream: StdUnixStream,
    command: &LocalCommand,
    progress: &dyn Fn(Progress),
) -> std::io::Result<Outcome> {
    let mut bytes = serde_json::to_vec(command)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)?;
    for line in BufReader::new(stream).lines() {
        match serde_json::from_str(&line?)? {
            Line::Progress(p) => progress(p),
            Line::Outcome(outcome) => return Ok(outcome),
        }
    }
    Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "de node stopte voordat hij antwoordde"))
}
