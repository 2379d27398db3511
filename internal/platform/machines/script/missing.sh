# Says since when it runs, what the journal begins with, and what it was told that was dropped.

echo "since $since"
journal -o short-unix 2>/dev/null | while read -r first rest; do echo "oldest $first"; break; done
journal -o cat "--since=@$since" MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e 2>/dev/null | grep -F " $unit" | tail -n 1 | while IFS= read -r line; do say "dropped $line"; done
exit 0
