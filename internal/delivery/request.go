package delivery

import (
	"encoding/json"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Request is what every stage is asked with.
type Request struct {
	Release service.ReleaseID
	// Create: the resource is not in the state yet. Owner is its token, empty on create.
	Create bool
	Owner  string
	// PriorAttempt is the attempt of the refreshed state, Seen the newest attempt that stood when it was refreshed; 0 on create.
	PriorAttempt int
	Seen         int
	// Arguments of the resource, in the provider's form: the ledger keeps them with the passage.
	Arguments json.RawMessage
	// WorstCase is how long the stage takes at most, as the plan showed it.
	WorstCase time.Duration
}

// Outcome is what a stage that passed exports.
type Outcome struct {
	Attempt int
	Owner   string
	Mode    service.Mode
	// Seen is the newest attempt that stands now.
	Seen     int
	Warnings []Warning
	// Exports of the stage, the same that the ledger keeps.
	Exports Exports
}

// Warning is something that does not fail a stage and that its users should know.
type Warning struct {
	Summary string
	Detail  string
}

// Exports are what stages compute, kept with the passage; each stage sets those that it has.
type Exports struct {
	Mode      service.Mode          `json:"mode,omitempty"`
	Replaces  service.ReleaseID     `json:"replaces,omitempty"`
	Slot      string                `json:"slot,omitempty"`
	WorstCase service.Duration      `json:"worst_case,omitempty"`
	Results   []service.CheckResult `json:"results,omitempty"`
	// Checkpoint.
	CheckpointID string `json:"checkpoint_id,omitempty"`
	Location     string `json:"location,omitempty"`
	Procedure    string `json:"procedure,omitempty"`
	// Traffic split: the weights read back, by slot, and the release that has weight 100.
	Weights  map[string]int    `json:"weights,omitempty"`
	Promoted service.ReleaseID `json:"promoted,omitempty"`
	// Finalization.
	Finalized   service.ReleaseID `json:"finalized,omitempty"`
	FinalizedAt time.Time         `json:"finalized_at,omitzero"`
	ValidUntil  time.Time         `json:"valid_until,omitzero"`
	Record      string            `json:"record,omitempty"`
}

// PreflightSpec is step 1.
type PreflightSpec struct {
	Checks map[string]service.Check `json:"checks,omitempty"`
	// Content of the release, where the user gave it: lets configuration and credentials be asked for here already;
	// else the release's stage asks before it touches anything.
	Content *service.Content `json:"content,omitempty"`
	// RequireConfig are keys that the content's config must have; RequireServices constraints on the versions of
	// other services by id.
	RequireConfig   []string          `json:"require_config,omitempty"`
	RequireServices map[string]string `json:"require_services,omitempty"`
	Window          *Window           `json:"window,omitempty"`
	Override        *Override         `json:"override,omitempty"`
	ValidFor        service.Duration  `json:"valid_for"`
}

// Window says when a release may be introduced.
type Window struct {
	// Allow lists weekly times such as "Mon-Thu 09:00-16:00"; empty: always.
	Allow []string `json:"allow,omitempty"`
	// Timezone is an IANA name, UTC by default.
	Timezone string `json:"timezone,omitempty"`
	// Freezes are days or ranges of days, "2026-12-20/2027-01-03", both ends included.
	Freezes []string `json:"freezes,omitempty"`
}

// Override skips parts of the preflight, loudly.
type Override struct {
	// Skip lists "window", "requires", "checks", "health" or names of checks.
	Skip   []string `json:"skip"`
	Reason string   `json:"reason"`
}

// CheckpointSpec is step 2.
type CheckpointSpec struct {
	Backups  map[string]service.Backup `json:"backups,omitempty"`
	Retain   int                       `json:"retain"`
	ValidFor service.Duration          `json:"valid_for"`
}

// ReleaseSpec is step 3.
type ReleaseSpec struct {
	Content     service.Content `json:"content"`
	Health      service.Health  `json:"health"`
	Checkpoint  string          `json:"checkpoint,omitempty"`
	MaxAttempts int             `json:"max_attempts"`
}

// SmokeTestSpec is step 4.
type SmokeTestSpec struct {
	Checks map[string]service.Check `json:"checks"`
}

// SplitSpec is step 5.
type SplitSpec struct {
	// Weight in whole percent, 1 to 100, and the steps below it.
	Weight   int           `json:"weight"`
	Steps    []Step        `json:"steps,omitempty"`
	Analysis *AnalysisSpec `json:"analysis,omitempty"`
	// Checks are repeated every CheckInterval while the candidate is at a step. One that fails speaks against the candidate; each that
	// passes counts as a request where the traffic is too little.
	Checks        map[string]service.Check `json:"checks,omitempty"`
	CheckInterval service.Duration         `json:"check_interval,omitempty"`
	// Advance says when a step ends; empty is AfterPause.
	Advance Advance `json:"advance,omitempty"`
}

// Advance says when a step ends.
type Advance string

// The ways to go on, from a step that shows nothing wrong.
const (
	// AfterPause: when the pause is over and enough was seen.
	AfterPause Advance = "after_pause"
	// WhenConfident: as soon as enough was seen, also before the pause is over.
	WhenConfident Advance = "when_confident"
)

// Step is a weight to stay at for a while.
type Step struct {
	Weight int              `json:"weight"`
	Pause  service.Duration `json:"pause"`
}

// Policy says what to do when a judgement is not to be had.
type Policy string

// The policies. Wait turns into what OnInconclusive says when MaxPause is over.
const (
	PolicyRestore  Policy = "restore"
	PolicyPause    Policy = "pause"
	PolicyWait     Policy = "wait"
	PolicyContinue Policy = "continue"
)

// AnalysisSpec is how the candidate is judged under traffic.
type AnalysisSpec struct {
	Interval service.Duration `json:"interval"`
	// InitialDelay after each raise of weight counts neither for nor against the candidate: caches are cold, connections are made.
	InitialDelay service.Duration `json:"initial_delay,omitempty"`
	analysis.Config
	// MaxPause bounds a step that has seen too little to go on.
	MaxPause service.Duration `json:"max_pause"`
	// The policies act when what they are about has lasted for their deadline without a break; 0: at once.
	OnNoData            Policy           `json:"on_no_data"`
	NoDataDeadline      service.Duration `json:"no_data_deadline,omitempty"`
	OnSourceError       Policy           `json:"on_source_error"`
	SourceErrorDeadline service.Duration `json:"source_error_deadline,omitempty"`
	// OnSharedFault is what to do while both sides suffer; empty is PolicyWait.
	OnSharedFault       Policy           `json:"on_shared_fault,omitempty"`
	SharedFaultDeadline service.Duration `json:"shared_fault_deadline,omitempty"`
	OnInconclusive      Policy           `json:"on_inconclusive"`
}

// VerificationSpec is step 6.
type VerificationSpec struct {
	Checks   map[string]service.Check `json:"checks,omitempty"`
	Analysis *AnalysisSpec            `json:"analysis,omitempty"`
	// Duration of the judgement at 100 %.
	Duration service.Duration `json:"duration"`
}

// FinalizationSpec is step 7.
type FinalizationSpec struct {
	BakeTime     service.Duration `json:"bake_time"`
	KeepPrevious int              `json:"keep_previous"`
}
