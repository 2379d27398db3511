package machines

import _ "embed" // the scripts

// The scripts are POSIX shell, and follow the prelude (script.go). Nothing of a release becomes part of them but quoted, as the value of a variable.
var (
	//go:embed script/start.sh
	startBody string
	//go:embed script/stop.sh
	stopBody string
	//go:embed script/remove.sh
	removeBody string
	//go:embed script/see.sh
	seeBody string
	//go:embed script/ready.sh
	readyBody string
	//go:embed script/room.sh
	roomBody string
	//go:embed script/sudo.sh
	sudoBody string
	//go:embed script/records.sh
	recordsBody string
	//go:embed script/record.sh
	recordBody string
	//go:embed script/journal.sh
	journalBody string
	//go:embed script/logs.sh
	logsBody string
	//go:embed script/missing.sh
	missingBody string
	//go:embed script/existing_start.sh
	existingStartBody string
	//go:embed script/existing_stop.sh
	existingStopBody string
	//go:embed script/theirs.sh
	theirsBody string
	//go:embed script/units.sh
	unitsBody string
	//go:embed script/verify.sh
	verifyBody string
	//go:embed script/foreign.sh
	foreign string
)
