# Refuses another service's directory.

if [ -s "$dir/service" ]; then
	read -r owner <"$dir/service" || fail '' "the user $(id -un) cannot read $dir/service"
	[ "$owner" = "$id" ] || fail '' "the directory $dir belongs to the service $owner: give each service its own"
fi
