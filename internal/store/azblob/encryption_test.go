package azblob_test

import (
	"net/http"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

func TestEncryptionOptionsGoWithEveryWrite(t *testing.T) {
	n := cloudtest.Note(t)
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint="+n.URL+"/a;")
	s, err := reopen("azblob://releases?encryption_scope=ours")
	if err != nil {
		t.Fatal(err)
	}
	cloudtest.EncryptsEveryWrite(t, n, s, func(r *http.Request) bool { return r.Header.Get("X-Ms-Encryption-Scope") == "ours" })
}
