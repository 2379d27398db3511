# From the artifact, whole on this machine, to the release's files.

kept=$directory/artifacts/$digest
release=$directory/releases/$label
unfinished=$directory/releases/.$label.unpacking

clock() { read -r clock _ </proc/uptime; }

# full tells how much room there is, and lets go of what was sent.
full() {
	(
		permitted
		erase "$unfinished"
		rm -f -- "$kept/artifact.partial" "$kept/used-by/$label"
		# Only where no other release uses it.
		if rmdir -- "$kept/used-by" 2>/dev/null; then
			rm -f -- "$kept/artifact"
			rmdir -- "$kept" 2>/dev/null
		fi
		exit 0
	) || exit
	answer full "$(room)"
	exit 0
}

# room is what this user may still write, in bytes.
room() {
	room_at=$directory
	while [ ! -d "$room_at" ]; do room_at=$(dirname -- "$room_at"); done
	stat -f -c '%a %S' -- "$room_at" | { read -r blocks bytes && echo $((blocks * bytes)); }
}

# sound: $1, which is open as descriptor 7, has the digest.
sound() {
	sum=$(sha256sum <"$1") || fail "digest $1"
	sum=${sum%% *}
	[ "$sum" = "$digest" ]
}

# durable makes a file outlive a power failure. Old versions of sync know no files.
durable() { sync "$1" 2>/dev/null || sync; }

unpack() {
	head=$(od -An -v -tx1 -N4 "$kept/artifact" | tr -d ' \n')
	case $head in
	1f8b*) set -- -z ;;
	28b52ffd)
		command -v zstd >/dev/null || { answer no-zstd; exit 0; }
		set -- -I 'zstd -d --memory=128MB'
		;;
	*) set -- ;;
	esac
	erase "$unfinished"
	mkdir -- "$unfinished" || exit 1
	said=$({
		case $head in
		1f8b* | 28b52ffd) tar -x "$@" -f - --no-same-owner --no-same-permissions -C "$unfinished" <"$kept/artifact" ;;
		*) cp -- "$kept/artifact" "$unfinished/$name" && chmod 0755 -- "$unfinished/$name" ;;
		esac
		echo "status $?" >&2
	} 2>&1 | tail -n 20)
	case $said in
	*'status 0') ;;
	*'No space left'* | *'quota exceeded'*) full ;;
	*)
		erase "$unfinished"
		fail "unpack $kept/artifact: $said"
		;;
	esac
	chmod -R "$modes" -- "$unfinished" && chmod 0755 -- "$unfinished" || exit 1
	# The artifact was looked through before it was sent: this is to be safe, where there is a find.
	strange=$(! command -v find >/dev/null || find "$unfinished" ! -type f ! -type d ! -type l | head -n 1)
	if [ -n "$strange" ]; then
		erase "$unfinished"
		fail "$strange came out of the artifact, and is neither a file, a directory nor a link"
	fi
}

# suitable sees to it that the program is one that can run here.
suitable() {
	[ -n "$program" ] || return 0
	set --
	if [ ! -f "$unfinished/$program" ]; then
		set -- no-program
	elif [ ! -x "$unfinished/$program" ]; then
		set -- not-executable
	else
		machine=$(uname -m)
		kind=$(architecture "$(od -An -v -tx1 -N20 "$unfinished/$program" | tr -d ' \n')")
		runs "$kind" "$machine" || set -- foreign "$kind" "$machine"
	fi
	[ $# -gt 0 ] || return 0
	erase "$unfinished"
	answer "$@"
	exit 0
}

# install makes the release's files; descriptor 7 is the artifact, and holds its lock.
install() {
	(permitted) || exit
	clock
	begun=$clock
	unpack
	suitable
	# The time of the directory is that of the installation: pruning goes by it.
	touch -- "$unfinished" || exit 1
	sync -f "$unfinished" 2>/dev/null || sync
	(
		permitted
		[ -d "$release" ] || mv -f -- "$unfinished" "$release" || exit 1
	) || exit
	durable "$directory/releases"
	erase "$unfinished"
	clock
	answer unpacked "$begun" "$clock"
	answer installed
}
