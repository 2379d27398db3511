package connect

import (
	"fmt"
	"os"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

type credentials map[string]string

// Credentials that names are resolved with: those given, then the environment.
func (c *Connector) Credentials() delivery.Credentials { return credentials(c.options.Credentials) }

// Lookup returns the secret called name.
func (c credentials) Lookup(name string) (string, error) {
	if value, found := c[name]; found {
		return value, nil
	}
	variable := service.CredentialVariable(name)
	if value, found := os.LookupEnv(variable); found {
		return value, nil
	}
	return "", fmt.Errorf("the credential %q is not known: add it to the provider's credentials, or set %s", name, variable)
}
