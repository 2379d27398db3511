package gcs_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

func TestEncryptionOptionsGoWithEveryWrite(t *testing.T) {
	const key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
	n := cloudtest.Note(t)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(n.URL, "http://"))
	s, err := reopen("gs://releases?kms_key_name=" + url.QueryEscape(key))
	if err != nil {
		t.Fatal(err)
	}
	cloudtest.EncryptsEveryWrite(t, n, s, func(r *http.Request) bool { return r.URL.Query().Get("kmsKeyName") == key })
}
