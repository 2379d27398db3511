# What to say of a journal that cannot be read, with what helps.

unreadable() { # what journalctl says
	set -f; set -- $1; set +f # in one line
	said="the journal cannot be read${*:+: $*}"
	[ "$match" = _SYSTEMD_UNIT ] ||
		said="$said; make the user $(id -un) a member of the group systemd-journal (usermod -aG systemd-journal $(id -un)), or have the journal kept on disk (Storage=persistent in journald.conf), where what a user's own units write is the user's"
	say "$said"
}
