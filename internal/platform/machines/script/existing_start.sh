# Starts the user's own unit, and enables it where a stop has disabled it.

[ "$(show --value -p LoadState "$unit")" = loaded ] || fail '' "there is no unit $unit any more"
case $(show --value -p ActiveState "$unit") in
active | reloading) ;;
*) problem=$(ctl start "$unit" 2>&1) || fail start "$problem" ;;
esac
# One that was stopped was disabled as well, so that it would not come back beside others.
if [ -e "$dir/existing" ]; then
	if grep -qx enabled "$dir/existing"; then problem=$(ctl enable "$unit" 2>&1) || fail start "$problem"; fi
	rm -f "$dir/existing"
fi
exit 0
