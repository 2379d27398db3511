package service

// Stage names a resource of the seven steps. There is one of a kind a service.
type Stage string

// The stages, in the order of the procedure.
const (
	StagePreflight    Stage = "preflight"
	StageCheckpoint   Stage = "checkpoint"
	StageRelease      Stage = "release"
	StageSmokeTest    Stage = "smoke_test"
	StageTrafficSplit Stage = "traffic_split"
	StageVerification Stage = "verification"
	StageFinalization Stage = "finalization"
)

// Stages lists all stages in the order of the procedure.
var Stages = []Stage{
	StagePreflight, StageCheckpoint, StageRelease, StageSmokeTest, StageTrafficSplit, StageVerification, StageFinalization,
}

// Mode is how a release is introduced.
type Mode string

// The modes.
const (
	// ModeInstall: the service has no stable release.
	ModeInstall Mode = "install"
	// ModeUpdate: a candidate is introduced beside the stable release.
	ModeUpdate Mode = "update"
	// ModeRollback: a release that is stable, or was and is kept ready, is wanted again.
	ModeRollback Mode = "rollback"
)

// End is how an attempt ended; empty while it is open.
type End string

// The ends. Each attempt has exactly one.
const (
	EndFinalized     End = "finalized"
	EndRestored      End = "restored"
	EndRestoreFailed End = "restore_failed"
	EndAbandoned     End = "abandoned"
	EndRolledBack    End = "rolled_back"
)
