# Says what stands in the way of a release, a problem a line.

for tool in $tools; do
	command -v "$tool" >/dev/null && continue
	case $tool in
	cmp) package=diffutils ;;
	find) package=findutils ;;
	flock) package=util-linux ;;
	install | od | sha256sum | stat) package=coreutils ;;
	journalctl | systemctl) package=systemd ;;
	*) package=$tool ;;
	esac
	echo "problem directory there is no $tool: install it (package $package)"
done
there=$dir
until [ -e "$there" ]; do there=${there%/*}; there=${there:-/}; done
if [ ! -d "$there" ]; then say "problem directory $there is not a directory"
elif [ ! -w "$there" ] && { [ "$there" = "$dir" ] || [ -z "$sudo" ]; }; then
	say "problem directory the user $(id -un) cannot write into $there: make $dir, and give it to that user"
fi
[ -z "$user" ] || id -u "$user" >/dev/null 2>&1 || say "problem systemd.user there is no user $user: make it (useradd --system $user)"
