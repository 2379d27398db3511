# Follows journal.sh. Says since when it runs, then what it wrote since, the last line first: the other way round journalctl would say the
# first ones. At the very end, where no line of a log can be, it says why the journal cannot be read: a pipe's status is not journalctl's.

echo "since $since"
journal_sync
exec 3>&1
why=$({
	{ problem=$(journal -a -o cat -r -n "$lines" "--since=@$since" $who 2>&1 >&4) || unreadable "$problem" >&5; } 4>&1 | head -c "$bytes" >&3
} 5>&1)
printf '\nend %s\n' "$why"
exit 0
