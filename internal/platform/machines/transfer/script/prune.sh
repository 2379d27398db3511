# Keeps $keep releases, those in $needed among them.

releases=$directory/releases
artifacts=$directory/artifacts

needs() {
	case " $needed " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# ours: it was installed from an artifact.
ours() {
	for use in "$artifacts"/*/used-by/"$1"; do
		[ ! -e "$use" ] || return 0
	done
	return 1
}

# listed are the names in a directory that a label or a digest can have, the newest first.
listed() { ls -1t -- "$1" 2>/dev/null | grep -E '^[A-Za-z0-9][A-Za-z0-9._+-]*$'; }

# What cannot be removed keeps nothing else from it. Only what the guard says is an end.
behind=
goes_on() {
	[ "$1" -eq 1 ] || exit "$1"
	behind=yes
}

older=$(
	left=$keep
	for label in $needed; do
		[ ! -d "$releases/$label" ] || left=$((left - 1))
	done
	for label in $(listed "$releases"); do
		needs "$label" || ! ours "$label" || ! [ -d "$releases/$label" ] && continue
		left=$((left - 1))
		[ "$left" -ge 0 ] || answer "$label"
	done
)
if [ -n "$older" ]; then
	(
		permitted
		status=0
		for label in $older; do
			mv -f -- "$releases/$label" "$releases/.$label.removing.$$" && rm -f -- "$artifacts"/*/used-by/"$label" || status=1
		done
		exit $status
	) || goes_on $?
fi

# look goes through one artifact's directory. Nobody works on it: the locks are ours.
look() {
	stale='' used=no
	for use in "$1"/used-by/*; do
		[ -e "$use" ] || continue
		label=${use##*/}
		if [ -d "$releases/$label" ] || needs "$label"; then used=yes; else stale="$stale $label"; fi
		[ ! -d "$releases/.$label.unpacking" ] || stale_files="$stale_files $label"
	done
	if [ "$used" = yes ] && [ -z "$stale$stale_files" ]; then
		[ -f "$1/artifact" ] && [ -f "$1/artifact.partial" ] || return 0
	fi
	permitted
	for label in $stale_files; do
		erase "$releases/.$label.unpacking" || exit 1
	done
	for label in $stale; do
		rm -f -- "$1/used-by/$label" || exit 1
	done
	if [ "$used" = no ]; then
		mv -f -- "$1" "$artifacts/.${1##*/}.removing.$$" || exit 1
	elif [ -f "$1/artifact" ]; then
		rm -f -- "$1/artifact.partial" || exit 1
	fi
}

for hex in $(listed "$artifacts"); do
	[ "${#hex}" -eq 64 ] && [ -d "$artifacts/$hex" ] || continue
	(
		stale_files=''
		if [ -f "$artifacts/$hex/artifact" ]; then
			exec 7>>"$artifacts/$hex/artifact"
			flock -n 7 || exit 0
		fi
		if [ -f "$artifacts/$hex/artifact.partial" ]; then
			exec 8>>"$artifacts/$hex/artifact.partial"
			flock -n 8 || exit 0
		fi
		look "$artifacts/$hex"
	) || goes_on $?
done

# What has no artifact any more belongs to nobody.
for dir in "$releases"/.*.unpacking; do
	[ -d "$dir" ] || continue
	label=${dir##*/.}
	label=${label%.unpacking}
	ours "$label" && continue
	(
		permitted
		erase "$dir" || exit 1
	) || goes_on $?
done
for dir in "$releases"/.*.removing.* "$artifacts"/.*.removing.*; do
	[ ! -d "$dir" ] || erase "$dir" || behind=yes
done
[ -z "$behind" ] || exit 1
answer pruned
