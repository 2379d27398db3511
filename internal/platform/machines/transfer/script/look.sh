# Tells what is there, and makes the files where the artifact is.

if [ -d "$release" ]; then
	answer installed
	exit 0
fi
if [ "$effects" = yes ] && [ -f "$kept/artifact" ]; then
	exec 7>>"$kept/artifact"
	private "$kept/artifact"
	lock || { answer working; exit 0; }
	same "$kept/artifact" || { answer again; exit 0; }
	if [ -d "$release" ]; then
		answer installed
		exit 0
	fi
	clock
	begun=$clock
	if sound "$kept/artifact"; then
		clock
		answer checked "$begun" "$clock"
		(
			permitted
			mkdir -p -- "$kept/used-by" "$directory/releases" && touch -- "$kept/used-by/$label" || exit 1
		) || exit
		install
		exit 0
	fi
	# It was whole once. It comes again.
	(
		permitted
		rm -f -- "$kept/artifact" || exit 1
	) || exit
fi
if [ -f "$kept/artifact" ]; then
	answer whole
elif [ -f "$kept/artifact.partial" ]; then
	answer absent "$(stat -c %s -- "$kept/artifact.partial")"
else
	answer absent 0
fi
answer free "$(room)"
answer machine "$(uname -m)"
command -v zstd >/dev/null && answer zstd
command -v flock >/dev/null || answer no-flock
exit 0
