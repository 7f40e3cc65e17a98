mod instructions;
mod lenient;
mod refusals;
mod robust;

use std::sync::LazyLock;

use super::{Read, Unreadable, read};
use crate::agent::mode::{self, Mode};
use crate::agent::{Observation, Summary};

static CODE: LazyLock<Mode> = LazyLock::new(|| mode::load("code", None).unwrap());

fn code() -> &'static Mode {
    &CODE
}

#[track_caller]
fn got(text: &str) -> Read {
    read(text, code()).unwrap_or_else(|error| panic!("{error:?}: {text}"))
}

fn refused(text: &str) -> Unreadable {
    read(text, code()).unwrap_err()
}

/// The one observation of an answer.
#[track_caller]
fn one(text: &str) -> Observation<String, String> {
    let mut all = got(text).reading.observations;
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

#[track_caller]
fn summary(text: &str) -> Summary {
    got(text).reading.summary.unwrap()
}

/// An answer as the instructions ask for it.
const WELL_FORMED: &str = "<observation>
<type>bugfix</type>
<title>Count a discount code once per invoice</title>
<subtitle>Entering it twice lowered the total twice.</subtitle>
<narrative>apply_discount appended without checking. It now ignores a known code.</narrative>
<facts><fact>81.00 became 90.00</fact><fact>Commit 116696e</fact></facts>
<concepts><concept>problem-solution</concept><concept>gotcha</concept></concepts>
<files_read><file>billing/discounts.py</file></files_read>
<files_modified><file>billing/invoice.py</file><file>tests/test_invoice.py</file></files_modified>
</observation>
<observation>
<type>discovery</type>
<title>Unknown codes pass silently</title>
<subtitle></subtitle>
<narrative>find_discount returns zero for them.</narrative>
</observation>
<summary>
<request>Find out why totals are too low</request>
<investigated>billing/</investigated>
<learned>Codes were counted twice</learned>
<completed>Fixed, 3 tests pass</completed>
<next_steps>Reject unknown codes</next_steps>
<notes></notes>
</summary>";
