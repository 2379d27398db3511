package haproxy_test

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestReloadedMeanwhile: the weights that were set last are there after reloads and restarts that nobody told of.
func TestReloadedMeanwhile(t *testing.T) {
	s := newStand(t, form{options: checked, stateFile: true}, 2, 1)
	s.set(t, s.split(50))
	var done atomic.Bool
	ended := make(chan bool)
	defer func() {
		done.Store(true)
		<-ended
	}()
	go func() {
		defer close(ended)
		for !done.Load() {
			for _, server := range s.servers {
				server.Reload(t)
			}
		}
	}()
	begin := time.Now()
	changes := 0
	for i := 0; changes < 30 || time.Since(begin) < 2*time.Second; i++ {
		green := []int{0, 10, 25, 50, 75, 100, 40}[i%7]
		s.set(t, s.split(green))
		changes++
	}
	done.Store(true)
	<-ended
	s.set(t, s.split(30))
	s.servers[0].Reload(t)
	s.want(t, 30)
	t.Logf("%d changes", changes)
}
