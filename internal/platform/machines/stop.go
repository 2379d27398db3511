package machines

import (
	"context"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Stop implements delivery.Platform. It returns within the drain timeout and a margin.
func (m *Machines) Stop(ctx context.Context, p service.Placement) error {
	if err := m.end(ctx, "stop", p, stopBody); err != nil {
		return fmt.Errorf("stop %s: %w", p.Release, err)
	}
	return nil
}

// Remove implements delivery.Platform. The release's files stay until newer ones push them out, and the journal what was logged.
func (m *Machines) Remove(ctx context.Context, p service.Placement) error {
	if err := m.end(ctx, "remove", p, stopBody+removeBody); err != nil {
		return fmt.Errorf("remove %s: %w", p.Release, err)
	}
	return nil
}

// end does the same on all machines of a placement at once.
func (m *Machines) end(ctx context.Context, what string, p service.Placement, body string) error {
	parts, err := m.parts(p)
	if err != nil {
		return err
	}
	return each(parts, 0, func(_ int, p part) error {
		if p.Existing != "" {
			return p.endExisting(ctx, what)
		}
		_, err := p.change(ctx, what, 0, p.endScript()+body, nil)
		return p.explain(err)
	})
}

// endScript names what is to be ended.
func (p part) endScript() string {
	var b strings.Builder
	b.WriteString("wanted=" + shellWord(strings.Join(p.wanted(), " ")) + " marked=" + shellWord(releaseMark(p.release)) + "\n")
	b.WriteString("recorded=" + shellWord(fmt.Sprintf(`"placement":{"release":"%s","slot":"%s"`, p.release, p.slot)) + "\n")
	b.WriteString("of() { case $1 in\n")
	for _, i := range p.instances {
		fmt.Fprintf(&b, "%s) number=%d ;;\n", shellWord(i.unit), i.number)
	}
	b.WriteString("esac; }\n")
	return b.String()
}

// stopBody stops and disables those of the wanted units that are the release's.
const stopBody = `
# Of each: whether it is this release's, by what runs, and by what lies there.
shown=$(show -p Id -p ActiveState -p Environment $wanted) || fail '' "systemd does not answer"
busy=
seen() {
	case $active in active | reloading | activating | deactivating) ;; *) return 0 ;; esac
	case "$environment " in *"DEPLOY_RELEASE=$release "*) busy="$busy $id" ;; *) theirs="$theirs $id" ;; esac
}
id= active= environment= theirs=
while IFS= read -r line; do
	case $line in
	Id=*) id=${line#*=} ;;
	ActiveState=*) active=${line#*=} ;;
	Environment=*) environment=${line#*=} ;;
	'') seen; id= active= environment= ;;
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
	# What systemd knows of them is read again when something is started.
	if ! problem=$(ctl disable --now --no-reload $ours 2>&1); then fail stop "$problem"; fi
	for unit in $busy; do
		case $(show --value -p ActiveState "$unit") in
		active | activating | deactivating | reloading) fail stop "$unit still runs: $problem" ;;
		esac
		of "$unit"
		[ ! -d "$dir/slots/$slot/$number" ] || date +%s.%N >"$dir/slots/$slot/$number/stopped"
	done
	if [ -n "$busy" ]; then journal --sync >/dev/null 2>&1; fi
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
`

// removeBody takes away what is the release's but its files.
const removeBody = `
gone=
for unit in $ours; do
	of "$unit"
	dropins=
	if [ -s "$dir/slots/$slot/$number/drop-ins" ]; then
		while read -r name; do dropins="$dropins $units/$unit.d/$name"; done <"$dir/slots/$slot/$number/drop-ins"
	fi
	root rm -f "$units/$unit" $dropins || fail '' "the unit cannot be removed from $units"
	[ -z "$dropins" ] || [ -n "$(ls -A "$units/$unit.d" 2>/dev/null)" ] || root rm -rf "$units/$unit.d"
	gone="$gone $unit"
done
if [ -n "$gone" ]; then
	ctl daemon-reload && ctl reset-failed $gone 2>/dev/null
fi
for unit in $wanted; do
	of "$unit"
	there=
	[ -e "$dir/slots/$slot/$number/release" ] && read -r there <"$dir/slots/$slot/$number/release"
	[ "$there" != "$release" ] || rm -rf "$dir/slots/$slot/$number"
done
# The record goes with the last of its units, unless it is of the other slot.
for file in "$dir"/slots/*/*/release; do
	[ -e "$file" ] && read -r there <"$file" && [ "$there" = "$release" ] && exit 0
done
record=$dir/records/$label.json
[ ! -e "$record" ] || ! grep -qF "$recorded" "$record" || rm -f "$record"
[ "$(readlink "$dir/current")" != "releases/$label" ] || rm -f "$dir/current"
exit 0
`
