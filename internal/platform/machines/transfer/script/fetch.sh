# Says a piece of the artifact that is kept here, from its byte at $from, counted from 1; nothing behind its end.

kept=$directory/artifacts/$digest/artifact
[ -f "$kept" ] || fail "no artifact with that digest is kept in $directory"
tail -c "+$from" -- "$kept" | head -c "$piece"
