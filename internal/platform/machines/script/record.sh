# Writes the record on standard input, and says the labels of all releases that are needed.

[ -d "$dir" ] || fail '' "the directory $dir is gone"
mkdir -p "$dir/records" && (umask 077 && cat >"$dir/records/.$label.json") && sync "$dir/records/.$label.json" && mv -f "$dir/records/.$label.json" "$dir/records/$label.json" ||
	fail '' "the release's record cannot be written into $dir/records"
for file in "$dir"/records/*.json; do file=${file##*/}; echo "${file%.json}"; done
for file in "$dir"/slots/*/*/release; do
	[ -e "$file" ] && read -r other <"$file" && echo "${other##*/}"
done
exit 0
