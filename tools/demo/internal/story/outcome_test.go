package story

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

// events reads events in the form of the ledger.
func events(t *testing.T, text string) []operator.Event {
	t.Helper()
	var read []operator.Event
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

const (
	updated = `[
		{"number":1,"time":"2026-01-02T03:04:00Z","type":"attempt_opened","attempt":2,"opening":{"mode":"update"}},
		{"number":2,"time":"2026-01-02T03:04:01Z","type":"stage_opened","attempt":2,"stage":"release"},
		{"number":3,"time":"2026-01-02T03:04:02Z","type":"attempt_closed","attempt":2,"closing":{"end":"finalized"}}]`
	restored = `[
		{"number":1,"time":"2026-01-02T03:04:00Z","type":"attempt_opened","attempt":5,"opening":{"mode":"update"}},
		{"number":1,"time":"2026-01-02T03:04:00Z","type":"change_intended"},
		{"number":2,"time":"2026-01-02T03:04:01Z","type":"stage_failed","attempt":5},
		{"number":3,"time":"2026-01-02T03:04:02Z","type":"restore_started","attempt":5},
		{"number":4,"time":"2026-01-02T03:04:03Z","type":"attempt_closed","attempt":5,"closing":{"end":"restored"}}]`
	recovered = `[
		{"number":1,"time":"2026-01-02T03:04:00Z","type":"attempt_opened","attempt":7,"opening":{"mode":"update"}},
		{"number":2,"time":"2026-01-02T03:04:01Z","type":"stage_opened","attempt":7,"stage":"release"},
		{"number":3,"time":"2026-01-02T03:04:30Z","type":"restore_started","attempt":7},
		{"number":4,"time":"2026-01-02T03:04:31Z","type":"attempt_closed","attempt":7,"closing":{"end":"restored"}},
		{"number":5,"time":"2026-01-02T03:04:32Z","type":"attempt_opened","attempt":8,"opening":{"mode":"update"}},
		{"number":6,"time":"2026-01-02T03:04:33Z","type":"attempt_closed","attempt":8,"closing":{"end":"finalized"}}]`
	rolledBack = `[
		{"number":1,"time":"2026-01-02T03:04:00Z","type":"attempt_opened","attempt":9,"opening":{"mode":"rollback"}},
		{"number":2,"time":"2026-01-02T03:04:01Z","type":"stage_opened","attempt":9,"stage":"preflight"},
		{"number":3,"time":"2026-01-02T03:04:02Z","type":"stage_opened","attempt":9,"stage":"release"},
		{"number":4,"time":"2026-01-02T03:04:03Z","type":"attempt_closed","attempt":9,"closing":{"end":"finalized"}}]`
	refused = `[
		{"number":1,"time":"2026-01-02T03:04:00Z","type":"attempt_opened","attempt":5,"opening":{"mode":"update"}},
		{"number":2,"time":"2026-01-02T03:04:01Z","type":"stage_failed","attempt":5,"stage":"preflight"},
		{"number":3,"time":"2026-01-02T03:04:03Z","type":"attempt_closed","attempt":5,"stage":"preflight","closing":{"end":"restored"}}]`
	interrupted = `[{"number":1,"time":"2026-01-02T03:04:00Z","type":"attempt_opened","attempt":7,"opening":{"mode":"update"}}]`
)

func TestOutcomeAndDecision(t *testing.T) {
	for name, test := range map[string]struct {
		exitCode int
		events   string
		want     Outcome
		// decided is the second of the decision, -1 for none.
		decided int
	}{
		"succeeded":                              {0, updated, Succeeded, -1},
		"restored":                               {1, restored, Restored, 1},
		"recovered":                              {0, recovered, Recovered, 30},
		"rolled back":                            {0, rolledBack, RolledBack, 2},
		"restored, and the apply claims success": {0, restored, Failed, 1},
		"finalized, and the apply failed":        {1, updated, Failed, -1},
		"interrupted, and nothing since":         {1, interrupted, Failed, -1},
		"nothing happened":                       {0, `[]`, Failed, -1},
		"refused before it began":                {1, `[]`, Refused, -1},
		"refused when it had begun":              {1, refused, Refused, 1},
		"refused, and the apply claims success":  {0, refused, Failed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			read := events(t, test.events)
			if got := outcome(test.exitCode, read); got != test.want {
				t.Errorf("the outcome is %s, want %s", got, test.want)
			}
			decided, found := decision(read)
			if found != (test.decided >= 0) || found && decided.Second() != test.decided {
				t.Errorf("decided at %v, %v, want second %d", decided, found, test.decided)
			}
		})
	}
}

func TestSummarize(t *testing.T) {
	read := events(t, restored)
	decided := read[2].Time
	c := Chapter{Name: "errors", Version: "v5", Bad: "v5", Leaving: "v5", Want: Restored, Running: "v2"}
	v5, v2 := "production/web/v5-00000005", "production/web/v2-00000002"
	record := func(offset time.Duration, status int, release string) traffic.Record {
		return traffic.Record{Started: decided, Ended: decided.Add(offset), Status: status, Release: release}
	}
	s, tally := summarize(c, 1, read, []traffic.Record{
		record(-300*time.Millisecond, 500, v5),
		record(-100*time.Millisecond, 500, v5),
		record(12*time.Millisecond, 200, v5),
		record(900*time.Millisecond, 200, v2),
	}, "v2")
	want := Summary{
		Name: "errors", Version: "v5", Outcome: Restored, ExitCode: 1, Requests: 4, Bad: 2, BadMS: 200, RestoreMS: 12, RunningAfter: "v2",
	}
	if s != want {
		t.Errorf("summed up as %+v, want %+v", s, want)
	}
	if wrong := problems(c, s, tally); len(wrong) != 0 {
		t.Errorf("problems with what came out as it must: %q", wrong)
	}
	encoded, err := json.Marshal(s)
	const form = `{"name":"errors","version":"v5","outcome":"restored","exit_code":1,"requests":4,"lost":0,"bad":2,"bad_ms":200,"restore_ms":12,"running_after":"v2"}`
	if err != nil || string(encoded) != form {
		t.Errorf("written as %s, %v, want %s", encoded, err, form)
	}
}

func TestProblems(t *testing.T) {
	c := Chapter{Want: Restored, Running: "v2"}
	good := Summary{Outcome: Restored, RunningAfter: "v2"}
	for name, test := range map[string]struct {
		change func(*Summary, *traffic.Tally)
		want   int
	}{
		"as it must":       {func(*Summary, *traffic.Tally) {}, 0},
		"another outcome":  {func(s *Summary, _ *traffic.Tally) { s.Outcome = Succeeded }, 1},
		"another runs":     {func(s *Summary, _ *traffic.Tally) { s.RunningAfter = "v2+v5" }, 1},
		"lost":             {func(s *Summary, _ *traffic.Tally) { s.Lost = 1 }, 1},
		"unexpected":       {func(_ *Summary, t *traffic.Tally) { t.Unexpected = 1 }, 1},
		"lost and outcome": {func(s *Summary, _ *traffic.Tally) { s.Lost, s.Outcome = 3, Failed }, 2},
	} {
		s, tally := good, traffic.Tally{}
		test.change(&s, &tally)
		if got := problems(c, s, tally); len(got) != test.want {
			t.Errorf("%s: problems %q, want %d", name, got, test.want)
		}
	}
}

// max_attempts of examples/demo is 3: the story must not hold v5 before its last try.
func TestStoryTriesV5OnEvidenceOnceOnly(t *testing.T) {
	onEvidence := 0
	for _, c := range slices.Concat(Chapters, OnMachines) {
		if c.Bad == "v5" && c.Amid == NoTrouble {
			onEvidence++
		}
	}
	if onEvidence != 1 {
		t.Errorf("v5 fails on evidence %d times, want once", onEvidence)
	}
}
