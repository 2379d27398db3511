package prometheus_test

import "errors"

// credentials of the tests.
type credentials map[string]string

func (c credentials) Lookup(name string) (string, error) {
	if secret, found := c[name]; found {
		return secret, nil
	}
	return "", errors.New("the credential " + name + " is not known: set it")
}

var secrets = credentials{"token": "s3cr3t-token", "password": "s3cr3t-password"}
