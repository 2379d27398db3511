# Says what there is of the units, in lines that readSights reads. A look goes to every machine, and often: each process that it starts counts.

shown=$(show -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p MainPID -p NRestarts -p ExecMainCode -p ExecMainStatus \
	-p ExecMainExitTimestamp -p ActiveEnterTimestampMonotonic -p Result -p InvocationID -p Environment -p ControlGroup -p UID $wanted) || fail '' "systemd does not answer"
printf '%s\n\nend\n' "$shown"
slot_files() {
	for what in release since stopped; do
		[ ! -e "$3/$what" ] || { read -r value <"$3/$what"; echo "slot $1 $what $value"; }
	done
}
each slot_files
# By systemd's own clock: the kernel of a container is older than it. Only what does not run, or not yet, or not for long, is compared with it.
case $shown in *ActiveState=inactive* | *ActiveState=failed* | *ActiveState=activating* | *ActiveState=deactivating*)
	echo "boot $(systemctl show --value -p UserspaceTimestamp)"
	echo "manager $(systemctl $([ "$match" = _SYSTEMD_UNIT ] || echo --user) is-system-running 2>/dev/null)"
	;;
esac

# One start of the machine is told from another by the kernel's, and by when the first process was started: a container has the kernel of its host.
kernel= first=
{ read -r kernel </proc/sys/kernel/random/boot_id; } 2>/dev/null
{ IFS= read -r first </proc/1/stat; } 2>/dev/null
set -f; set -- ${first##*) }; set +f
echo "machine $kernel ${20}"

# Who listens: the lines, and the numbers of the sockets.
listening=$(listeners "$where") inodes=
if [ -n "$listening" ]; then
	while IFS= read -r line; do
		echo "socket $line"
		set -f; set -- $line; set +f
		inodes="$inodes ${10}"
	done <<EOF
$listening
EOF
fi
of_those=
for inode in $inodes; do of_those="$of_those${of_those:+\\|}$inode"; done

events() { # the unit's last starts, and ends of processes
	journal -o json --output-fields=MESSAGE_ID,INVOCATION_ID,USER_INVOCATION_ID,EXIT_CODE,EXIT_STATUS,COMMAND -r -n 200 "$field=$unit" \
		MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15 MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5 2>/dev/null
}

young() { # whether the unit's last start may be less than half a minute ago
	[ "$active" = active ] && [ -n "$entered" ] || return 0
	uptime=
	{ read -r uptime value </proc/uptime; } 2>/dev/null
	[ $((${uptime%%.*} - ${entered%??????})) -lt 30 ]
}

active= entered= group= pid= restarts= unit= uid= invocation= held= synced=
hold() { # which of them are of a unit's processes
	[ -n "$unit" ] || return 0
	if [ "${restarts:-0}" -gt 0 ]; then
		events=$(events)
		case $synced$events in
		synced* | *"$invocation"*) ;;
		# The journal is behind. Where the start is long ago it has lost it, or is not ours to read.
		*) if young; then synced=synced; journal_sync; events=$(events); fi ;;
		esac
		[ -z "$events" ] || printf '%s\n' "$events" | sed "s/^/event $unit /"
	fi
	[ "${pid:-0}" -gt 0 ] || return 0
	# Ends in a NUL, which nothing here can hold: it is left to the reader.
	sed -zn "s/^DEPLOY_RELEASE=\(.*\)/process $unit \1\n/p" "/proc/$pid/environ" 2>/dev/null
	who=
	{ while read -r what value rest; do
		[ "$what" != Uid: ] || { who=$value; break; }
	done <"/proc/$pid/status"; } 2>/dev/null
	# Where processes of others are not to be seen at all (hidepid), systemd knows whose they are.
	if [ -z "$who" ]; then
		who=$uid
		[ -e "/proc/$pid" ] || { echo "held $unit hidden"; held="$held hidden"; }
	fi
	echo "user $unit $who"
	[ -n "$inodes" ] || return 0
	pids=
	for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
		[ -n "$group" ] && [ -e "$root$group/cgroup.procs" ] || continue
		set -- "$root$group"/*/
		if [ -d "$1" ]; then
			pids=$(find "$root$group" -name cgroup.procs -exec cat {} + 2>/dev/null) # Without a find its main process has to do.
		else # the usual case, without another process
			while read -r value; do pids="$pids $value"; done 2>/dev/null <"$root$group/cgroup.procs"
		fi
		[ -z "$pids" ] || break
	done
	files=
	for one in ${pids:-$pid}; do files="$files /proc/$one/fd"; done
	for one in $(ls -l $files 2>&1 | sed -n -e "s/.*socket:\[\($of_those\)\].*/\1/p" -e 's/.*Permission denied.*/hidden/p' -e 's/.*Operation not permitted.*/hidden/p'); do
		echo "held $unit $one"
		held="$held $one"
	done
}
while IFS= read -r line; do
	case $line in
	Id=*) unit=${line#*=} ;;
	ActiveState=*) active=${line#*=} ;;
	ActiveEnterTimestampMonotonic=*) entered=${line#*=} ;;
	MainPID=*) pid=${line#*=} ;;
	NRestarts=*) restarts=${line#*=} ;;
	ControlGroup=*) group=${line#*=} ;;
	UID=*) uid=${line#*=} ;;
	InvocationID=*) invocation=${line#*=} ;;
	'') hold; active= entered= group= pid= restarts= unit= uid= invocation= ;;
	esac
done <<EOF
$shown

EOF

# Who holds those that are of no unit.
for inode in $inodes; do
	case " $held " in *" $inode "*) continue ;; esac
	holder=$(ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n -e '/^\/proc\//h' -e "/socket:\[$inode\]/{x;p;q}")
	holder=${holder#/proc/}; holder=${holder%%/*}
	[ -z "$holder" ] || echo "holder $inode process $holder ($(cat "/proc/$holder/comm" 2>/dev/null))"
done
exit 0
