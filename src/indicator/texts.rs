//! The Dutch texts of every definition: what a reader of the report is told that is counted.

use crate::domain::query::IndicatorId;

/// Title, description and population, in Dutch.
pub(super) fn texts(id: IndicatorId) -> [&'static str; 3] {
    use IndicatorId as I;
    match id {
        I::Ind01 => [
            "Instroom",
            "Het aantal kinderen met een aanmelding, melding of begin van een maatregel in de periode. Een overname van \
             een andere GI is geen instroom. Een kind dat meer dan eens instroomt telt per reeks en periode één keer.",
            "kinderen met een gebeurtenis van de reeks in de periode",
        ],
        I::Ind02 => [
            "Uitstroom",
            "Het aantal kinderen van wie een maatregel of preventieve jeugdbescherming in de periode eindigt, met de \
             geregistreerde reden. Een overdracht aan een andere GI is geen uitstroom.",
            "kinderen met een einde van een maatregel in de periode",
        ],
        I::Ind03 => [
            "Onderhanden",
            "Het aantal kinderen met een lopende maatregel op de laatste dag van de periode. Een maatregel die op die dag \
             eindigt telt niet mee. Een kind onder twee instellingen telt bij de optelling bij elk van beide.",
            "kinderen met een lopende maatregel op de laatste dag van de periode",
        ],
        I::Ind05 => [
            "Doorstroom",
            "Kinderen met een melding bij Veilig Thuis, een uitspraak van de rechter of een begin bij het lokale team in de \
             periode die daarna bij de volgende organisatie in de keten komen, bij welke organisatie ook, met het aantal \
             dagen tot dat moment. Per kind telt het eerste begin in de periode. Kinderen die nog niet lang genoeg \
             gevolgd zijn tellen niet mee.",
            "kinderen met het begin van de stap in de periode",
        ],
        I::Ind06 => [
            "Doorlooptijd van afgeronde stappen",
            "Hoe lang trajecten over een stap deden die in de periode is afgerond, van het eerste begin tot het eerste \
             einde. Alleen trajecten waarvan beide dagen bekend zijn.",
            "trajecten waarvan de stap in de periode eindigt",
        ],
        I::Ind07 => [
            "Tijdige toewijzing van een jeugdbeschermer",
            "Het deel van de trajecten met een kennisgeving in de periode waarin binnen vijf werkdagen een \
             jeugdbeschermer is toegewezen. Een traject dat nog open staat en al te laat is telt als niet tijdig.",
            "trajecten met een kennisgeving in de periode",
        ],
        I::Ind08 => [
            "Tijdig eerste contact",
            "Het deel van de trajecten met een kennisgeving in de periode waarin binnen vijf werkdagen het eerste contact \
             was. Een traject dat nog open staat en al te laat is telt als niet tijdig.",
            "trajecten met een kennisgeving in de periode",
        ],
        I::Ind08P => [
            "Tijdig plan",
            "Het deel van de trajecten met een begin van een maatregel in de periode waarin binnen 42 dagen een plan is \
             gemaakt. Een traject dat nog open staat en al te laat is telt als niet tijdig.",
            "trajecten met een begin van een maatregel in de periode",
        ],
        I::Ind09 => [
            "Tijdige hulp",
            "Kinderen voor wie een GI in de periode om jeugdhulp vroeg en bij wie die binnen drie kalendermaanden begon, \
             bij welke aanbieder ook. Per kind telt de eerste hulpvraag in de periode.",
            "kinderen met een hulpvraag in de periode",
        ],
        I::Ind10 => [
            "Van preventieve jeugdbescherming naar OTS",
            "Kinderen met een begin van preventieve jeugdbescherming in de periode die binnen 365 dagen bij dezelfde \
             instelling een (voorlopige) ondertoezichtstelling kregen. Kinderen die nog geen 365 dagen gevolgd zijn \
             tellen niet mee.",
            "kinderen met een begin van preventieve jeugdbescherming in de periode",
        ],
        I::Ind11 => [
            "Van VOTS naar OTS",
            "Kinderen met een einde van een voorlopige ondertoezichtstelling in de periode die binnen 30 dagen bij \
             dezelfde instelling een ondertoezichtstelling kregen, geteld op de begindatum en niet op de geregistreerde \
             reden.",
            "kinderen met een einde van een VOTS in de periode",
        ],
        I::Ind12 => [
            "Eerder bekend",
            "Kinderen die in de periode voor het eerst bij een GI kwamen en in de 24 maanden daarvoor al bekend waren bij \
             een lokaal team, Veilig Thuis of een aanbieder van jeugdhulp, naar hoe lang daarvoor dat begon.",
            "kinderen die in de periode voor het eerst bij een GI komen",
        ],
        I::Ind14 => [
            "Gat bij overdracht",
            "Overdrachten van een maatregel van de ene GI aan de andere, met het aantal dagen dat het kind tussen beide \
             viel. Per kind, maatregel en instelling telt de eerste overdracht in de periode.",
            "overdrachten in de periode",
        ],
        I::Ind13 => [
            "Terugkeer",
            "Kinderen van wie een maatregel in de periode eindigde zonder voortzetting en die binnen 12 of 24 maanden bij \
             dezelfde instelling opnieuw een maatregel kregen; en kinderen met een nieuwe melding bij Veilig Thuis \
             binnen 12 maanden.",
            "kinderen met een einde van een maatregel, of een melding, in de periode",
        ],
        I::Ind17 => [
            "Wachtlijst",
            "Het aantal trajecten dat op de laatste dag van de periode wacht, naar wachttijd in kalenderdagen.",
            "trajecten die wachten op de laatste dag van de periode",
        ],
        I::Ind24 => [
            "Datakwaliteit",
            "Wat er met de regels van de aanleveringen is gebeurd, per uitkomst en per regel. Over de hele aanlevering, \
             niet per periode.",
            "regels van alle aanleveringen",
        ],
    }
}
