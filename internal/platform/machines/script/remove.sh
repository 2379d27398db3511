# Follows stop.sh: takes away what is the release's but its files.

set -- # the files of all of them, which go at once
emptied=
for unit in $ours; do
	of "$unit"
	set -- "$@" "$units/$unit"
	[ -s "$dir/slots/$slot/$number/drop-ins" ] || continue
	emptied="$emptied $unit"
	while read -r name; do set -- "$@" "$units/$unit.d/$name"; done <"$dir/slots/$slot/$number/drop-ins"
done
if [ -n "$ours" ]; then
	root rm -f "$@" || fail '' "the units cannot be removed from $units"
	# Only if they are empty: others' stay.
	for unit in $emptied; do root rm -d "$units/$unit.d" 2>/dev/null; done
	ctl daemon-reload && ctl reset-failed $ours 2>/dev/null
fi
for unit in $wanted; do
	of "$unit"
	there=
	[ -e "$dir/slots/$slot/$number/release" ] && read -r there <"$dir/slots/$slot/$number/release"
	[ "$there" = "$release" ] || continue
	# Secrets first: as long as the release is named there, another removal sees to what one that was ended has left.
	rm -rf "$dir/slots/$slot/$number/environment" "$dir/slots/$slot/$number/credentials" && rm -rf "$dir/slots/$slot/$number" ||
		fail '' "what it was started with cannot be removed from $dir/slots/$slot"
done
rm -rf "$dir/.incoming" # of a start that was ended
# The record goes with the last of its units, unless it is of the other slot.
for file in "$dir"/slots/*/*/release; do
	[ -e "$file" ] && read -r there <"$file" && [ "$there" = "$release" ] && exit 0
done
record=$dir/records/$label.json
[ ! -e "$record" ] || ! grep -qF "$recorded" "$record" || rm -f "$record"
[ "$(readlink "$dir/current")" != "releases/$label" ] || rm -f "$dir/current"
exit 0
