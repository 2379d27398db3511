package haproxy_test

import (
	"sync"
	"testing"
	"time"
)

// TestReloadedMeanwhile: the weights that were set last are there after reloads and restarts that nobody told of.
func TestReloadedMeanwhile(t *testing.T) {
	s := newStand(t, form{options: checked, stateFile: true}, 2, 1)
	s.set(t, s.split(50))
	// Reloads begin with a change, and go on while they last: without a pause HAProxy would come to no check of its own.
	begun, ended := make(chan bool, 1), make(chan bool)
	stop := sync.OnceFunc(func() {
		close(begun)
		<-ended
	})
	defer stop()
	go func() {
		defer close(ended)
		for range begun {
			for _, server := range s.servers {
				server.Reload(t)
			}
		}
	}()
	begin := time.Now()
	changes := 0
	for i := 0; changes < 30 || time.Since(begin) < 2*time.Second; i++ {
		green := []int{0, 10, 25, 50, 75, 100, 40}[i%7]
		select {
		case begun <- true:
		default: // It is at work.
		}
		s.set(t, s.split(green))
		changes++
	}
	stop()
	s.set(t, s.split(30))
	s.servers[0].Reload(t)
	s.want(t, 30)
	t.Logf("%d changes", changes)
}
