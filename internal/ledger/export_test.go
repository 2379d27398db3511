package ledger

import "testing"

// HideProcesses has this process see no process in /proc, as one of another user does where they are hidden (hidepid).
func HideProcesses(t *testing.T) {
	t.Helper()
	shown := processes
	processes = t.TempDir()
	t.Cleanup(func() { processes = shown })
}
