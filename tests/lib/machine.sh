# shellcheck shell=bash
# What the tests need on a Debian machine, and a database server that goes with the run.
# Sourced by tests/run.

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The folder with initdb and pg_ctl of the newest PostgreSQL here; empty without one.
postgres_programs() {
    find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1
}

# The Node that the lock file pins, which is newer than Debian's; Debian's npm can install it.
pinned_node() {
    echo "$PWD"/node_modules/node-linux-*/bin/node
}

# Installs Debian packages for what is missing, and only that.
install_packages() {
    local missing=()
    [ -n "$(postgres_programs)" ] || missing+=(postgresql)
    [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || missing+=(nginx)
    [ -x "${CHROMIUM:-/usr/bin/chromium-headless-shell}" ] || missing+=(chromium-headless-shell)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    command -v caddy >/dev/null || missing+=(caddy)
    command -v xdg-open >/dev/null || missing+=(xdg-utils)
    command -v npm >/dev/null || missing+=(nodejs npm)
    command -v c++ >/dev/null || missing+=(g++)
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing ${missing[*]}"
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# unless_unchanged STAMP FILE COMMAND…: runs the command only when FILE differs from the last time.
unless_unchanged() {
    local stamp=$1 file=$2 sum
    shift 2
    sum=$(sha256sum <"$file")
    [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ] || return 0
    "$@" && echo "$sum" >"$stamp"
}

# The lock files name every package, so pip looks for no others.
install_python() {
    local environment=$1 lock=$2
    rm -rf "$environment" && python3 -m venv "$environment" &&
        "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
}

# One environment for each major version of the Python SDK.
install_pythons() {
    unless_unchanged tests/.venv/.stamp tests/sdk/requirements.lock \
        install_python tests/.venv tests/sdk/requirements.lock &&
        unless_unchanged tests/.venv-1/.stamp tests/sdk/requirements-1.lock \
            install_python tests/.venv-1 tests/sdk/requirements-1.lock
}

# install_node PART: the packages that tests/PART pins.
install_node() {
    unless_unchanged "tests/$1/node_modules/.stamp" "tests/$1/package-lock.json" npm_ci "$1"
}

npm_ci() {
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 PUPPETEER_SKIP_DOWNLOAD=1 \
        npm --prefix "tests/$1" ci --ignore-scripts --loglevel=error
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# A new folder, in memory where there is a gigabyte to spare: each test has a database of its own,
# and a disk takes ten times as long to make and remove those files.
folder_in_memory() {
    local where=/tmp free
    free=$(df --output=avail -B1M /dev/shm 2>/dev/null | tail -n 1) || free=0
    [ "$((free))" -lt 1024 ] || where=/dev/shm
    mktemp -d "$where/untether-postgres.XXXXXX"
}

# Starts a throw-away cluster in $1 on a free port, and sets UNTETHER_TEST_POSTGRES_URL.
# Nothing in it outlives the run, so it need not reach the disk.
start_postgres() {
    local directory=$1 programs port settings
    programs=$(postgres_programs)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    mkdir -p "$directory"
    [ "$(id -u)" != 0 ] || chown postgres "$directory"
    (
        cd "$directory"
        as_postgres "$programs/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >initdb.log
        settings="-p $port -k $directory -c listen_addresses=127.0.0.1 -c max_connections=300"
        settings+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        as_postgres "$programs/pg_ctl" -D data -l server.log -w -o "$settings" start >start.log
    ) || { cat "$directory"/*.log >&2; return 1; }
    export UNTETHER_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
}

stop_postgres() {
    [ ! -f "$1/data/postmaster.pid" ] || as_postgres "$(postgres_programs)/pg_ctl" -D "$1/data" -m immediate stop >/dev/null
}
