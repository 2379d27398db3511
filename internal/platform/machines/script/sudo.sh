# Says which of the commands that scripts run by sudo it refuses, with the line for sudoers that allows them. Rules may be for some
# arguments alone, so those are asked for that are used.

refusing= missing= rules=
may() {
	why=$("$@" 2>&1 >/dev/null) && return
	refusing=${refusing:-$why}
	while [ "$1" = sudo ] || [ "$1" = -n ] || [ "$1" = -l ]; do shift; done
	case ", $missing," in *", $1,"*) return ;; esac
	missing=${missing:+$missing, }$1
	rules=${rules:+$rules, }$(command -v "$1" || echo "/usr/bin/$1")
}
may sudo -n systemctl --version
may sudo -n -l systemctl --no-ask-password daemon-reload
may sudo -n -l journalctl -q --no-pager -n 1
for unit in $mine; do
	may sudo -n -l systemctl --no-ask-password enable --now "$unit"
	may sudo -n -l systemctl --no-ask-password disable --now --no-reload "$unit"
	may sudo -n -l install -m 0644 "$unit" "$units/"
	may sudo -n -l rm -f "$units/$unit"
	[ -z "$dropins" ] || may sudo -n -l install -d -m 0755 "$units/$unit.d"
done
[ -z "$existing" ] || may sudo -n -l systemctl --no-ask-password stop "$existing"
if [ -n "$missing" ]; then
	echo "problem systemd.sudo the user $(id -un) may not run $missing by sudo without a password${refusing:+ ($(echo $refusing))}: add to a file in /etc/sudoers.d there: $(id -un) ALL = (root) NOPASSWD: $rules (the guide on machines has narrower rules; with those, see that they are for these units: $(echo $mine))"
fi
