//! The operating-system processes of a demo: one per organisation, started, awaited and stopped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::node::command::LocalCommand;
use crate::node::local;

/// One running node.
struct Running {
    name: String,
    socket: PathBuf,
    child: Child,
}

/// The running nodes; stopped when dropped.
#[derive(Default)]
pub struct Processes(Vec<Running>);

impl Processes {
    /// Starts `ketenpoort serve` for the node in `dir`; its messages go to `dir/node.log`.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(&mut self, name: &str, dir: &Path) -> std::io::Result<()> {
        let log = File::create(dir.join("node.log"))?;
        let child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg("--node")
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.0.push(Running { name: name.to_owned(), socket: dir.join("node.sock"), child });
        Ok(())
    }

    /// Waits until every node answers on its local socket.
    ///
    /// # Errors
    /// The name of a node that stopped or is not ready within the time.
    pub fn await_ready(&mut self, limit: Duration) -> Result<(), String> {
        let end = Instant::now() + limit;
        for node in &mut self.0 {
            loop {
                if let Ok(Some(status)) = node.child.try_wait() {
                    return Err(format!("{} stopte direct ({status}); zie node.log in de map van de node", node.name));
                }
                if matches!(local::call(&node.socket, &LocalCommand::Status, &|_| ()), Some(Ok(o)) if o.exit == 0) {
                    break;
                }
                if Instant::now() > end {
                    return Err(format!("{} is niet op tijd klaar; zie node.log in de map van de node", node.name));
                }
                std::thread::sleep(Duration::from_millis(30));
            }
        }
        Ok(())
    }

    /// How many nodes run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Asks every node to stop and waits for it.
    pub fn stop(&mut self) {
        for node in &self.0 {
            let _ = local::call(&node.socket, &LocalCommand::Stop, &|_| ());
        }
        for mut node in self.0.drain(..) {
            let end = Instant::now() + Duration::from_secs(5);
            while matches!(node.child.try_wait(), Ok(None)) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = node.child.kill();
            let _ = node.child.wait();
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}
