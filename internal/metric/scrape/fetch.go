package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// bodyLimit bounds an exposition in bytes, after decompression.
	bodyLimit = 32 << 20
	// accept asks for the text format, and for whatever an instance has that negotiates nothing.
	accept = "text/plain;version=0.0.4,*/*;q=0.1"
)

// exposition is what one instance exposes: metric families by name.
type exposition map[string]*dto.MetricFamily

// fetched is what came of one instance: an exposition or an error.
type fetched struct {
	exposition exposition
	err        error
}

// fetchAll reads all instances side by side, so that one that hangs costs one timeout, and returns them in their order.
func (s *Scrape) fetchAll(ctx context.Context, instances []service.Instance) []fetched {
	all := make([]fetched, len(instances))
	var wait sync.WaitGroup
	for i, instance := range instances {
		wait.Go(func() {
			e, err := s.fetch(ctx, instance)
			if err != nil {
				err = fmt.Errorf("scrape %s: %w", instance.Name, err)
			}
			all[i] = fetched{exposition: e, err: err}
		})
	}
	wait.Wait()
	return all
}

func (s *Scrape) fetch(ctx context.Context, instance service.Instance) (_ exposition, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.definition.Timeout.D())
	defer cancel()
	target, err := s.url(instance)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(context.WithValue(ctx, scraped{}, instance), http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err // names the URL
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", target, response.Status)
	}
	format := expfmt.ResponseFormat(response.Header)
	if format.FormatType() == expfmt.TypeOpenMetrics {
		// The library's parser of it takes milliseconds a series, and half a minute for a comment of 4 KB: an instance
		// would hold up its own judgement.
		return nil, fmt.Errorf("%s answers in OpenMetrics, and was asked for Prometheus' text format (text/plain;version=0.0.4)", target)
	}
	e, err := parse(http.MaxBytesReader(nil, response.Body, bodyLimit), format)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fmt.Errorf("%s is larger than %d MiB", target, bodyLimit>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is no exposition that can be read: %w", target, err)
	}
	return e, nil
}

// url is where instance exposes.
func (s *Scrape) url(instance service.Instance) (string, error) {
	host, port, err := net.SplitHostPort(instance.Address)
	if err != nil {
		return "", fmt.Errorf("its address %q is not host:port: %w", instance.Address, err)
	}
	if s.definition.Port != 0 {
		port = strconv.Itoa(s.definition.Port)
	}
	path, err := url.Parse(s.definition.Path)
	if err != nil {
		return "", fmt.Errorf("the path %q: %w", s.definition.Path, err)
	}
	base := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
	return base.ResolveReference(path).String(), nil
}

// path is what series that name paths call ours.
func (s *Scrape) path() string {
	path, _, _ := strings.Cut(s.definition.Path, "?")
	return path
}

func parse(r io.Reader, format expfmt.Format) (exposition, error) {
	decoder := expfmt.NewDecoder(r, format)
	e := exposition{}
	for {
		family := &dto.MetricFamily{}
		err := decoder.Decode(family)
		if errors.Is(err, io.EOF) {
			return e, nil
		}
		if err != nil {
			return nil, err
		}
		e[family.GetName()] = family
	}
}
