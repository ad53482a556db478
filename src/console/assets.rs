//! Style sheets, script and icon: in the program itself, each under a name with its hash, so that a browser may keep it for ever.

use super::answer::{Answer, Fault};
use super::visit::Visit;
use crate::crypto::digest;

/// Where assets are served.
pub const PLACE: &str = "/stijl/{naam}";

const STYLE: &str = include_str!("assets/console.css");
const THEME: &str = include_str!("assets/thema.css");
const SCRIPT: &str = include_str!("assets/console.js");
const ICON: &str = include_str!("assets/ketenpoort.svg");

struct Asset {
    /// File name without the hash.
    name: &'static str,
    /// Name under which it is served.
    served: String,
    kind: &'static str,
    text: String,
}

/// The assets of one console.
pub struct Assets(Vec<Asset>);

impl Assets {
    /// With the organisation's own tokens in the place of ours.
    #[must_use]
    pub fn new(theme: Option<&str>) -> Self {
        let css = "text/css; charset=utf-8";
        // The report's own sheet, for what stands inside the page alone.
        let sheet = format!(".report {{\n{}\n}}\n", crate::monitor::html::SHEET.replace(":root", "&"));
        let all = [
            ("console.css", css, STYLE),
            ("thema.css", css, theme.unwrap_or(THEME)),
            ("rapport.css", css, &sheet),
            ("console.js", "text/javascript; charset=utf-8", SCRIPT),
            ("ketenpoort.svg", "image/svg+xml", ICON),
        ];
        let made = all.map(|(name, kind, text)| {
            let served = format!("{}-{name}", &digest(text.as_bytes()).to_hex()[..16]);
            Asset { name, served, kind, text: text.to_owned() }
        });
        Self(made.into())
    }

    /// The address of an asset.
    #[must_use]
    pub fn place(&self, name: &str) -> String {
        let found = self.0.iter().find(|asset| asset.name == name);
        found.map_or_else(String::new, |asset| format!("/stijl/{}", asset.served))
    }
}

/// Serves an asset.
pub fn serve(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let found = visit.console.assets.0.iter().find(|asset| asset.served == visit.part("naam"));
    let asset = found.ok_or(Fault::NotFound)?;
    let headers = vec![
        ("content-type", asset.kind.to_owned()),
        ("cache-control", "public, max-age=31536000, immutable".to_owned()),
    ];
    Ok(Answer { status: 200, headers, body: asset.text.clone().into_bytes() })
}
