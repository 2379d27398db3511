package account_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/account"
)

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		account.User(0): "root", account.User(54321): "54321", account.Group(54321): "54321",
		account.Sudo(0): "sudo -u root", account.Sudo(54321): "sudo -u '#54321'",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
