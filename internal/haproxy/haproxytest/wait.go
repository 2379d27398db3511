package haproxytest

import (
	"testing"
	"time"
)

// Wait until done says so; it is asked again and again, for a minute at most. what says in the failure what did not come.
func Wait(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startDeadline); !done(); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s it is still not so that %s", startDeadline, what)
		}
	}
}
