//! `log register`: the register of processing activities as a document.

use serde_json::json;

use super::officer::PageForm;
use crate::console::paper::Page;
use crate::console::words;
use crate::domain::oin::Oin;
use crate::node::Node;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::service::register::{Activity, ActivityVersion};

/// What the register of a node is made of.
const SOURCE: &str = "de convenanten die deze node kent";

impl Node {
    /// The register of processing activities.
    pub(super) fn register(&self, form: PageForm) -> Outcome {
        document(&self.core.processing_register(), (&self.config.name, self.config.oin), SOURCE, form)
    }

    /// The same as a page.
    pub(in crate::node) fn register_page(&self) -> Page {
        page(&self.core.processing_register(), &self.config.name, SOURCE)
    }
}

/// The register of an organisation, made from `source`, as a document.
pub fn document(activities: &[Activity], (name, oin): (&str, Oin), source: &str, form: PageForm) -> Outcome {
    if form == PageForm::Json {
        return Outcome::done(pretty(&json!({
            "entity": {"id": format!("urn:oin:{oin}"), "name": name},
            "processingActivities": activities,
        })));
    }
    let page = page(activities, name, source);
    Outcome::done(if form == PageForm::Html { page.to_html() } else { page.to_text() })
}

fn page(activities: &[Activity], name: &str, source: &str) -> Page {
    let mut page = Page::new(format!("Register van verwerkingen van {name}"));
    page.text(format!(
        "Artikel 30 AVG. Gemaakt uit {source}; elke versie heeft een eigen, vast kenmerk, dat ook in de logregels staat. Wat een \
         convenant niet zegt, staat hier niet en is genoemd als ontbrekend."
    ));
    if activities.is_empty() {
        page.text("Er is nog geen convenant dat door alle partijen is getekend.");
    }
    activities.iter().for_each(|activity| show(&mut page, activity));
    page
}

fn show(page: &mut Page, activity: &Activity) {
    page.heading(&activity.name);
    for version in &activity.versions {
        page.facts(format!("Versie {} ({})", version.version, version.state), facts(version));
    }
}

fn facts(version: &ActivityVersion) -> Vec<(&'static str, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let categories = version.personal_data["categories"].as_array().into_iter().flatten().map(text);
    let years = |key: &str| text(&version.personal_data[key]).replace('P', "").replace('Y', " jaar");
    let pairs = |list: &[serde_json::Value], a: &str, b: &str| {
        list.iter().map(|item| format!("{} ({})", text(&item[a]), text(&item[b]))).collect::<Vec<_>>().join("; ")
    };
    vec![
        ("Kenmerk", version.id.clone()),
        ("Naam", version.name.clone()),
        ("Geldig", format!("{} tot en met {}", words::day(version.valid_from), words::day(version.valid_until))),
        ("Doel", version.purpose.clone()),
        ("Wettelijke basis", version.legal_basis_text.clone()),
        ("Grond (DPV)", version.legal_basis.join(", ")),
        ("Gegevens", categories.collect::<Vec<_>>().join(", ")),
        ("Bewaartermijn", format!("gegevens {}, log {}", years("retentionPeriod"), years("logRetentionPeriod"))),
        ("Handelingen (DPV)", version.processing_options.join(", ")),
        ("Ontvangers", pairs(&version.recipients, "name", "entityId")),
        ("Maatregelen", pairs(&version.measures, "measureType", "measure")),
        ("Ontbreekt", version.missing.join("; ")),
    ]
}
