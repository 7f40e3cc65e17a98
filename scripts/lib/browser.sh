# Sourced by scripts/test after prepare.sh: the browser that the viewer's tests
# drive. Everything it loads comes from the server under test.

# Chromium and its driver, of one version, from the system's packages. Without
# them the tests that need a browser are left out, or fail where CI is set.
need_browser() {
    [ -z "${CLAUDE_MEM_TEST_CHROMEDRIVER:-}" ] || return 0
    ! command -v chromedriver >/dev/null 2>&1 || return 0
    (install_debian chromium chromium-driver) ||
        echo "the viewer's tests are left out: no chromium-driver; CLAUDE_MEM_TEST_CHROMEDRIVER may name one" >&2
}
