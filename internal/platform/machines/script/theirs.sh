# Looks for units and drop-ins that are not this service's where its own are to be. They are never overwritten.

their_unit() { # a unit, and its file
	[ "$2" = "$units/$1" ] && { { [ ! -s "$2" ] && [ ! -L "$2" ]; } || grep -qxF "$mark" "$2"; } && return 1
	say "there is a unit $2 already, which is not this service's, so it is left as it is: where nothing needs it, stop it (systemctl disable --now $1), move its file away and run systemctl daemon-reload; else give the service another name"
}
their_dropin() { # the file of a drop-in
	{ [ ! -s "$1" ] || grep -qxF "$mark" "$1"; } && return 1
	say "there is a drop-in $1 already, which is not this service's, so it is left as it is: give that of systemd.drop_ins another name, or move this one away"
}
theirs() { # of one of the wanted units: its name, and where systemd found it
	their_unit "$1" "${2:-$units/$1}" && return
	for name in $dropins; do
		their_dropin "$units/$1.d/$name" && return
	done
	return 1
}
