# Says which of the wanted units, or of their drop-ins, are somebody else's, a problem a line.

whose() {
	[ -n "$id" ] || return 0
	problem=$(theirs "$id" "$fragment") && say "problem systemd $problem"
}
id='' fragment=''
while IFS= read -r line; do
	case $line in
	Id=*) id=${line#*=} ;;
	FragmentPath=*) fragment=${line#*=} ;;
	'') whose; id='' fragment='' ;;
	esac
done <<EOF
$(show -p Id -p FragmentPath $wanted 2>/dev/null)

EOF
