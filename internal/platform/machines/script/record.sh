# Writes the record on standard input, of $size bytes, and says the labels of all releases that are needed.

[ -d "$dir" ] || fail '' "the directory $dir is gone"
new=$dir/records/.$label.json
mkdir -p "$dir/records" && (umask 077 && cat >"$new") || fail '' "the release's record cannot be written into $dir/records"
# What a lost connection has cut off ends like what is whole.
[ "$(stat -c %s "$new")" = "$size" ] || fail '' "the release's record did not arrive whole"
sync "$new" && mv -f "$new" "$dir/records/$label.json" || fail '' "the release's record cannot be written into $dir/records"
for file in "$dir"/records/*.json; do file=${file##*/}; echo "${file%.json}"; done
for file in "$dir"/slots/*/*/release; do
	[ -e "$file" ] && read -r other <"$file" && echo "${other##*/}"
done
exit 0
