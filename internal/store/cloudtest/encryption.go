package cloudtest

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// large is more than what goes in one request.
const large = 12 << 20

// EncryptsEveryWrite has objects of all kinds written to a server that notes: each write that begins one asks for the encryption
// that the store's URL names.
func EncryptsEveryWrite(t *testing.T, n *Noting, s store.Store, asks func(*http.Request) bool) {
	t.Helper()
	for what, err := range map[string]error{
		"Create": s.Create(t.Context(), "a/create", []byte("x")),
		"Put":    s.Put(t.Context(), "a/put", []byte("x")), "Upload of a small one": s.Upload(t.Context(), "a/small", bytes.NewReader([]byte("x"))),
		"Upload of a large one": s.Upload(t.Context(), "a/large", bytes.NewReader(make([]byte, large))),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	writes := n.Writes()
	if len(writes) < 4 {
		t.Fatalf("only %d writes came", len(writes))
	}
	for _, r := range writes {
		if !asks(r) {
			t.Errorf("%s %s does not ask for it: %v", r.Method, r.URL, r.Header)
		}
	}
}
