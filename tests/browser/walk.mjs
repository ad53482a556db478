// Walks the consoles of a running region in a real browser, over real TLS: `node walk.mjs CONSOLES.JSON [SCREENSHOTS]`.
// CONSOLES.JSON is what `ketenpoort demo` writes. Exit code 0 when everything held; each failure is a line.
import { createHash, createHmac, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:tls";
import { chromium } from "playwright-core";

const [file, shots] = process.argv.slice(2);
const region = JSON.parse(readFileSync(file, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
// With PICTURES=1 every page is kept at three widths, to be looked at.
const pictures = process.env.PICTURES === "1";
// 320 px is a screen of 1280 px at 400 % zoom (WCAG 1.4.10).
const WIDTHS = pictures ? [320, 390, 768, 1280] : [320, 1280];
const failures = [];
const expect = (holds, what) => {
  if (!holds) failures.push(what);
  console.log(`${holds ? "ok  " : "FOUT"} ${what}`);
};

/** The code that an authenticator app shows (RFC 6238). */
function code(secret, seconds) {
  const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)));
  const tag = createHmac("sha1", key).update(step).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** SHA-256 of the public key that the console shows: the browser is told to accept this key and no other. */
function pin(address) {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port, rejectUnauthorized: false }, () => {
      const spki = new X509Certificate(socket.getPeerCertificate(true).raw).publicKey.export({ type: "spki", format: "der" });
      socket.end();
      resolve(createHash("sha256").update(spki).digest("base64"));
    });
    socket.on("error", reject);
  });
}

const used = new Map();
/** Logs in; a code counts once, so a second time waits for the next. */
async function logIn(context, console_, role) {
  const account = console_.accounts.find((a) => a.rol === role);
  const page = await context.newPage();
  await page.goto(console_.adres + "/");
  let fresh = code(account.geheim, Date.now() / 1000);
  while (used.get(account.geheim) === fresh) {
    await new Promise((r) => setTimeout(r, 1000));
    fresh = code(account.geheim, Date.now() / 1000);
  }
  used.set(account.geheim, fresh);
  await page.getByLabel("Naam").fill(account.naam);
  await page.getByLabel("Wachtwoord").fill(region.wachtwoord);
  await page.getByLabel("Code").fill(fresh);
  await page.getByRole("button", { name: "Inloggen" }).click();
  expect(await page.getByRole("button", { name: "Uitloggen" }).isVisible(), `${role} logt in bij ${console_.organisatie}`);
  return page;
}

/** Accessibility by axe-core, no sideways scrolling, and a picture, at three widths. */
async function look(page, name) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide <= 0, `${name} past op ${width} px${wide > 0 ? ` (${wide} px te breed)` : ""}`);
    if (pictures && width > 320) await page.screenshot({ path: `${shots}/${name}-${width}.png`, fullPage: process.env.FULL === "1" });
  }
  // Injected through the debugging protocol, which the page's own policy does not govern.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  for (const v of violations) console.log(`     ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(" | ")}`);
  expect(violations.length === 0, `${name} heeft geen WCAG-fouten volgens axe`);
}

async function walk() {
  if (shots) mkdirSync(shots, { recursive: true });
  const monitor = region.consoles.find((c) => c.accounts.some((a) => a.rol === "analist"));
  // The municipality that handed a child over in the demo.
  const officer = region.consoles.find((c) => c.organisatie.startsWith("Gemeente")) ?? region.consoles.find((c) => c !== monitor);
  const pins = await Promise.all([monitor, officer].map((c) => pin(c.adres)));
  const browser = await chromium.launch({
    executablePath,
    args: [`--ignore-certificate-errors-spki-list=${pins.join(",")}`, "--no-sandbox"],
  });
  const fresh = async (options) => {
    const context = await browser.newContext({ locale: "nl-NL", reducedMotion: "reduce", ...options });
    context.on("page", (page) => {
      page.on("console", (m) => m.type() === "error" && !m.text().includes("status of 4") && failures.push(`${page.url()}: ${m.text()}`));
      page.on("request", (r) => r.url().startsWith("http") && ![monitor, officer].some((c) => r.url().startsWith(c.adres)) && failures.push(`verzoek naar buiten: ${r.url()}`));
    });
    return context;
  };

  // The privacy officer of an organisation.
  let context = await fresh();
  let page = await context.newPage();
  await page.goto(officer.adres + "/logboek?regel=INTENT");
  await look(page, "inloggen");
  page = await logIn(context, officer, "privacyfunctionaris");
  await look(page, "welkom");
  for (const [place, name] of [["/overzicht", "overzicht"], ["/logboek", "logboek"], ["/persoon", "persoon"], ["/kinderen", "kinderen"], ["/toestemmingen", "toestemmingen"], ["/datalek", "datalek"], ["/register", "register"], ["/vrijgaven", "vrijgaven"], ["/auditlog", "auditlog"], ["/eenzijdig", "eenzijdig"], ["/bewaren", "bewaren"], ["/account", "account"]]) {
    await page.goto(officer.adres + place);
    await look(page, name);
  }
  // What a page weighs, style and script included.
  for (const place of ["/overzicht", "/logboek", "/status", "/rapport"]) {
    const answer = await page.goto(officer.adres + place);
    const bytes = (await answer.body()).length;
    expect(bytes < 100_000, `${place} is ${Math.round(bytes / 1000)} kB`);
  }
  // A refused transfer, when there is one: the reason is told in words.
  await page.goto(officer.adres + "/logboek?regel=DENY");
  await page.locator("tbody a").first().click();
  expect((await page.locator("h1").textContent()).includes("geweigerd"), "een geweigerde overdracht zegt dat");
  expect(await page.locator(".note.error").first().isVisible(), "en zegt waarom");
  await look(page, "geweigerde-overdracht");
  // A transfer, and its proof in this browser.
  // The node stands alone here: only what witnesses confirmed before can be proven to the end, so the oldest is taken.
  await page.goto(officer.adres + "/overzicht");
  const confirmed = +(/bevestigd tot regel (\d+)|alle (\d+) regels/.exec(await page.content())?.slice(1).find(Boolean) ?? 0);
  await page.goto(officer.adres + "/logboek?regel=INTENT");
  const row = page.locator("tbody tr", { hasText: "naar " }).last();
  const covered = +/regel (\d+)/.exec(await row.textContent())[1] + 2 < confirmed;
  await row.locator("a").first().click();
  await look(page, "overdracht");
  const [kept] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Bewijs downloaden" }).click()]);
  const evidence = readFileSync(await kept.path(), "utf8");
  await page.getByRole("link", { name: "Controleer in deze browser" }).click();
  await page.waitForSelector("[data-verdict]", { timeout: 10_000 }).catch(() => {});
  const verdict = await page.locator("#result").getAttribute("data-verdict");
  expect(verdict === "wait", `zonder sleutels die men vertrouwt blijft open wie tekende (${verdict})`);
  const told = JSON.parse(evidence);
  const keys = [told.log, ...told.witnesses, ...told.receipts.map((r) => r.signer)].map((party) => party.key).join("\n");
  await page.getByLabel("Sleutels die u vertrouwt").fill(keys);
  const proven = await page.waitForSelector('[data-verdict="good"]', { timeout: covered ? 10_000 : 1_000 }).then(() => true, () => false);
  if (covered) expect(proven, "met de sleutels van het convenant klopt het bewijs in de browser");
  else console.log(`     niet tot het einde te bewijzen: getuigen bevestigden ${confirmed} regels`);
  await look(page, "controle");
  // The same page as a kept file, with a good and with a changed evidence file.
  const checker = `${shots ?? "/tmp"}/controle.html`;
  const [saved] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => { location.href = "/controle?bewaar"; })]);
  await saved.saveAs(checker);
  const offline = await (await browser.newContext({ offline: true })).newPage();
  await offline.goto("file://" + checker);
  const judge = async (text) => {
    await offline.locator("#file").setInputFiles({ name: "bewijs.json", mimeType: "application/json", buffer: Buffer.from(text) });
    await offline.waitForFunction(() => !document.getElementById("result").textContent.includes("Bezig"), null, { timeout: 10_000 });
    await offline.waitForTimeout(300);
    return offline.locator("#result .verdict").first().getAttribute("class");
  };
  expect(/good|wait/.test(await judge(evidence)), "het bewaarde bestand controleert het bewijs zonder netwerk");
  const parsed = JSON.parse(evidence);
  const change = (edit) => { const copy = JSON.parse(evidence); edit(copy); return JSON.stringify(copy); };
  const flip = (b64) => { const b = Buffer.from(b64, "base64"); b[b.length - 1] ^= 1; return b.toString("base64"); };
  expect(/bad/.test(await judge(change((e) => { e.entries[0].bytes = flip(e.entries[0].bytes); }))), "een gewijzigde regel wordt gezien");
  expect(/bad/.test(await judge(change((e) => { e.entries[0].number += 1; }))), "een ander nummer wordt gezien");
  expect(/bad/.test(await judge(change((e) => { e.checkpoint = e.checkpoint.replace(/\n(\d+)\n/, (_, n) => `\n${+n + 1}\n`); }))), "een ander checkpunt wordt gezien");
  expect(/bad/.test(await judge(change((e) => { e.log.key = "00".repeat(32); }))), "een andere sleutel wordt gezien");
  if (parsed.receipts.length > 0) {
    expect(/bad/.test(await judge(change((e) => { e.receipts[0].note = e.receipts[0].note.replace("kind received", "kind answer"); }))), "een ander ontvangstbewijs wordt gezien");
  }
  expect(/bad/.test(await judge("{}")), "een ander bestand is geen bewijs");

  // Who received data about a child, from a BSN that is then nowhere, and the proof of it. The child is the one of the demo.
  const CHILD = "999990019";
  await page.goto(officer.adres + "/persoon");
  await page.getByLabel("Burgerservicenummer").fill(CHILD);
  await page.getByRole("button", { name: "Overzicht tonen" }).click();
  expect(await page.getByRole("heading", { name: /Uw gegevens bij/ }).isVisible(), "het overzicht van een persoon");
  expect(!page.url().includes(CHILD) && !(await page.content()).includes(CHILD), "het BSN staat nergens");
  expect((await page.locator("article").textContent()).includes("GI "), "het overzicht noemt wie gegevens kreeg");
  await look(page, "persoon-overzicht");
  await page.locator("section", { hasText: "verstuurd" }).locator('a[href^="/overdracht/"]').first().click();
  expect((await page.locator("dl.facts").first().textContent()).includes("GI "), "van het overzicht naar die ene overdracht");
  await look(page, "overdracht-kind");
  await page.getByRole("link", { name: "Controleer in deze browser" }).click();
  await page.waitForSelector("[data-verdict]", { timeout: 10_000 }).catch(() => {});
  expect(["good", "wait"].includes(await page.locator("#result").getAttribute("data-verdict")), "en naar het bewijs ervan");
  await page.goto(officer.adres + "/persoon");
  await page.getByLabel("Burgerservicenummer").fill("123");
  await page.getByRole("button", { name: "Overzicht tonen" }).click();
  expect(await page.getByRole("alert").isVisible(), "een fout BSN wordt uitgelegd");
  // The consents of a child.
  await page.goto(officer.adres + "/toestemmingen");
  await page.getByLabel(/^Burgerservicenummer/).fill(CHILD);
  await page.getByRole("button", { name: "Toestemmingen tonen" }).click();
  expect(await page.locator(".tag", { hasText: "ingetrokken" }).isVisible(), "de toestemmingen van een kind, met de intrekking");
  await look(page, "toestemmingen-kind");
  // The draft for a breach.
  await page.goto(officer.adres + "/datalek");
  const today = new Date().toISOString().slice(0, 10);
  await page.getByLabel("Kan zijn begonnen op").fill("2020-01-01");
  await page.getByLabel("Duurde tot en met").fill(today);
  await page.getByRole("button", { name: "Concept tonen" }).click();
  expect(await page.getByRole("heading", { name: /melding datalek/ }).isVisible(), "het concept van een melding");
  await look(page, "datalek-concept");
  // What the role may not see.
  const refused = await page.goto(officer.adres + "/status");
  expect(refused.status() === 403, "de privacyfunctionaris ziet de status niet");
  await look(page, "geweigerd");
  const lost = await page.goto(officer.adres + "/bestaat-niet");
  expect(lost.status() === 404, "een onbekende pagina");

  // Keyboard alone: past the menu to a transfer and to its proof.
  await page.goto(officer.adres + "/overzicht");
  await page.keyboard.press("Tab");
  expect((await page.evaluate(() => document.activeElement.textContent)) === "Naar de inhoud", "de eerste tab is de sprong naar de inhoud");
  await page.keyboard.press("Enter");
  expect((await page.evaluate(() => document.activeElement.id)) === "inhoud", "de sprong komt aan");
  await page.goto(officer.adres + "/overzicht");
  const tabTo = async (what, fits) => {
    for (let stop = 0; stop < 80; stop++) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const e = document.activeElement, style = getComputedStyle(e);
        return { text: e.textContent.trim(), href: e.getAttribute("href") ?? "", seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
      });
      if (fits(at)) {
        expect(at.seen, `met het toetsenbord is te zien waar men is: ${what}`);
        await Promise.all([page.waitForLoadState("load"), page.keyboard.press("Enter")]);
        return;
      }
    }
    expect(false, `met het toetsenbord te bereiken: ${what}`);
  };
  await tabTo("het transferlog", (at) => at.href === "/logboek");
  await page.waitForURL("**/logboek");
  await tabTo("een overdracht", (at) => at.href.startsWith("/overdracht/"));
  await page.waitForURL("**/overdracht/**");
  await tabTo("de controle", (at) => at.href.startsWith("/controle#"));
  await page.waitForURL("**/controle**");
  expect(true, "met alleen het toetsenbord tot het bewijs");
  await page.goto(officer.adres + "/overzicht");
  expect((await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior)) === "auto", "minder beweging als daarom is gevraagd");
  await page.getByRole("button", { name: "Uitloggen" }).click();
  await page.goto(officer.adres + "/overzicht");
  expect(page.url().includes("/inloggen"), "na uitloggen is er niets te zien");
  await context.close();

  // The analyst, without scripts.
  context = await fresh({ javaScriptEnabled: false });
  page = await logIn(context, monitor, "analist");
  await page.goto(monitor.adres + "/rapport");
  expect(await page.getByRole("heading", { level: 1 }).isVisible(), "het regiorapport zonder JavaScript");
  expect(await page.getByText(/wachten/i).first().isVisible(), "in één oogopslag staat waar kinderen wachten");
  await page.getByLabel("Wat wilt u zien").selectOption({ index: 1 });
  await page.getByLabel("Van periode").selectOption({ index: 1 });
  await page.getByRole("button", { name: "Tonen" }).click();
  expect(page.url().includes("indicator=IND-") && page.url().includes("van=20"), "de hele keuze staat in het adres");
  const [csv] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /als CSV/ }).click()]);
  expect(readFileSync(await csv.path(), "utf8").includes("IND-"), "de cijfers als CSV");
  const [book] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /XLSX/ }).click()]);
  expect(readFileSync(await book.path()).subarray(0, 2).toString() === "PK", "de cijfers als werkblad");
  const glance = await (await page.goto(monitor.adres + "/rapport")).body();
  const bare = glance.toString().replace(/<svg[^]*?<\/svg>/g, "").length;
  expect(bare < 100_000, `het rapport in één oogopslag is ${Math.round(bare / 1000)} kB zonder grafieken`);
  const other = await page.goto(monitor.adres + "/logboek");
  expect(other.status() === 403, "de analist ziet het transferlog niet");
  const state = await context.storageState();
  await context.close();
  context = await fresh({ storageState: state });
  page = await context.newPage();
  await page.goto(monitor.adres + "/rapport");
  await look(page, "rapport");
  await page.goto(monitor.adres + "/rapport?indicator=IND-01");
  await look(page, "rapport-indicator");
  await page.evaluate(() => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));
  const mark = page.locator(".why").first();
  if (await mark.count()) {
    await mark.focus();
    const tip = await mark.locator(".tip").boundingBox();
    expect(tip !== null && tip.height > 10 && (await mark.textContent()).length > 10, "een onderdrukte cel legt zich uit bij focus");
  }
  await context.close();

  // The administrator of an organisation that delivers.
  context = await fresh();
  page = await logIn(context, officer, "beheerder");
  await page.goto(officer.adres + "/aanleveren");
  await look(page, "aanleveren");
  const lines = "event_id;status;bsn;geboortedatum;geslacht;gemeente;type;datum;geregistreerd_op;maatregel\r\nproef-1;1;111222334;20150321;M;;GI_MAATREGEL_START;20250203;2025-02-04T10:00:00+01:00;11\r\n";
  await page.getByLabel("Bestand").setInputFiles({ name: "proef.csv", mimeType: "text/csv", buffer: Buffer.from(lines) });
  await page.getByRole("button", { name: "Eerst proberen" }).click();
  expect(await page.getByText("Dit was een proef met proef.csv").isVisible().catch(() => false) || (await page.waitForSelector("text=Dit was een proef", { timeout: 10_000 }).then(() => true, () => false)), "een levering is eerst te proberen");
  expect(await page.getByRole("heading", { name: "Te herstellen in het bronsysteem" }).isVisible(), "en het verslag zegt wat te herstellen is");
  await look(page, "innameverslag");
  await page.goto(officer.adres + "/aanleveren");
  const delivery = page.locator("tbody a").first();
  if (await delivery.isVisible()) {
    await delivery.click();
    await look(page, "levering");
  }
  await page.goto(officer.adres + "/status");
  await look(page, "status-gi");
  await context.close();
  context = await fresh();
  page = await logIn(context, monitor, "beheerder");
  await page.goto(monitor.adres + "/status");
  await page.getByRole("button", { name: "Vraag alle partijen" }).click();
  await look(page, "status");
  await page.goto(monitor.adres + "/accounts");
  await page.getByLabel(/^analist/).check();
  await page.getByRole("button", { name: "Uitnodiging maken" }).click();
  const token = await page.locator(".note code").textContent();
  await look(page, "accounts");
  await page.goto(monitor.adres + "/uitnodiging");
  await look(page, "uitnodiging");
  await page.getByLabel("Uitnodiging").fill(token);
  await page.getByRole("button", { name: "Verder" }).click();
  await look(page, "account-maken");
  await browser.close();
}

await walk().catch((error) => failures.push(String(error.stack ?? error)));
if (failures.length > 0) {
  console.error(`\n${failures.length} fout(en):\n${failures.map((f) => `- ${f}`).join("\n")}`);
  process.exit(1);
}
console.log("\nalles klopt");
