package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What has been healthy for long enough is looked at then, and not at the next turn.
func TestLongEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		instances := []service.Instance{{Name: "a"}, {Name: "b"}}
		both := map[string]time.Time{"a": began, "b": began.Add(200 * time.Millisecond)}
		<-longEnough(both, map[string]bool{}, instances, time.Second)
		if took := time.Since(began); took != 1200*time.Millisecond {
			t.Errorf("it is after %s", took)
		}
		for name, when := range map[string]<-chan time.Time{
			"one is not healthy": longEnough(map[string]time.Time{"a": began}, map[string]bool{}, instances, time.Second),
			"all are already":    longEnough(both, map[string]bool{"a": true, "b": true}, instances, time.Second),
		} {
			if when != nil {
				t.Errorf("%s, and there is a time", name)
			}
		}
		// The one that was healthy for long enough before is not waited for.
		began = time.Now()
		<-longEnough(map[string]time.Time{"a": began.Add(-time.Second), "b": began.Add(time.Hour)}, map[string]bool{"b": true}, instances, time.Second)
		if took := time.Since(began); took != 0 {
			t.Errorf("it is after %s", took)
		}
	})
}
