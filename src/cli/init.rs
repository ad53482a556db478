//! `init`: a node's directory from nothing: root key, TLS key and request, configuration, journals and node card.

use std::path::Path;

use super::args::InitArgs;
use crate::config::console::{ConsoleConfig, RawConsole};
use crate::config::{Config, FILE, RawConfig, RawNetwork, RawOrganisation, RawPaths, RawTls};
use crate::crypto::{KeyTree, Secret32};
use crate::node::command::Outcome;
use crate::policy::card::{CARD_VERSION, NodeCard, SignedCard};
use crate::service::accounts::{Accounts, Role};
use crate::service::core::{Clock, Core};
use crate::storage::files::write_atomic;
use crate::transport::certs;

/// What `--console` says for no console.
const NO_CONSOLE: &str = "geen";

/// What `init` made.
struct Made {
    card: SignedCard,
    /// Address of the console and the invitation of its first account.
    console: Option<(String, String)>,
}

/// Runs `init`.
pub fn run(args: &InitArgs) -> Outcome {
    match init(args) {
        Ok(made) => Outcome::done(told(args, &made)),
        Err(reason) => Outcome::failed(reason),
    }
}

fn told(args: &InitArgs, made: &Made) -> String {
    let dir = args.node.display();
    let mut text = format!(
        "Node gemaakt in {dir}\n\
         Visitekaart:     {dir}/card.json\n\
         Vingerafdruk:    {fingerprint}\n\
         Certificaataanvraag: {dir}/tls/node.csr (laat die ondertekenen, of gebruik `cert example` voor een proef)\n\
         Lees de vingerafdruk telefonisch voor aan de andere partijen.\n",
        fingerprint = made.card.fingerprint(),
    );
    if let Some((address, token)) = &made.console {
        text.push_str(&format!(
            "Console:         https://{address}/uitnodiging\n\
             Uitnodiging:     {token} (voor de eerste beheerder; werkt één keer en drie dagen lang)\n"
        ));
    }
    text
}

fn init(args: &InitArgs) -> Result<Made, String> {
    let dir = &args.node;
    if dir.join(FILE).exists() {
        return Err(format!("{} bevat al een node; kies een andere map", dir.display()));
    }
    let raw = raw_config(args);
    let config = Config::check(dir, &raw)
        .map_err(|faults| format!("{} fout(en):\n  - {}", faults.len(), faults.join("\n  - ")))?;
    let gemeenten = match &args.gemeenten {
        Some(path) => crate::node::gemeenten::read(path)?.1,
        None => b"[]".to_vec(),
    };
    for part in ["keys", "tls", "data"] {
        make_private(&dir.join(part))?;
    }
    write(&config.gemeenten, &gemeenten, 0o644)?;
    let root = Secret32::random();
    write(&config.root_key, root.expose(), 0o600)?;
    let keys = KeyTree::new(root);
    let tls_key = certs::new_key().map_err(|e| e.to_string())?;
    write(&config.tls_key, tls_key.as_bytes(), 0o600)?;
    let request = certs::request(&tls_key, &config.oin, &config.name).map_err(|e| e.to_string())?;
    write(&dir.join("tls/node.csr"), request.as_bytes(), 0o644)?;
    let tls_pin = certs::pin_of_key(&tls_key).map_err(|e| e.to_string())?;
    let card = NodeCard {
        version: CARD_VERSION,
        oin: config.oin,
        name: config.name.clone(),
        org_type: config.org_type,
        levert: config.levert.clone(),
        gemeente: config.gemeente.clone(),
        endpoint: config.endpoint.clone(),
        signing: keys.signing_key().verifying_key(),
        checkpoint: keys.checkpoint_key().verifying_key(),
        witness: Some(keys.witness_key().verifying_key()),
        agreement: keys.agreement_key(0).public(),
        tls_pin,
        next_tls_pin: None,
        issued: crate::node::SystemClock.today(),
    };
    let card = card.sign(&keys.signing_key()).map_err(|e| e.to_string())?;
    write(&dir.join("card.json"), card.to_text().as_bytes(), 0o644)?;
    Core::create(&config.data, config.oin, &keys).map_err(|e| e.to_string())?;
    let text = toml::to_string_pretty(&raw).map_err(|e| e.to_string())?;
    write(&dir.join(FILE), text.as_bytes(), 0o644)?;
    let console = config.console.as_ref().map(|console| first_invitation(&config, console, &keys)).transpose()?;
    Ok(Made { card, console })
}

fn raw_config(args: &InitArgs) -> RawConfig {
    RawConfig {
        organisation: RawOrganisation {
            oin: args.oin.to_string(),
            name: args.name.clone(),
            org_type: args.org_type.clone(),
            levert: args.levert.clone(),
            gemeente: args.gemeente.clone(),
            register: None,
        },
        network: RawNetwork { listen: args.listen.clone(), endpoint: args.endpoint.clone() },
        tls: RawTls {
            certificate: "tls/node.crt".to_owned(),
            key: "tls/node.key".to_owned(),
            trust: "tls/trust.pem".to_owned(),
            crl: "tls/crl.pem".to_owned(),
        },
        paths: RawPaths {
            root_key: "keys/root.key".to_owned(),
            gemeenten: "gemeenten.json".to_owned(),
            data: "data".to_owned(),
        },
        witness: None,
        ldv: None,
        applications: None,
        console: console_address(args).map(RawConsole::on),
    }
}

/// The invitation of the first administrator.
fn first_invitation(config: &Config, console: &ConsoleConfig, keys: &KeyTree) -> Result<(String, String), String> {
    let accounts = Accounts::new(&config.data.join("console"), keys);
    let roles = std::iter::once(Role::Beheerder).collect();
    let token = accounts.invite(roles, "init", crate::node::SystemClock.now_ms()).map_err(|e| e.to_string())?;
    Ok((console.listen.to_string(), token))
}

/// Where the console is to listen; none for no console.
fn console_address(args: &InitArgs) -> Option<String> {
    (args.console != NO_CONSOLE).then(|| args.console.clone())
}

fn make_private(dir: &Path) -> Result<(), String> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| format!("{}: {e}", dir.display()))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), String> {
    write_atomic(path, bytes, mode).map_err(|e| e.to_string())
}
