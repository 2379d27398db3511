# What to say of a journal that cannot be read, with what helps; and whether there is such a one.

unreadable() { # what journalctl says
	set -f; set -- $1; set +f # in one line
	said="the journal cannot be read${*:+: $*}"
	[ "$match" = _SYSTEMD_UNIT ] ||
		said="$said; make the user $(id -un) a member of the group systemd-journal (usermod -aG systemd-journal $(id -un)), or have the journal kept on disk (Storage=persistent in journald.conf), where what a user's own units write is the user's"
	say "$said"
}

# By sudo it is asked for beside all else that is.
readable() {
	[ "$match" != _SYSTEMD_UNIT ] || return 0
	problem=$(journal -n 1 2>&1 >/dev/null) || say "problem systemd.scope $(unreadable "$problem")"
}
