# Follows journal.sh. Says since when it runs, what the journal begins with, whether that has anything of it, and what it was told that was dropped.

oldest=$(journal -o short-unix 2>/dev/null | while read -r first rest; do say "$first"; break; done)
late=
if [ -n "$oldest" ] && [ "${oldest%%.*}" -gt "${since%%.*}" ]; then late=yes; fi
# systemd's own words of a unit are there where the unit says nothing, once they have come in; in a journal that begins later they are not.
seen= ends=$(($(date +%s) + 3))
while :; do
	seen=$(journal -o short-unix -n 1 "--since=@$since" $who + $about 2>/dev/null) || fail '' "$(unreadable "$(journal -n 1 2>&1 >/dev/null)")"
	[ -z "$seen$late" ] && [ "$(date +%s)" -lt "$ends" ] || break
	journal_sync
	sleep 0.1
done
echo "since $since"
[ -z "$seen" ] || echo "seen yes"
[ -z "$oldest" ] || echo "oldest $oldest"
journal -o cat "--since=@$since" MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e 2>/dev/null | grep -F " $unit" | tail -n 1 | while IFS= read -r line; do say "dropped $line"; done
exit 0
