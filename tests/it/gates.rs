//! Short cuts past the gates do not compile.

#[test]
fn short_cuts_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}
