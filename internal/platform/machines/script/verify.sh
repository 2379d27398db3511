# Says what systemd finds wrong with a unit and its drop-ins as they would be written, from a directory that is gone afterwards. It says
# nothing where systemd-analyze is not there, or takes longer than a plan waits. That programs are not there yet is no matter.

if command -v systemd-analyze >/dev/null && draft=$(mktemp -d "${TMPDIR:-/tmp}/$unit.XXXXXX" 2>/dev/null); then
	draft=$(cd "$draft" && pwd -P)
	trap 'rm -rf "$draft"' EXIT
	trap 'exit 1' HUP TERM # of a run that waits no longer
	if mkdir "$draft/$unit.d" && drafts; then
		echo "draft $draft/"
		systemctl --version | sed -n 's/^systemd \([0-9]*\).*/version \1/p'
		SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=notice SYSTEMD_LOG_LOCATION=0 SYSTEMD_COLORS=0 \
			timeout -s KILL 3 systemd-analyze $([ "$match" = _SYSTEMD_UNIT ] || echo --user) verify --man=no "$draft/$unit" </dev/null 2>&1 | head -n 200 | sed 's/^/said /'
	fi
	rm -rf "$draft"
	trap - EXIT HUP TERM
fi
