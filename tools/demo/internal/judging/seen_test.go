package judging

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

func answer(version string, status int) traffic.Record {
	now := time.Now()
	return traffic.Record{Started: now, Ended: now, Status: status, Release: "production/web/" + version + "-5c1f9e0b"}
}

func newLog(t *testing.T) *traffic.Log {
	t.Helper()
	log, err := traffic.NewLog(filepath.Join(t.TempDir(), "client.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

func TestSeen(t *testing.T) {
	log := newLog(t)
	log.Keep(answer("1.1.7", 500)) // of before
	s := since(log, "1.1.7")
	for _, r := range []traffic.Record{answer("1.1.7", 200), answer("1.0.0", 500), answer("1.1.70", 500), {Status: 502}} {
		log.Keep(r)
	}
	s.read()
	log.Keep(answer("1.1.7", 500))
	s.read()
	s.read()
	if s.answers != 2 || s.bad != 1 || len(s.records()) != 5 {
		t.Errorf("%d answers, %d of them bad, of %d records, want 2, 1 and 5", s.answers, s.bad, len(s.records()))
	}
}

func TestUntil(t *testing.T) {
	s := since(newLog(t), "1.1.7")
	never := func() bool { return false }
	ended := make(chan struct{})
	close(ended)
	if err := s.until(t.Context(), ended, "a sign", never); !errors.Is(err, errEnded) {
		t.Errorf("the apply has ended: %v", err)
	}
	if err := s.until(t.Context(), ended, "a sign", func() bool { return true }); err != nil {
		t.Errorf("it holds, whether the apply has ended or not: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.until(over, nil, "a sign", never); !errors.Is(err, context.Canceled) {
		t.Errorf("the time is over: %v", err)
	}
}

// What was sent before an apply ended says nothing about what answers after it.
func TestSettle(t *testing.T) {
	log := newLog(t)
	s := since(log, "1.1.7")
	early := answer("1.1.7", 500)
	settled, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		log.Keep(early)
		for {
			select {
			case <-settled:
				return
			case <-time.After(time.Millisecond):
				log.Keep(answer(stable, 200))
			}
		}
	}()
	versions, err := s.settle(t.Context())
	close(settled)
	<-done
	if err != nil || !slices.Equal(versions, []string{stable}) {
		t.Errorf("%q answer, %v, want %s alone", versions, err, stable)
	}
	if s.bad != 1 {
		t.Errorf("%d bad answers, want the one that came late to count", s.bad)
	}
}
