# Says which of the commands that scripts run by sudo it refuses, or wants a password for, with the line for sudoers that allows them. Rules
# may be for some arguments alone, so those are asked for that are used.

refusing= missing= rules=
lacks() { # PROGRAM WHY
	refusing=${refusing:-$2}
	case ", $missing," in *", $1,"*) return ;; esac
	missing=${missing:+$missing, }$1
	rules=${rules:+$rules, }$(command -v "$1" || echo "/usr/bin/$1")
}
# may asks for a command. That it is permitted does not say that it is without a password: sudo shows the rule, from some version on.
may() {
	why=$(sudo -n -ll "$@" 2>&1) || { lacks "$1" "$why"; return; }
	case $why in
	*Options:*!authenticate*) ;;
	*Commands:*) sudo -k -n -v 2>/dev/null || lacks "$1" 'a password is required' ;;
	esac
}
# runs runs one that changes nothing. What it says itself is not sudo's.
runs() {
	why=$(sudo -n "$@" 2>&1 >/dev/null </dev/null) && return
	case $why in *'password is required'* | *'not allowed'* | *'not in the sudoers'* | *'must have a tty'* | *'terminal is required'* | *'sudo: not found'*) lacks "$1" "$why" ;; esac
}
runs systemctl --version
may systemctl --no-ask-password daemon-reload
may journalctl -q --no-pager -n 1
runs journalctl -q --no-pager -n 1
cd /
# All units at once, as they are started and stopped: each question takes a small machine some time. And one alone, as it is mended.
first=${mine%% *}
for some in "$mine" "$first"; do
	may systemctl --no-ask-password enable --now $some
	may systemctl --no-ask-password disable --now --no-reload $some
	may systemctl --no-ask-password stop $some
	may systemctl --no-ask-password reset-failed $some
	may install -m 0644 $some "$units/"
	[ "$mine" != "$first" ] || break
done
set --
there=
for unit in $mine; do
	set -- "$@" "$units/$unit"
	[ ! -e "$unit" ] || there=yes
	for name in $dropins; do set -- "$@" "$units/$unit.d/$name"; done
done
# There are no such files here to be installed.
[ -n "$there" ] || runs install -m 0644 $mine "$units/"
may rm -f "$@"
# Nor one there, to be removed; where this may not be asked for, nothing is known of a password.
none=$units/$first.d/none-of-$$.conf
if sudo -n -l rm -f "$none" >/dev/null 2>&1; then runs rm -f "$none"; fi
[ -z "$dropins" ] || for unit in $mine; do
	set --
	for name in $dropins; do set -- "$@" "$unit.d/$name"; done
	may install -d -m 0755 "$units/$unit.d"
	may install -m 0644 "$@" "$units/$unit.d/"
	may rm -d "$units/$unit.d"
done
if [ -n "$existing" ]; then
	for verb in start stop enable disable; do may systemctl --no-ask-password "$verb" "$existing"; done
fi
if [ -n "$missing" ]; then
	say "problem systemd.sudo the user $(id -un) may not run $missing by sudo without a password${refusing:+ ($(say $refusing))}: add to a file in /etc/sudoers.d there: $(id -un) ALL = (root) NOPASSWD: $rules (the guide on machines has narrower rules; with those, see that they are for these units: $(say $mine))"
fi
