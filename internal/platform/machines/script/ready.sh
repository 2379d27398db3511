# Says what stands in the way of running units at all, a problem a line, each with its place in the definition.

case $(systemctl $([ "$match" = _SYSTEMD_UNIT ] || echo --user) is-system-running 2>/dev/null) in
running | degraded | starting | initializing) ;;
*) say "problem systemd.scope systemd does not run there, or is about to end: systemctl is-system-running says $(systemctl is-system-running 2>&1)" ;;
esac
if [ "$match" != _SYSTEMD_UNIT ] && [ ! -e "/var/lib/systemd/linger/$(id -un)" ]; then
	say "problem systemd.scope the manager of the user $(id -un) ends when nobody is logged in: loginctl enable-linger $(id -un)"
fi
