# Starts the supervisor of a machine in its namespaces, and cleans up behind it. Arguments: those of supervise.sh, after its text.
set -u
supervise=$1
shift
directory=$1 cgroup=$6
unshare --mount --pid --fork --kill-child --mount-proc --propagation private bash -c "$supervise" supervise "$@"
status=$?
rm -rf "$directory"
# The last processes leave them a moment after they are gone.
for _ in {1..100}; do
	left=
	for group in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
		if [[ -d $group/$cgroup ]]; then
			find "$group/$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
			[[ ! -d $group/$cgroup ]] || left=$group/$cgroup
		fi
	done
	[[ -n $left ]] || break
	sleep 0.05
done
exit $status
