# Holds one machine, in namespaces of its own: whatever ends this ends all of it, processes and mounts alike. It is PID 1 there.
#
# Arguments: directory tree disk small limit cgroup name; seed, below the directory, is what the machine has of its own. Orders, a line each: "on" boots, "off" takes the power away. The end of
# the orders ends the machine, and so does the limit, in seconds. Answers, on the descriptor 3: "done" to each order.
set -u
seed=$1/seed tree=$2 disk=$3 small=$4 limit=$5 cgroup=$6 name=$7
fail() {
	echo "machine $name: $1" >&2
	exit 1
}

# The machine's own disk is memory: that is gone with the namespace, also where nobody could clean up.
base=/run/machine
mount -t tmpfs -o mode=755 machine /run || fail 'a tmpfs cannot be mounted'
mkdir -p $base
mount -t tmpfs -o "mode=755,size=$disk" machine $base || fail "a disk of $disk bytes cannot be mounted"
mkdir $base/upper $base/work $base/root $base/small
cp -a "$seed/." $base/upper/ || fail 'what is its own cannot be copied'
mount -t overlay machine -o "lowerdir=$tree,upperdir=$base/upper,workdir=$base/work" $base/root || fail 'overlayfs cannot be mounted'
mounts=()
if ((small > 0)); then
	mount -t tmpfs -o "mode=755,size=$small" small $base/small || fail "a disk of $small bytes cannot be mounted"
	mounts=(--bind=$base/small:/srv)
fi

# Machines that share a cgroup would take each other's processes for their own.
if [[ -d /sys/fs/cgroup/unified ]]; then
	groups=(/sys/fs/cgroup/unified /sys/fs/cgroup/systemd)
else
	groups=(/sys/fs/cgroup)
fi
# Debian's own choice, wherever the machine that this runs on has it.
export UNIFIED_CGROUP_HIERARCHY=1

machine() {
	local group
	for group in "${groups[@]}"; do
		if [[ -d $group ]]; then
			mkdir -p "$group/$cgroup" && echo 0 >"$group/$cgroup/cgroup.procs" || exit 1
		fi
	done
	local status=133
	while ((status == 133)); do # It says so when the machine wants to be booted again.
		systemd-nspawn --quiet --register=no --keep-unit --boot --directory=$base/root --machine="$name" --hostname="$name" \
			--resolv-conf=off --timezone=off --link-journal=no --console=read-only "${mounts[@]}" </dev/null 3>&-
		status=$?
	done
	echo "machine $name: systemd-nspawn ended with $status" >&2
}

while ((SECONDS < limit)) && read -r -t $((limit - SECONDS)) order; do
	case $order in
	on) machine & ;;
	off)
		# Everybody but PID 1, until nobody is left who could hold a port.
		while all=(/proc/[0-9]*) && ((${#all[@]} > 1)); do
			kill -KILL -1
			sleep 0.01
		done
		wait
		;;
	*) fail "unknown order $order" ;;
	esac
	echo done >&3
done
