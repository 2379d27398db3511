package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// WaitFor waits until an expression of one series has at least a value, for as long as limit.
func (c Config) WaitFor(ctx context.Context, expression string, least float64, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		value, err := c.value(ctx, expression)
		if err == nil && value >= least {
			return nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("it is %v", value)
			}
			return fmt.Errorf("wait %s until %s is %v: %w", limit, expression, least, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// value of an expression that gives one sample.
func (c Config) value(ctx context.Context, expression string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+"/api/v1/query?query="+url.QueryEscape(expression), nil)
	if err != nil {
		return 0, fmt.Errorf("query Prometheus: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("query Prometheus: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []struct {
				// Value is a time and a number, the latter as a string.
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("query Prometheus: %s: %w", response.Status, err)
	}
	if len(answer.Data.Result) != 1 {
		return 0, fmt.Errorf("query Prometheus: %s gives %d series (%s)", expression, len(answer.Data.Result), response.Status+" "+answer.Error)
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("query Prometheus: %s is %q", expression, text)
	}
	return value, nil
}
