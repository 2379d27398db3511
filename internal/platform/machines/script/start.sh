# Starts the wanted units from the files on standard input. Those that run this release are left alone.

[ -d "$dir/releases/$label" ] && [ -e "$dir/records/$label.json" ] || fail '' "its files are not in place in $dir/releases/$label: place it first"
in=$dir/.incoming
# -m: the files are dated by the machine.
rm -rf "$in" && (umask 077 && mkdir "$in") && tar -xmof - -C "$in" || fail '' "what to start cannot be written into $dir: is its disk full?"
trap 'rm -rf "$in"' EXIT
# What a lost connection has cut off ends like what is whole.
[ -e "$in/$whole" ] || fail '' "what to start did not arrive whole"

# Who has the slot, and what runs in the others.
all=$wanted
for file in "$dir"/slots/*/*/unit; do [ -e "$file" ] && read -r unit <"$file" && all="$all $unit"; done
shown=$(show -p Id -p LoadState -p ActiveState -p UnitFileState -p FragmentPath -p Environment $all) || fail '' "systemd does not answer"
running= leaving= labels= need= enable=
seen() {
	[ -n "$id" ] || return 0
	theirs=
	case $environment in *DEPLOY_RELEASE=*) theirs=${environment##*DEPLOY_RELEASE=}; theirs=${theirs%% *}; theirs=${theirs%\"} ;; esac
	their_slot=
	case $environment in *DEPLOY_SLOT=*) their_slot=${environment##*DEPLOY_SLOT=}; their_slot=${their_slot%% *} ;; esac
	# One whose file somebody has removed runs on, and does not say what it is.
	if [ -z "$theirs" ] && [ "$loaded" = not-found ]; then
		case " $wanted " in *" $id "*) of "$id"; [ ! -e "$dir/slots/$slot/$number/release" ] || read -r theirs <"$dir/slots/$slot/$number/release" ;; esac
	fi
	case $active in
	active | reloading | activating)
		[ "$their_slot" = "$slot" ] || case " $wanted " in *" $id "*) their_slot=$slot ;; esac
		if [ "$their_slot" = "$slot" ]; then
			[ "$theirs" = "$release" ] || fail '' "slot $slot holds another release: ${theirs:-something else} runs as $id; stop it first"
			if [ "$file" = enabled ]; then running="$running $id"; else enable="$enable $id"; fi
		fi
		labels="$labels ${theirs##*/}" ;;
	deactivating) leaving="$leaving $id" ;;
	esac
	case " $wanted " in *" $id "*)
		[ -z "$fragment" ] || [ "$fragment" = "$units/$id" ] || fail '' "$(their_unit "$id" "$fragment")"
	esac
}
id= loaded= active= file= fragment= environment=
while IFS= read -r line; do
	case $line in
	Id=*) id=${line#*=} ;;
	LoadState=*) loaded=${line#*=} ;;
	ActiveState=*) active=${line#*=} ;;
	UnitFileState=*) file=${line#*=} ;;
	FragmentPath=*) fragment=${line#*=} ;;
	Environment=*) environment=${line#*=} ;;
	'') seen; id= loaded= active= file= fragment= environment= ;;
	esac
done <<EOF
$shown

EOF
ports=
for unit in $wanted; do
	case " $running " in *" $unit "*) continue ;; esac
	need="$need $unit"
	case " $enable $leaving " in *" $unit "*) continue ;; esac
	of "$unit"; ports="$ports|$port"
done
[ -n "$need" ] || exit 0

# Whether the ports are free.
if [ -n "$ports" ]; then
	found=$(listeners "$listen(${ports#|})$listens" | grep -vE "$loopback")
	if [ -n "$found" ]; then
		set -f; set -- $found; set +f
		port=$((0x${2##*:})) user=$8 inode=${10}
		holder=$(ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n -e '/^\/proc\//h' -e "/socket:\[$inode\]/{x;p;q}")
		holder=${holder#/proc/}; holder=${holder%%/*}
		if [ -n "$holder" ]; then holder="process $holder ($(cat "/proc/$holder/comm"))"; else holder="a process of the user $(id -nu "$user" 2>/dev/null || echo "with the id $user")"; fi
		fail port "$port $holder"
	fi
fi

# The units, where they are others than those that are there.
mkdir -p "$units" 2>/dev/null
cd "$in/units" || fail '' "what to start is not whole"
changed=
same() { [ -r "$2" ] && [ "$(cat "$1")" = "$(cat "$2")" ]; } # Not every host has cmp.
for unit in $need; do
	of "$unit"
	if [ -s "$units/$unit" ] || [ -L "$units/$unit" ]; then
		if ! same "$unit" "$units/$unit"; then
			! problem=$(their_unit "$unit" "$units/$unit") || fail '' "$problem"
			changed="$changed $unit"
		fi
	else
		changed="$changed $unit"
	fi
	new=
	for name in $dropins; do
		there=$units/$unit.d/$name
		if [ -s "$there" ]; then
			same "$unit.d/$name" "$there" && continue
			! problem=$(their_dropin "$there") || fail '' "$problem"
		fi
		new="$new $unit.d/$name"
	done
	if [ -n "$new" ]; then
		root install -d -m 0755 "$units/$unit.d" && root install -m 0644 $new "$units/$unit.d/" || fail '' "a drop-in cannot be written into $units/$unit.d"
	fi
	if [ -s "$dir/slots/$slot/$number/drop-ins" ]; then
		while read -r name; do
			case " $dropins " in *" $name "*) ;; *) root rm -f "$units/$unit.d/$name" || fail '' "a drop-in cannot be removed from $units/$unit.d" ;; esac
		done <"$dir/slots/$slot/$number/drop-ins"
	fi
done
if [ -n "$changed" ]; then root install -m 0644 $changed "$units/" 2>"$in/problem" || fail '' "the units cannot be written into $units: $(cat "$in/problem")"; fi

# What each is started with.
now=$(date +%s.%N)
mkdir -p "$dir/slots/$slot"
move=
set --
cd "$in" || fail '' "what to start is not whole"
for unit in $need; do
	case " $enable " in *" $unit "*) continue ;; esac
	of "$unit"
	echo "$now" >"$number/since"
	move="$move $number"
done
if [ -n "$move" ]; then
	# Secrets first: see remove.sh.
	(cd "$dir/slots/$slot" && for number in $move; do rm -rf "$number/environment" "$number/credentials" "$number" || exit; done) && mv $move "$dir/slots/$slot/" || fail '' "what to start cannot be written into $dir/slots/$slot"
fi
# Should the machine lose its power now, systemd is to find all of it.
for unit in $need; do of "$unit"; set -- "$@" "$units/$unit" "$dir/slots/$slot/$number"/*; done
sync "$@" 2>/dev/null
current=$(readlink "$dir/current")
case " $labels " in
*" ${current##*/} "*) [ -n "$current" ] || ln -sfn "releases/$label" "$dir/current" ;;
*) ln -sfn "releases/$label" "$dir/current" ;;
esac

# Puts which process of the unit $1 ended last since it is started here into $command, and its status into $ended, as the journal has it: systemd
# forgets the end of a command that is run before the program when it tries again or reads its units anew, and the program's own when it starts
# it again. Not everybody may have the journal take in what it was told.
last_end() {
	command= ended=0
	journal_sync
	entry=$(journal -o json --output-fields=COMMAND,EXIT_STATUS -r -n 1 "$field=$1" MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15 "--since=@$now" 2>/dev/null)
	case $entry in *'"COMMAND":"'*) command=${entry##*'"COMMAND":"'}; command=${command%%'"'*} ;; esac
	case $entry in *'"EXIT_STATUS":"'[0-9]*) ended=${entry##*'"EXIT_STATUS":"'}; ended=${ended%%[!0-9]*} ;; esac
}

# Whether the exit status $1 is systemd's own, of a process in which it did not come to the program (systemd.exec(5)). 255 is many a program's.
systemds() { [ "$1" -ge 200 ] && [ "$1" -le 245 ]; }

# Puts the same into them of a command that is run before the program of the unit $1, and did not come through, as systemd has it.
ended_before() {
	command= ended=0
	while IFS= read -r line; do # the last one of each command, which may have several
		case ${line##*; ignore_errors=} in
		*' ; code=(null) ; status=0/0 }' | *' ; code=exited ; status=0 }') ;;
		'no ; '*' ; code='*' ; status='*' }') command=ExecStartPre ended=${line##* ; status=}; ended=${ended%%[!0-9]*} ;;
		esac
	done <<EOF
$(show --value -p ExecStartPre "$1")
EOF
}

# Whether a command that is run before a unit's program ran, and did not come through: $1 is the unit, of which $state is known. Where systemd
# has forgotten it, and the journal may not be read or does not have it yet, the next end is waited for, for five seconds at most. A program that is
# reached meanwhile is seen as it runs.
failed_before() {
	ends=$(($(date +%s) + 5))
	while :; do
		case $state in
		*ExecMainPID=[!0]*) return 0 ;;
		*Result=exit-code* | *Result=signal* | *Result=core-dump* | *Result=timeout* | *SubState=start-pre*) ;;
		*SubState=auto-restart* | *SubState=failed*) ;; # It has forgotten that, too.
		*) return 1 ;;
		esac
		ended_before "$1"
		[ -n "$command" ] || last_end "$1"
		if [ -n "$command" ]; then
			[ "$command" = ExecStartPre ] && ! systemds "$ended"
			return
		fi
		[ "$(date +%s)" -lt "$ends" ] || return 1
		sleep 0.1
		state=$(how "$1")
	done
}

# Says how the unit $1 is.
how() { show -p ActiveState -p SubState -p UnitFileState -p Result -p ExecMainPID -p ExecMainStatus "$1"; }

# Puts how the unit $1 is into $state, and how its program ended into $status. Where it is being started again, and the journal may not be
# read, the next end is waited for, ten seconds at most.
ask() {
	ends=$(($(date +%s) + 10))
	while :; do
		state=$(how "$1")
		status=${state##*ExecMainStatus=}; status=${status%%[!0-9]*}
		case "$state." in
		*SubState=start[!-a-z]*) ;;
		*) return ;;
		esac
		last_end "$1"
		if systemds "$ended"; then status=$ended; return; fi
		[ "$(date +%s)" -lt "$ends" ] || return
		sleep 0.1
	done
}

# Whether a unit comes back when the machine is started again: by its UnitFileState, and by inspect.go.
enabled() {
	case ${1%%[!a-z-]*} in enabled | enabled-runtime | static | indirect | generated | alias) ;; *) return 1 ;; esac
}

if ! ctl enable --now $need >/dev/null 2>"$in/problem"; then
	why=$(grep -v -e 'Created symlink' -e 'systemctl.* status ' -e '^See ' "$in/problem" | head -5)
	failed=
	for unit in $need; do
		ask "$unit"
		case $state in
		*ActiveState=active*)
			# It ran before, as it is not started where it cannot be enabled. So it is left to run.
			enabled "${state##*UnitFileState=}" || failed="$failed
$unit runs, and is not enabled: it would not come back when the machine is started again"
			continue ;;
		# That is the release's own failure, as its program's end is.
		*ExecMainPID=0*) ! failed_before "$unit" || continue ;;
		# Its program ran, and ended at once; that is no failure to start it.
		*ActiveState=activating*) systemds "${status:-0}" || continue ;;
		esac
		ctl disable --now --no-reload "$unit" >/dev/null 2>&1
		failed="$failed
$unit: $(echo $state)
$(journal -n 10 -o cat "$field=$unit" + "$match=$unit" "--since=@$now" 2>/dev/null)"
	done
	[ -z "$failed" ] || fail start "$why$failed"
fi
