//! Memories in the languages and scripts that people write, side by side in one
//! project: each is found by its own words, and by a part of them.

use claude_mem::store::{NewObservation, Writer};

use super::memory::{TOP, found, observation, reader, remember};
use super::own_words::{lost, rows};
use crate::support::Sandbox;

/// Titles by language: several of each speak of the same things.
pub(super) const TITLES: &[(&str, &str)] = &[
    (
        "English",
        "Discount codes are applied only once per invoice",
    ),
    ("English", "Invoice totals are rounded to whole cents"),
    ("English", "Invoice totals were wrong after the discount"),
    (
        "English",
        "The exchange rates are kept in SQLite, not in a file",
    ),
    ("English", "Retry logic waits 2 s, then 4 s, then gives up"),
    (
        "English",
        "Login fails when the clock is ahead of the server's",
    ),
    (
        "English",
        "Don't trust the user's time zone: it isn't there",
    ),
    ("English", "C++ and C# builds need different flags than C"),
    ("English", "It is what it is"),
    (
        "German",
        "Rabattcodes werden pro Rechnung nur einmal angewandt",
    ),
    ("German", "Rechnungsbeträge werden auf ganze Cent gerundet"),
    (
        "German",
        "Die Wechselkurse liegen in SQLite und nicht in einer Datei",
    ),
    (
        "German",
        "Größe der Übertragung überschreitet die zulässige Länge",
    ),
    ("German", "Schließen der Verbindung nach Zeitüberschreitung"),
    ("German", "Kündigungsfristenberechnungsfehler behoben"),
    (
        "French",
        "Les codes de réduction ne s'appliquent qu'une fois à la facture",
    ),
    (
        "French",
        "L'arrondi des montants n'était pas celui de l'énoncé",
    ),
    (
        "Turkish",
        "İndirim kodları faturaya yalnızca bir kez uygulanır",
    ),
    (
        "Vietnamese",
        "Mã giảm giá chỉ được áp dụng một lần cho mỗi hóa đơn",
    ),
    ("Polish", "Żółć w nazwie pliku psuje ścieżkę wyjściową"),
    ("Chinese", "修复发票折扣重复计算的错误"),
    ("Chinese", "发票总额四舍五入到分"),
    ("Chinese", "汇率保存在 SQLite 数据库中"),
    ("Chinese", "登录失败"),
    ("Chinese", "缓存"),
    ("Chinese", "將設定檔移到使用者目錄"),
    ("Chinese", "升级 tokio 到 1.54 后测试超时"),
    ("Japanese", "請求書の割引が二重に計算される不具合を修正"),
    ("Japanese", "請求書の合計を銭単位で丸める"),
    ("Japanese", "為替レートは SQLite に保存する"),
    ("Japanese", "ログインに失敗した場合のリトライ処理"),
    ("Japanese", "テスト"),
    ("Japanese", "ｶﾀｶﾅの半角と全角を同じものとして扱う"),
    ("Korean", "송장 할인 코드가 한 번만 적용되도록 수정"),
    ("Korean", "송장 합계를 센트 단위로 반올림"),
    ("Korean", "환율은 SQLite에 저장한다"),
    ("Korean", "로그인 실패"),
    ("Thai", "แก้ไขส่วนลดในใบแจ้งหนี้ที่คำนวณซ้ำ"),
    ("Thai", "ยอดรวมในใบแจ้งหนี้ปัดเศษเป็นสตางค์"),
    ("Thai", "อัตราแลกเปลี่ยนเก็บไว้ใน SQLite"),
    ("Arabic", "إصلاح احتساب الخصم مرتين في الفاتورة"),
    ("Arabic", "تقريب مجموع الفاتورة إلى أقرب سنت"),
    ("Arabic", "تُحفظ أسعار الصرف في قاعدة البيانات"),
    ("Hebrew", "תיקון חישוב כפול של ההנחה בחשבונית"),
    ("Hindi", "चालान में छूट की दोहरी गणना ठीक की गई"),
    ("Hindi", "चालान का कुल योग पैसे तक पूर्णांकित"),
    ("Hindi", "विनिमय दरें डेटाबेस में रखी जाती हैं"),
    ("Bengali", "চালানে ছাড় দুবার গণনার ত্রুটি সংশোধন"),
    ("Tamil", "விலைப்பட்டியலில் தள்ளுபடி இருமுறை கணக்கிடப்பட்டது"),
    ("Russian", "Скидка в счёте считается только один раз"),
    ("Russian", "Суммы счетов округляются до копеек"),
    ("Russian", "Курсы валют хранятся в базе данных"),
    ("Ukrainian", "Їжак у назві файлу ламає шлях"),
    ("Greek", "Η έκπτωση εφαρμόζεται μόνο μία φορά στο τιμολόγιο"),
    ("Georgian", "ფასდაკლება ინვოისში ორჯერ ითვლებოდა"),
    ("Khmer", "ជួសជុលការគណនាបញ្ចុះតម្លៃពីរដង"),
    ("Lao", "ແກ້ໄຂສ່ວນຫຼຸດທີ່ຄິດໄລ່ຊ້ຳ"),
    ("Burmese", "ပြေစာရှိလျှော့ဈေးကိုနှစ်ကြိမ်တွက်ခြင်း"),
    ("emoji", "🎉 Release 2.0 is out 🚀🚀"),
    ("emoji", "🐛 fix: 👩‍💻 the developer's avatar ➡️ cut in half"),
    ("emoji", "✅ все тесты проходят 🎯"),
    ("code", "applyDiscountTwice added the code twice"),
    ("code", "parse_invoice_total returns cents, not euros"),
    ("code", "XMLHttpRequest replaced by fetch in api-client.ts"),
    (
        "code",
        "error[E0308]: mismatched types in src/billing/invoice.rs:42",
    ),
    ("code", "ERR_MODULE_NOT_FOUND after the move to ESM"),
    ("code", "SQLITE_BUSY (5) while two workers write"),
    ("code", "HTTP 429 is retried, 401 is not"),
    ("code", "v1.2.3-rc.1 was tagged from commit 9fceb02"),
    (
        "code",
        "std::env::home_dir() gives the one directory that is needed",
    ),
    ("code", "--no-verify is never passed to git commit -m"),
    ("code", "@types/node and lodash.merge are pinned"),
    ("code", "a != b || !c && (d >> 2) == 0x1F"),
    ("code", "status:open is a filter of GitHub's: \"not ours\""),
    ("mixed", "invoice.py の discount_total を修正"),
    ("mixed", "修复 applyDiscount 在 billing/invoice.py 中的错误"),
    (
        "mixed",
        "Der Befehl cargo nextest run läuft in der CI nicht",
    ),
];

/// A part of a title as a person would type it: other endings, single words of
/// a text without spaces, other widths and cases.
const PARTS: &[(&str, &str)] = &[
    (
        "discounted codes",
        "Discount codes are applied only once per invoice",
    ),
    (
        "rounding totals cent",
        "Invoice totals are rounded to whole cents",
    ),
    (
        "user time zone",
        "Don't trust the user's time zone: it isn't there",
    ),
    (
        "grosse ubertragung",
        "Größe der Übertragung überschreitet die zulässige Länge",
    ),
    (
        "SCHLIESSEN verbindung",
        "Schließen der Verbindung nach Zeitüberschreitung",
    ),
    (
        "réduction facture",
        "Les codes de réduction ne s'appliquent qu'une fois à la facture",
    ),
    (
        "enonce arrondi",
        "L'arrondi des montants n'était pas celui de l'énoncé",
    ),
    (
        "INDIRIM fatura",
        "İndirim kodları faturaya yalnızca bir kez uygulanır",
    ),
    (
        "giam gia hoa don",
        "Mã giảm giá chỉ được áp dụng một lần cho mỗi hóa đơn",
    ),
    ("折扣", "修复发票折扣重复计算的错误"),
    ("重复计算", "修复发票折扣重复计算的错误"),
    ("汇率 数据库", "汇率保存在 SQLite 数据库中"),
    ("缓存", "缓存"),
    ("失败", "登录失败"),
    ("設定檔", "將設定檔移到使用者目錄"),
    ("tokio 超时", "升级 tokio 到 1.54 后测试超时"),
    ("割引", "請求書の割引が二重に計算される不具合を修正"),
    ("為替レート", "為替レートは SQLite に保存する"),
    ("リトライ", "ログインに失敗した場合のリトライ処理"),
    ("カタカナ", "ｶﾀｶﾅの半角と全角を同じものとして扱う"),
    ("할인", "송장 할인 코드가 한 번만 적용되도록 수정"),
    ("환율", "환율은 SQLite에 저장한다"),
    ("로그인", "로그인 실패"),
    ("ส่วนลด", "แก้ไขส่วนลดในใบแจ้งหนี้ที่คำนวณซ้ำ"),
    ("แลกเปลี่ยน", "อัตราแลกเปลี่ยนเก็บไว้ใน SQLite"),
    ("الخصم", "إصلاح احتساب الخصم مرتين في الفاتورة"),
    ("تحفظ اسعار", "تُحفظ أسعار الصرف في قاعدة البيانات"),
    ("छूट", "चालान में छूट की दोहरी गणना ठीक की गई"),
    ("विनिमय", "विनिमय दरें डेटाबेस में रखी जाती हैं"),
    ("скидка СЧЕТЕ", "Скидка в счёте считается только один раз"),
    (
        "έκπτωση τιμολόγιο",
        "Η έκπτωση εφαρμόζεται μόνο μία φορά στο τιμολόγιο",
    ),
    ("release 2.0", "🎉 Release 2.0 is out 🚀🚀"),
    ("discount twice", "applyDiscountTwice added the code twice"),
    (
        "applydiscounttwice",
        "applyDiscountTwice added the code twice",
    ),
    (
        "invoice total",
        "parse_invoice_total returns cents, not euros",
    ),
    (
        "parseInvoiceTotal",
        "parse_invoice_total returns cents, not euros",
    ),
    (
        "http request",
        "XMLHttpRequest replaced by fetch in api-client.ts",
    ),
    (
        "api-client",
        "XMLHttpRequest replaced by fetch in api-client.ts",
    ),
    (
        "E0308",
        "error[E0308]: mismatched types in src/billing/invoice.rs:42",
    ),
    (
        "invoice.rs",
        "error[E0308]: mismatched types in src/billing/invoice.rs:42",
    ),
    (
        "module not found",
        "ERR_MODULE_NOT_FOUND after the move to ESM",
    ),
    ("sqlite busy", "SQLITE_BUSY (5) while two workers write"),
    ("429", "HTTP 429 is retried, 401 is not"),
    ("9fceb02", "v1.2.3-rc.1 was tagged from commit 9fceb02"),
    (
        "home_dir",
        "std::env::home_dir() gives the one directory that is needed",
    ),
    ("no-verify", "--no-verify is never passed to git commit -m"),
    ("lodash", "@types/node and lodash.merge are pinned"),
    ("discount_total", "invoice.py の discount_total を修正"),
    (
        "applyDiscount 错误",
        "修复 applyDiscount 在 billing/invoice.py 中的错误",
    ),
    (
        "exchan",
        "The exchange rates are kept in SQLite, not in a file",
    ),
];

/// The titles as memories of one project, some turns long.
pub(super) fn fill(writer: &mut Writer) {
    for (number, titles) in TITLES.chunks(8).enumerate() {
        let observations: Vec<NewObservation> =
            titles.iter().map(|(_, title)| observation(title)).collect();
        let wanted = observations.len();
        let ids = remember(writer, ("polyglot", "scripts"), number, observations);
        assert_eq!(ids.len(), wanted);
    }
}

#[test]
fn titles_of_every_script_find_their_rows() {
    let sandbox = Sandbox::new();
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    fill(&mut writer);
    let reader = reader(&sandbox.locations());
    let rows = rows(&reader);
    assert_eq!(rows.len(), TITLES.len());
    let lost = lost(&reader, &rows);
    assert!(lost.is_empty(), "{} lost:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn parts_of_titles_find_their_rows() {
    let sandbox = Sandbox::new();
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    fill(&mut writer);
    let reader = reader(&sandbox.locations());
    let rows = rows(&reader);
    let mut lost = Vec::new();
    for (part, title) in PARTS {
        let (id, ..) = rows.iter().find(|(_, one, _)| one == title).unwrap();
        let ids = found(&reader, part, Some("scripts"));
        if !ids.contains(id) {
            lost.push(format!("{title:?} by {part:?}, which found {ids:?}"));
        }
    }
    assert!(
        lost.is_empty(),
        "{} lost of the first {TOP}:\n{}",
        lost.len(),
        lost.join("\n")
    );
}

/// The first hit of a word that stands in one title alone is that row.
#[test]
fn the_only_row_with_a_word_comes_first() {
    let sandbox = Sandbox::new();
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    fill(&mut writer);
    let reader = reader(&sandbox.locations());
    let rows = rows(&reader);
    for (word, language) in [
        ("SQLITE_BUSY", "code"),
        ("Kündigungsfristenberechnungsfehler", "German"),
        ("缓存", "Chinese"),
        ("リトライ", "Japanese"),
        ("반올림", "Korean"),
        ("копеек", "Russian"),
        ("כפול", "Hebrew"),
    ] {
        let ids = found(&reader, word, None);
        let title = rows.iter().find(|(id, ..)| ids.first() == Some(id));
        let (_, title, _) = title.unwrap_or_else(|| panic!("{word} found nothing"));
        assert!(
            TITLES.contains(&(language, title)),
            "{word} found {title:?}"
        );
    }
}
