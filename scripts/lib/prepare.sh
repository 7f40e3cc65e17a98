# Sourced by the scripts: what a bare machine may lack.

# The bundled SQLite is C.
need_c_compiler() {
    command -v cc >/dev/null 2>&1 || install_debian gcc libc6-dev
}

# The tests make repositories, work trees and submodules with the real git.
need_git() {
    command -v git >/dev/null 2>&1 || install_debian git
}

install_debian() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "please install: $*" >&2
        exit 1
    fi
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "installing $*" >&2
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "$@" >&2
}
