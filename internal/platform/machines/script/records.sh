# Says of each record when it was written, and what it is, a line each.

for file in "$dir"/records/*.json; do
	[ -e "$file" ] || continue
	name=${file##*/}
	[ -d "$dir/releases/${name%.json}" ] || continue
	say "$(stat -c %.9Y "$file" 2>/dev/null || echo 0) $(cat "$file")"
done
exit 0
