# Says what stands in the way of a release, a problem a line. Its arguments are the paths that instances may write to.

for tool in $tools; do
	command -v "$tool" >/dev/null && continue
	case $tool in
	flock) package=util-linux ;;
	install | od | sha256sum | stat) package=coreutils ;;
	journalctl | systemctl) package=systemd ;;
	*) package=$tool ;;
	esac
	say "problem directory there is no $tool: install it (package $package)"
done
there=$dir
until [ -e "$there" ]; do there=${there%/*}; there=${there:-/}; done
if [ ! -d "$there" ]; then say "problem directory $there is not a directory"
elif [ ! -w "$there" ] && { [ "$there" = "$dir" ] || [ -z "$sudo" ]; }; then
	say "problem directory the user $(id -un) cannot write into $there: make $dir, and give it to that user"
fi
[ -z "$user" ] || id -u "$user" >/dev/null 2>&1 || say "problem systemd.user there is no user $user: make it (useradd --system $user)"
if [ -n "$group" ] && command -v getent >/dev/null; then
	getent group "$group" >/dev/null 2>&1 || say "problem systemd.group there is no group $group (systemd.group): make it (groupadd --system $group)"
fi
for path in "$@"; do
	there=$path
	until [ -e "$there" ] || [ "$there" = / ]; do there=${there%/*}; there=${there:-/}; done
	# What lies in a directory that we may not look into, root may see all the same.
	if [ "$there" != "$path" ] && [ -x "$there" ]; then
		say "problem systemd.writable there is no $path (systemd.writable), and no unit starts without it: make it, and give it to whom instances run as; or leave it out"
	fi
done
