package prometheus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Labels that ask puts on what it asks for together, and takes off again.
const (
	partLabel = "deploy_part"
	timeLabel = "deploy_timestamp"
)

// clockPart asks for nothing but the server's clock.
const clockPart = "clock"

// part is one of several expressions that are asked for in one query, so that one state of the server answers all of them: what is
// scraped in between is in all of them or in none.
type part struct {
	expression string
	// selector: it is one, and its samples have times of their own.
	selector bool
}

// point is one series with its value.
type point struct {
	labels model.Metric
	value  float64
}

// points are what a part came to.
type points struct {
	series []point
	// newest is the time of the newest sample, for a selector that found some; zero: not known.
	newest time.Time
}

// answer is what the server says at one moment of its clock.
type answer struct {
	at    time.Time
	parts map[string]points
}

// sourceError is a failure of the server, which says nothing about a query, or a query that it refuses.
type sourceError struct {
	// refused: it is the query that is wrong.
	refused bool
	err     error
}

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// ask evaluates all parts at one moment, at if it is not zero. A part that alone is at fault is named in the error.
func (c *Prometheus) ask(ctx context.Context, at time.Time, parts map[string]part) (answer, error) {
	a, err := c.askTogether(ctx, at, parts)
	var failed *sourceError
	if err == nil || len(parts) < 2 || !errors.As(err, &failed) || !failed.refused {
		return a, err
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if _, err := c.askTogether(ctx, at, map[string]part{name: parts[name]}); err != nil {
			return answer{}, err
		}
	}
	return answer{}, err
}

func (c *Prometheus) askTogether(ctx context.Context, at time.Time, parts map[string]part) (answer, error) {
	expressions := []string{labelled("vector(0)", partLabel, clockPart)}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p := parts[name]
		expressions = append(expressions, labelled(p.expression, partLabel, name))
		if p.selector {
			expressions = append(expressions, labelled(labelled("timestamp("+p.expression+")", partLabel, name), timeLabel, "1"))
		}
	}
	vector, err := c.vector(ctx, strings.Join(expressions, "\n or "), at)
	if err != nil {
		if len(parts) == 1 {
			for name, p := range parts {
				err = fmt.Errorf("%s: %s: %w", name, p.expression, err)
			}
		}
		return answer{}, err
	}
	a := answer{parts: map[string]points{}}
	for _, s := range vector {
		name := string(s.Metric[partLabel])
		if name == clockPart {
			a.at = s.Timestamp.Time()
			continue
		}
		of := a.parts[name]
		if _, is := s.Metric[timeLabel]; is {
			if sampled := time.UnixMilli(int64(math.Round(float64(s.Value) * 1000))); sampled.After(of.newest) {
				of.newest = sampled
			}
		} else {
			delete(s.Metric, partLabel)
			of.series = append(of.series, point{labels: s.Metric, value: float64(s.Value)})
		}
		a.parts[name] = of
	}
	if a.at.IsZero() {
		return answer{}, &sourceError{err: errors.New("it answers without the series that was asked for by vector(0): it is no Prometheus")}
	}
	return a, nil
}

func labelled(expression, label, value string) string {
	return fmt.Sprintf("label_replace(%s, %q, %q, \"\", \"\")", expression, label, value)
}

// vector evaluates an expression. A warning, such as that of an answer that is not whole, is an error.
func (c *Prometheus) vector(ctx context.Context, expression string, at time.Time) (model.Vector, error) {
	value, err := c.evaluate(ctx, expression, at)
	if err != nil {
		return nil, err
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, &sourceError{refused: true, err: fmt.Errorf("the answer is a %s, and an instant vector is needed", value.Type())}
	}
	return vector, nil
}

func (c *Prometheus) evaluate(ctx context.Context, expression string, at time.Time) (model.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, c.definition.Timeout.D())
	defer cancel()
	value, warnings, _, err := c.api.Query(ctx, expression, at)
	if err != nil {
		return nil, c.failure(err)
	}
	if len(warnings) > 0 {
		return nil, &sourceError{err: fmt.Errorf("%s warns that its answer may not be whole: %s", c.definition.URL, strings.Join(warnings, "; "))}
	}
	if value == nil {
		return nil, &sourceError{err: fmt.Errorf("%s answers without a result", c.definition.URL)}
	}
	return value, nil
}

// failure says what the server says, in its own words.
func (c *Prometheus) failure(err error) error {
	var of *v1.Error
	if !errors.As(err, &of) {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			err = fmt.Errorf("%s answers more than %d MiB", c.definition.URL, bodyLimit>>20)
		}
		return &sourceError{err: err} // names the URL
	}
	text := of.Msg
	if detail := strings.TrimSpace(of.Detail); detail != "" && len(detail) <= 200 && !strings.ContainsAny(detail, "<\n") {
		text += " (" + detail + ")"
	}
	refused := of.Type == v1.ErrBadData || of.Type == v1.ErrExec
	return &sourceError{refused: refused, err: fmt.Errorf("%s answers %s: %s", c.definition.URL, of.Type, text)}
}
