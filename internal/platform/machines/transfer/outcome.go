package transfer

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

var errAtWork = errors.New("another run is at work on the same artifact there")

// outcome is what a script came to. Neither done nor an error: it is to be looked at again.
func (i *installation) outcome(a answers) (done bool, err error) {
	i.report.Check += a.took("checked")
	i.report.Unpack += a.took("unpacked")
	program := i.request.Program
	switch {
	case a.has("installed"):
		return true, nil
	case a.has("busy"):
		i.note(a.number("busy"))
		i.last = errors.New("another run is bringing the same artifact there and does not get on")
	case a.has("working"):
		// It is at work, however long that takes.
		if i.waiting.IsZero() {
			i.waiting = time.Now()
		}
		i.failing, i.last = time.Time{}, errAtWork
	case a.has("again") && i.last == nil:
		i.last = errAtWork
	case a.has("full"):
		return false, final{i.full(a.number("full"))}
	case a.has("no-zstd"):
		return false, final{i.noZstd()}
	case a.has("wrong"):
		got := "sha256:" + a.word("wrong", 0)
		if i.wrong != "" {
			return false, final{fmt.Errorf("what arrives is not the artifact: it has the digest %s, then %s, not %s; "+
				"did %s change meanwhile, or does the disk of %s not keep what is written?", i.wrong, got, i.request.Artifact.Digest, i.request.Artifact.Path, i.machine)}
		}
		i.wrong, i.arrived = got, 0
		i.proceed()
		i.last = fmt.Errorf("what arrived has the digest %s", got)
	case a.has("no-program"):
		return false, final{&artifact.ProgramError{Name: program}}
	case a.has("not-executable"):
		return false, final{&artifact.ProgramError{Name: program, Found: true}}
	case a.has("foreign"):
		return false, final{&ArchitectureError{Machine: i.machine.String(), Program: program, Got: a.word("foreign", 0), Want: a.word("foreign", 1)}}
	case len(a) == 0:
		return false, final{errors.New("the machine ran the script, and said nothing: does its shell print what it is told to?")}
	}
	return false, nil
}

// took is the time between two readings of /proc/uptime, in seconds.
func (a answers) took(key string) time.Duration {
	from, err := strconv.ParseFloat(a.word(key, 0), 64)
	if err != nil {
		return 0
	}
	to, err := strconv.ParseFloat(a.word(key, 1), 64)
	if err != nil {
		return 0
	}
	return time.Duration((to - from) * float64(time.Second))
}
