# Takes the artifact from byte $offset to byte $total on standard input.

(
	permitted
	mkdir -p -- "$kept/used-by" "$directory/releases" && touch -- "$kept/used-by/$label" || exit 1
) || exit
partial=$kept/artifact.partial
umask 077
exec 7>>"$partial"
umask 022
private "$partial"
if ! lock; then
	# With all of it there, it is being digested or unpacked.
	if [ "$(size)" -ge "$total" ]; then answer working; else answer busy "$(size)"; fi
	exit 0
fi
# Another was here before: it was completed and renamed, or given up.
same "$partial" || { answer again; exit 0; }
if [ -f "$kept/artifact" ]; then
	(
		permitted
		rm -f -- "$partial"
	) || exit
	answer again
	exit 0
fi
if [ "$(size)" -gt "$total" ]; then
	(
		permitted
		: >"$partial"
	) || exit
fi
if [ "$(size)" -ne "$offset" ]; then
	answer again
	exit 0
fi

said=$(cat 2>&1 >&7)
status=$?
case $said in
*'No space left'* | *'quota exceeded'*) full ;;
esac
# 137: it was ended by another upload that waited for it.
[ "$status" -eq 0 ] || [ "$status" -eq 137 ] || fail "write $partial: $said"
if [ "$(size)" -ne "$total" ]; then
	answer again
	exit 0
fi

clock
begun=$clock
if ! sound "$partial"; then
	(
		permitted
		rm -f -- "$partial"
	) || exit
	answer wrong "$sum"
	exit 0
fi
durable "$partial"
(
	permitted
	mv -f -- "$partial" "$kept/artifact" || exit 1
) || exit
durable "$kept"
clock
answer checked "$begun" "$clock"
install
