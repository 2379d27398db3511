package machines

import (
	"strings"
	"sync"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
)

// each does something on all machines side by side, at most together at a time, 0: as many as there are. What went wrong is named by host,
// and once where several have it in common.
func each(parts []part, together int, do func(int, part) error) error {
	if together < 1 {
		together = len(parts)
	}
	errs := make([]error, len(parts))
	if crashpoint.InTurn() {
		for n, p := range parts {
			errs[n] = do(n, p)
		}
		return allOf(parts, errs)
	}
	free := make(chan struct{}, max(together, 1))
	var wg sync.WaitGroup
	for n, p := range parts {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			errs[n] = do(n, p)
		})
	}
	wg.Wait()
	return allOf(parts, errs)
}

// hostErrors are what went wrong on machines.
type hostErrors struct {
	text string
	errs []error
}

// Error implements error.
func (e *hostErrors) Error() string { return e.text }

// Unwrap gives the error of each machine.
func (e *hostErrors) Unwrap() []error { return e.errs }

// allOf are the errors of parts, a nil one of each where nothing went wrong.
func allOf(parts []part, errs []error) error {
	all := &hostErrors{}
	hosts := map[string][]string{}
	var order []string
	single := map[string]string{}
	for n, p := range parts {
		if errs[n] == nil {
			continue
		}
		named := p.named(errs[n])
		all.errs = append(all.errs, named)
		key := common(p, errs[n].Error())
		if hosts[key] == nil {
			order = append(order, key)
			single[key] = named.Error()
		}
		hosts[key] = append(hosts[key], p.host)
	}
	if len(all.errs) == 0 {
		return nil
	}
	texts := make([]string, len(order))
	for n, key := range order {
		if texts[n] = single[key]; len(hosts[key]) > 1 {
			texts[n] = several(hosts[key]) + ": " + key
		}
	}
	all.text = strings.Join(texts, "\n")
	return all
}
