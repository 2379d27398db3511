package haproxy

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is what a line of statistics is about.
type Kind int

// The kinds.
const (
	KindFrontend Kind = iota
	KindBackend
	KindServer
	KindListener
)

// Stat is one line of `show stat`.
type Stat struct {
	// Proxy is the frontend or backend, Name the server's, or FRONTEND or BACKEND.
	Proxy, Name string
	Kind        Kind
	// fields by their names in HAProxy; those that are empty are left out.
	fields map[string]string
}

// Text is the field called name as HAProxy writes it: status, mode, algo, cookie, addr, check_status. Empty where this version or this
// kind of line has none.
func (s Stat) Text(name string) string { return s.fields[name] }

// Number is the field called name: weight, scur, qcur, stot, hrsp_5xx, req_tot, econ, eresp, wretr, wredis, qtime, lastchg and so on.
// Counters are since the process started or its counters were cleared, times (qtime, ctime, rtime, ttime) in milliseconds, the mean
// of the last 1024 requests. There is none where this version or this kind of line has no such field.
func (s Stat) Number(name string) (float64, bool) {
	n, err := strconv.ParseInt(s.fields[name], 10, 64)
	return float64(n), err == nil
}

// Stat returns the statistics of the proxies called by that name: of its frontend, its backend, its servers, its listeners; of all where
// proxy is empty. A proxy that is not there is an error with ErrNoBackend.
func (c *Client) Stat(ctx context.Context, proxy string) ([]Stat, error) {
	// Not by its name: of a frontend and a backend with the same one HAProxy would show the first alone.
	answers, err := c.Query(ctx, "show stat")
	if err != nil {
		return nil, err
	}
	stats, err := ParseStat(answers[0])
	if err != nil {
		return nil, fmt.Errorf("%s: read the statistics: %w", c.name, err)
	}
	if proxy == "" {
		return stats, nil
	}
	stats = slices.DeleteFunc(stats, func(s Stat) bool { return s.Proxy != proxy })
	if len(stats) == 0 {
		return nil, c.nameBackends(ctx, proxy, fmt.Errorf("%s: there is no proxy %s: %w", c.name, proxy, ErrNoBackend))
	}
	return stats, nil
}

// ParseStat reads the answer to `show stat`.
func ParseStat(text string) ([]Stat, error) {
	text, ok := strings.CutPrefix(text, "# ")
	if !ok {
		return nil, fmt.Errorf("they have no line with the names of their fields, but %q", bounded(text))
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord, reader.LazyQuotes = -1, true
	lines, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errors.New("they are empty")
	}
	var stats []Stat
	for _, values := range lines[1:] {
		s := Stat{fields: map[string]string{}}
		for i, value := range values {
			if i < len(lines[0]) && value != "" {
				s.fields[lines[0][i]] = value
			}
		}
		s.Proxy, s.Name = s.fields["pxname"], s.fields["svname"]
		kind, known := s.Number("type")
		if s.Proxy == "" || s.Name == "" || !known {
			return nil, fmt.Errorf("a line has no pxname, svname or type: %q", bounded(strings.Join(values, ",")))
		}
		s.Kind = Kind(kind)
		stats = append(stats, s)
	}
	return stats, nil
}
