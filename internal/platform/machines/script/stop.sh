# Stops and disables those of the wanted units that are the release's.

# Of each: whether it is this release's, by what runs, and by what lies there.
shown=$(show -p Id -p LoadState -p ActiveState -p Environment $wanted) || fail '' "systemd does not answer"
busy=
seen() {
	case $active in active | reloading | activating | deactivating) ;; *) return 0 ;; esac
	# One whose file somebody has removed runs on, and does not say what it is.
	of "$id"
	if [ "$loaded" = not-found ] && [ -e "$dir/slots/$slot/$number/release" ]; then
		read -r environment <"$dir/slots/$slot/$number/release"
		environment=DEPLOY_RELEASE=$environment
	fi
	case "$environment " in *"DEPLOY_RELEASE=$release "*) busy="$busy $id" ;; *) theirs="$theirs $id" ;; esac
}
id= loaded= active= environment= theirs=
while IFS= read -r line; do
	case $line in
	Id=*) id=${line#*=} ;;
	LoadState=*) loaded=${line#*=} ;;
	ActiveState=*) active=${line#*=} ;;
	Environment=*) environment=${line#*=} ;;
	'') seen; id= loaded= active= environment= ;;
	esac
done <<EOF
$shown

EOF
ours=
for unit in $wanted; do
	case " $theirs " in *" $unit "*) continue ;; esac
	case " $busy " in *" $unit "*) ours="$ours $unit"; continue ;; esac
	[ -e "$units/$unit" ] && grep -qxF "$marked" "$units/$unit" && ours="$ours $unit"
done
if [ -n "$ours" ]; then
	filed=
	for unit in $ours; do
		if [ -e "$units/$unit" ]; then filed="$filed $unit"; fi
	done
	# What systemd knows of them is read again when something is started.
	if [ -n "$filed" ]; then
		problem=$(ctl disable --now --no-reload $filed 2>&1) || fail stop "$problem"
	fi
	if [ "$filed" != "$ours" ]; then # Somebody has removed the file of one that runs.
		problem=$(ctl stop $ours 2>&1) || fail stop "$problem"
	fi
	for unit in $busy; do
		case $(show --value -p ActiveState "$unit") in
		active | activating | deactivating | reloading) fail stop "$unit still runs: $problem" ;;
		esac
		of "$unit"
		[ ! -d "$dir/slots/$slot/$number" ] || date +%s.%N >"$dir/slots/$slot/$number/stopped"
	done
	if [ -n "$busy" ]; then journal_sync; fi
fi
# What else runs here is what is current now.
current=$(readlink "$dir/current")
if [ "$current" = "releases/$label" ]; then
	for file in "$dir"/slots/*/*/unit; do
		[ -e "$file" ] || continue
		read -r unit <"$file"; read -r other <"${file%unit}release"
		[ "$other" = "$release" ] && [ "${file%/*/unit}" = "$dir/slots/$slot" ] && continue
		[ "$(show --value -p ActiveState "$unit")" = active ] && ln -sfn "releases/${other##*/}" "$dir/current" && break
	done
fi
