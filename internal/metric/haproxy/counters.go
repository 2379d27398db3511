package haproxy

import (
	"math"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// counters of one server, by HAProxy's names of the fields. A field that this version or mode lacks is not there.
type counters map[string]float64

// growing are the fields that only grow, until they are reset.
var growing = []string{
	"stot", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "econ", "eresp", "wretr", "wredis", "cli_abrt", "srv_abrt",
}

// present are the fields that say how it is now.
var present = []string{"scur", "qtime", "ctime", "rtime", "ttime"}

func countersOf(s haproxy.Stat) counters {
	c := counters{}
	for _, fields := range [][]string{growing, present} {
		for _, name := range fields {
			if n, there := s.Number(name); there {
				c[name] = n
			}
		}
	}
	return c
}

// http tells whether answers are counted by their status: they are not in mode tcp.
func (c counters) http() bool {
	_, there := c["hrsp_2xx"]
	return there
}

// fell tells whether a counter is lower than before: they were reset.
func (c counters) fell(before counters) bool {
	for _, name := range growing {
		if c[name] < before[name] {
			return true
		}
	}
	return false
}

// answered are the requests that got a final answer from the server, whole or not.
func (c counters) answered() float64 {
	return c["hrsp_2xx"] + c["hrsp_3xx"] + c["hrsp_4xx"] + c["hrsp_5xx"] + c["hrsp_other"]
}

// since is what users had from this server between base and now, which is of the same process. base nil: since the process started.
//
// What has no answer is in eresp, beside other things. Each attempt to reach the server is a session, and all but those of requests
// without an answer are counted otherwise: an answer, a connection that failed for good, an attempt that was repeated. What is left are
// requests without an answer, and those that are not over: at most the sessions there are now, and with those that were there at
// base. Where no request is in flight the two bounds meet.
//
// Of attempts that were repeated, a connection counts once, in wretr if it is repeated on the same server, in wredis on another; an answer
// (retry-on) counts twice, both in wretr, or in wretr and wredis. The larger of wredis and half of both is never more than they were, and
// less only where connections were repeated on the same server, and where such repetitions come together.
func (c counters) since(base counters) analysis.Counts {
	d := counters{}
	for _, name := range growing {
		d[name] = c[name] - base[name]
	}
	repeated := max(d["wredis"], (d["wretr"]+d["wredis"])/2)
	left := max(0, math.Floor(d["stot"]+base["scur"]-d.answered()-d["econ"]-repeated))
	// Of those in eresp at most srv_abrt have an answer.
	unanswered := min(d["eresp"], left, max(d["eresp"]-d["srv_abrt"], left-c["scur"], 0))
	requests := d.answered() + d["econ"] + unanswered
	return analysis.Counts{
		Requests: requests,
		// An answer with a status of 500 that breaks off is one error.
		Errors: min(requests, d["hrsp_5xx"]+d["econ"]+unanswered+d["srv_abrt"]),
	}
}
