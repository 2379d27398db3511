package secureshell

import "time"

// vigil counts for how long a machine has answered nothing. Times are since the connection was begun.
type vigil struct {
	// stopped is a time between two looks that is so long that we were not running (SIGSTOP, a machine that was suspended): what came
	// meanwhile is not read yet, and nobody was asked.
	stopped time.Duration
	// asked is when the first question was asked since something came last, looked the last look.
	asked, looked time.Duration
}

func newVigil(o Options) *vigil { return &vigil{stopped: max(2*o.KeepAlive, o.Silence/2)} }

// silent is how long a question has gone without an answer, where another one is asked now and something came last at heard.
func (v *vigil) silent(now, heard time.Duration) time.Duration {
	if heard >= v.asked || now-v.looked > v.stopped {
		v.asked = now
	}
	v.looked = now
	return now - v.asked
}
