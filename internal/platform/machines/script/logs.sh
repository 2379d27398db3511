# Follows journal.sh. Says since when it runs, then what it wrote since, the last line first: the other way round journalctl would say the
# first ones. At the very end, where no line of a log can be, it says why the journal cannot be read: a pipe's status is not journalctl's; and,
# where there is no line, whether there is one of systemd's about it. Whether there is one is told by dd, which takes no more than it is to.

echo "since $since"
journal_sync
exec 3>&1
seen=
if ! why=$({
	{ problem=$(journal -a -o cat -r -n "$lines" "--since=@$since" $who 2>&1 >&4) || unreadable "$problem" >&5; } 4>&1 | {
		case $(dd bs=1 count=1 2>&1 >&3) in 0*) exit 1 ;; esac
		head -c "$((bytes - 1))" >&3
		exit 0
	}
} 5>&1) && [ -z "$why" ]; then
	seen=$(journal -o short-unix -n 1 "--since=@$since" $about 2>/dev/null)
fi
printf '\nend %s\n' "$why"
[ -z "$seen" ] || echo seen
exit 0
