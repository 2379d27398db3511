package machines

import (
	"os"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/account"
)

// thisUser is who we are.
func thisUser() string { return account.User(os.Geteuid()) }
