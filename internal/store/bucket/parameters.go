package bucket

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Parameters reads the parameters of a store's URL. One that is not among known, or is given twice, is an error that
// lists what there is.
func Parameters(u *url.URL, known ...string) (map[string]string, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("read the parameters of the store %s: %w", u.Redacted(), err)
	}
	parameters := map[string]string{}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("store %s://%s%s: the parameter %q is not known; there are %s", u.Scheme, u.Host, u.Path, name, strings.Join(known, ", "))
		}
		if len(values) != 1 || values[0] == "" {
			return nil, fmt.Errorf("store %s://%s%s: give the parameter %q one value", u.Scheme, u.Host, u.Path, name)
		}
		parameters[name] = values[0]
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("store %s://%s%s: a user or a password has no place in it: credentials come from the environment", u.Scheme, u.Host, u.Path)
	case u.Host == "":
		return nil, fmt.Errorf("store %s: it names no bucket or container: write it like %s://name/prefix", u.Redacted(), u.Scheme)
	case u.Fragment != "":
		return nil, fmt.Errorf("store %s://%s%s: a # has no place in it", u.Scheme, u.Host, u.Path)
	}
	return parameters, nil
}
