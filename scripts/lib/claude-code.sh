# Sourced by scripts/test after prepare.sh: the command line client that some
# tests run. It never reaches a model; see tests/claude_code.rs.

# Hooks, their payloads and the stream of messages differ between versions, so
# a newer one is taken knowingly.
claude_code_version=2.1.197

# Sets CLAUDE_MEM_TEST_CLAUDE, unless it is set. Without a client the tests
# that need it are left out, or fail where CI is set.
need_claude_code() {
    [ -z "${CLAUDE_MEM_TEST_CLAUDE:-}" ] || return 0
    case "$(uname -s) $(uname -m)" in
    "Linux x86_64") claude_code_package=@anthropic-ai/claude-code-linux-x64 ;;
    "Linux aarch64") claude_code_package=@anthropic-ai/claude-code-linux-arm64 ;;
    *)
        without_claude_code "no known package for $(uname -s) on $(uname -m)"
        return 0
        ;;
    esac
    claude_code_home=$PWD/target/tools/claude-code/$claude_code_version
    claude_code_binary=node_modules/$claude_code_package/claude
    if ! [ -x "$claude_code_home/$claude_code_binary" ]; then
        if ! command -v npm >/dev/null 2>&1 && ! (install_debian npm); then
            without_claude_code "there is no npm"
            return 0
        fi
        if ! install_claude_code; then
            without_claude_code "npm could not install $claude_code_package@$claude_code_version"
            return 0
        fi
    fi
    CLAUDE_MEM_TEST_CLAUDE=$claude_code_home/$claude_code_binary
    export CLAUDE_MEM_TEST_CLAUDE
}

# Beside its place first, so that what is there is whole and runs here. The
# package for the platform holds the executable itself; no script is needed.
install_claude_code() {
    claude_code_partial=$claude_code_home.$$
    mkdir -p "$claude_code_partial"
    echo "installing Claude Code $claude_code_version for the tests" >&2
    if npm install --prefix "$claude_code_partial" --no-save --no-package-lock \
        --ignore-scripts --no-audit --no-fund --loglevel=error \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 \
        "$claude_code_package@$claude_code_version" >&2 &&
        HOME=$claude_code_partial "$claude_code_partial/$claude_code_binary" --version >/dev/null
    then
        # Another run may have been faster; its copy is as good.
        mv -T "$claude_code_partial" "$claude_code_home" 2>/dev/null || rm -rf "$claude_code_partial"
        return 0
    fi
    rm -rf "$claude_code_partial"
    return 1
}

without_claude_code() {
    echo "the Claude Code tests are left out: $1; CLAUDE_MEM_TEST_CLAUDE may name a Claude Code $claude_code_version" >&2
}
