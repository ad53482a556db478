//! The one registry of reason codes: for every refusal or fault a stable code, a Dutch sentence and remedy for the
//! operator, and a status class that transport maps to gRPC. A peer is given the code only, never sentence or remedy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Into which class of answer a reason falls; named after the gRPC status that transport gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum StatusClass {
    /// Nothing is wrong.
    Ok,
    /// The question itself is malformed; asking it again does not help.
    InvalidArgument,
    /// The other side has not proven who it is.
    Unauthenticated,
    /// The other side is known, and may not have this.
    PermissionDenied,
    /// It may be allowed, in another state of affairs than the present one.
    FailedPrecondition,
    /// A bound is reached.
    ResourceExhausted,
    /// Cannot be reached or is not ready; asking again later helps.
    Unavailable,
    /// It took too long.
    DeadlineExceeded,
    /// A fault at this side.
    Internal,
}

macro_rules! registry {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:ident, $sentence:literal, $remedy:literal;)+) => {
        /// Why something was refused or failed. Codes are stable: they are logged and sent, and never change meaning.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum ReasonCode { $($(#[$doc])* $variant),+ }

        impl ReasonCode {
            /// Every code of the registry, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code, such as `KP-CONVENANT-VERSIE`: upper-case ASCII letters and hyphens.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What is the matter: one Dutch sentence for the operator of this side.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }

            /// What the operator can do about it, in Dutch.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy),+ }
            }

            /// The class of the answer.
            #[must_use]
            pub const fn status(self) -> StatusClass {
                match self { $(Self::$variant => StatusClass::$status),+ }
            }

            /// Reads a code.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

registry! {
    /// The peer offered no client certificate.
    NoClientCertificate = "KP-CERT-GEEN", Unauthenticated,
        "De andere partij bood geen clientcertificaat aan.",
        "Laat de partij haar certificaat en sleutel in de configuratie zetten en opnieuw verbinden.";
    /// The certificate does not chain to a trusted authority.
    WrongAuthority = "KP-CERT-UITGEVER", Unauthenticated,
        "Het certificaat is niet uitgegeven door een vertrouwde certificaatautoriteit.",
        "Vergelijk de uitgever met de lijst van vertrouwde uitgevers; vraag zo nodig een ander certificaat aan.";
    /// The certificate's last day has passed.
    CertificateExpired = "KP-CERT-VERLOPEN", Unauthenticated,
        "Het certificaat is verlopen.",
        "Laat de partij haar certificaat vernieuwen; controleer ook de klok van beide servers.";
    /// The certificate's first day lies ahead.
    CertificateNotYetValid = "KP-CERT-NOG-NIET-GELDIG", Unauthenticated,
        "Het certificaat is nog niet geldig.",
        "Controleer de klok van beide servers en de ingangsdatum van het certificaat.";
    /// The certificate stands on the revocation list.
    CertificateRevoked = "KP-CERT-INGETROKKEN", Unauthenticated,
        "Het certificaat is ingetrokken.",
        "Neem telefonisch contact op met de partij; zij heeft een nieuw certificaat nodig.";
    /// The certificate is broken or unfit for another reason.
    CertificateUnusable = "KP-CERT-ONBRUIKBAAR", Unauthenticated,
        "Het certificaat is onleesbaar of niet geschikt voor dit gebruik.",
        "Laat de partij een clientcertificaat aanvragen met de gebruiken server- en clientauthenticatie.";
    /// The revocation list is older than its next update.
    CrlExpired = "KP-CRL-VERLOPEN", Unauthenticated,
        "De intrekkingslijst (CRL) is verlopen, daarom kan geen certificaat worden vertrouwd.",
        "Haal een nieuwe CRL op bij de certificaatautoriteit en zet die op de plaats uit de configuratie.";
    /// No revocation list of the certificate's issuer is at hand, or it cannot be trusted.
    CrlUnusable = "KP-CRL-ONBRUIKBAAR", Unauthenticated,
        "Er is geen bruikbare intrekkingslijst (CRL) van de uitgever van dit certificaat.",
        "Zet de CRL van elke uitgever in de keten in het CRL-bestand uit de configuratie.";
    /// The other side speaks no TLS 1.3, or no TLS at all.
    TlsUnusable = "KP-TLS-ONVERENIGBAAR", Unauthenticated,
        "De andere kant spreekt geen TLS 1.3, of in het geheel geen TLS.",
        "Laat de partij TLS 1.3 gebruiken; zoek uit wie hier verbinding maakt als het geen partij is.";
    /// The subject's serialNumber (2.5.4.5) holds no OIN.
    OinUnusable = "KP-OIN-ONBRUIKBAAR", Unauthenticated,
        "In het onderwerp van het certificaat (serialNumber, 2.5.4.5) staat geen bruikbaar OIN.",
        "Laat de partij een certificaat aanvragen met haar OIN van 20 cijfers in het serialNumber van het onderwerp.";
    /// A good certificate of an organisation that is no party.
    OinNotInConvenant = "KP-OIN-GEEN-PARTIJ", PermissionDenied,
        "Het OIN uit het certificaat is geen partij bij een geldend convenant.",
        "Neem de partij op in een nieuwe versie van het convenant, of zoek uit wie hier verbinding maakt.";
    /// The certificate's key is not the one the convenant names.
    PinDiffers = "KP-PIN-WIJKT-AF", PermissionDenied,
        "De sleutel van het certificaat is niet de sleutel die het convenant voor deze partij noemt.",
        "Bel de partij: is de sleutel vernieuwd zonder aankondiging? Zo niet, dan is dit mogelijk misbruik.";
    /// This node knows no convenant that is in force.
    NoConvenant = "KP-CONVENANT-GEEN", FailedPrecondition,
        "Op deze node geldt geen convenant.",
        "Neem het convenant over dat alle partijen hebben ondertekend (convenant accept) en controleer de geldigheid.";
    /// The question names another version of the convenant.
    OtherConvenant = "KP-CONVENANT-VERSIE", FailedPrecondition,
        "De vraag noemt een andere versie van het convenant dan hier geldt.",
        "Vergelijk de hash aan beide kanten (convenant show) en laat beide nodes dezelfde bundel gebruiken.";
    /// A party withdrew from the convenant.
    ConvenantWithdrawn = "KP-CONVENANT-INGETROKKEN", FailedPrecondition,
        "Een partij heeft dit convenant ingetrokken; alle uitwisseling onder dit convenant staat stil.",
        "Overleg met de partijen en sluit een nieuwe versie.";
    /// Today lies outside the validity of the convenant.
    ConvenantNotValid = "KP-CONVENANT-NIET-GELDIG", FailedPrecondition,
        "Het convenant is vandaag niet geldig.",
        "Controleer de geldigheidsdatums (convenant show) en sluit zo nodig een nieuwe versie.";
    /// Not every party has signed yet.
    ConvenantIncomplete = "KP-CONVENANT-ONVOLLEDIG", FailedPrecondition,
        "Nog niet alle partijen hebben het convenant ondertekend.",
        "Bekijk met convenant show wie ontbreekt en vraag die partij om convenant accept.";
    /// The convenant grants this indicator to nobody.
    IndicatorNotAllowed = "KP-INDICATOR-NIET-TOEGESTAAN", PermissionDenied,
        "Het convenant staat deze indicator niet toe.",
        "Vraag alleen indicatoren uit het convenant, of neem de indicator op in een nieuwe versie.";
    /// The node computes an indicator by another version of its definition than the convenant names.
    OtherDefinition = "KP-DEFINITIE-VERSIE", FailedPrecondition,
        "Het convenant noemt een andere versie van de definitie dan waarmee deze node rekent.",
        "Laat alle partijen dezelfde versie van Ketenpoort gebruiken, of sluit een convenant met de nieuwe definitie.";
    /// The convenant does not allow this breakdown.
    DimensionNotAllowed = "KP-DIMENSIE-NIET-TOEGESTAAN", PermissionDenied,
        "Het convenant staat deze uitsplitsing niet toe voor deze indicator en periodesoort.",
        "Vraag een uitsplitsing die in het convenant staat (convenant show).";
    /// The convenant does not allow this kind of period.
    PeriodNotAllowed = "KP-PERIODE-NIET-TOEGESTAAN", PermissionDenied,
        "Het convenant staat deze periodesoort niet toe voor deze indicator.",
        "Vraag een periodesoort die in het convenant staat (convenant show).";
    /// More than two dimensions, or one twice.
    TooManyDimensions = "KP-DIMENSIES-TEVEEL", InvalidArgument,
        "De vraag splitst uit naar meer dan twee dimensies, of noemt een dimensie dubbel.",
        "Vraag hoogstens drie verschillende dimensies.";
    /// The indicator has another route than the one that this party answers by.
    RouteNotNode = "KP-ROUTE-NIET-NODE", PermissionDenied,
        "Voor deze indicator wijst het convenant een andere route aan dan die waarlangs deze partij antwoordt.",
        "Stel de vraag via de route die het convenant noemt.";
    /// The asker is a party, but not the monitor.
    RoleNotAllowed = "KP-ROL-NIET-TOEGESTAAN", PermissionDenied,
        "Deze partij mag volgens haar rol in het convenant deze vraag niet stellen.",
        "Alleen de ketenmonitor uit het convenant mag cijfers opvragen.";
    /// The period touches a quarter that has not settled.
    NotSettled = "KP-KWARTAAL-NIET-VASTGESTELD", FailedPrecondition,
        "De periode raakt een kwartaal dat nog niet is vastgesteld.",
        "Wacht tot het aantal dagen uit het convenant na het einde van het kwartaal voorbij is.";
    /// The node has no data over the whole period.
    OutsideWindow = "KP-BUITEN-GEGEVENSVENSTER", FailedPrecondition,
        "De periode valt niet geheel binnen het venster waarover deze node gegevens heeft.",
        "Lees de ontbrekende leveringen in, of vraag een periode binnen het venster.";
    /// Together with an earlier release the answer would give something away.
    ComponentClosed = "KP-EERDERE-VRIJGAVE", FailedPrecondition,
        "Een eerdere vrijgave staat deze vraag in de weg: samen zouden de cijfers een kleine groep prijsgeven.",
        "Gebruik de eerder vrijgegeven tabellen; het logboek noemt de vrijgave die in de weg staat.";
    /// No coarser table is left that passes disclosure control.
    LadderExhausted = "KP-NIET-VEILIG-VRIJ-TE-GEVEN", FailedPrecondition,
        "Ook de grofste tabel kan niet worden vrijgegeven zonder een kleine groep prijs te geven.",
        "Vraag een langere periode of minder uitsplitsingen.";
    /// A transfer id came back with another question.
    RequestIdReused = "KP-VRAAGNUMMER-HERGEBRUIKT", InvalidArgument,
        "Het nummer van de overdracht is eerder gebruikt voor een andere vraag.",
        "Geef elke nieuwe vraag een eigen nummer; herhaal een oude vraag alleen ongewijzigd.";
    /// A message passes the bound on its size.
    MessageTooLarge = "KP-BERICHT-TE-GROOT", ResourceExhausted,
        "Het bericht is groter dan toegestaan.",
        "Splits de vraag; een bericht mag hoogstens 1 MiB zijn.";
    /// A message cannot be read.
    MessageMalformed = "KP-BERICHT-ONLEESBAAR", InvalidArgument,
        "Het bericht is onleesbaar of onvolledig.",
        "Controleer of beide kanten dezelfde versie van Ketenpoort gebruiken.";
    /// The bound on connections is reached.
    TooManyConnections = "KP-VERBINDINGEN-TEVEEL", ResourceExhausted,
        "Er zijn te veel verbindingen tegelijk.",
        "Verbreek ongebruikte verbindingen en probeer het later opnieuw.";
    /// A handshake or request took too long.
    TooSlow = "KP-TE-TRAAG", DeadlineExceeded,
        "De andere partij deed te lang over haar deel, of de vraag duurde te lang.",
        "Controleer de verbinding en de belasting van beide servers en probeer het opnieuw.";
    /// No space is left on the disk.
    DiskFull = "KP-SCHIJF-VOL", ResourceExhausted,
        "De schijf is vol; zonder logboek gaat er niets naar buiten.",
        "Maak ruimte vrij; de node gaat daarna vanzelf verder.";
    /// The transfer log cannot be written.
    LogUnavailable = "KP-LOGBOEK-NIET-BESCHIKBAAR", Unavailable,
        "Het logboek kan niet duurzaam worden geschreven; zonder logboek gaat er niets naar buiten.",
        "Controleer de schijf en start de node opnieuw; die controleert dan zijn gegevens.";
    /// The checkpoint is not of the log of the party that shows it.
    NotItsLog = "KP-LOG-NIET-VAN-PARTIJ", PermissionDenied,
        "Het checkpoint is niet van het logboek van de partij die het toont, of zij is geen partij.",
        "Elke partij toont alleen haar eigen logboek; vergelijk OIN en convenant aan beide kanten.";
    /// The checkpoint is not signed by the log's key, or is no checkpoint.
    CheckpointUnsigned = "KP-CHECKPOINT-HANDTEKENING", PermissionDenied,
        "Het checkpoint is niet ondertekend met de logboeksleutel uit het convenant.",
        "Bel de partij: is haar node opnieuw gemaakt? Dan hoort daar een nieuwe kaart en een nieuw convenant bij.";
    /// A checkpoint of the same size with another root is known: the log has two faces.
    CheckpointConflict = "KP-CHECKPOINT-CONFLICT", FailedPrecondition,
        "Het logboek toont een andere inhoud dan het eerder ondertekende: het heeft twee gezichten.",
        "Bewaar beide checkpoints (log status) en meld het de privacy officer; het logboek is vervalst of teruggezet.";
    /// The proof that the log still begins with what it signed before does not hold.
    ConsistencyUnproven = "KP-CHECKPOINT-BEWIJS", FailedPrecondition,
        "Het logboek bewijst niet dat het begint met wat het eerder ondertekende.",
        "Bewaar beide checkpoints (log status) en meld het de privacy officer; het logboek is vervalst of teruggezet.";
    /// Our own log is shorter than, or differs from, what its key signed before.
    LogRolledBack = "KP-LOGBOEK-TERUGGEZET", Unavailable,
        "Het eigen logboek is korter dan of anders dan wat eerder werd ondertekend; er gaat niets naar buiten.",
        "Zet het volledige, nieuwste logboek terug; kan dat niet, maak dan een nieuwe node en een nieuw convenant.";
    /// No quorum of witnesses cosigned our log for too long.
    WitnessesGone = "KP-GETUIGEN-ONTBREKEN", Unavailable,
        "Langer dan 24 uur heeft geen quorum van getuigen het logboek medeondertekend; er gaat niets naar buiten.",
        "Zoek met log status uit welke getuigen niet bereikbaar zijn of weigeren, en herstel de verbinding.";
    /// This witness cannot cosign now.
    WitnessUnable = "KP-GETUIGE-KAN-NIET", Unavailable,
        "Deze getuige kan nu niet medeondertekenen: haar eigen getuigenbestand of logboek is niet in orde.",
        "Vraag de partij om doctor en log status te bekijken; zij toont daar wat er ontbreekt.";
    /// A fault of the program.
    Internal = "KP-INTERNE-FOUT", Internal,
        "Er ging iets mis in het programma.",
        "Zoek het volgnummer (trace) op in het logboek van de node en meld de fout.";
    /// A relation that the definitions imply does not hold for the true table.
    DefinitionFault = "KP-DEFINITIE-FOUT", Internal,
        "De cijfers voldoen niet aan een relatie die uit de definitie volgt; daarom is niets vrijgegeven.",
        "Dit is een fout in de definitie of het programma: meld haar met het volgnummer (trace).";
    /// The partner does not answer.
    PartnerUnreachable = "KP-PARTNER-ONBEREIKBAAR", Unavailable,
        "De andere partij is niet bereikbaar.",
        "Controleer adres en poort in het convenant en vraag de partij of haar node draait (doctor --peer).";
    /// The partner's answer is not signed by its key.
    AnswerSignatureInvalid = "KP-ANTWOORD-HANDTEKENING", FailedPrecondition,
        "De handtekening onder het antwoord klopt niet met de sleutel van de partij uit het convenant.",
        "Gebruik het antwoord niet en neem telefonisch contact op met de partij.";
    /// The partner answers another question than was asked.
    AnswerMismatch = "KP-ANTWOORD-PAST-NIET", FailedPrecondition,
        "Het antwoord hoort niet bij de gestelde vraag.",
        "Gebruik het antwoord niet; vergelijk de versies van beide nodes en het convenant.";
    /// The receipt is missing, unreadable or not signed by the partner.
    ReceiptInvalid = "KP-BEWIJS-ONGELDIG", FailedPrecondition,
        "Het ontvangstbewijs van de andere partij ontbreekt, is onleesbaar of niet door haar ondertekend.",
        "Gebruik het antwoord niet; vraag de partij of haar node en sleutel die van het convenant zijn.";
    /// The receipt says something else than what was sent.
    ReceiptMismatch = "KP-BEWIJS-PAST-NIET", FailedPrecondition,
        "Het ontvangstbewijs van de andere partij zegt iets anders dan er is uitgewisseld.",
        "Gebruik het antwoord niet; vergelijk de logboeken van beide kanten (log reconcile).";
    /// The receipt's counter stands for another entry already.
    ReceiptCounter = "KP-BEWIJS-TELLER", FailedPrecondition,
        "Het volgnummer van het ontvangstbewijs is eerder gebruikt voor een andere logregel, of loopt ver achter.",
        "Vraag de partij of haar node is teruggezet uit een back-up; vergelijk de logboeken (log reconcile).";
    /// The list of a run is not that of the convenant, not signed by gate and monitor, or unreadable.
    SumListInvalid = "KP-SOM-LIJST", FailedPrecondition,
        "De lijst van deze regionale som is niet die van het convenant of niet door beide partijen ondertekend.",
        "Laat ketenmonitor en poortwachter hun convenant en versie vergelijken; deze node deelt niets.";
    /// Fewer than three organisations would take part.
    SumTooFew = "KP-SOM-TE-WEINIG", FailedPrecondition,
        "Er zijn minder dan drie organisaties die aan deze regionale som kunnen deelnemen.",
        "Wacht tot meer organisaties hebben geleverd en bereikbaar zijn.";
    /// A second list for a run.
    SumOtherList = "KP-SOM-TWEEDE-LIJST", InvalidArgument,
        "Voor deze ronde is eerder een andere lijst van deelnemers getoond.",
        "Begin een nieuwe ronde; zoek uit wie de lijst heeft veranderd.";
    /// An organisation that is not on the list of the run.
    SumNotContributor = "KP-SOM-GEEN-DEELNEMER", PermissionDenied,
        "Deze organisatie staat niet op de lijst van deelnemers van deze ronde.",
        "Een organisatie die er eerst niet bij was komt er alleen bij een formele herziening bij.";
    /// The gate knows no such run.
    SumRunUnknown = "KP-SOM-RONDE-ONBEKEND", FailedPrecondition,
        "Deze ronde van een regionale som is hier niet bekend.",
        "Begin een nieuwe ronde; een poortwachter die opnieuw is gestart vergeet wat open stond.";
    /// The run has ended.
    SumRunClosed = "KP-SOM-RONDE-GESLOTEN", FailedPrecondition,
        "Deze ronde van een regionale som is afgesloten; er wordt niets meer aangenomen.",
        "Begin een nieuwe ronde als er nog iets vrij te geven is.";
    /// A second share of one organisation.
    SumShareRepeated = "KP-SOM-AANDEEL-DUBBEL", InvalidArgument,
        "Het aandeel van deze organisatie is in deze ronde al ontvangen.",
        "Geef elk aandeel één keer door.";
    /// A share does not have the length of the run's vector.
    SumShareLength = "KP-SOM-AANDEEL-LENGTE", InvalidArgument,
        "Het aandeel heeft niet de lengte die bij deze ronde hoort.",
        "Laat alle partijen dezelfde versie van Ketenpoort en hetzelfde convenant gebruiken.";
    /// A share does not open under the gate's key and this run.
    SumShareUnreadable = "KP-SOM-AANDEEL-ONLEESBAAR", InvalidArgument,
        "Het aandeel is niet te openen: niet aan deze poortwachter verzegeld, of voor een andere ronde.",
        "Begin een nieuwe ronde; blijft het gebeuren, vergelijk dan de visitekaart van de poortwachter.";
    /// The monitor's summed share came before every part.
    SumIncomplete = "KP-SOM-ONVOLLEDIG", FailedPrecondition,
        "Nog niet van elke deelnemer van deze ronde is een aandeel ontvangen.",
        "Geef eerst elk aandeel door; lukt dat niet, begin dan een nieuwe ronde zonder wie ontbreekt.";
    /// The monitor's summed share is not that of the list.
    SumMismatch = "KP-SOM-SLUIT-NIET", FailedPrecondition,
        "De aandelen horen niet bij elkaar: een deelnemer of de ketenmonitor gaf iets anders dan is afgesproken.",
        "Er is niets vrijgegeven. Begin een nieuwe ronde; gebeurt het weer, onderzoek dan wie; aan de som is het niet te zien.";
    /// The table was released over another set of organisations.
    SumContributors = "KP-SOM-ANDERE-DEELNEMERS", FailedPrecondition,
        "Deze tabel is al vrijgegeven over andere organisaties; het logboek van de poortwachter noemt welke.",
        "Gebruik de eerdere vrijgave; een andere groep komt er alleen bij een formele herziening.";
    /// The regional sum was not made yet.
    SumNotMade = "KP-SOM-NOG-NIET-GEVORMD", FailedPrecondition,
        "Deze regionale som is nog niet gevormd.",
        "Laat de ketenmonitor de som opvragen (monitor pull) als genoeg organisaties hebben geleverd.";
    /// The document of a linked run is not what the convenant allows, or not signed by all.
    LinkDocument = "KP-KOPPELING-DOCUMENT", FailedPrecondition,
        "Het document van deze gekoppelde ronde is niet wat het convenant toestaat, of niet door allen ondertekend.",
        "Laat de partijen hun convenant en versie vergelijken; begin een nieuwe ronde.";
    /// A node has more elements than the quota leaves.
    LinkQuota = "KP-KOPPELING-QUOTUM", ResourceExhausted,
        "Deze gekoppelde ronde gaat over het jaarlijkse quotum van een organisatie heen.",
        "Wacht tot het volgende kalenderjaar, of spreek in een nieuwe versie van het convenant een ander quotum af.";
    /// The linked run is not known here, has ended, or its time is over.
    LinkRunUnknown = "KP-KOPPELING-RONDE", FailedPrecondition,
        "Deze gekoppelde ronde is hier niet bekend, onvolledig, afgesloten of over haar tijd.",
        "Begin een nieuwe ronde; het logboek noemt op wie werd gewacht. Een partij die opnieuw startte vergeet wat open stond.";
    /// Something in a linked run is not of that run: an element, proof, row, tag or grouping.
    LinkRefused = "KP-KOPPELING-GEWEIGERD", InvalidArgument,
        "Een bericht in deze gekoppelde ronde klopt niet; het logboek noemt van wie het kwam.",
        "Onderzoek de genoemde partij; begin daarna een nieuwe ronde.";
    /// A child of this node has no chain token, so that the node cannot take part.
    LinkTokens = "KP-KOPPELING-KETENCODE", FailedPrecondition,
        "Niet elk kind bij deze organisatie heeft een ketencode onder dit convenant; zij doet niet mee.",
        "Lees de leveringen opnieuw in nu het convenant geldt, en begin een nieuwe ronde.";
    /// The linked table was not made yet.
    LinkNotMade = "KP-KOPPELING-NOG-NIET-GEVORMD", FailedPrecondition,
        "Deze gekoppelde tabel is nog niet gevormd.",
        "Laat de ketenmonitor de ronde uitvoeren (monitor pull) als alle organisaties hebben geleverd.";
    /// A request about one child names a purpose that is forbidden, unknown, or not that of the exchange type.
    CasePurpose = "KP-CASUS-DOEL", PermissionDenied,
        "Voor dit doel mag deze uitwisseling over een kind niet.",
        "Kies het doel dat bij de soort uitwisseling hoort; de regels noemen de gesloten lijst.";
    /// No such exchange type between these two, or it is switched off.
    CaseExchange = "KP-CASUS-SOORT", PermissionDenied,
        "Deze soort uitwisseling over een kind is er niet tussen deze twee organisaties, of staat uit.",
        "Kies een soort uitwisseling uit de regels en het convenant (policy explain noemt de regel).";
    /// A request about one child asks too much, too little, or a field that never leaves.
    CaseFields = "KP-CASUS-VELDEN", PermissionDenied,
        "De gevraagde velden over een kind zijn niet die van deze soort uitwisseling.",
        "Vraag minstens de verplichte en hoogstens de toegestane velden (policy explain noemt het veld).";
    /// The facts about child and measure give no ground on this day.
    CaseGround = "KP-CASUS-GRONDSLAG", PermissionDenied,
        "Voor deze uitwisseling over een kind is er op deze dag geen wettelijke grondslag.",
        "Controleer kind, maatregel en uitvoerder; policy explain noemt regel, artikel en het feit dat ontbreekt.";
    /// A consent that is needed is not there or does not hold.
    CaseConsent = "KP-CASUS-TOESTEMMING", PermissionDenied,
        "Voor deze uitwisseling over een kind ontbreekt een geldige toestemming.",
        "Bekijk met policy explain wiens toestemming ontbreekt, en leg die na een gesprek vast (consent add).";
    /// The convenant names other rules about one child than this node has.
    CaseRules = "KP-CASUS-REGELS", FailedPrecondition,
        "Het convenant noemt andere regels voor uitwisseling over een kind dan waarmee deze node beslist.",
        "Laat alle partijen dezelfde versie van de regels gebruiken (policy rules), of sluit een nieuwe versie van het convenant.";
    /// A request about one child is refused for a reason that hangs on the child; the same for every such reason.
    CaseRefused = "KP-CASUS-GEWEIGERD", PermissionDenied,
        "De andere organisatie verstrekt deze gegevens over dit kind niet; waarom staat alleen in haar eigen logboek.",
        "Overleg met de andere organisatie; het antwoord zegt niet of zij het kind kent.";
    /// A partner asks about children too often, or was refused too often today.
    CaseTooOften = "KP-CASUS-TE-VAAK", ResourceExhausted,
        "De andere partij vraagt te vaak naar kinderen, of werd vandaag te vaak geweigerd.",
        "Wacht, en zoek uit waarom haar node dit blijft vragen; het logboek noemt elke weigering.";
    /// A partner is refused about children so often that it may be trying which are known.
    CaseEnumeration = "KP-CASUS-AFTASTEN", ResourceExhausted,
        "Een partij wordt opvallend vaak geweigerd bij verzoeken over kinderen; zij tast misschien af wie bekend is.",
        "Bekijk haar weigeringen (log list --denied --partner) en neem contact op; meld het de privacy officer.";
    /// Content of an offer that was not taken up here.
    CaseTransferUnknown = "KP-CASUS-OVERDRACHT-ONBEKEND", FailedPrecondition,
        "Deze overdracht over een kind is hier niet aangekondigd, of de node is sindsdien opnieuw gestart.",
        "Bied de gegevens opnieuw aan (exchange offer).";
    /// Content about a child that nobody took over within its time.
    CaseExpired = "KP-CASUS-VERLOPEN", FailedPrecondition,
        "Inhoud over een kind is niet binnen 24 uur overgenomen en daarom vernietigd.",
        "Vraag de gegevens zo nodig opnieuw, en neem ze over met exchange confirm.";
    /// A partner asks for receipts too often.
    TooOften = "KP-TE-VAAK", ResourceExhausted,
        "De andere partij vraagt te vaak achter elkaar om ontvangstbewijzen.",
        "Wacht een minuut; zoek uit waarom haar node dit blijft vragen.";
}

/// The text is no code of the registry.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("onbekende redencode")]
pub struct UnknownReason;

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for ReasonCode {}

impl TryFrom<String> for ReasonCode {
    type Error = UnknownReason;
    fn try_from(text: String) -> Result<Self, UnknownReason> {
        Self::parse(&text).ok_or(UnknownReason)
    }
}

impl From<ReasonCode> for String {
    fn from(reason: ReasonCode) -> Self {
        reason.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_unique_readable_and_explained() {
        let codes: BTreeSet<_> = ReasonCode::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), ReasonCode::ALL.len(), "a code occurs twice");
        let sentences: BTreeSet<_> = ReasonCode::ALL.iter().map(|r| r.sentence()).collect();
        assert_eq!(sentences.len(), ReasonCode::ALL.len(), "a sentence occurs twice");
        for reason in ReasonCode::ALL {
            let code = reason.code();
            assert!(code.starts_with("KP-") && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'), "{code}");
            assert_eq!(ReasonCode::parse(code), Some(*reason));
            assert!(reason.sentence().ends_with('.') && reason.remedy().ends_with('.'), "{code}");
            assert_ne!(reason.status(), StatusClass::Ok, "{code} is a refusal or a fault");
        }
        assert_eq!(ReasonCode::parse("KP-"), None);
    }
}
