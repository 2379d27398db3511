// Package traffic sends requests at a constant rate, as the users of the demo's service, and keeps a log of what came
// back. Every figure about requests that the demo shows is counted from this log.
package traffic

import (
	"time"
)

// Record is one request: what was sent when, and what came back.
type Record struct {
	Started time.Time `json:"started"`
	// Ended is when the last byte of the answer, or the error, was there.
	Ended time.Time `json:"ended"`
	// URL that was asked.
	URL string `json:"url"`
	// Fresh: on a connection of its own; else on one that is kept alive.
	Fresh bool `json:"fresh,omitempty"`
	// Status of the answer, 0 if there was none.
	Status int `json:"status,omitempty"`
	// Release is the id of the release that answered; empty where no instance did.
	Release string `json:"release,omitempty"`
	// Error says why there was no whole answer.
	Error string `json:"error,omitempty"`
}

// Class is what a record means to the one who sent the request.
type Class string

// The classes. Each record has exactly one.
const (
	// Good: an instance answered, without an error.
	Good Class = "good"
	// Failed: an instance answered with an error.
	Failed Class = "failed"
	// Lost: refused, reset, timed out, cut off, or an error that no instance produced.
	Lost Class = "lost"
)

// Class tells which one it is.
func (r Record) Class() Class {
	switch {
	case r.Error != "" || r.Status == 0:
		return Lost
	case r.Release == "":
		// Something between us and the instances answered. Whatever it says, it is not what was asked for.
		return Lost
	case r.Status >= 400:
		return Failed
	}
	return Good
}
