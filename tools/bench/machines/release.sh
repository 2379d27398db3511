#!/usr/bin/env bash
# A release by hand: release.sh ARTIFACT VERSION OLD NEW, the last two being the slots, blue and green; with no OLD it is the first.
#
# It does what the benchmark's configuration asks of the provider, with the same waits, and on all hosts at once: upload, check, put in
# place, a unit, healthy for a second; both HAProxy made ready and found up by their own checks; the steps, each read back and written to the
# state file; nothing in flight to the old slot; the old units stopped. It does not judge, restore, record or lock anything, is not
# resumed, verifies no release by its process, and leaves old files where they are.
set -euo pipefail
artifact=$1 version=$2 old=$3 new=$4
: "${CONFIG:?ssh_config}" "${HOSTS:?names}" "${BALANCERS:?names}" "${PORT:?of the new slot}" "${STATS:?port}" "${STEPS?weights before 100}" "${PAUSE:?seconds}"
directory=/srv/hand
sum=$(sha256sum <"$artifact")
sum=${sum%% *}

on() { ssh -F "$CONFIG" "$@"; }

# all COMMAND NAME… runs a command for each of the names at once.
all() {
	local command=$1 pids=() pid
	shift
	for name in "$@"; do
		"$command" "$name" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
}

bring() {
	on "$1" "mkdir -p $directory/releases/$version"
	scp -q -F "$CONFIG" "$artifact" "$1:$directory/releases/.$version"
	on "$1" "set -e
		cd $directory/releases
		echo '$sum  .$version' | sha256sum -c --quiet
		chmod 755 .$version
		mv .$version $version/instance
		sync -f $version
		address=\$(awk -v name=\$(hostname) '\$2 == name { print \$1 }' /etc/hosts)
		cat >/etc/systemd/system/hand-$new.service <<-END
			[Service]
			Type=exec
			DynamicUser=yes
			WorkingDirectory=$directory/releases/$version
			ExecStart=$directory/releases/$version/instance
			Environment=PORT=$PORT DEPLOY_ADDRESS=\$address DEPLOY_RELEASE=$version
			Restart=always
			[Install]
			WantedBy=multi-user.target
		END
		systemctl daemon-reload
		systemctl --quiet enable --now hand-$new
		healthy() { curl -fsS -o /dev/null http://\$address:$PORT/healthz; }
		for _ in {1..150}; do healthy 2>/dev/null && break; sleep 0.2; done
		for _ in {1..5}; do sleep 0.2; healthy; done"
}

# api NAME COMMANDS asks one HAProxy, and writes the state file when it has changed something.
api() {
	on "$1" "address=\$(awk -v name=\$(hostname) '\$2 == name { print \$1 }' /etc/hosts)
		ask() { exec 3<>/dev/tcp/\$address/$STATS; echo \"\$1\" >&3; cat <&3; exec 3>&-; }
		$2"
}

servers() { # the servers of a slot, in a command each
	local name
	for name in $HOSTS; do printf "$1; " "hand/$2-$name"; done
}

prepare() {
	api "$1" "ask '$(servers 'set server %s weight 0' "$new") $(servers 'set server %s state ready' "$new")' >/dev/null
		for _ in {1..600}; do
			ask 'show stat hand 4 -1' | awk -F, '
				/^# /{ for (i = 1; i <= NF; i++) at[\$i] = i }
				\$2 ~ /^$new-/ && (\$at[\"check_health\"] < \$at[\"check_rise\"] + \$at[\"check_fall\"] - 1 || \$at[\"status\"] != \"UP\") { cold = 1 }
				END { exit cold }' && exit 0
			sleep 0.025
		done
		exit 1"
}

weigh() {
	api "$1" "ask '$(servers "set server %s weight $share" "$new") $([[ -z $old ]] || servers "set server %s weight $((100 - share))" "$old")' >/dev/null
		ask 'show servers state hand' | awk '\$4 ~ /^$new-/ && \$8 != $share { wrong = 1 } END { exit wrong }'
		ask 'show servers state' >/var/lib/haproxy/.server-state && mv /var/lib/haproxy/.server-state /var/lib/haproxy/server-state"
}

drain() {
	api "$1" "ask '$(servers 'set server %s state maint' "$old")' >/dev/null
		for _ in {1..1200}; do
			ask 'show stat hand 4 -1' | awk -F, '\$2 ~ /^$old-/ { busy += \$3 + \$5 } END { exit busy > 0 }' && quiet=\$((quiet + 1)) || quiet=0
			((quiet == 4)) && break
			sleep 0.025
		done
		ask 'show servers state' >/var/lib/haproxy/.server-state && mv /var/lib/haproxy/.server-state /var/lib/haproxy/server-state"
}

stop() { on "$1" "systemctl --quiet disable --now hand-$old"; }

all bring $HOSTS
all prepare $BALANCERS
for share in $STEPS 100; do
	all weigh $BALANCERS
	((share == 100)) || sleep "$PAUSE"
done
if [[ -n $old ]]; then
	all drain $BALANCERS
	all stop $HOSTS
fi
