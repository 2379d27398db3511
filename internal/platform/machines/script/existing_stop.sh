# Stops and disables the user's own unit.

mkdir -p "$dir" 2>/dev/null
was=$(show --value -p UnitFileState "$unit")
# That it is kept ready, and was not removed, is told by a file; also whether it was enabled before.
[ -s "$dir/existing" ] || printf '%s\n%s\n' "$release" "$was" >"$dir/existing" || fail '' "$dir cannot be written into"
if [ "$was" = enabled ]; then problem=$(ctl disable "$unit" 2>&1) || fail stop "$problem"; fi
case $(show --value -p ActiveState "$unit") in
inactive | failed) ;;
*) problem=$(ctl stop "$unit" 2>&1) || fail stop "$problem" ;;
esac
