package connect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Every store on a network ends its waits: internal/store tests how.
func TestStoresOnANetworkAreBounded(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
	t.Setenv("AZURE_STORAGE_KEY", "a2V5")
	bounded := fmt.Sprintf("%T", store.Bounded(nil, store.DefaultLimits))
	for _, raw := range []string{"s3://releases?region=eu-west-1", "S3://releases?region=eu-west-1", "gs://releases", "azblob://releases?storage_account=a"} {
		s, directory, err := Store(t.Context(), raw)
		if err != nil || directory != "" || fmt.Sprintf("%T", s) != bounded {
			t.Errorf("%s: a %T in %q, %v", raw, s, directory, err)
		}
	}
	for _, raw := range []string{"ftp://releases", "file:releases", "file://host/path"} {
		if s, _, err := Store(t.Context(), raw); err == nil || s != nil || !strings.Contains(err.Error(), "use ") {
			t.Errorf("%s: %v, %v", raw, s, err)
		}
	}
}
