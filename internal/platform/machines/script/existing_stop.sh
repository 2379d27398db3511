# Stops and disables the user's own unit.

case $(show --value -p UnitFileState "$unit") in
enabled) problem=$(ctl disable "$unit" 2>&1) || fail stop "$problem" ;;
esac
case $(show --value -p ActiveState "$unit") in
inactive | failed) ;;
*) problem=$(ctl stop "$unit" 2>&1) || fail stop "$problem" ;;
esac
# That it is kept ready, and was not removed, is told by a file.
mkdir -p "$dir" 2>/dev/null
